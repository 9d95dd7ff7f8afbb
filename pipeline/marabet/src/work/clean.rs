//! `clean`: what was told of bets long past, out of Redis and into the ledger.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::Notification;
use marabet_notify::outbox::{Entry, State};
use serde_json::{Value, json};

use super::{Desk, again};

/// How long the outbox remembers what it told, in seconds: far beyond any bet's life.
const KEPT_S: i64 = 60 * 86_400;

pub(super) struct Clean(pub(super) Desk);

#[async_trait]
impl Job for Clean {
    fn kind(&self) -> &'static str {
        "clean"
    }

    fn about(&self) -> &'static str {
        "Copy what was told into the ledger, and take what is long past out of Redis"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("maintenance")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let (now, mut copied, mut forgotten) = (self.0.now(), 0, 0);
        for notifier in self.0.notifiers.iter() {
            let channel = notifier.channel();
            let outbox = self.0.log.outbox(channel).await.map_err(again)?;
            let mut records = Vec::with_capacity(outbox.len());
            let mut past = Vec::new();
            for (subject, text) in &outbox {
                let Ok(entry) = serde_json::from_str::<Entry>(text) else {
                    run.log(format!("{channel}: the entry of {subject} cannot be read; it stays"))
                        .await;
                    continue;
                };
                if entry.state != State::Claimed && entry.at.plus_seconds(KEPT_S) < now {
                    past.push(&**subject);
                }
                records.push(Notification {
                    channel: channel.to_owned(),
                    subject: subject.clone(),
                    state: entry.state.as_str().to_owned(),
                    at: entry.at,
                    attempts: entry.attempts,
                    note: entry.note,
                });
            }
            self.0.ledger.put_notifications(&records).await.map_err(again)?;
            copied += records.len();
            // Only what the ledger has is forgotten.
            self.0.log.outbox_forget(channel, &past).await.map_err(again)?;
            forgotten += past.len();
        }
        Ok(json!({ "copied": copied, "forgotten": forgotten }))
    }
}
