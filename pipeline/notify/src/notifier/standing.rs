//! Messages that stand: changed when the bet improves, and when it can no longer be placed; and
//! silence, at night or as asked for.
//!
//! What a message is to say once it no longer holds lies in the outbox: whoever reads for the
//! channel next, after a restart or in another process, marks what its predecessor told.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use marabet_schemas::Instant;

use super::Notifier;
use super::bets::Bet;
use crate::outbox::{Entry, OutboxError, Stands, State};
use crate::{Announcement, Message, SendError};

/// Most messages that are watched at once; the others wait in the outbox.
const WATCHED_MAX: usize = 1_000;
/// For how long a message that no longer holds is tried to be marked, in seconds.
const MARKED_WITHIN_S: i64 = 86_400;
/// Under which subject the bets of quiet hours are kept.
const QUIET: &str = "quiet";
/// Under which subject it is kept until when nothing is to be told.
const MUTE: &str = "mute";
/// Most bets of quiet hours that are named afterwards.
const QUIET_NAMED_MAX: usize = 20;

/// Messages by the instant at which they become out of date.
#[derive(Default)]
pub(super) struct Standing {
    /// Subject and instant.
    watched: BTreeSet<(Instant, String)>,
    /// What predecessors told is among them.
    loaded: bool,
    /// Some are left to the outbox.
    overflowed: bool,
}

impl Notifier {
    /// What a message that stands at a place says once it no longer holds.
    pub(super) fn stands(&self, bet: &Bet<'_>, place: Option<&str>) -> Option<Stands> {
        place?;
        let until = bet.grant.value_bet.until();
        let over = self.options.audience.voice().say("EXPIRED", "EXPIROU");
        Some(Stands { until, text: format!("{over} · {}", self.message(bet, false).text) })
    }

    /// Watches a message.
    pub(super) fn watch(&self, subject: &str, stands: Option<&Stands>) {
        let Some(stands) = stands else { return };
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.watched.retain(|(_, watched)| watched != subject);
        standing.watched.insert((stands.until, subject.to_owned()));
        // The first to expire are looked at first; the others lie in the outbox.
        while standing.watched.len() > WATCHED_MAX {
            standing.watched.pop_last();
            standing.overflowed = true;
        }
    }

    /// Forgets what is watched: another may have told and marked meanwhile. The outbox knows.
    pub(crate) fn watch_anew(&self) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Standing::default();
    }

    /// Watches what predecessors told, and what was left to the outbox.
    async fn watch_all(&self) -> Result<(), OutboxError> {
        let is_complete = || {
            let standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            let has_room = standing.watched.len() < WATCHED_MAX / 2;
            standing.loaded && !(standing.overflowed && has_room)
        };
        if is_complete() {
            return Ok(());
        }
        let found = self.outbox.standing(self.channel()).await?;
        self.set_loaded();
        found.iter().for_each(|(subject, entry)| self.watch(subject, entry.stands.as_ref()));
        Ok(())
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
                let revision = bet.grant.value_bet.revision;
                let stands = self.stands(bet, Some(place));
                let entry = Entry { revision, stands, ..found.clone() };
                self.outbox.update(self.channel(), &bet.subject(), &entry).await?;
                self.watch(&bet.subject(), entry.stands.as_ref());
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
        self.watch_all().await?;
        while began.elapsed() < Self::LOOK_MAX
            && let Some(subject) = self.next_expired(now)
        {
            if !self.mark_expired(&subject, now).await? {
                break;
            }
        }
        if self.is_silent_at(now).await? {
            return Ok(());
        }
        self.tell_of_quiet_hours(now).await
    }

    fn set_loaded(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        (standing.loaded, standing.overflowed) = (true, false);
    }

    /// Changes a message to say that it no longer holds. False when the channel is away: it is
    /// tried again, for a day.
    async fn mark_expired(&self, subject: &str, now: Instant) -> Result<bool, OutboxError> {
        let Some(entry) = self.outbox.find(self.channel(), subject).await? else { return Ok(true) };
        let (Some(place), Some(stands)) = (&entry.place, &entry.stands) else { return Ok(true) };
        if now <= stands.until {
            // A later revision holds longer.
            self.watch(subject, Some(stands));
            return Ok(true);
        }
        let message = Message::plain(subject, stands.text.clone());
        let changed = self.within_limit(self.channel.edit(place, &message)).await;
        if let Err(SendError::Away { reason, .. } | SendError::Unclear(reason)) = &changed {
            tracing::warn!(channel = self.channel(), "not marked as expired: {reason}");
            if now < stands.until.plus_seconds(MARKED_WITHIN_S) {
                self.watch(subject, Some(stands));
                return Ok(false);
            }
        }
        let entry = Entry { stands: None, ..entry };
        self.outbox.update(self.channel(), subject, &entry).await?;
        Ok(true)
    }

    fn next_expired(&self, now: Instant) -> Option<String> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = standing.watched.first().is_some_and(|(until, _)| *until < now);
        let first = expired.then(|| standing.watched.pop_first()).flatten();
        first.map(|(_, subject)| subject)
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
