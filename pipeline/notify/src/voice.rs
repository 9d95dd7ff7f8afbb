//! How a reader is spoken to: language, odds, clock.

use jiff::tz::TimeZone;
use marabet_quant::{Market, Selection};
use marabet_schemas::{Instant, MatchKey};
use serde::{Deserialize, Serialize};

use crate::{portuguese, words};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Portuguese.
    #[serde(rename = "pt")]
    Portuguese,
}

/// How odds are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddsFormat {
    /// `2.50`
    #[default]
    Decimal,
    /// `3/2`
    Fractional,
    /// `+150`
    American,
}

/// How a reader is spoken to.
#[derive(Debug, Clone)]
pub struct Voice {
    /// In which language.
    pub language: Language,
    /// How odds are written.
    pub odds: OddsFormat,
    /// By whose clock.
    pub zone: TimeZone,
    /// Whether a word on responsible play ends each message.
    pub notice: bool,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            language: Language::English,
            odds: OddsFormat::Decimal,
            zone: TimeZone::UTC,
            notice: false,
        }
    }
}

impl Voice {
    /// The one of two texts that is in the reader's language.
    #[must_use]
    pub fn say<'a>(&self, english: &'a str, portuguese: &'a str) -> &'a str {
        match self.language {
            Language::English => english,
            Language::Portuguese => portuguese,
        }
    }

    /// A bet in words.
    #[must_use]
    pub fn bet(&self, key: &MatchKey, market: &Market, selection: Selection) -> String {
        match self.language {
            Language::English => words::bet(key, market, selection),
            Language::Portuguese => portuguese::bet(key, market, selection),
        }
    }

    /// Odds as the reader writes them, from decimal ones.
    #[must_use]
    pub fn odds(&self, odds: f64) -> String {
        match self.odds {
            OddsFormat::Decimal => words::decimal(odds),
            OddsFormat::Fractional => fractional(odds),
            OddsFormat::American => american(odds),
        }
    }

    /// An instant by the reader's clock.
    #[must_use]
    pub fn instant(&self, at: Instant) -> String {
        match self.language {
            Language::English => words::instant(at, &self.zone),
            Language::Portuguese => portuguese::instant(at, &self.zone),
        }
    }

    /// The word on responsible play, where it is to be said.
    #[must_use]
    pub fn notice(&self) -> Option<&'static str> {
        self.notice.then_some(match self.language {
            Language::English => "18+ · stake only what you can afford to lose",
            Language::Portuguese => "18+ · aposte apenas o que pode perder",
        })
    }
}

/// Winnings a unit staked, as the simplest fraction within a thousandth: `3/2`, `10/11`.
fn fractional(odds: f64) -> String {
    let winnings = (odds - 1.0).max(0.0);
    let within = |denominator: u32| {
        let numerator = (winnings * f64::from(denominator)).round();
        (numerator / f64::from(denominator) - winnings).abs() <= 0.001 * winnings.max(0.1)
    };
    let denominator = (1..=100).find(|denominator| within(*denominator)).unwrap_or(100);
    format!("{}/{denominator}", (winnings * f64::from(denominator)).round())
}

/// Winnings on 100 staked (`+150`), or the stake that wins 100 (`-200`).
fn american(odds: f64) -> String {
    let winnings = odds - 1.0;
    if winnings >= 1.0 {
        format!("+{:.0}", winnings * 100.0)
    } else {
        format!("-{:.0}", 100.0 / winnings.max(0.001))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_written_as_the_reader_writes_them() {
        for (odds, fraction, line) in [
            (2.0, "1/1", "+100"),
            (2.5, "3/2", "+150"),
            (1.5, "1/2", "-200"),
            (1.909, "10/11", "-110"),
            (11.0, "10/1", "+1000"),
            (1.01, "1/100", "-10000"),
        ] {
            assert_eq!((&*fractional(odds), &*american(odds)), (fraction, line), "{odds}");
        }
    }
}
