//! Whether everything that was appended has gone all the way.

use std::time::Duration;

use crate::clock;
use crate::error::LogError;
use crate::groups;
use crate::log::Log;
use crate::namespace::Stream;

/// How often a line that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl Log {
    /// The group that is behind, first in the order of the line; none when every group of every
    /// stream has acknowledged everything. With no new facts meanwhile, the line is empty then:
    /// a stream is looked at after those that flow into it.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn behind(&self) -> Result<Option<String>, LogError> {
        let mut connections = self.connections();
        for stream in Stream::ALL {
            let of_account = stream.is_of_account();
            for partition in 0..if of_account { 1 } else { self.namespace().partitions() } {
                let key = self.namespace().stream(stream, partition);
                let connection = connections.of(&key).await?;
                for group in groups::of(connection, &key).await? {
                    let behind = group.behind(connection, &key, 1).await?;
                    if behind > 0 {
                        return Ok(Some(format!("{} on {key}", group.name)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Waits until no group is [behind](Self::behind), also through Redis being away. Groups are
    /// made when their stages begin: wait for those first.
    ///
    /// # Errors
    /// [`LogError::Asked`], naming the group that is behind, when the time is over.
    pub async fn wait_drained(&self, within: Duration) -> Result<(), LogError> {
        let started = clock::moment();
        loop {
            let behind = match self.behind().await {
                Ok(None) => return Ok(()),
                Ok(Some(behind)) => behind,
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(error),
            };
            if started.elapsed() >= within {
                return Err(LogError::Asked(format!(
                    "not everything was processed within {} s: {behind} is behind",
                    within.as_secs()
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
