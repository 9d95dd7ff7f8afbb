//! Frames: the entries of a stream.
//!
//! A frame holds events of one partition, in order. On the wire it has two fields: `n`, how many
//! events, and `d`, one JSON object a line. Frame boundaries carry no meaning.

use std::sync::Arc;

use crate::event::DecodeError;
use crate::{EntryId, Event};

/// Most events in a frame of the feed.
pub const FEED_EVENTS_MAX: usize = 256;
/// Most bytes of lines in a frame of the feed.
pub const FEED_BYTES_MAX: usize = 64 * 1024;

/// The events of one entry.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The entry's ID.
    pub id: EntryId,
    /// Its events, each as it could be read.
    pub events: Vec<Result<Event, BadLine>>,
    /// The lines that they were read from, where they are at hand: whoever shows an event need not
    /// write it anew.
    pub lines: Option<Arc<str>>,
}

/// Frames are equal by what they hold, wherever it was read from.
impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        (self.id, &self.events) == (other.id, &other.events)
    }
}

/// A line that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadLine {
    /// The line as it was.
    pub line: String,
    /// What is wrong with it.
    pub reason: String,
    /// A newer program wrote it: the reader must wait for an upgrade, not drop it.
    pub newer: bool,
}

impl Frame {
    /// A frame of good events.
    #[must_use]
    pub fn new(id: EntryId, events: Vec<Event>) -> Self {
        Self { id, events: events.into_iter().map(Ok).collect(), lines: None }
    }

    /// Reads the lines of a frame. What is no event is kept as a [`BadLine`] in its place.
    #[must_use]
    pub fn decode(id: EntryId, lines: &str) -> Self {
        let events = lines
            .split_terminator('\n')
            .map(|line| {
                Event::from_line(line).map_err(|error| BadLine {
                    line: line.to_owned(),
                    reason: error.to_string(),
                    newer: matches!(error, DecodeError::Newer { .. }),
                })
            })
            .collect();
        Self { id, events, lines: None }
    }

    /// The tag of the first event that only a newer program can read.
    #[must_use]
    pub fn newer(&self) -> Option<&BadLine> {
        self.events.iter().find_map(|event| match event {
            Err(bad) if bad.newer => Some(bad),
            _ => None,
        })
    }
}

/// The lines of these events: the field `d`.
#[must_use]
pub fn encode(events: &[Event]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(512);
    for (index, event) in events.iter().enumerate() {
        if index == 1 {
            // Events of a frame are of a kind for the most part, and so as long as the first.
            let rest = (events.len() - 1) * (lines.len() + lines.len() / 8);
            lines.reserve(rest.min(4 * FEED_BYTES_MAX));
        }
        if index > 0 {
            lines.push(b'\n');
        }
        event.write(&mut lines);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instant;
    use crate::facts::Seen;

    #[test]
    fn a_frame_reads_back_as_it_is_written_with_bad_lines_in_their_place() {
        let seen = |book: &str| {
            Event::of(
                "E0|2024-25|A|B|1".parse().unwrap(),
                Instant::from_micros(7),
                Seen { src: "stdin".into(), book: book.into() },
            )
        };
        let events = vec![seen("bet365"), seen("pinnacle")];
        let mut lines = String::from_utf8(encode(&events)).unwrap();
        assert_eq!(
            Frame::decode(EntryId::default(), &lines),
            Frame::new(EntryId::default(), events)
        );

        lines.push_str("\nnonsense");
        let frame = Frame::decode(EntryId::default(), &lines);
        assert_eq!(frame.events.len(), 3);
        assert!(frame.events[2].as_ref().is_err_and(|bad| bad.line == "nonsense" && !bad.newer));
    }
}
