//! The server as its clients meet it, over a real Redis.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod client;
mod events;
mod line;
mod manners;
mod office;
mod reading;
mod watching;
mod words;
