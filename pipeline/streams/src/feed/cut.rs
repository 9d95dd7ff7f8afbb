//! Cutting what waits into frames.

use marabet_schemas::Event;
use marabet_schemas::frame::{FEED_BYTES_MAX, FEED_EVENTS_MAX};

/// Events that wait to be appended: their lines, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    bytes: Vec<u8>,
    events: Vec<Uncut>,
}

/// An event that waits.
#[derive(Debug)]
struct Uncut {
    /// Where its line ends.
    end: usize,
    position: Option<u64>,
    /// The event itself, where a stage of this process will read it.
    event: Option<Event>,
}

/// A frame to be appended.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// How many events.
    pub(crate) events: usize,
    /// Their lines, joined by line ends.
    pub(crate) lines: Vec<u8>,
    /// The position of the last event that has one.
    pub(crate) position: Option<u64>,
    /// The events themselves, where a stage of this process will read them.
    pub(crate) handed: Vec<Event>,
}

impl Waiting {
    /// Adds an event's line, given without a line end.
    pub(crate) fn push(&mut self, line: &[u8], position: Option<u64>, event: Option<Event>) {
        self.bytes.extend_from_slice(line);
        self.events.push(Uncut { end: self.bytes.len(), position, event });
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether none wait.
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The frames of what waits, in order, each of at most 256 events and 64 KiB; an event that
    /// is larger by itself has a frame of its own.
    pub(crate) fn cut(self) -> Vec<Cut> {
        let mut cuts = Vec::with_capacity(self.events.len() / FEED_EVENTS_MAX + 1);
        let mut frame = Cut::default();
        let mut start = 0;
        let mut events = self.events.into_iter();
        while let Some(Uncut { end, position, event }) = events.next() {
            let line = &self.bytes[start..end];
            let full = frame.events == FEED_EVENTS_MAX
                || frame.lines.len() + 1 + line.len() > FEED_BYTES_MAX;
            if frame.events > 0 && full {
                cuts.push(std::mem::take(&mut frame));
            }
            if frame.events > 0 {
                frame.lines.push(b'\n');
            } else {
                frame.lines.reserve((self.bytes.len() - start + 256).min(FEED_BYTES_MAX));
                if event.is_some() {
                    frame.handed.reserve(FEED_EVENTS_MAX.min(1 + events.len()));
                }
            }
            frame.lines.extend_from_slice(line);
            frame.events += 1;
            frame.position = position.or(frame.position);
            frame.handed.extend(event);
            start = end;
        }
        if frame.events > 0 {
            cuts.push(frame);
        }
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(sizes: &[usize]) -> Vec<(usize, usize)> {
        let mut waiting = Waiting::default();
        for (position, &size) in (0..).zip(sizes) {
            waiting.push(&vec![b'x'; size], Some(position), None);
        }
        let cuts = waiting.cut();
        let events: usize = cuts.iter().map(|cut| cut.events).sum();
        assert_eq!(cuts.last().map(|cut| cut.position), Some(Some(events as u64 - 1)));
        cuts.iter().map(|cut| (cut.events, cut.lines.len())).collect()
    }

    #[test]
    fn a_frame_holds_at_most_256_events_and_64_kib() {
        assert_eq!(frames(&[10]), [(1, 10)]);
        assert_eq!(frames(&[9; 257]), [(256, 2559), (1, 9)]);
        assert_eq!(frames(&[40_000, 25_535, 1]), [(2, 65_536), (1, 1)]);
    }

    #[test]
    fn an_event_that_is_larger_than_a_frame_stands_alone() {
        assert_eq!(frames(&[5, 70_000, 5]), [(1, 5), (1, 70_000), (1, 5)]);
    }

    #[test]
    fn the_lines_are_joined_by_line_ends() {
        let mut waiting = Waiting::default();
        waiting.push(b"a", None, None);
        waiting.push(b"b", None, None);
        assert_eq!(waiting.cut()[0].lines, b"a\nb");
    }
}
