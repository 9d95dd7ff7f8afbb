//! Facts about the system itself: the models and the configuration in force.
//!
//! Each goes into the feed of every partition, so that a decision follows from the log alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::strategy::Rules;
use crate::{Address, ArtefactHash, Competition, Instant};

/// A model is in force for a competition from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPublished {
    /// Which competition it prices.
    pub competition: Competition,
    /// Rises with each model of the competition; one that does not rise is ignored.
    pub number: u64,
    /// The artefact's address.
    pub hash: ArtefactHash,
    /// The kind of model, such as `dixon_coles`.
    pub family: String,
    /// Over which matches it was trained.
    pub training: Training,
}

/// What a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Training {
    /// Kick-off of the first match.
    pub from: Instant,
    /// Kick-off of the last match.
    pub to: Instant,
    /// How many matches.
    pub matches: u32,
    /// The last result used, one address a partition, where the results came from the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<Address>,
}

/// The rules in force from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigPublished {
    /// Rises with each configuration; one that does not rise is ignored.
    pub number: u64,
    /// Hash of the rules' JSON.
    pub hash: ArtefactHash,
    /// The rules.
    pub rules: Rules,
}

impl ConfigPublished {
    /// The rules under this number, with their hash.
    #[must_use]
    pub fn new(number: u64, rules: Rules) -> Self {
        let json = serde_json::to_vec(&rules).expect("rules hold only what JSON can say");
        Self { number, hash: ArtefactHash::of(&json), rules }
    }
}
