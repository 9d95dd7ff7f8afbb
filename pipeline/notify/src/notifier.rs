//! Telling granted bets on one channel: each at most once as new, none too late.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use marabet_schemas::bets::Grant;
use marabet_schemas::{BetId, Body, Event, Instant, MatchKey, Money};

use crate::clock::Clock;
use crate::outbox::{Entry, Outbox, OutboxError, State};
use crate::{Announcement, Channel, SendError};

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
    /// By whose clock instants are told.
    pub zone: TimeZone,
}

impl Default for NotifierOptions {
    fn default() -> Self {
        Self {
            attempts_max: 5,
            send_timeout: Duration::from_secs(10),
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(30),
            zone: TimeZone::UTC,
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
    /// How many bets ended in each state, by [`State::ALL`].
    ended: [AtomicU64; State::ALL.len()],
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
        Self { channel, outbox, clock, options, ended: Default::default() }
    }

    /// The channel's name.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.name()
    }

    /// How many bets this notifier has brought to an end in each state, by state.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<State, u64> {
        let counts = self.ended.iter().map(|count| count.load(Ordering::Relaxed));
        State::ALL.into_iter().zip(counts).collect()
    }

    /// Deals with an event of `grants`.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox cannot be used. The event is then to be given again: if the
    /// bet was told, it is told once more, marked as perhaps a repetition.
    pub async fn handle(&self, event: &Event) -> Result<Told, OutboxError> {
        let (Body::Grant(grant), Some(key)) = (&event.body, &event.key) else {
            return Ok(Told::NoGrant);
        };
        let bet = Bet { key, grant, at: event.at };
        let state = if grant.stake <= Money::ZERO {
            State::Nothing
        } else if self.is_late(&bet) {
            State::Expired
        } else {
            State::Claimed
        };
        let first = self.entry(&bet, state, 0, None);
        match self.outbox.begin(self.channel(), bet.id(), &first).await? {
            None if state == State::Claimed => self.tell(&bet, false).await,
            None => Ok(self.count(first)),
            Some(Entry { state: State::Claimed, .. }) if state != State::Claimed => {
                let note = Some("left while it was being told".to_owned());
                self.end(&bet, State::Unknown, 0, note).await
            }
            Some(Entry { state: State::Claimed, .. }) => self.tell(&bet, true).await,
            Some(found) => Ok(Told::Before(found.state)),
        }
    }

    /// Hands a claimed bet to the channel until it has it, refuses it, or it is too late.
    /// `perhaps_told`: the claim was found, and its process may have told the bet.
    async fn tell(&self, bet: &Bet<'_>, mut perhaps_told: bool) -> Result<Told, OutboxError> {
        let mut pause = self.options.pause;
        let mut attempt = 1;
        loop {
            let (reason, asked_wait) = match self.send(bet, perhaps_told).await {
                Ok(()) => return self.end(bet, State::Sent, attempt, None).await,
                Err(SendError::Refused(reason)) => {
                    let state = if perhaps_told { State::Unknown } else { State::Failed };
                    return self.end(bet, state, attempt, Some(reason)).await;
                }
                Err(SendError::Away { reason, wait }) => (reason, wait),
                Err(SendError::Unclear(reason)) => {
                    perhaps_told = true;
                    (reason, None)
                }
            };
            let (channel, id) = (self.channel(), bet.id());
            tracing::warn!(channel, bet = %id, attempt, "not told: {reason}");
            let given_up = attempt >= self.options.attempts_max;
            if given_up || !self.wait(bet, asked_wait.unwrap_or(pause)).await {
                let state = match (perhaps_told, given_up) {
                    (true, _) => State::Unknown,
                    (false, true) => State::Failed,
                    (false, false) => State::Expired,
                };
                return self.end(bet, state, attempt, Some(reason)).await;
            }
            pause = (pause * 2).min(self.options.pause_max);
            attempt += 1;
        }
    }

    async fn send(&self, bet: &Bet<'_>, repeat: bool) -> Result<(), SendError> {
        let announcement = Announcement::new(bet.key, bet.grant, repeat);
        let message = announcement.message(&self.options.zone);
        let most = self.options.send_timeout;
        let sending = tokio::time::timeout(most, self.channel.send(&message));
        sending.await.unwrap_or_else(|_| {
            Err(SendError::Unclear(format!("no answer within {} s", most.as_secs_f64())))
        })
    }

    /// Waits, and says whether it is still time to tell the bet then. A wait that would end too
    /// late is not begun.
    async fn wait(&self, bet: &Bet<'_>, pause: Duration) -> bool {
        let seconds = i64::try_from(pause.as_secs()).unwrap_or(i64::MAX);
        if bet.is_late_at(self.clock.now(bet.at).plus_seconds(seconds)) {
            return false;
        }
        tokio::time::sleep(pause).await;
        !self.is_late(bet)
    }

    fn is_late(&self, bet: &Bet<'_>) -> bool {
        bet.is_late_at(self.clock.now(bet.at))
    }

    fn entry(&self, bet: &Bet<'_>, state: State, attempts: u16, note: Option<String>) -> Entry {
        Entry { state, at: self.clock.now(bet.at), attempts, note }
    }

    async fn end(
        &self,
        bet: &Bet<'_>,
        state: State,
        attempts: u16,
        note: Option<String>,
    ) -> Result<Told, OutboxError> {
        let entry = self.entry(bet, state, attempts, note);
        self.outbox.update(self.channel(), bet.id(), &entry).await?;
        Ok(self.count(entry))
    }

    fn count(&self, entry: Entry) -> Told {
        let place = State::ALL.iter().position(|state| *state == entry.state);
        let count = &self.ended[place.expect("every state is among all")];
        count.fetch_add(1, Ordering::Relaxed);
        Told::Now(entry)
    }
}

/// A granted bet and where it comes from.
struct Bet<'a> {
    key: &'a MatchKey,
    grant: &'a Grant,
    /// Event time of the grant.
    at: Instant,
}

impl Bet<'_> {
    fn id(&self) -> BetId {
        self.grant.value_bet.bet
    }

    /// Whether its price is stale or its match has begun.
    fn is_late_at(&self, now: Instant) -> bool {
        let bet = &self.grant.value_bet;
        now > bet.expires || now >= bet.kickoff
    }
}
