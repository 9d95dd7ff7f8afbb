//! Dead letters of all stages.

use marabet_schemas::Address;
use marabet_streams::dead::DeadEntry;
use marabet_streams::{Log, LogError};

/// The stages whose dead letters are looked at.
pub const STAGES: [&str; 3] = ["predict", "detect", "portfolio"];
/// Most letters of a stage that are listed.
pub const LISTED_MAX: usize = 10_000;

/// The letters of all stages that nothing was done about.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn letters(log: &Log) -> Result<Vec<DeadEntry>, LogError> {
    let mut letters = Vec::new();
    for stage in STAGES {
        letters.extend(log.dead_letters(stage, false, LISTED_MAX).await?);
    }
    Ok(letters)
}

/// The letter of this number in the list (from 1), or at this address.
#[must_use]
pub fn find<'a>(letters: &'a [DeadEntry], wanted: &str) -> Option<&'a DeadEntry> {
    let by_number =
        wanted.parse::<usize>().ok().and_then(|number| letters.get(number.wrapping_sub(1)));
    let by_address = wanted
        .parse::<Address>()
        .ok()
        .and_then(|address| letters.iter().find(|entry| entry.letter.address == address));
    by_number.or(by_address)
}
