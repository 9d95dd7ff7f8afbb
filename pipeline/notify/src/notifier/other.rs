//! What is told beside bets to be placed: how they ended, reports, errors.

use marabet_schemas::bets::Settlement;
use marabet_schemas::{Body, Event, MatchKey};

use super::{Notifier, Told};
use crate::outbox::{Entry, OutboxError, State};
use crate::settled;
use crate::{Message, Picture, SendError};

impl Notifier {
    /// Deals with an event of `bets`: tells how a bet ended that was told here.
    ///
    /// # Errors
    /// As [`Notifier::handle`].
    pub async fn handle_settled(&self, event: &Event) -> Result<Told, OutboxError> {
        let (Body::Settlement(settlement), Some(key)) = (&event.body, &event.key) else {
            return Ok(Told::NoGrant);
        };
        if !self.options.audience.settled {
            return Ok(Told::NoGrant);
        }
        let bet = self.outbox.find(self.channel(), &settlement.bet.to_string()).await?;
        match bet {
            Some(bet) if matches!(bet.state, State::Sent | State::Unknown) => {
                self.tell_settled(key, settlement, &bet).await
            }
            _ => Ok(Told::NoGrant),
        }
    }

    async fn tell_settled(
        &self,
        key: &MatchKey,
        settlement: &Settlement,
        bet: &Entry,
    ) -> Result<Told, OutboxError> {
        let voice = self.options.audience.voice();
        let message = settled::message(key, settlement, bet.stake.as_ref(), &voice);
        let subject = format!("settled:{}:{}", settlement.bet, settlement.revision);
        self.announce(&subject, &message, None).await
    }

    /// Tells something once, under its subject.
    ///
    /// # Errors
    /// As [`Notifier::handle`].
    pub async fn announce(
        &self,
        subject: &str,
        message: &Message,
        picture: Option<&Picture>,
    ) -> Result<Told, OutboxError> {
        let claim = Entry::new(State::Claimed, self.now());
        let found = self.outbox.begin(self.channel(), subject, &claim).await?;
        let mut perhaps_told = match found {
            None => false,
            Some(Entry { state: State::Claimed, .. }) => true,
            Some(found) => return Ok(Told::Before(found.state)),
        };
        let mut pause = self.options.pause;
        let mut attempt: u16 = 1;
        loop {
            let sending = async {
                match picture {
                    Some(picture) => self.channel.show(message, picture).await,
                    None => self.channel.send(message).await,
                }
            };
            let (reason, wait) = match self.within_limit(sending).await {
                Ok(()) => {
                    let sent = Entry { attempts: attempt, ..Entry::new(State::Sent, self.now()) };
                    self.outbox.update(self.channel(), subject, &sent).await?;
                    self.count(State::Sent);
                    return Ok(Told::Now(sent));
                }
                Err(SendError::Away { reason, wait: Some(wait) }) => (reason, Some(wait)),
                Err(SendError::Away { reason, wait: None }) => (reason, None),
                Err(SendError::Unclear(reason)) => {
                    perhaps_told = true;
                    (reason, None)
                }
                Err(SendError::Refused(reason)) => {
                    attempt = self.options.attempts_max;
                    (reason, None)
                }
            };
            tracing::warn!(channel = self.channel(), subject, attempt, "not told: {reason}");
            if attempt >= self.options.attempts_max {
                let state = if perhaps_told { State::Unknown } else { State::Failed };
                let ended = Entry {
                    attempts: attempt,
                    note: Some(reason),
                    ..Entry::new(state, self.now())
                };
                self.outbox.update(self.channel(), subject, &ended).await?;
                self.count(state);
                return Ok(Told::Now(ended));
            }
            tokio::time::sleep(wait.unwrap_or(pause)).await;
            pause = (pause * 2).min(self.options.pause_max);
            attempt += 1;
        }
    }
}
