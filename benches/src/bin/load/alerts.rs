//! A channel that tells nobody and notes how old the price of each alert is.

use async_trait::async_trait;
use marabet_notify::clock::{Clock, WallClock};
use marabet_notify::{Channel, Message, SendError};
use marabet_schemas::Instant;
use marabet_streams::histogram::Histogram;
use std::time::Duration;

/// Ages of quotes at their alerts, from the instant of the quote to the sending of the message.
#[derive(Default)]
pub(crate) struct Ages(pub(crate) Histogram);

#[async_trait]
impl Channel for Ages {
    fn name(&self) -> &str {
        "ages"
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let refused = |reason: String| SendError::Refused(reason);
        let bet: serde_json::Value =
            serde_json::from_str(&message.json).map_err(|error| refused(error.to_string()))?;
        let quoted_at: Instant = bet["quoted_at"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| refused("the message holds no `quoted_at`".to_owned()))?;
        let age_us = WallClock.now(quoted_at).micros() - quoted_at.micros();
        self.0.record(Duration::from_micros(u64::try_from(age_us).unwrap_or(0)));
        Ok(())
    }
}
