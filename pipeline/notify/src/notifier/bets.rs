//! Telling bets: one by one, or many in one message.

use std::time::Duration;

use marabet_schemas::bets::Grant;
use marabet_schemas::{BetId, Body, Event, Instant, MatchKey, Money};
use marabet_streams::trace::TARGET;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::{Notifier, Told};
use crate::outbox::{Entry, OutboxError, State};
use crate::{Announcement, Message, SendError};

/// Most bets in one message: as many lines as Telegram takes.
pub(super) const DIGEST_MAX: usize = 30;

/// A granted bet and where it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Bet<'a> {
    pub(super) key: &'a MatchKey,
    pub(super) grant: &'a Grant,
    /// Event time of the grant.
    pub(super) at: Instant,
}

impl<'a> Bet<'a> {
    pub(super) fn of(event: &'a Event) -> Option<Self> {
        match (&event.body, &event.key) {
            (Body::Grant(grant), Some(key)) => Some(Self { key, grant, at: event.at }),
            _ => None,
        }
    }

    fn id(&self) -> BetId {
        self.grant.value_bet.bet
    }

    /// Whether the other is the same bet, of whatever revision.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    pub(super) fn subject(&self) -> String {
        self.id().to_string()
    }

    /// Whether its price is stale or its match has begun.
    fn is_late_at(&self, now: Instant) -> bool {
        let bet = &self.grant.value_bet;
        now > bet.expires || (!bet.in_play && now >= bet.kickoff)
    }
}

/// A bet that is claimed and to be told, and where its answer belongs.
struct Claimed<'a> {
    bet: Bet<'a>,
    /// Someone may have it already.
    perhaps_told: bool,
    answer: usize,
}

impl Notifier {
    /// Deals with bets that go into one message, where more than one is to be told.
    pub(crate) async fn deal_with(&self, bets: &[Bet<'_>]) -> Result<Vec<Told>, OutboxError> {
        let mut answers = vec![Told::NoGrant; bets.len()];
        let mut claimed = Vec::new();
        for (answer, bet) in bets.iter().enumerate() {
            match self.claim(bet).await? {
                Ok(told) => answers[answer] = told,
                Err(perhaps_told) => claimed.push(Claimed { bet: *bet, perhaps_told, answer }),
            }
        }
        // Few are told one by one, so that each can be answered and changed.
        let at_once = if claimed.len() > self.options.audience.digest_over.max(1) {
            claimed.len()
        } else {
            1
        };
        while !claimed.is_empty() {
            let rest = claimed.split_off(at_once.min(claimed.len()));
            self.tell(claimed, &mut answers).await?;
            claimed = rest;
        }
        Ok(answers)
    }

    /// Claims a bet that is to be told (`Err`: whether someone may have it already), or ends it.
    async fn claim(&self, bet: &Bet<'_>) -> Result<Result<Told, bool>, OutboxError> {
        let now = self.clock.now(bet.at);
        let state = if bet.grant.stake <= Money::ZERO {
            State::Nothing
        } else if !self.options.audience.wants(bet.key, bet.grant) {
            State::Unwanted
        } else if self.is_late(bet) {
            State::Expired
        } else if self.is_silent_at(now).await? {
            State::Quiet
        } else {
            State::Claimed
        };
        let first = self.entry(bet, state, 0, None);
        match self.outbox.begin(self.channel(), &bet.subject(), &first).await? {
            None if state == State::Claimed => Ok(Err(false)),
            None => {
                self.count(state);
                if state == State::Quiet {
                    self.keep_for_later(bet).await?;
                }
                Ok(Ok(Told::Now(first)))
            }
            Some(Entry { state: State::Claimed, .. }) if state != State::Claimed => {
                let note = Some("left while it was being told".to_owned());
                Ok(Ok(self.end(bet, State::Unknown, 0, note, None).await?))
            }
            Some(Entry { state: State::Claimed, .. }) => Ok(Err(true)),
            Some(found) => {
                self.change(bet, &found).await?;
                Ok(Ok(Told::Before(found.state)))
            }
        }
    }

    /// Hands claimed bets to the channel in one message, until it has it, refuses it, or all are
    /// too late. Those that become too late on the way end by themselves.
    async fn tell(
        &self,
        mut claimed: Vec<Claimed<'_>>,
        answers: &mut [Told],
    ) -> Result<(), OutboxError> {
        let mut pause = self.options.pause;
        let mut attempt: u16 = 1;
        loop {
            let span = self.span(&claimed, attempt);
            let sent = self.send(&claimed).instrument(span.clone()).await;
            if let Err(error) = &sent {
                span.record("error", error.to_string());
            }
            drop(span);
            let (reason, asked_wait) = match sent {
                Ok(place) => {
                    let place = place.filter(|_| claimed.len() == 1);
                    for one in claimed {
                        let note = (answers.len() > 1 && place.is_none())
                            .then(|| "in a message of many".to_owned());
                        let sent = self.end(&one.bet, State::Sent, attempt, note, place.clone());
                        answers[one.answer] = sent.await?;
                    }
                    return Ok(());
                }
                Err(SendError::Refused(reason)) => {
                    return self.give_up(claimed, State::Failed, attempt, &reason, answers).await;
                }
                Err(SendError::Away { reason, wait }) => (reason, wait),
                Err(SendError::Unclear(reason)) => {
                    claimed.iter_mut().for_each(|one| one.perhaps_told = true);
                    (reason, None)
                }
            };
            let (channel, bets) = (self.channel(), claimed.len());
            tracing::warn!(channel, bets, attempt, "not told: {reason}");
            if attempt >= self.options.attempts_max {
                return self.give_up(claimed, State::Failed, attempt, &reason, answers).await;
            }
            let wait = asked_wait.unwrap_or(pause);
            // A wait that would end too late for a bet is not begun for it.
            let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
            let in_time = |one: &Claimed<'_>| {
                !one.bet.is_late_at(self.clock.now(one.bet.at).plus_seconds(seconds))
            };
            let (in_time, late): (Vec<_>, Vec<_>) = claimed.into_iter().partition(in_time);
            self.give_up(late, State::Expired, attempt, &reason, answers).await?;
            if in_time.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            let (still, late): (Vec<_>, Vec<_>) =
                in_time.into_iter().partition(|one| !self.is_late(&one.bet));
            self.give_up(late, State::Expired, attempt, &reason, answers).await?;
            if still.is_empty() {
                return Ok(());
            }
            claimed = still;
            pause = (pause * 2).min(self.options.pause_max);
            attempt = attempt.saturating_add(1);
        }
    }

    /// Ends bets that the channel does not have, or may have.
    async fn give_up(
        &self,
        claimed: Vec<Claimed<'_>>,
        state: State,
        attempt: u16,
        reason: &str,
        answers: &mut [Told],
    ) -> Result<(), OutboxError> {
        for one in claimed {
            let state = if one.perhaps_told { State::Unknown } else { state };
            let note = Some(reason.to_owned());
            answers[one.answer] = self.end(&one.bet, state, attempt, note, None).await?;
        }
        Ok(())
    }

    /// The span of handing one message to the channel.
    fn span(&self, claimed: &[Claimed<'_>], attempt: u16) -> Span {
        tracing::debug_span!(
            target: TARGET,
            "alert",
            otel.name = "alert",
            otel.kind = "client",
            channel = self.channel(),
            bet = claimed.first().map(|one| one.bet.subject()),
            bets = claimed.len(),
            attempt,
            error = Empty,
        )
    }

    async fn send(&self, claimed: &[Claimed<'_>]) -> Result<Option<String>, SendError> {
        let message = match claimed {
            [one] => self.message(&one.bet, one.perhaps_told),
            many => self.digest(many),
        };
        self.within_limit(self.channel.post(&message)).await
    }

    pub(super) fn message(&self, bet: &Bet<'_>, repeat: bool) -> Message {
        Announcement::new(bet.key, bet.grant, repeat).message(&self.options.audience.voice())
    }

    /// Many bets in one message, a line each.
    fn digest(&self, claimed: &[Claimed<'_>]) -> Message {
        let voice = self.options.audience.voice();
        let told: Vec<Announcement> = claimed
            .iter()
            .map(|one| Announcement::new(one.bet.key, one.bet.grant, one.perhaps_told))
            .collect();
        let title = format!("{} {}", told.len(), voice.say("bets", "apostas"));
        let mut text = title.clone();
        for one in &told {
            text.push('\n');
            text.push_str(&one.line(&voice));
        }
        if let Some(notice) = voice.notice() {
            text.push_str(&format!("\n{notice}"));
        }
        let first = claimed.first().map_or_else(String::new, |one| one.bet.subject());
        let json = serde_json::json!({ "bets": told }).to_string();
        Message { key: format!("bets:{first}"), title, text, json, buttons: Vec::new() }
    }

    fn is_late(&self, bet: &Bet<'_>) -> bool {
        bet.is_late_at(self.clock.now(bet.at))
    }

    fn entry(&self, bet: &Bet<'_>, state: State, attempts: u16, note: Option<String>) -> Entry {
        Entry {
            attempts,
            note,
            revision: bet.grant.value_bet.revision,
            stake: Some((bet.grant.stake, bet.grant.currency.clone())),
            ..Entry::new(state, self.clock.now(bet.at))
        }
    }

    async fn end(
        &self,
        bet: &Bet<'_>,
        state: State,
        attempts: u16,
        note: Option<String>,
        place: Option<String>,
    ) -> Result<Told, OutboxError> {
        let stands = self.stands(bet, place.as_deref());
        let entry = Entry { place, stands, ..self.entry(bet, state, attempts, note) };
        self.outbox.update(self.channel(), &bet.subject(), &entry).await?;
        self.watch(&bet.subject(), entry.stands.as_ref());
        self.count(state);
        Ok(Told::Now(entry))
    }

    /// How long at most one look at messages that stand waits for the channel.
    pub(super) const LOOK_MAX: Duration = Duration::from_secs(30);
}
