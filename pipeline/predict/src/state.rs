//! The rows of the stage's state.

use std::collections::BTreeSet;

use marabet_quant::Market;
use marabet_schemas::ArtefactHash;
use marabet_schemas::facts::Fixture;
use serde::{Deserialize, Serialize};

/// What is known of a match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum MatchRow {
    /// Its fixture, with the score while it is played.
    Open(Fixture),
    /// It was closed. The row stays, some hundred bytes, so that what comes late is refused as
    /// late and not taken for news of a match whose fixture is missing.
    Closed,
}

/// The model in force for a competition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ModelRow {
    pub(crate) number: u64,
    pub(crate) hash: ArtefactHash,
}

/// The markets on which a book has a price that was not withdrawn.
pub(crate) type Offered = BTreeSet<Market>;

/// Most markets of one book on one match, far above what any book offers: a bound on the row.
pub(crate) const OFFERED_MAX: usize = 1_000;
