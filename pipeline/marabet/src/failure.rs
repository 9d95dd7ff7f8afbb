//! How the program ends when it could not do what was asked.

use std::process::ExitCode;

use marabet_streams::LogError;

use crate::config::ConfigError;

/// What was asked for is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotThere(pub(crate) String);

/// A person, or the system, asked for the end before all was done.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Failed, in no way that has a code of its own.
const FAILED: u8 = 1;
/// The configuration is wrong.
const CONFIGURATION: u8 = 3;
/// Redis is away or unfit.
const REDIS: u8 = 4;
/// What was asked for is not there.
const NOT_THERE: u8 = 5;
/// Interrupted, as shells say it.
const INTERRUPTED: u8 = 130;

/// Prints what went wrong, and gives the exit code for it.
#[allow(clippy::print_stderr, reason = "the last word of a failed command")]
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let code = code(error);
    let message = format!("{error:#}");
    if json {
        eprintln!("{}", serde_json::json!({ "error": message, "exit_code": code }));
    } else {
        eprintln!("marabet: {message}");
    }
    ExitCode::from(code)
}

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() {
        CONFIGURATION
    } else if error.is::<NotThere>() {
        NOT_THERE
    } else if error.is::<Interrupted>() {
        INTERRUPTED
    } else if error.chain().any(<dyn std::error::Error>::is::<LogError>) {
        REDIS
    } else {
        FAILED
    }
}
