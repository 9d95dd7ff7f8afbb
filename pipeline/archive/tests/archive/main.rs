//! The archive by its public face: against a real server, in files that other programs read, and
//! over a store that speaks S3.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod archiver;
mod bucket;
mod files;
mod readers;
mod support;
