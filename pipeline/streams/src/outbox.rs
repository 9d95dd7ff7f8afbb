//! What was told outside, by channel: a text for each key, of which the first one stands.
//!
//! The texts are the teller's own. That `begin` is one atomic step is what keeps two tellers, or
//! one before and after a crash, from telling the same thing twice unknowingly.

use std::collections::BTreeMap;

use crate::error::LogError;
use crate::log::Log;
use crate::script::OUTBOX;
use crate::wire;

impl Log {
    /// Writes the text of a key on a channel unless there is one already, which is returned then
    /// and nothing written. One atomic step.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is, and then it is not known whether the text was written:
    /// whoever begins again finds the text, and must take it for one of an earlier telling.
    pub async fn outbox_begin(
        &self,
        channel: &str,
        key: &str,
        text: &str,
    ) -> Result<Option<String>, LogError> {
        let outbox = self.namespace().outbox(channel);
        let mut command = OUTBOX.command([&*outbox]);
        command.arg(key).arg(text);
        let answer = self.run(&OUTBOX, &command).await?;
        Ok(wire::text(&answer).map(str::to_owned))
    }

    /// Replaces the text of a key on a channel.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn outbox_update(
        &self,
        channel: &str,
        key: &str,
        text: &str,
    ) -> Result<(), LogError> {
        let outbox = self.namespace().outbox(channel);
        self.query::<redis::Value>(redis::cmd("HSET").arg(outbox).arg(key).arg(text)).await?;
        Ok(())
    }

    /// The text of a key on a channel.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn outbox_find(&self, channel: &str, key: &str) -> Result<Option<String>, LogError> {
        let outbox = self.namespace().outbox(channel);
        self.query(redis::cmd("HGET").arg(outbox).arg(key)).await
    }

    /// The texts of a channel, by key.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn outbox(&self, channel: &str) -> Result<BTreeMap<String, String>, LogError> {
        let outbox = self.namespace().outbox(channel);
        self.query(redis::cmd("HGETALL").arg(outbox)).await
    }

    /// Takes keys of a channel away, which may be told again afterwards.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn outbox_forget(&self, channel: &str, keys: &[&str]) -> Result<(), LogError> {
        if keys.is_empty() {
            return Ok(());
        }
        let outbox = self.namespace().outbox(channel);
        self.query::<redis::Value>(redis::cmd("HDEL").arg(outbox).arg(keys)).await?;
        Ok(())
    }
}
