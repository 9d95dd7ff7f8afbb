//! What was decided about names, and what is still asked: the lines of the durable record.

use marabet_schemas::{Competition, Instant, Source};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::pool::Candidate;

/// A name as one provider writes it, among the sides of one table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Written {
    /// The provider.
    pub src: Source,
    /// The table of sides, or `competitions`.
    pub table: SmolStr,
    /// The name as the provider writes it.
    pub name: SmolStr,
}

/// The table under which competitions are asked about.
pub const COMPETITIONS: &str = "competitions";

/// On what a decision rests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Evidence {
    /// It is one of the names that we know.
    Known,
    /// The names are alike, and no other is.
    Likeness {
        /// How alike.
        likeness: f64,
    },
    /// The same competition, the same kick-off, and sides that are alike or whose opponent is
    /// known already.
    Match {
        /// The match that both tell of.
        key: SmolStr,
        /// How alike.
        likeness: f64,
    },
    /// No side that is known is like it: it is a new one.
    New,
    /// A person said so.
    Person,
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// This name means this side (or this competition). A later one replaces an earlier.
    Decided {
        /// The name.
        written: Written,
        /// The side that it means.
        side: SmolStr,
        /// Why.
        evidence: Evidence,
        /// When.
        at: Instant,
    },
    /// It is not clear which side this name means.
    Asked(Question),
}

/// What is asked of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The name.
    pub written: Written,
    /// The competition, as far as it is known.
    pub competition: Competition,
    /// A match in which the name stood.
    pub example: String,
    /// Sides that it could mean, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// When it was first asked.
    pub at: Instant,
}
