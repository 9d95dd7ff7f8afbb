//! What a market is: its definition, as the stream sends it, and what the catalogue adds.

use marabet_schemas::Instant;
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

/// Whether a market can be bet at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MarketStatus {
    /// Not yet.
    Inactive,
    /// Yes.
    Open,
    /// Not now.
    Suspended,
    /// No more.
    Closed,
    /// It says something that is not known here: not bettable.
    #[default]
    #[serde(other)]
    Unknown,
}

/// How a runner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunnerStatus {
    /// It runs.
    Active,
    /// It won.
    Winner,
    /// It lost.
    Loser,
    /// It was taken out: its bets are void.
    Removed,
    /// Something that is not known here.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A market's definition.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Definition {
    /// The event.
    #[serde(deserialize_with = "code")]
    pub event_id: SmolStr,
    /// The sport: 1 is football.
    #[serde(deserialize_with = "code")]
    pub event_type_id: SmolStr,
    /// `MATCH_ODDS`, `OVER_UNDER_25`, …
    pub market_type: SmolStr,
    /// When betting before the start ends.
    pub market_time: Option<SmolStr>,
    /// When the event starts.
    pub open_date: Option<SmolStr>,
    /// It runs.
    pub in_play: bool,
    /// Whether it can be bet at.
    pub status: MarketStatus,
    /// The runners.
    pub runners: Vec<RunnerDefinition>,
    /// The market's name, in the historical files.
    pub name: Option<String>,
    /// The event's name, in the historical files.
    pub event_name: Option<String>,
    /// The country, ISO 3166.
    pub country_code: Option<SmolStr>,
}

/// A runner of a definition.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunnerDefinition {
    /// The selection.
    #[serde(deserialize_with = "number")]
    pub id: u64,
    /// Its handicap.
    pub hc: f64,
    /// Its place in the list, from 1.
    pub sort_priority: u32,
    /// How it stands.
    pub status: RunnerStatus,
    /// Its name, in the historical files.
    pub name: Option<String>,
}

impl Definition {
    /// Football.
    pub const FOOTBALL: &str = "1";

    /// When the match starts, as far as it is said.
    #[must_use]
    pub fn kickoff(&self) -> Option<Instant> {
        let text = self.market_time.as_ref().or(self.open_date.as_ref())?;
        text.parse().ok()
    }

    /// Home and away, from the event's name.
    #[must_use]
    pub fn sides(&self) -> Option<(SmolStr, SmolStr)> {
        let name = self.event_name.as_deref()?;
        let (home, away) = name.split_once(" v ").or_else(|| name.split_once(" @ "))?;
        Some((SmolStr::new(home.trim()), SmolStr::new(away.trim())))
    }
}

/// A code that is written as text or as a number.
fn code<'de, D: Deserializer<'de>>(from: D) -> Result<SmolStr, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(match value {
        serde_json::Value::String(text) => text.into(),
        serde_json::Value::Null => SmolStr::default(),
        other => other.to_string().into(),
    })
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    code(from)?.parse().map_err(serde::de::Error::custom)
}
