//! What was derived here beside what was derived live, event by event.

use std::collections::BTreeMap;
use std::iter::Peekable;

use marabet_archive::{ArchiveError, PartitionFrames};
use marabet_schemas::{Address, EntryId, Event, Instant, Kind, MatchKey};
use marabet_streams::Stream;

use super::choice::Choice;

/// An event that only one of both has, or that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// The stream.
    pub(crate) stream: Stream,
    /// Where the live event stands, or where the other would stand.
    pub(crate) address: Address,
    /// What was archived live.
    pub(crate) live: Option<Event>,
    /// What the stages derive now.
    pub(crate) replayed: Option<Event>,
}

impl Difference {
    /// The event that there is.
    pub(crate) fn event(&self) -> Option<&Event> {
        self.live.as_ref().or(self.replayed.as_ref())
    }

    /// Its place in event time.
    fn place(&self) -> (Option<Instant>, Option<&MatchKey>, Address) {
        let event = self.event();
        (event.map(|event| event.at), event.and_then(|event| event.key.as_ref()), self.address)
    }
}

/// All that differs: how much in each stream, and the first of each in event time.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) counts: BTreeMap<Stream, u64>,
    pub(crate) first: BTreeMap<Stream, Difference>,
    /// The first bet that differs.
    pub(crate) first_bet: Option<Difference>,
    /// The rules were changed on purpose: that they differ is no difference.
    pub(crate) rules_changed: bool,
    /// Live events that were compared.
    pub(crate) compared: u64,
}

impl Differences {
    pub(crate) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    fn add(&mut self, difference: Difference) {
        *self.counts.entry(difference.stream).or_default() += 1;
        let is_bet = difference.event().is_some_and(|event| event.kind() == Kind::ValueBet);
        if is_bet && self.first_bet.as_ref().is_none_or(|known| difference.place() < known.place())
        {
            self.first_bet = Some(difference.clone());
        }
        let known = self.first.get(&difference.stream);
        if known.is_none_or(|known| difference.place() < known.place()) {
            self.first.insert(difference.stream, difference);
        }
    }

    /// Compares what the stages derived through Redis with what they derive in process, match by
    /// match, whose order is the same however the frames were cut.
    pub(crate) fn shadow(&mut self, shadow: &[Event], in_process: &[Event], choice: &Choice) {
        let by_match = |events: &[Event]| {
            let mut by_match: BTreeMap<Option<MatchKey>, Vec<Event>> = BTreeMap::new();
            for event in events {
                by_match.entry(event.key.clone()).or_default().push(event.clone());
            }
            by_match
        };
        let (shadow, mut here) = (by_match(shadow), by_match(in_process));
        let nowhere = (0, EntryId::default());
        for (key, events) in shadow {
            let own = here.remove(&key).unwrap_or_default();
            self.frame(Stream::Bets, nowhere, &events, &own, choice);
        }
        for own in here.into_values() {
            self.frame(Stream::Bets, nowhere, &[], &own, choice);
        }
    }

    /// Compares the events of one frame.
    pub(crate) fn frame(
        &mut self,
        stream: Stream,
        (partition, entry): (u16, EntryId),
        live: &[Event],
        replayed: &[Event],
        choice: &Choice,
    ) {
        if live == replayed {
            self.compared += live.iter().filter(|event| choice.counts(event)).count() as u64;
            return;
        }
        let place = |events: &[Event]| -> Vec<(Address, Event)> {
            let placed = (0..).zip(events.iter().cloned());
            placed.map(|(index, event)| (Address { partition, entry, index }, event)).collect()
        };
        self.events(stream, place(live), place(replayed), choice);
    }

    /// Compares events in order. Those that both have cancel out; what is left of both goes
    /// together where it is about one thing.
    fn events(
        &mut self,
        stream: Stream,
        mut live: Vec<(Address, Event)>,
        mut replayed: Vec<(Address, Event)>,
        choice: &Choice,
    ) {
        let rules_changed = self.rules_changed;
        let counts = |(_, event): &(Address, Event)| {
            choice.counts(event) && !(rules_changed && event.kind() == Kind::ConfigPublished)
        };
        live.retain(counts);
        replayed.retain(counts);
        self.compared += live.len() as u64;
        let same = live.iter().zip(&replayed).take_while(|(a, b)| a.1 == b.1).count();
        let mut rest = replayed.split_off(same);
        let mut missing = Vec::new();
        for (address, event) in live.split_off(same) {
            match rest.iter().position(|(_, other)| *other == event) {
                Some(place) => drop(rest.remove(place)),
                None => missing.push((address, event)),
            }
        }
        for (address, event) in missing {
            let same = |(_, other): &(Address, Event)| {
                other.kind() == event.kind() && subject(other) == subject(&event)
            };
            let replayed = rest.iter().position(same).map(|place| rest.remove(place).1);
            self.add(Difference { stream, address, live: Some(event), replayed });
        }
        for (address, event) in rest {
            self.add(Difference { stream, address, live: None, replayed: Some(event) });
        }
    }
}

/// What an event is about, so that two versions of it are known as such.
fn subject(event: &Event) -> String {
    use marabet_schemas::Body;
    let key = event.key.as_ref().map(marabet_schemas::MatchKey::as_str).unwrap_or_default();
    let what = match &event.body {
        Body::ValueBet(bet) => format!("{}/{}", bet.bet, bet.revision),
        Body::Settlement(settlement) => format!("{}/{}", settlement.bet, settlement.revision),
        Body::Grant(grant) => format!("{}/{}", grant.value_bet.bet, grant.value_bet.revision),
        Body::Refused(refused) => format!(
            "{}/{:?}/{}/{:?}",
            refused.strategy, refused.book, refused.market, refused.selection
        ),
        Body::Priced(priced) => format!("{}/{}", priced.quote.book, priced.quote.market),
        _ => String::new(),
    };
    format!("{key} {what}")
}

/// What was archived live of one partition of a stream, read beside the replay.
pub(crate) struct Stand {
    stream: Stream,
    partition: u16,
    frames: Peekable<PartitionFrames>,
}

impl Stand {
    pub(crate) fn new(stream: Stream, partition: u16, frames: PartitionFrames) -> Self {
        Self { stream, partition, frames: frames.peekable() }
    }

    /// The live events of the next frame, if it is not after this one.
    fn next_up_to(&mut self, id: EntryId) -> Result<Option<(EntryId, Vec<Event>)>, ArchiveError> {
        let due = |frame: &Result<marabet_schemas::frame::Frame, ArchiveError>| match frame {
            Ok(frame) => frame.id <= id,
            Err(_) => true,
        };
        let Some(frame) = self.frames.next_if(due) else { return Ok(None) };
        let frame = frame?;
        Ok(Some((frame.id, frame.events.into_iter().flatten().collect())))
    }

    /// Compares a frame that was derived with the live one of the same ID.
    pub(crate) fn compare(
        &mut self,
        id: EntryId,
        replayed: &[Event],
        choice: &Choice,
        differences: &mut Differences,
    ) -> Result<(), ArchiveError> {
        let mut same = Vec::new();
        while let Some((live_id, live)) = self.next_up_to(id)? {
            if live_id == id {
                same = live;
            } else {
                let place = (self.partition, live_id);
                differences.frame(self.stream, place, &live, &[], choice);
            }
        }
        differences.frame(self.stream, (self.partition, id), &same, replayed, choice);
        Ok(())
    }

    /// Compares what is left live.
    pub(crate) fn finish(
        mut self,
        choice: &Choice,
        differences: &mut Differences,
    ) -> Result<(), ArchiveError> {
        let end = EntryId { ms: u64::MAX, seq: u64::MAX };
        while let Some((id, live)) = self.next_up_to(end)? {
            differences.frame(self.stream, (self.partition, id), &live, &[], choice);
        }
        Ok(())
    }

    /// Compares the whole stream with what was derived, where frames may be cut otherwise.
    pub(crate) fn compare_all(
        mut self,
        replayed: &[Event],
        choice: &Choice,
        differences: &mut Differences,
    ) -> Result<(), ArchiveError> {
        let end = EntryId { ms: u64::MAX, seq: u64::MAX };
        let partition = self.partition;
        let mut all = Vec::new();
        while let Some((entry, live)) = self.next_up_to(end)? {
            let placed = (0..).zip(live);
            all.extend(placed.map(|(index, event)| (Address { partition, entry, index }, event)));
        }
        let nowhere = Address { partition, entry: EntryId::default(), index: 0 };
        let replayed = replayed.iter().map(|event| (nowhere, event.clone())).collect();
        differences.events(self.stream, all, replayed, choice);
        Ok(())
    }
}
