//! A circuit breaker: a service that keeps failing is left alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::{Channel, Message, Picture, SendError};

/// Failures in a row that open the circuit.
const FAILURES_MAX: u32 = 5;
/// How long it stays open; then one message tries.
const OPEN_FOR: Duration = Duration::from_secs(15);

/// A channel behind a breaker.
pub struct Breaker<C> {
    channel: C,
    state: Mutex<Circuit>,
}

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    open_until: Option<Instant>,
}

impl<C: Channel> Breaker<C> {
    /// A breaker before a channel.
    #[must_use]
    pub fn new(channel: C) -> Self {
        Self { channel, state: Mutex::default() }
    }

    /// Lets a message through, unless the circuit is open.
    fn enter(&self) -> Result<(), SendError> {
        let circuit = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = circuit.open_until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(left) if !left.is_zero() => Err(SendError::Away {
                reason: format!("it failed {} times in a row and is left alone", circuit.failures),
                wait: Some(left),
            }),
            _ => Ok(()),
        }
    }

    fn leave<T>(&self, sent: Result<T, SendError>) -> Result<T, SendError> {
        let mut circuit = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &sent {
            // A service that says how long to wait, or that refuses, works.
            Ok(_) | Err(SendError::Refused(_) | SendError::Away { wait: Some(_), .. }) => {
                *circuit = Circuit::default();
            }
            Err(_) => {
                circuit.failures = circuit.failures.saturating_add(1);
                if circuit.failures >= FAILURES_MAX {
                    circuit.open_until = Some(Instant::now() + OPEN_FOR);
                }
            }
        }
        sent
    }
}

#[async_trait]
impl<C: Channel> Channel for Breaker<C> {
    fn name(&self) -> &str {
        self.channel.name()
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        self.enter()?;
        self.leave(self.channel.send(message).await)
    }

    async fn post(&self, message: &Message) -> Result<Option<String>, SendError> {
        self.enter()?;
        self.leave(self.channel.post(message).await)
    }

    async fn edit(&self, place: &str, message: &Message) -> Result<(), SendError> {
        self.enter()?;
        self.leave(self.channel.edit(place, message).await)
    }

    async fn show(&self, message: &Message, picture: &Picture) -> Result<(), SendError> {
        self.enter()?;
        self.leave(self.channel.show(message, picture).await)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Fails(AtomicU32);

    #[async_trait]
    impl Channel for Fails {
        fn name(&self) -> &str {
            "fails"
        }
        async fn send(&self, _: &Message) -> Result<(), SendError> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..=5 => Err(SendError::Away { reason: "away".to_owned(), wait: None }),
                _ => Ok(()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_failures_in_a_row_a_service_is_left_alone_and_then_one_message_tries() {
        let breaker = Breaker::new(Fails::default());
        let message = Message::plain("k", "t");
        for _ in 0..20 {
            breaker.send(&message).await.unwrap_err();
        }
        let asked = || breaker.channel.0.load(Ordering::Relaxed);
        assert_eq!(asked(), FAILURES_MAX);
        tokio::time::advance(OPEN_FOR).await;
        breaker.send(&message).await.unwrap_err();
        breaker.send(&message).await.unwrap_err();
        assert_eq!(asked(), FAILURES_MAX + 1);
        tokio::time::advance(OPEN_FOR).await;
        breaker.send(&message).await.unwrap();
        breaker.send(&message).await.unwrap();
        assert_eq!(asked(), FAILURES_MAX + 3);
    }
}
