//! All partitions of a stream as one line of events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use marabet_schemas::{Competition, Event, Instant, MatchKey};

use crate::archive::{Archive, Days, PartitionFrames};
use crate::error::ArchiveError;
use crate::schema::Holding;

/// The events of all partitions, merged by event time, then match; within a partition the order
/// of the log stands. For history this is the canonical order.
///
/// An event without a match stands in every partition; it is told once, with the first of them.
/// What is no event is passed over.
pub struct EventsInTime {
    lanes: Vec<Lane>,
    /// The head of each lane that has one, the earliest first.
    heads: BinaryHeap<Reverse<Head>>,
    failed: Option<ArchiveError>,
}

type Head = (Instant, Option<MatchKey>, usize);

struct Lane {
    frames: PartitionFrames,
    ready: std::vec::IntoIter<Event>,
    head: Option<Event>,
}

impl Lane {
    fn advance(&mut self) -> Result<(), ArchiveError> {
        loop {
            if let Some(event) = self.ready.next() {
                self.head = Some(event);
                return Ok(());
            }
            let Some(frame) = self.frames.next() else { return Ok(()) };
            let events: Vec<Event> = frame?.events.into_iter().flatten().collect();
            self.ready = events.into_iter();
        }
    }
}

impl Archive {
    /// The events of a stream over these days, in event time.
    ///
    /// # Errors
    /// As [`Archive::frames`].
    pub fn events_in_time(
        &self,
        holding: &Holding,
        days: &Days,
    ) -> Result<EventsInTime, ArchiveError> {
        self.events_of(holding, days, None)
    }

    /// As [`Archive::events_in_time`], those of one competition's matches alone where one is
    /// named.
    ///
    /// # Errors
    /// As [`Archive::frames`].
    pub fn events_of(
        &self,
        holding: &Holding,
        days: &Days,
        of: Option<&Competition>,
    ) -> Result<EventsInTime, ArchiveError> {
        let partitions = self.existing()?.partitions;
        let mut lanes = Vec::new();
        for partition in 0..partitions {
            let frames = self.frames_of(holding, partition, days, of)?;
            lanes.push(Lane { frames, ready: Vec::new().into_iter(), head: None });
        }
        let mut merged = EventsInTime { lanes, heads: BinaryHeap::new(), failed: None };
        for lane in 0..merged.lanes.len() {
            merged.advance(lane)?;
        }
        Ok(merged)
    }
}

impl EventsInTime {
    fn advance(&mut self, number: usize) -> Result<(), ArchiveError> {
        let lane = &mut self.lanes[number];
        // Every partition has its copy of what concerns no match; the first one's is told.
        loop {
            lane.advance()?;
            match &lane.head {
                Some(event) if event.key.is_none() && number > 0 => lane.head = None,
                Some(event) => {
                    self.heads.push(Reverse((event.at, event.key.clone(), number)));
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }
}

impl Iterator for EventsInTime {
    type Item = Result<Event, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.heads.clear();
            return Some(Err(error));
        }
        let Reverse((_, _, number)) = self.heads.pop()?;
        let event = self.lanes[number].head.take()?;
        self.failed = self.advance(number).err();
        Some(Ok(event))
    }
}
