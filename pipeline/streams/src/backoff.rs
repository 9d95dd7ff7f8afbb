//! Waiting longer after each failure, up to a bound.

use std::time::Duration;

/// The waits between tries: doubling from `first` to `most`.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits that double from `first` to `most`.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// The waits after a lost connection: 20 ms to 2 s.
    #[must_use]
    pub fn reconnect() -> Self {
        Self::new(Duration::from_millis(20), Duration::from_secs(2))
    }

    /// The next wait.
    pub fn advance(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(self.most);
        wait
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// Waits.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.advance()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(100));
        let waits: Vec<_> = (0..5).map(|_| backoff.advance().as_millis()).collect();
        assert_eq!(waits, [20, 40, 80, 100, 100]);
        backoff.reset();
        assert_eq!(backoff.advance().as_millis(), 20);
    }
}
