//! The queues and the schedule on a real Redis.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod ends;
mod order;
mod schedule;
mod support;
mod workers;
