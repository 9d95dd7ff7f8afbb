//! Telling granted bets on one channel: each at most once as new, none too late.

mod bets;
mod other;
mod standing;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marabet_schemas::{Event, Instant};

use crate::clock::Clock;
use crate::outbox::{Entry, Outbox, OutboxError, State};
use crate::{Audience, Channel, SendError};
pub(crate) use bets::Bet;
use standing::Standing;

/// How a notifier goes about it.
#[derive(Debug, Clone)]
pub struct NotifierOptions {
    /// How often a message is handed to the channel before it is given up, at least 1.
    pub attempts_max: u16,
    /// How long a channel may take for one message; after it nobody knows whether it was sent.
    pub send_timeout: Duration,
    /// The pause before the second attempt; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause. A service that asks for a longer one gets it while the bet lasts.
    pub pause_max: Duration,
    /// Who is told, of what, and how.
    pub audience: Audience,
}

impl Default for NotifierOptions {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            send_timeout: Duration::from_secs(10),
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(30),
            audience: Audience { notice: false, digest_over: usize::MAX, ..Audience::default() },
        }
    }
}

/// Tells granted bets on one channel.
///
/// It is given the events of `grants` in order and returns from each when it is dealt with, so
/// that the event can be acknowledged. A channel has a notifier, and a consumer group, of its own:
/// a slow one holds up no other.
pub struct Notifier {
    channel: Arc<dyn Channel>,
    outbox: Arc<dyn Outbox>,
    clock: Arc<dyn Clock>,
    options: NotifierOptions,
    /// How many messages ended in each state, by [`State::ALL`].
    ended: [AtomicU64; State::ALL.len()],
    /// Messages that stand and become out of date at an instant.
    standing: Mutex<Standing>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is no grant, and nothing is told of it.
    NoGrant,
    /// An earlier time it ended in this state, and nothing was told now.
    Before(State),
    /// It ended in this state now.
    Now(Entry),
}

impl Notifier {
    /// A notifier for a channel.
    #[must_use]
    pub fn new(
        channel: Arc<dyn Channel>,
        outbox: Arc<dyn Outbox>,
        clock: Arc<dyn Clock>,
        options: NotifierOptions,
    ) -> Self {
        let standing = Mutex::default();
        Self { channel, outbox, clock, options, ended: Default::default(), standing }
    }

    /// The channel's name.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.name()
    }

    /// How many bets and other messages this notifier has brought to an end in each state.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<State, u64> {
        let counts = self.ended.iter().map(|count| count.load(Ordering::Relaxed));
        State::ALL.into_iter().zip(counts).collect()
    }

    /// Who is told.
    #[must_use]
    pub fn audience(&self) -> &Audience {
        &self.options.audience
    }

    /// Deals with an event of `grants`.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox cannot be used. The event is then to be given again: if the
    /// bet was told, it is told once more, marked as perhaps a repetition.
    pub async fn handle(&self, event: &Event) -> Result<Told, OutboxError> {
        let Some(bet) = Bet::of(event) else { return Ok(Told::NoGrant) };
        let mut told = self.deal_with(&[bet]).await?;
        Ok(told.pop().unwrap_or(Told::NoGrant))
    }

    /// The bets of events of `grants` that came at once, in order, by what is dealt with together:
    /// where they are more than the reader wants to hear one by one, many are told in one message.
    pub(crate) fn parcels<'a>(&self, events: &[&'a Event]) -> Vec<Vec<Bet<'a>>> {
        let bets: Vec<Bet<'a>> = events.iter().filter_map(|event| Bet::of(event)).collect();
        let many = bets.len() > self.options.audience.digest_over;
        let size = if many { bets::DIGEST_MAX } else { 1 };
        let mut parcels: Vec<Vec<Bet<'a>>> = Vec::new();
        for bet in bets {
            match parcels.last_mut() {
                // A bet's revision is a change of what was told by then.
                Some(last) if last.len() < size && !last.iter().any(|other| other.is(&bet)) => {
                    last.push(bet);
                }
                _ => parcels.push(vec![bet]),
            }
        }
        parcels
    }

    /// Hands something to the channel, and waits for its end as long as it may take.
    async fn within_limit<T>(
        &self,
        sending: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let most = self.options.send_timeout;
        tokio::time::timeout(most, sending).await.unwrap_or_else(|_| {
            Err(SendError::Unclear(format!("no answer within {} s", most.as_secs_f64())))
        })
    }

    fn count(&self, state: State) {
        let place = State::ALL.iter().position(|one| *one == state);
        let count = &self.ended[place.expect("every state is among all")];
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Now, where no event is at hand: by the wall in a line that runs live.
    fn now(&self) -> Instant {
        self.clock.now(Instant::default())
    }
}
