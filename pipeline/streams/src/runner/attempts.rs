//! How often a frame was begun to be applied, so that one that ends the process whenever it is
//! applied stands out.
//!
//! A frame that may have been begun before is counted before it is applied, and its count is
//! taken away by its commit. A tenure that ends for another reason than a crash takes the count
//! back.

use redis::Value;

use crate::connect::Connection;
use crate::error::LogError;
use crate::script::ATTEMPT;

/// The counts of a stage in one slot. Outlives a tenure.
#[derive(Debug)]
pub(crate) struct Attempts {
    key: String,
    /// Frames that were counted and neither committed nor, as it turned out, the end of us.
    open: Vec<String>,
}

impl Attempts {
    /// The counts in this hash.
    pub(crate) fn new(key: String) -> Self {
        Self { key, open: Vec::new() }
    }

    /// Counts an attempt. Returns how many there were before, all of which ended their process.
    pub(crate) async fn begin(
        &mut self,
        connection: &mut Connection,
        frame: &str,
    ) -> Result<u32, LogError> {
        let mut command = ATTEMPT.command([&*self.key]);
        command.arg(frame);
        match connection.run(&ATTEMPT, &command).await? {
            Value::Int(count) => {
                self.open.push(frame.to_owned());
                Ok(u32::try_from(count - 1).unwrap_or(u32::MAX))
            }
            found => Err(LogError::unexpected("attempt", &found)),
        }
    }

    /// The last one begun was committed, and its count is gone.
    pub(crate) fn committed(&mut self) {
        self.open.pop();
    }

    /// Takes back the counts of frames that were given up for another reason than a crash.
    pub(crate) async fn absolve(&mut self, connection: &mut Connection) -> Result<(), LogError> {
        if !self.open.is_empty() {
            connection.ask(redis::cmd("HDEL").arg(&self.key).arg(&self.open)).await?;
            self.open.clear();
        }
        Ok(())
    }
}
