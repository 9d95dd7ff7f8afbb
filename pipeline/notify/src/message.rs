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
    /// Answers that a person can give with one touch, where the channel has buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// An answer that a person can give with one touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What it says.
    pub label: String,
    /// What it answers, such as `placed <bet>`; at most 64 bytes.
    pub answer: String,
}

/// A picture that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file's name.
    pub name: String,
    /// The file, PNG.
    pub png: Vec<u8>,
}

impl Message {
    /// A message for people whose first line is its title.
    #[must_use]
    pub fn plain(key: impl Into<String>, text: impl Into<String>) -> Self {
        let (key, text) = (key.into(), text.into());
        let title = text.lines().next().unwrap_or_default().to_owned();
        let json = serde_json::json!({ "about": key, "text": text }).to_string();
        Self { key, title, text, json, buttons: Vec::new() }
    }
}
