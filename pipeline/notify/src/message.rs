//! What a channel carries.

use serde::{Deserialize, Serialize};

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it is about: `bet:<id>`. The same for every sending of it, for services that drop
    /// repetitions themselves.
    pub key: String,
    /// One line.
    pub title: String,
    /// For people: a few lines, the title the first of them, without an end of line.
    pub text: String,
    /// For programs: one line of JSON, an object.
    pub json: String,
}
