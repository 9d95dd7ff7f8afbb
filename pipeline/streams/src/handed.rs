//! Frames that this process derived, handed to its own next stage without reading them again.
//!
//! The next stage still reads every frame from its stream: that is where order, acknowledgement
//! and everything else stands. Only making events out of the lines is spared, which costs more
//! than anything else that the stage does. A frame is taken from here when its lines are those of
//! the entry, byte for byte; any other is read as if nothing were here.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;

use crate::namespace::Stream;

/// Most bytes of lines that wait for one reader. Above it the newest are not kept: the oldest are
/// what is read next.
const BYTES_MAX: usize = 6 << 20;

/// What waits, by stream and partition; only where this process reads that.
#[derive(Default)]
pub(crate) struct Handed {
    ways: Mutex<HashMap<(Stream, u16), Way>>,
}

#[derive(Default)]
struct Way {
    /// By rising ID.
    frames: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    lines: Vec<u8>,
    frame: Frame,
}

impl Handed {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Stream, u16), Way>> {
        // Nothing that is done under the lock can panic half way.
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to keep what is derived for a reader of this process.
    pub(crate) fn read_by(handed: &Arc<Self>, stream: Stream, partition: u16) -> Receiver {
        handed.lock().insert((stream, partition), Way::default());
        Receiver { handed: Arc::clone(handed), place: (stream, partition) }
    }

    /// Whether anybody here reads that.
    pub(crate) fn is_read(&self, place: (Stream, u16)) -> bool {
        self.lock().contains_key(&place)
    }

    /// Keeps a frame that is written, if anybody here reads it and there is room.
    pub(crate) fn put(&self, place: (Stream, u16), lines: Vec<u8>, frame: Frame) {
        let mut ways = self.lock();
        let Some(way) = ways.get_mut(&place) else { return };
        // What was written in vain, before a loss of the server, stands in the way of what is
        // written again.
        while way.frames.back().is_some_and(|kept| kept.frame.id >= frame.id) {
            way.bytes -= way.frames.pop_back().map_or(0, |kept| kept.lines.len());
        }
        if way.bytes + lines.len() <= BYTES_MAX {
            way.bytes += lines.len();
            way.frames.push_back(Kept { lines, frame });
        }
    }
}

/// The reader of one stream's partition. What waits for it is dropped with it.
pub(crate) struct Receiver {
    handed: Arc<Handed>,
    place: (Stream, u16),
}

impl Receiver {
    /// The frame of an entry with these lines, handed over or read.
    pub(crate) fn frame(&self, id: EntryId, lines: &str) -> Frame {
        match self.take(id, lines) {
            Some(frame) => {
                debug_assert_eq!(frame, Frame::decode(id, lines), "events read back as they are");
                frame
            }
            None => Frame::decode(id, lines),
        }
    }

    fn take(&self, id: EntryId, lines: &str) -> Option<Frame> {
        let mut ways = self.handed.lock();
        let way = ways.get_mut(&self.place)?;
        while way.frames.front().is_some_and(|kept| kept.frame.id <= id) {
            let kept = way.frames.pop_front()?;
            way.bytes -= kept.lines.len();
            if kept.frame.id == id {
                return (kept.lines == lines.as_bytes()).then_some(kept.frame);
            }
        }
        None
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.handed.lock().remove(&self.place);
    }
}

#[cfg(test)]
mod tests {
    use marabet_schemas::facts::Seen;
    use marabet_schemas::frame::encode;
    use marabet_schemas::{Event, Instant};

    use super::*;

    const PLACE: (Stream, u16) = (Stream::Priced, 1);

    fn id(seq: u64) -> EntryId {
        EntryId { ms: 7, seq }
    }

    fn events(at: i64) -> Vec<Event> {
        let seen = Seen { src: "test".into(), book: "bet365".into() };
        vec![Event::of("E0|2024-25|A|B|1".parse().unwrap(), Instant::from_micros(at), seen)]
    }

    fn frame(seq: u64, at: i64) -> Frame {
        Frame::new(id(seq), events(at))
    }

    fn put(handed: &Handed, seq: u64, at: i64) {
        handed.put(PLACE, encode(&events(at)), frame(seq, at));
    }

    fn lines(at: i64) -> String {
        String::from_utf8(encode(&events(at))).unwrap()
    }

    #[test]
    fn a_frame_is_handed_over_once_and_only_where_its_lines_are_the_entry_s() {
        let handed = Arc::new(Handed::default());
        put(&handed, 0, 1);
        let reader = Handed::read_by(&handed, PLACE.0, PLACE.1);
        assert_eq!(reader.take(id(0), &lines(1)), None, "nobody read it then");
        for seq in 1..4 {
            put(&handed, seq, 1);
        }
        assert_eq!(reader.take(id(2), &lines(1)), Some(frame(2, 1)));
        assert_eq!(reader.take(id(2), &lines(1)), None);
        assert_eq!(reader.take(id(3), &lines(2)), None);
        put(&handed, 4, 1);
        // The server lost it, and something else was written under its ID.
        put(&handed, 4, 2);
        assert_eq!(reader.frame(id(4), &lines(2)), frame(4, 2));
        assert_eq!(handed.lock()[&PLACE].bytes, 0);
    }

    #[test]
    fn what_nobody_takes_stays_within_its_bound_and_goes_with_the_reader() {
        let handed = Arc::new(Handed::default());
        let reader = Handed::read_by(&handed, PLACE.0, PLACE.1);
        let one = lines(1).len();
        for seq in 0..(BYTES_MAX / one + 10) as u64 {
            put(&handed, seq, 1);
        }
        assert!(handed.lock()[&PLACE].bytes <= BYTES_MAX);
        assert_eq!(reader.take(id(0), &lines(1)), Some(frame(0, 1)), "the oldest is kept");
        drop(reader);
        assert!(handed.lock().is_empty());
    }
}
