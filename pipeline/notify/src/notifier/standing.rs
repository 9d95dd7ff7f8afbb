//! Messages that stand: changed when the bet improves, and when it can no longer be placed; and
//! silence, at night or as asked for.
//!
//! Which messages become out of date is kept in memory: after a restart those that were told
//! before it are not marked as expired. A message says itself until when it holds.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use marabet_schemas::{BetId, Instant};

use super::Notifier;
use super::bets::Bet;
use crate::outbox::{Entry, OutboxError, State};
use crate::{Announcement, Message, SendError};

/// Most messages that are watched; the first to expire go first.
const WATCHED_MAX: usize = 1_000;
/// Under which subject the bets of quiet hours are kept.
const QUIET: &str = "quiet";
/// Under which subject it is kept until when nothing is to be told.
const MUTE: &str = "mute";
/// Most bets of quiet hours that are named afterwards.
const QUIET_NAMED_MAX: usize = 20;

/// Messages by the instant at which they become out of date.
#[derive(Default)]
pub(super) struct Standing {
    watched: BTreeMap<(Instant, BetId), (String, Message)>,
}

impl Notifier {
    /// Watches a message that stands at a place.
    pub(super) fn stands(&self, bet: &Bet<'_>, place: Option<&str>) {
        let Some(place) = place else { return };
        let until = bet.grant.value_bet.expires.min(bet.grant.value_bet.kickoff);
        let voice = self.options.audience.voice();
        let mut message = self.message(bet, false);
        let over = voice.say("EXPIRED", "EXPIROU");
        message.text = format!("{over} · {}", message.text);
        message.buttons.clear();
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.watched.retain(|(_, watched), _| *watched != bet.grant.value_bet.bet);
        let place = (place.to_owned(), message);
        standing.watched.insert((until, bet.grant.value_bet.bet), place);
        while standing.watched.len() > WATCHED_MAX {
            standing.watched.pop_first();
        }
    }

    /// Changes the message of a bet that was told, where a later revision says something new.
    pub(super) async fn change(&self, bet: &Bet<'_>, found: &Entry) -> Result<(), OutboxError> {
        let newer = bet.grant.value_bet.revision > found.revision;
        let (State::Sent, Some(place), true) = (found.state, &found.place, newer) else {
            return Ok(());
        };
        let message = Announcement::new(bet.key, bet.grant, false);
        let message = message.message(&self.options.audience.voice());
        match self.within_limit(self.channel.edit(place, &message)).await {
            Ok(()) => {
                let entry = Entry { revision: bet.grant.value_bet.revision, ..found.clone() };
                self.outbox.update(self.channel(), &bet.subject(), &entry).await?;
                self.stands(bet, Some(place));
            }
            // The alert stands as it was told, which is what settles the bet.
            Err(error) => tracing::warn!(channel = self.channel(), "not changed: {error}"),
        }
        Ok(())
    }

    /// Marks messages whose bets can no longer be placed, and tells after quiet hours what came
    /// in them. To be called now and then.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox cannot be used; nothing is lost.
    pub async fn look_around(&self) -> Result<(), OutboxError> {
        let now = self.now();
        let began = tokio::time::Instant::now();
        while began.elapsed() < Self::LOOK_MAX
            && let Some((place, message)) = self.next_expired(now)
        {
            let changed = self.within_limit(self.channel.edit(&place, &message)).await;
            if let Err(SendError::Away { reason, .. } | SendError::Unclear(reason)) = changed {
                tracing::warn!(channel = self.channel(), "not marked as expired: {reason}");
                break;
            }
        }
        if self.is_silent_at(now).await? {
            return Ok(());
        }
        self.tell_of_quiet_hours(now).await
    }

    fn next_expired(&self, now: Instant) -> Option<(String, Message)> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let first = standing.watched.first_entry()?;
        (first.key().0 < now).then(|| first.remove())
    }

    /// Whether nothing is to be told now: in quiet hours, or because someone asked for silence.
    pub(super) async fn is_silent_at(&self, now: Instant) -> Result<bool, OutboxError> {
        if self.options.audience.is_quiet_at(now) {
            return Ok(true);
        }
        let mute = self.outbox.find(self.channel(), MUTE).await?;
        Ok(mute.is_some_and(|mute| now < mute.at))
    }

    /// Tells nothing until an instant.
    ///
    /// # Errors
    /// [`OutboxError`] when the outbox cannot be used.
    pub async fn mute_until(&self, until: Instant) -> Result<(), OutboxError> {
        self.outbox.update(self.channel(), MUTE, &Entry::new(State::Quiet, until)).await
    }

    /// Keeps the name of a bet that came in quiet hours.
    pub(super) async fn keep_for_later(&self, bet: &Bet<'_>) -> Result<(), OutboxError> {
        let kept = self.outbox.find(self.channel(), QUIET).await?;
        let kept = kept.filter(|entry| entry.state == State::Quiet);
        let mut entry = kept.unwrap_or_else(|| Entry::new(State::Quiet, self.clock.now(bet.at)));
        let announcement = Announcement::new(bet.key, bet.grant, false);
        let line = announcement.line(&self.options.audience.voice());
        entry.attempts = entry.attempts.saturating_add(1);
        let named = entry.note.take().unwrap_or_default();
        if named.lines().count() < QUIET_NAMED_MAX {
            entry.note = Some(format!("{named}{line}\n"));
        } else {
            entry.note = Some(named);
        }
        self.outbox.update(self.channel(), QUIET, &entry).await
    }

    async fn tell_of_quiet_hours(&self, now: Instant) -> Result<(), OutboxError> {
        let Some(kept) = self.outbox.find(self.channel(), QUIET).await? else { return Ok(()) };
        if kept.state != State::Quiet {
            return Ok(());
        }
        let voice = self.options.audience.voice();
        let (bets, named) = (kept.attempts, kept.note.unwrap_or_default());
        let text = format!(
            "{bets} {}\n{}",
            voice.say("bets while it was quiet", "apostas durante o silêncio"),
            named.trim_end()
        );
        let message = Message::plain(format!("quiet:{}", kept.at.micros()), text);
        if self.within_limit(self.channel.send(&message)).await.is_ok() {
            let told = Entry::new(State::Sent, now);
            self.outbox.update(self.channel(), QUIET, &told).await?;
        }
        Ok(())
    }
}
