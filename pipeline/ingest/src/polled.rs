//! What the sources have in common that are asked for what is due: the loop around their looks.

use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::Instant;

use crate::desk::{Desk, News};
use crate::source::{Batch, SourceError};

/// A source that knows what is due.
#[async_trait]
pub(crate) trait Polled: Send {
    /// One thing to ask for.
    type Due: Send;

    /// Now.
    fn now(&self) -> Instant;

    /// Where it reports.
    fn desk(&mut self) -> &mut Desk;

    /// What is due, the most urgent first.
    fn due(&self, now: Instant) -> Option<Self::Due>;

    /// How long to sleep where nothing is.
    fn idle(&self) -> Duration;

    /// Asks for it.
    ///
    /// # Errors
    /// [`SourceError`]; it must not become due again at once.
    async fn look(&mut self, due: Self::Due) -> Result<Batch, SourceError>;
}

/// The next batch with something in it. What persons answered is reported without waiting for the
/// next look.
pub(crate) async fn next(source: &mut impl Polled) -> Result<Batch, SourceError> {
    loop {
        let now = source.now();
        let answered = source.desk().answered(now).map_err(|error| unkept(&error))?;
        let batch = if !answered.events.is_empty() {
            let News { events, rejects } = answered;
            Batch { first: None, events, rejects }
        } else if let Some(due) = source.due(now) {
            source.look(due).await?
        } else {
            tokio::time::sleep(source.idle()).await;
            continue;
        };
        if !batch.events.is_empty() || !batch.rejects.is_empty() {
            return Ok(batch);
        }
    }
}

/// A decision about names that cannot be kept is not made: nothing was reported, and it is tried
/// again.
pub(crate) fn unkept(error: &std::io::Error) -> SourceError {
    SourceError::transient(format!("decisions about names cannot be kept: {error}"))
}
