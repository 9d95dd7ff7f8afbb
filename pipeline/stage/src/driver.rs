//! Taking a stage through frames, the same way live and in replay.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use marabet_schemas::dead::DeadLetter;
use marabet_schemas::frame::{BadLine, Frame};
use marabet_schemas::{Address, ArtefactHash, EntryId, Event};

use crate::{Artefacts, CacheEntry, Change, Derived, Fault, Stage, StateError};

/// What follows from one frame.
#[derive(Debug, Default)]
pub struct FrameOutput {
    /// The frame's ID, under which everything below is written.
    pub id: EntryId,
    /// Events for the next stream.
    pub events: Vec<Event>,
    /// Views.
    pub cache: Vec<CacheEntry>,
    /// Events that could not be processed.
    pub dead: Vec<DeadLetter>,
}

/// Why a frame cannot be processed now. None of it is the frame's fault, and nothing of it has
/// been applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A newer program wrote an event of it.
    #[error("frame {id}: {reason}")]
    Newer {
        /// The frame.
        id: EntryId,
        /// What was found.
        reason: String,
    },
    /// An artefact is not at hand.
    #[error("frame {id} needs artefact {hash}, which is not at hand")]
    Missing {
        /// The frame.
        id: EntryId,
        /// The artefact.
        hash: ArtefactHash,
    },
}

/// Drives one stage over one partition.
pub struct Driver<S> {
    stage: S,
    partition: u16,
    views: bool,
    /// Frames that are passed over, with the reason.
    quarantined: BTreeMap<EntryId, String>,
}

impl<S: Stage> Driver<S> {
    /// Drives this stage, whose state is empty, over a partition.
    pub fn new(stage: S, partition: u16) -> Self {
        Self { stage, partition, views: true, quarantined: BTreeMap::new() }
    }

    /// The same driver without views: for a replay, which shows nothing.
    #[must_use]
    pub fn without_views(self) -> Self {
        Self { views: false, ..self }
    }

    /// The same driver passing over frames that were quarantined live, with the reasons: none
    /// of their events is applied, and all become dead letters.
    #[must_use]
    pub fn passing_over(self, quarantined: BTreeMap<EntryId, String>) -> Self {
        Self { quarantined, ..self }
    }

    /// The stage.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// Drops all state and takes in what commits have written.
    ///
    /// # Errors
    /// [`StateError`] for a field that cannot be read.
    pub fn load<'a>(
        &mut self,
        fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), StateError> {
        let mut tables: BTreeMap<_, _> =
            self.stage.tables().into_iter().map(|table| (table.name(), table)).collect();
        for table in tables.values_mut() {
            table.clear();
        }
        for (field, bytes) in fields {
            let unknown = || StateError {
                field: field.to_owned(),
                reason: "no table of the stage has this name".to_owned(),
            };
            let (name, key) = field.split_once(':').ok_or_else(unknown)?;
            tables.get_mut(name).ok_or_else(unknown)?.load(key, bytes)?;
        }
        drop(tables);
        self.stage.forget_memo();
        Ok(())
    }

    /// Applies frames in order and returns what follows from each, as far as they went.
    ///
    /// The changes to the state are pending until [`Driver::keep`] or [`Driver::take_back`]. An
    /// event that the stage rejects, or that makes it panic, becomes a dead letter: the state is
    /// put back to where it was before the batch, and the batch is gone through again without
    /// it. The stage being pure, the events before it do again what they did.
    ///
    /// # Errors
    /// [`FrameError`] with nothing pending; the frames before the one it names were good.
    pub fn apply(
        &mut self,
        frames: &[Frame],
        artefacts: &dyn Artefacts,
    ) -> Result<Vec<FrameOutput>, FrameError> {
        let mut bad: BTreeMap<(EntryId, u32), String> = BTreeMap::new();
        // Each round finds at least one more bad event, so there are at most as many as events.
        loop {
            match self.pass(frames, artefacts, &bad) {
                Ok(outputs) => return Ok(outputs),
                Err(Stop::Bad { place, reason }) => {
                    self.take_back();
                    bad.insert(place, reason);
                }
                Err(Stop::Frame(error)) => {
                    self.take_back();
                    return Err(error);
                }
            }
        }
    }

    /// One pass over the frames, up to the first bad event that is not yet known.
    fn pass(
        &mut self,
        frames: &[Frame],
        artefacts: &dyn Artefacts,
        bad: &BTreeMap<(EntryId, u32), String>,
    ) -> Result<Vec<FrameOutput>, Stop> {
        let mut outputs = Vec::with_capacity(frames.len());
        for frame in frames {
            if let Some(reason) = self.quarantined.get(&frame.id) {
                outputs.push(self.give_up(frame, reason));
                continue;
            }
            if let Some(newer) = frame.newer() {
                let reason = newer.reason.clone();
                return Err(Stop::Frame(FrameError::Newer { id: frame.id, reason }));
            }
            let mut output = FrameOutput { id: frame.id, ..FrameOutput::default() };
            let derived = if self.views { Derived::default() } else { Derived::without_views() };
            let mut derived = derived.of_frame(frame.events.len(), frame.lines.clone());
            for (index, event) in (0..).zip(&frame.events) {
                let place = (frame.id, index);
                derived.begin(index);
                match (event, bad.get(&place)) {
                    (Err(line), _) => {
                        output.dead.push(self.dead(place, &line.reason, line.line.clone()));
                    }
                    (Ok(event), Some(reason)) => {
                        output.dead.push(self.dead(place, reason, event.to_line()));
                    }
                    (Ok(event), None) => self.event(event, place, artefacts, &mut derived)?,
                }
            }
            output.events = derived.events;
            output.cache = derived.cache;
            outputs.push(output);
        }
        Ok(outputs)
    }

    fn event(
        &mut self,
        event: &Event,
        place: (EntryId, u32),
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Stop> {
        // Whatever a panic leaves half done in the stage is taken back before it is used again.
        let applied =
            catch_unwind(AssertUnwindSafe(|| self.stage.apply(event, artefacts, derived)));
        match applied {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Fault::Rejected(reason))) => Err(Stop::Bad { place, reason }),
            Ok(Err(Fault::Missing(hash))) => {
                Err(Stop::Frame(FrameError::Missing { id: place.0, hash }))
            }
            Err(panic) => {
                let reason = format!("the stage panicked: {}", panic_message(&*panic));
                Err(Stop::Bad { place, reason })
            }
        }
    }

    /// What is written of a frame none of whose events can be applied: its dead letters.
    #[must_use]
    pub fn give_up(&self, frame: &Frame, reason: &str) -> FrameOutput {
        let letter = |(index, event): (u32, &Result<Event, BadLine>)| {
            let line = match event {
                Ok(event) => event.to_line(),
                Err(BadLine { line, .. }) => line.clone(),
            };
            self.dead((frame.id, index), reason, line)
        };
        let dead = (0..).zip(&frame.events).map(letter).collect();
        FrameOutput { id: frame.id, dead, ..FrameOutput::default() }
    }

    fn dead(&self, (entry, index): (EntryId, u32), reason: &str, line: String) -> DeadLetter {
        DeadLetter {
            stage: self.stage.name().to_owned(),
            address: Address { partition: self.partition, entry, index },
            reason: reason.to_owned(),
            line,
        }
    }

    /// The state's pending changes, as they are to be written.
    ///
    /// # Errors
    /// [`StateError`] for a row that cannot be written.
    pub fn changes(&mut self) -> Result<Vec<Change>, StateError> {
        let mut changes = Vec::new();
        for table in self.stage.tables() {
            changes.extend(table.changes()?);
        }
        Ok(changes)
    }

    /// Keeps the pending changes: they were committed.
    pub fn keep(&mut self) {
        for table in self.stage.tables() {
            table.keep();
        }
    }

    /// Takes the pending changes back.
    pub fn take_back(&mut self) {
        for table in self.stage.tables() {
            table.take_back();
        }
        self.stage.forget_memo();
    }
}

/// Why a pass stopped.
enum Stop {
    /// This event is bad.
    Bad { place: (EntryId, u32), reason: String },
    /// The frame has to wait.
    Frame(FrameError),
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use marabet_schemas::facts::Seen;
    use marabet_schemas::{Body, Instant};

    use super::*;
    use crate::{Rows, Table};

    /// Counts how often each book was seen and forwards the event; knows books that are trouble.
    struct Counting {
        counts: Table<String, u32>,
    }

    impl Stage for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn apply(
            &mut self,
            event: &Event,
            artefacts: &dyn Artefacts,
            derived: &mut Derived,
        ) -> Result<(), Fault> {
            let Body::Seen(seen) = &event.body else { return Err(Fault::rejected("not seen")) };
            let book = seen.book.as_str();
            *self.counts.entry(&book.to_owned(), || 0) += 1;
            derived.push(event.clone());
            match book {
                "refused" => Err(Fault::rejected("refused it is")),
                "panic" => panic!("no such book"),
                "model" => {
                    let hash = ArtefactHash::of(b"model");
                    artefacts.get(&hash).map(|_| ()).ok_or(Fault::Missing(hash))
                }
                _ => Ok(()),
            }
        }

        fn tables(&mut self) -> Vec<&mut dyn Rows> {
            vec![&mut self.counts]
        }
    }

    fn driver() -> Driver<Counting> {
        Driver::new(Counting { counts: Table::new("counts") }, 3)
    }

    fn frame(seq: u64, books: &[&str]) -> Frame {
        let event = |book: &&str| {
            let seen = Seen { src: "test".into(), book: (*book).into() };
            Event::of("E0|2024-25|A|B|1".parse().unwrap(), Instant::from_micros(1), seen)
        };
        Frame::new(EntryId { ms: 1, seq }, books.iter().map(event).collect())
    }

    fn counts(driver: &Driver<Counting>) -> Vec<(String, u32)> {
        driver.stage().counts.iter().map(|(book, count)| (book, *count)).collect()
    }

    #[test]
    fn a_bad_event_becomes_a_dead_letter_and_the_rest_goes_on() {
        let mut driver = driver();
        let artefacts = BTreeMap::new();
        let frames = [frame(1, &["a", "panic", "a", "refused"]), frame(2, &["b", "panic"])];
        let outputs = driver.apply(&frames, &artefacts).unwrap();

        let dead: Vec<_> = outputs
            .iter()
            .flat_map(|output| &output.dead)
            .map(|letter| (letter.address.to_string(), letter.reason.as_str()))
            .collect();
        assert_eq!(
            dead,
            [
                ("3/1-1/1".to_owned(), "the stage panicked: no such book"),
                ("3/1-1/3".to_owned(), "refused it is"),
                ("3/1-2/1".to_owned(), "the stage panicked: no such book"),
            ]
        );
        assert_eq!(outputs[0].events.len(), 2);
        assert_eq!(counts(&driver), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    }

    #[test]
    fn a_quarantined_frame_is_passed_over_in_a_replay_as_it_was_live() {
        let quarantined = BTreeMap::from([(EntryId { ms: 1, seq: 2 }, "it ends us".to_owned())]);
        let mut driver = driver().passing_over(quarantined);
        let frames = [frame(1, &["a"]), frame(2, &["a", "b"]), frame(3, &["a"])];
        let outputs = driver.apply(&frames, &BTreeMap::new()).unwrap();
        let dead: Vec<_> = outputs.iter().map(|output| output.dead.len()).collect();
        assert_eq!(dead, [0, 2, 0]);
        assert_eq!(outputs[1].dead[1].reason, "it ends us");
        assert_eq!(counts(&driver), [("a".to_owned(), 2)]);
    }

    #[test]
    fn a_missing_artefact_and_a_newer_event_leave_nothing_pending() {
        let mut driver = driver();
        let mut newer = frame(2, &["b"]);
        newer.events.push(Frame::decode(newer.id, r#"{"t":"seen/9","at":1}"#).events.remove(0));
        for stuck in [frame(2, &["b", "model"]), newer] {
            let artefacts: BTreeMap<ArtefactHash, std::sync::Arc<[u8]>> = BTreeMap::new();
            assert!(driver.apply(&[frame(1, &["a"]), stuck], &artefacts).is_err());
            assert_eq!(counts(&driver), []);
            assert_eq!(driver.changes().unwrap(), []);
        }
    }

    #[test]
    fn committed_changes_load_into_an_equal_state() {
        let mut driver = driver();
        driver.apply(&[frame(1, &["a", "b", "a"])], &BTreeMap::new()).unwrap();
        let changes = driver.changes().unwrap();
        driver.keep();

        let mut successor = self::driver();
        let fields =
            changes.iter().map(|change| (&*change.field, change.value.as_deref().unwrap()));
        successor.load(fields).unwrap();
        assert_eq!(counts(&successor), counts(&driver));
        assert!(successor.load([("other:x", &b"\x01"[..])]).is_err());
    }
}
