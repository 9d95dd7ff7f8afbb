//! Own events into the feed, each batch once.
//!
//! A batch is a source of its own, named by its key. The log keeps how far each source has come,
//! so that a batch which is sent again after an unclear answer appends what is missing and no
//! more. What is kept of a batch expires a day after it was last sent.

use std::time::Duration;

use marabet_schemas::{Event, Source};
use marabet_streams::{FeedOptions, FeedWriter, Log, LogError};
use sha2::{Digest, Sha256};

use crate::keys::hexadecimal;
use crate::problem::Problem;

/// How long a batch is known.
const KNOWN_FOR: Duration = Duration::from_secs(86_400);
/// Longest key that a client may choose, in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// The source of a batch: of its key, or of its content where it has none.
///
/// # Errors
/// A problem for a key that cannot be one.
pub(crate) fn source(key: Option<&str>, body: &[u8]) -> Result<Source, Problem> {
    let Some(key) = key else {
        return Ok(Source::new(format!("api:sha256:{}", hexadecimal(&Sha256::digest(body)))));
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'{' && byte != b'}';
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(plain) {
        return Err(Problem::malformed(format!(
            "Idempotency-Key must be 1 to {KEY_BYTES_MAX} visible ASCII characters other than \
             braces"
        )));
    }
    // Hashed, so that keys of clients stay short and plain in Redis.
    Ok(Source::new(format!("api:{}", hexadecimal(&Sha256::digest(key.as_bytes())[..16]))))
}

/// Appends a batch and returns once it is on the server's disk.
///
/// # Errors
/// A problem where the key was used for another batch, or another request sends this one now.
pub(crate) async fn append(
    log: &Log,
    source: &Source,
    body: &[u8],
    events: &[Event],
) -> Result<(), Problem> {
    let content = hexadecimal(&Sha256::digest(body));
    if !log.claim_batch(source, &content, KNOWN_FOR).await? {
        return Err(Problem::refused(
            "this Idempotency-Key was used for another body within the last day; take a new one",
        ));
    }
    let writer = FeedWriter::open(log, source, FeedOptions::default()).await?;
    let appended = async {
        writer.append_from(0, events).await?;
        writer.flush_durable().await
    };
    let appended: Result<(), LogError> = appended.await;
    let closed = writer.close().await;
    appended.and(closed)?;
    log.forget_source_after(source, KNOWN_FOR).await.map_err(Into::into)
}
