//! Batches that clients send once or several times: what the log keeps of them, and until when.

use std::time::Duration;

use marabet_schemas::Source;

use crate::error::LogError;
use crate::log::Log;

impl Log {
    /// Notes that a batch of this content is sent under this source. False where the source was
    /// used for another content within that time.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn claim_batch(
        &self,
        source: &Source,
        content: &str,
        known_for: Duration,
    ) -> Result<bool, LogError> {
        let key = self.namespace().batch(source.as_str());
        let mut command = redis::cmd("SET");
        command.arg(&key).arg(content).arg("NX").arg("EX").arg(known_for.as_secs());
        self.query::<redis::Value>(&command).await?;
        let found: Option<String> = self.query(redis::cmd("GET").arg(&key)).await?;
        Ok(found.is_none_or(|found| found == content))
    }

    /// Lets go of what is known of a source in every partition after this time.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn forget_source_after(
        &self,
        source: &Source,
        after: Duration,
    ) -> Result<(), LogError> {
        for slot in self.namespace().slots() {
            let key = self.namespace().source(slot, source.as_str());
            let mut command = redis::cmd("EXPIRE");
            command.arg(key).arg(after.as_secs());
            self.query::<redis::Value>(&command).await?;
        }
        Ok(())
    }
}
