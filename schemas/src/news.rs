//! What is told of a match beside its prices and its score: what happened in it, who plays, who
//! does not, and where the sides stand. A later one of a kind replaces an earlier.
//!
//! No stage bets by these, red cards in play apart: they are kept for models, reports and people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Source;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The home side.
    Home,
    /// The away side.
    Away,
}

/// What sort of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// A goal from play.
    Goal,
    /// A goal against the own side; the side is the one that the source names.
    OwnGoal,
    /// A goal from a penalty.
    Penalty,
    /// A penalty that was missed.
    MissedPenalty,
    /// A first yellow card.
    YellowCard,
    /// A player sent off, by a second yellow card too.
    RedCard,
    /// A player came on for another.
    Substitution,
    /// The video referee decided something.
    Review,
}

/// Something that happened in a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Minute of the match, added time included.
    pub minute: u16,
    /// Whose.
    pub side: Side,
    /// What.
    pub what: IncidentKind,
    /// Who did it, as the source writes the name; of a substitution one of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub player: Option<String>,
    /// Who assisted; of a substitution the other one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// The source's own word where it says more than the kind does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// All that happened in a match so far, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incidents {
    /// Who reported it.
    pub src: Source,
    /// What happened.
    pub incidents: Vec<Incident>,
}

impl Incidents {
    /// Players sent off, of the home side and of the away side.
    #[must_use]
    pub fn reds(&self) -> [u8; 2] {
        [Side::Home, Side::Away].map(|side| {
            let is_red = |one: &&Incident| one.what == IncidentKind::RedCard && one.side == side;
            u8::try_from(self.incidents.iter().filter(is_red).count()).unwrap_or(u8::MAX)
        })
    }
}

/// A side's line-up. Names as the source writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LineUp {
    /// `4-3-3`, where it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formation: Option<String>,
    /// Who begins.
    pub starters: Vec<String>,
    /// Who may come on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutes: Vec<String>,
}

/// Who plays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineUps {
    /// Who reported it.
    pub src: Source,
    /// The home side's.
    pub home: LineUp,
    /// The away side's.
    pub away: LineUp,
}

/// A player who misses a match, or may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absence {
    /// Who.
    pub player: String,
    /// Why, in the source's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It is not certain.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubtful: bool,
}

/// Who does not play: the injured, the suspended, and those in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absences {
    /// Who reported it.
    pub src: Source,
    /// Of the home side.
    pub home: Vec<Absence>,
    /// Of the away side.
    pub away: Vec<Absence>,
}

/// A side's place in the table of its competition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// From 1, within its group where there are groups.
    pub rank: u16,
    /// Points; below zero where points were deducted.
    pub points: i16,
    /// Matches played.
    pub played: u16,
    /// Goals scored less goals conceded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_difference: Option<i16>,
}

/// Where the sides of a match stand in the table before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Who reported it.
    pub src: Source,
    /// The home side's place.
    pub home: Place,
    /// The away side's.
    pub away: Place,
}
