//! Which part of an archive is replayed, and which is compared.

use std::collections::BTreeSet;

use anyhow::bail;
use marabet_schemas::{Competition, Event, Instant, MatchKey};

use crate::failure::NotThere;

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Choice {
    /// Only what happened at or after this is compared and counted.
    pub(crate) from: Option<Instant>,
    /// Nothing after this is replayed.
    pub(crate) to: Option<Instant>,
    /// Only matches whose key holds one of these; all where empty.
    pub(crate) matches: Vec<String>,
    /// Only matches of these competitions; all where empty.
    pub(crate) leagues: Vec<Competition>,
}

impl Choice {
    /// Whether some matches are left out, so that the account sees other bets than it saw live.
    pub(crate) fn leaves_matches_out(&self) -> bool {
        !self.matches.is_empty() || !self.leagues.is_empty()
    }

    /// Whether a fact of this match is replayed.
    pub(crate) fn takes(&self, key: Option<&MatchKey>) -> bool {
        let Some(key) = key else { return true };
        (self.leagues.is_empty() || self.leagues.contains(&key.competition()))
            && (self.matches.is_empty()
                || self.matches.iter().any(|part| key.as_str().contains(part.as_str())))
    }

    /// Whether an event takes part in the comparison and the summary.
    pub(crate) fn counts(&self, event: &Event) -> bool {
        self.from.is_none_or(|from| from <= event.at)
            && self.is_before_end(event.at)
            && self.takes(event.key.as_ref())
    }

    /// Whether an instant is not after the end.
    pub(crate) fn is_before_end(&self, at: Instant) -> bool {
        self.to.is_none_or(|to| at <= to)
    }

    /// Sees that something was found of all that was asked for.
    ///
    /// # Errors
    /// [`NotThere`] naming what is not in the archive, and what is.
    pub(crate) fn found(&self, seen: &Seen) -> anyhow::Result<()> {
        for league in &self.leagues {
            if !seen.leagues.contains(league) {
                let known: Vec<String> = seen.leagues.iter().map(ToString::to_string).collect();
                bail!(NotThere(format!(
                    "the archive has no league {league}; it has {}",
                    or_none(&known.join(", "))
                )));
            }
        }
        if !self.matches.is_empty() && seen.chosen == 0 {
            bail!(NotThere(format!(
                "no match of the archive is named `{}`; write a part of its key, such as \
                 `2024-25|Man United|Fulham`",
                self.matches.join("`, `")
            )));
        }
        if seen.counted == 0 {
            let reaches = match (seen.first, seen.last) {
                (Some(first), Some(last)) => format!("its facts reach from {first} to {last}"),
                _ => "it has no facts".to_owned(),
            };
            bail!(NotThere(format!("there is nothing to replay in this range: {reaches}")));
        }
        Ok(())
    }
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

/// What an archive turned out to hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// The leagues of its facts.
    pub(crate) leagues: BTreeSet<Competition>,
    /// Facts of matches that were chosen.
    pub(crate) chosen: u64,
    /// Facts within the range.
    pub(crate) counted: u64,
    /// The earliest and the latest fact.
    pub(crate) first: Option<Instant>,
    pub(crate) last: Option<Instant>,
}

impl Seen {
    /// Takes a fact in.
    pub(crate) fn see(&mut self, event: &Event, choice: &Choice) {
        self.first = Some(self.first.map_or(event.at, |first| first.min(event.at)));
        self.last = Some(self.last.map_or(event.at, |last| last.max(event.at)));
        if let Some(key) = &event.key {
            if !choice.leagues.is_empty() {
                self.leagues.insert(key.competition());
            }
            self.chosen += u64::from(choice.takes(Some(key)));
        }
        self.counted += u64::from(choice.counts(event));
    }
}

/// A day or an instant, as a person writes it: `2024-08-16` or `2024-08-16T15:00:00Z`; a day that
/// ends a range is taken whole.
pub(crate) fn instant(text: &str, ends: bool) -> anyhow::Result<Instant> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let time = if ends { "23:59:59.999999" } else { "00:00:00" };
    let day: Result<Instant, _> = format!("{text}T{time}Z").parse();
    day.map_err(|_| {
        anyhow::anyhow!(
            "`{text}` is no day and no instant; write 2024-08-16 or 2024-08-16T15:00:00Z"
        )
    })
}
