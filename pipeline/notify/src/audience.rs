//! Who wants to hear of which bets, how, and when not.

use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use marabet_schemas::bets::Grant;
use marabet_schemas::{Book, Competition, Instant, MatchKey};
use serde::{Deserialize, Serialize};

use crate::voice::{Language, OddsFormat, Voice};

/// What a channel's reader wants to hear, and how. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// Competitions; all where empty.
    pub competitions: Vec<Competition>,
    /// Market families (`1x2`, `ou`, `ah`, …); all where empty.
    pub markets: Vec<String>,
    /// Books; all where empty.
    pub books: Vec<Book>,
    /// Least expected value: 0.03 for 3 %.
    pub ev_min: f64,
    /// The time of day in which nothing is told; the bets are counted, and told of afterwards.
    pub quiet: Option<Quiet>,
    /// More bets than this that come at once are told in one message.
    pub digest_over: usize,
    /// In which language.
    pub language: Language,
    /// How odds are written.
    pub odds: OddsFormat,
    /// By whose clock, an IANA name.
    pub zone: String,
    /// Whether each message ends with a word on responsible play.
    pub notice: bool,
    /// Whether the ends of bets that were told are told.
    pub settled: bool,
    /// Whether errors of the system are told here.
    pub errors: bool,
    /// Whether it is told here that names of teams wait for an answer.
    pub names: bool,
    /// Whether the daily and weekly reports are sent here.
    pub reports: bool,
}

impl Default for Audience {
    fn default() -> Self {
        Self {
            competitions: Vec::new(),
            markets: Vec::new(),
            books: Vec::new(),
            ev_min: 0.0,
            quiet: None,
            digest_over: 4,
            language: Language::English,
            odds: OddsFormat::Decimal,
            zone: "UTC".to_owned(),
            notice: true,
            settled: true,
            errors: true,
            names: true,
            reports: true,
        }
    }
}

/// A time of day, which may pass midnight: `23:00-07:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quiet {
    from: Time,
    to: Time,
}

/// The text is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of day; write it as 23:00-07:30")]
pub struct NoQuiet(String);

impl FromStr for Quiet {
    type Err = NoQuiet;
    fn from_str(text: &str) -> Result<Self, NoQuiet> {
        let wrong = || NoQuiet(text.to_owned());
        let time = |part: &str| Time::strptime("%H:%M", part.trim()).map_err(|_| wrong());
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (time(from)?, time(to)?);
        if from == to { Err(wrong()) } else { Ok(Self { from, to }) }
    }
}

impl TryFrom<String> for Quiet {
    type Error = NoQuiet;
    fn try_from(text: String) -> Result<Self, NoQuiet> {
        text.parse()
    }
}

impl From<Quiet> for String {
    fn from(quiet: Quiet) -> Self {
        format!("{}-{}", quiet.from.strftime("%H:%M"), quiet.to.strftime("%H:%M"))
    }
}

impl Quiet {
    fn covers(self, time: Time) -> bool {
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}

impl Audience {
    /// Whether the reader wants to hear of this bet.
    #[must_use]
    pub fn wants(&self, key: &MatchKey, grant: &Grant) -> bool {
        let bet = &grant.value_bet;
        let competition = key.competition();
        let market = bet.market.to_string();
        let family = market.split(['@', '/', '.']).next().unwrap_or_default();
        let any = |empty: bool, found: bool| empty || found;
        any(self.competitions.is_empty(), self.competitions.contains(&competition))
            && any(self.markets.is_empty(), self.markets.iter().any(|one| one == family))
            && any(self.books.is_empty(), self.books.contains(&bet.book))
            && bet.ev >= self.ev_min
    }

    /// Whether nothing is to be told at this instant.
    #[must_use]
    pub fn is_quiet_at(&self, at: Instant) -> bool {
        let Some(quiet) = self.quiet else { return false };
        let Ok(at) = jiff::Timestamp::from_microsecond(at.micros()) else { return false };
        quiet.covers(at.to_zoned(self.time_zone()).time())
    }

    /// The reader's time zone; UTC where the name is none.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// How the reader is spoken to.
    #[must_use]
    pub fn voice(&self) -> Voice {
        Voice {
            language: self.language,
            odds: self.odds,
            zone: self.time_zone(),
            notice: self.notice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_pass_midnight_and_go_by_the_readers_clock() {
        let quiet = |text: &str| Audience {
            quiet: Some(text.parse().unwrap()),
            zone: "Europe/Lisbon".to_owned(),
            ..Audience::default()
        };
        let night = quiet("23:00-07:30");
        for (at, expected) in [
            ("2025-07-01T21:59:00Z", false),
            ("2025-07-01T22:00:00Z", true),
            ("2025-07-02T06:29:00Z", true),
            ("2025-07-02T06:30:00Z", false),
        ] {
            assert_eq!(night.is_quiet_at(at.parse().unwrap()), expected, "{at}");
        }
        assert!(quiet("13:00-14:00").is_quiet_at("2025-01-01T13:30:00Z".parse().unwrap()));
        for wrong in ["", "23:00", "25:00-07:00", "23:00-23:00", "a-b"] {
            assert!(wrong.parse::<Quiet>().is_err(), "{wrong}");
        }
        let text = String::from("23:00-07:30".parse::<Quiet>().unwrap());
        assert_eq!(text, "23:00-07:30");
    }
}
