//! Dead letters: events that a stage could not process, kept with the reason.
//!
//! `dead:<stage>` is a stream whose entries stand under the IDs of their frames, one letter a
//! line. It is history and is not changed; which letters were dealt with is kept beside it.

use std::collections::BTreeMap;

use marabet_schemas::dead::DeadLetter;
use marabet_schemas::{Address, Body, EntryId, Event};
use redis::Value;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::read::READ_MAX;
use crate::script::RETRY;
use crate::wire;

/// A letter, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeadEntry {
    /// The letter.
    pub letter: DeadLetter,
    /// `retried` or `dropped`, with the time in ms since 1970; none while nothing was done.
    pub done: Option<String>,
}

impl Log {
    /// The letters of a stage, by partition and age, at most `count`; without those that were
    /// dealt with, unless asked for.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn dead_letters(
        &self,
        stage: &str,
        with_done: bool,
        count: usize,
    ) -> Result<Vec<DeadEntry>, LogError> {
        let mut found = Vec::new();
        for slot in self.namespace().slots().chain([Slot::Account]) {
            let entries = self.letters_of(slot, stage, None).await?;
            found.extend(entries.into_iter().filter(|entry| with_done || entry.done.is_none()));
            if found.len() >= count {
                break;
            }
        }
        found.truncate(count);
        Ok(found)
    }

    /// The entries of a stage's dead letters in a slot after this one, as lines, at most `count`.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn dead_lines(
        &self,
        slot: Slot,
        stage: &str,
        after: EntryId,
        count: usize,
    ) -> Result<Vec<(EntryId, String)>, LogError> {
        let mut command = redis::cmd("XRANGE");
        command.arg(self.namespace().dead(slot, stage)).arg(format!("({after}")).arg("+");
        command.arg("COUNT").arg(count.min(READ_MAX));
        let entries = wire::entries(self.query::<Value>(&command).await?)?;
        let lines = |entry: wire::Entry| Some((entry.id, entry.lines?.ok()?));
        Ok(entries.into_iter().filter_map(lines).collect())
    }

    /// The letter of the event at this address.
    ///
    /// # Errors
    /// [`LogError::Asked`] when there is none; [`LogError::Away`] when Redis is.
    pub async fn dead_letter(&self, stage: &str, address: Address) -> Result<DeadEntry, LogError> {
        Ok(self.place_of(stage, address).await?.1)
    }

    /// Puts the fact of a letter into the feed again, as a new fact that names the old address in
    /// `retry_of`. Returns the new address.
    ///
    /// # Errors
    /// [`LogError::Asked`] when there is no such letter, it was dealt with, or its event is no
    /// fact of the feed.
    pub async fn retry_dead(&self, stage: &str, address: Address) -> Result<Address, LogError> {
        let (slot, entry) = self.place_of(stage, address).await?;
        let Slot::Partition(partition) = slot else {
            return Err(LogError::Asked(format!(
                "{address} of {stage} is no fact of the feed; retry the fact from which it follows"
            )));
        };
        let line = fact_again(&entry.letter)?;
        let feed = self.namespace().stream(Stream::Feed, partition);
        let done = self.namespace().dead_done(slot, stage);
        let mut command = RETRY.command([&*feed, &*done]);
        command.arg(address.to_string()).arg(mark("retried")).arg(line);
        let answer = self.run(&RETRY, &command).await?;
        let new = wire::entry_id(&answer).ok_or_else(|| dealt_with(stage, address, &entry))?;
        Ok(Address { partition, entry: new, index: 0 })
    }

    /// Marks a letter as one that needs nothing done.
    ///
    /// # Errors
    /// [`LogError::Asked`] when there is no such letter, or it was dealt with.
    pub async fn drop_dead(&self, stage: &str, address: Address) -> Result<(), LogError> {
        let (slot, entry) = self.place_of(stage, address).await?;
        let done = self.namespace().dead_done(slot, stage);
        let mut command = redis::cmd("HSETNX");
        command.arg(done).arg(address.to_string()).arg(mark("dropped"));
        let marked: bool = self.query(&command).await?;
        if marked { Ok(()) } else { Err(dealt_with(stage, address, &entry)) }
    }

    /// The slot in which a letter lies, and the letter.
    async fn place_of(&self, stage: &str, address: Address) -> Result<(Slot, DeadEntry), LogError> {
        let slot = Slot::Partition(address.partition);
        let at_home = self.letters_of(slot, stage, Some(address.entry)).await?;
        // The account's letters lie in its own slot, under IDs of their own.
        let of_account = self.letters_of(Slot::Account, stage, None).await?;
        let at_home = at_home.into_iter().map(|entry| (slot, entry));
        let of_account = of_account.into_iter().map(|entry| (Slot::Account, entry));
        at_home
            .chain(of_account)
            .find(|(_, entry)| entry.letter.address == address)
            .ok_or_else(|| LogError::Asked(format!("{stage} has no dead letter {address}")))
    }

    async fn letters_of(
        &self,
        slot: Slot,
        stage: &str,
        only: Option<EntryId>,
    ) -> Result<Vec<DeadEntry>, LogError> {
        let (from, to) = match only {
            Some(id) => (id.to_string(), id.to_string()),
            None => ("-".to_owned(), "+".to_owned()),
        };
        let mut command = redis::cmd("XRANGE");
        command.arg(self.namespace().dead(slot, stage)).arg(from).arg(to);
        command.arg("COUNT").arg(READ_MAX);
        let entries = wire::entries(self.query::<Value>(&command).await?)?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let done = self.namespace().dead_done(slot, stage);
        let done: BTreeMap<String, String> = self.query(redis::cmd("HGETALL").arg(done)).await?;
        let mut found = Vec::new();
        for entry in entries {
            let Some(Ok(lines)) = entry.lines else { continue };
            for line in lines.split_terminator('\n') {
                let letter: DeadLetter = serde_json::from_str(line).map_err(|error| {
                    LogError::Asked(format!("entry {} of dead:{stage}: {error}", entry.id))
                })?;
                let done = done.get(&letter.address.to_string()).cloned();
                found.push(DeadEntry { letter, done });
            }
        }
        Ok(found)
    }
}

fn mark(what: &str) -> String {
    format!("{what} {}", clock::wall_us() / 1000)
}

fn dealt_with(stage: &str, address: Address, entry: &DeadEntry) -> LogError {
    let done = entry.done.as_deref().unwrap_or("dealt with meanwhile");
    LogError::Asked(format!("dead letter {address} of {stage} was {done}"))
}

/// The line of the fact that a letter's event goes back to, naming the letter's address.
fn fact_again(letter: &DeadLetter) -> Result<String, LogError> {
    let no =
        |reason: String| LogError::Asked(format!("{} cannot be retried: {reason}", letter.address));
    let mut event = Event::from_line(&letter.line).map_err(|error| no(error.to_string()))?;
    event.body = match event.body {
        Body::Priced(priced) => Body::Quote(priced.quote),
        Body::ValueBet(_) | Body::Refused(_) | Body::Settlement(_) | Body::Grant(_) => {
            return Err(no("it is no fact; retry the fact from which it follows".to_owned()));
        }
        fact => fact,
    };
    let mut line = event.to_line();
    line.pop();
    line.push_str(&format!(",\"retry_of\":\"{}\"}}", letter.address));
    Ok(line)
}
