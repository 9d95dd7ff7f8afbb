//! Keeping to a service's rate: so many messages a second, evenly, and none while it asks to wait.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Lets one message through at a time, each this long after the last.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// At most `messages` in `period`, evenly.
    #[must_use]
    pub fn of(messages: u32, period: Duration) -> Self {
        Self { gap: period / messages.max(1), next: Mutex::new(None) }
    }

    /// Waits for the next turn. Whoever asks first goes first.
    pub async fn turn(&self) {
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            tokio::time::sleep_until(at).await;
        }
        *next = Some(Instant::now() + self.gap);
    }

    /// Lets nothing through for a while, as the service asks.
    pub async fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut next = self.next.lock().await;
        *next = Some(next.map_or(until, |at| at.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_keep_their_distance_and_wait_as_the_service_asks() {
        let pace = Pace::of(2, Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..3 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        pace.hold(Duration::from_secs(15)).await;
        pace.turn().await;
        assert_eq!(start.elapsed(), Duration::from_secs(16));
    }
}
