//! Events that could not be processed, kept with the reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Address;

/// An event that a stage could not process. It stands in `dead:<stage>` under its frame's ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// Which stage gave up.
    pub stage: String,
    /// Where the event stands.
    pub address: Address,
    /// What was wrong.
    pub reason: String,
    /// The event's line as it was.
    pub line: String,
}
