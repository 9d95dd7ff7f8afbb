//! Which match a fact is about, and which partition that makes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::str::FromStr;

use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr as _};

use crate::Competition;

/// The identity of a match: competition, season, home, away, leg.
///
/// It holds no date, so that a postponed match keeps it. `leg` counts the meetings of the two
/// sides at this ground in the season, from 1. Written `E0|2024-25|Man United|Fulham|1`.
///
/// Whatever is kept of a match is found by its key, several times an event: so it knows its own
/// hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct MatchKey {
    text: SmolStr,
    hash: u64,
}

impl PartialEq for MatchKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for MatchKey {}

impl Hash for MatchKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for MatchKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MatchKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

/// Why a match key could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A part is empty or holds the separator or a control character.
    #[error("{part} `{text}` of a match key must be non-empty, without `|` and control characters")]
    Part {
        /// Which part.
        part: &'static str,
        /// What it held.
        text: String,
    },
    /// Not five parts.
    #[error("`{0}` is no match key; write competition|season|home|away|leg")]
    Form(String),
}

const COMPETITION: &str = "competition";
const SEASON: &str = "season";
const HOME: &str = "home side";
const AWAY: &str = "away side";

fn check_part(part: &'static str, text: &str) -> Result<(), KeyError> {
    let broken = |byte: u8| byte == b'|' || byte.is_ascii_control();
    if text.is_empty() || text.bytes().any(broken) {
        return Err(KeyError::Part { part, text: text.to_owned() });
    }
    Ok(())
}

/// Sees that the text is a key, as every event's is when it is read: without a copy.
fn check(text: &str) -> Result<(), KeyError> {
    let form = || KeyError::Form(text.to_owned());
    let mut parts = text.split('|');
    for part in [COMPETITION, SEASON, HOME, AWAY] {
        check_part(part, parts.next().ok_or_else(form)?)?;
    }
    let leg = parts.next().ok_or_else(form)?;
    let canonical = leg.parse::<u8>().is_ok() && !leg.starts_with(['0', '+']);
    if canonical && parts.next().is_none() { Ok(()) } else { Err(form()) }
}

impl MatchKey {
    /// The key of a text that was seen to be one.
    fn of(text: SmolStr) -> Self {
        let hash = FxBuildHasher.hash_one(text.as_str());
        Self { text, hash }
    }

    /// The key of a match.
    ///
    /// # Errors
    /// [`KeyError::Part`] when a part is empty or holds `|` or a control character.
    pub fn new(
        competition: &Competition,
        season: &str,
        home: &str,
        away: &str,
        leg: u8,
    ) -> Result<Self, KeyError> {
        for (part, text) in
            [(COMPETITION, competition.as_str()), (SEASON, season), (HOME, home), (AWAY, away)]
        {
            check_part(part, text)?;
        }
        if leg == 0 {
            return Err(KeyError::Part { part: "leg (from 1)", text: leg.to_string() });
        }
        let leg = leg.to_smolstr();
        let text = [competition.as_str(), season, home, away, &leg].join("|");
        Ok(Self::of(text.into()))
    }

    /// The key as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn part(&self, index: usize) -> &str {
        self.text.split('|').nth(index).expect("a key has five parts: it was checked when made")
    }

    /// The competition.
    #[must_use]
    pub fn competition(&self) -> Competition {
        Competition::new(self.part(0))
    }

    /// The season, as its source writes it in full: `2024-25` or `2024`.
    #[must_use]
    pub fn season(&self) -> &str {
        self.part(1)
    }

    /// The home side.
    #[must_use]
    pub fn home(&self) -> &str {
        self.part(2)
    }

    /// The away side.
    #[must_use]
    pub fn away(&self) -> &str {
        self.part(3)
    }

    /// The partition of the match among `partitions`: FNV-1a (64 bits) of the key's bytes,
    /// modulo the number of partitions.
    #[must_use]
    pub fn partition(&self, partitions: u16) -> u16 {
        let hash = self.text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // The remainder is below a u16.
        (hash % u64::from(partitions.max(1))) as u16
    }
}

impl FromStr for MatchKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        check(text)?;
        Ok(Self::of(SmolStr::new(text)))
    }
}

impl TryFrom<SmolStr> for MatchKey {
    type Error = KeyError;
    fn try_from(text: SmolStr) -> Result<Self, KeyError> {
        check(&text)?;
        Ok(Self::of(text))
    }
}

impl From<MatchKey> for SmolStr {
    fn from(key: MatchKey) -> Self {
        key.text
    }
}

impl fmt::Display for MatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl schemars::JsonSchema for MatchKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MatchKey".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[^|]+\\|[^|]+\\|[^|]+\\|[^|]+\\|[0-9]+$",
            "description": "competition|season|home|away|leg"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_is_written() {
        let key = MatchKey::new(&"E0".into(), "2024-25", "Man United", "Fulham", 1).unwrap();
        assert_eq!(key.as_str(), "E0|2024-25|Man United|Fulham|1");
        assert_eq!(key.as_str().parse::<MatchKey>().unwrap(), key);
        assert_eq!((key.home(), key.away(), key.season()), ("Man United", "Fulham", "2024-25"));
    }

    #[test]
    fn a_key_with_a_broken_part_is_refused() {
        for wrong in [
            "",
            "E0|2024|A|B",
            "E0|2024||B|1",
            "E0|2024|A|B|x",
            "E0|2024|A|B|01",
            "E0|2024|A|B|1|2",
            "E0|2024|A\n|B|1",
        ] {
            assert!(wrong.parse::<MatchKey>().is_err(), "`{wrong}` was taken for a key");
        }
    }

    #[test]
    fn the_partition_of_a_match_is_stable() {
        let key: MatchKey = "E0|2024-25|Man United|Fulham|1".parse().unwrap();
        assert_eq!(key.partition(1), 0);
        assert_eq!(key.partition(4), key.partition(4));
        assert!(key.partition(32) < 32);
    }
}
