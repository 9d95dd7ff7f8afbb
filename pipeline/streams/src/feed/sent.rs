//! The frames that were sent and may have to be sent again.
//!
//! A server that crashes may lose its last second. Frames are kept until they have been in the
//! server for longer than that, were seen to be there, and replicas have them where replicas may
//! take over.

use std::collections::VecDeque;
use std::time::Instant;

use super::cut::Cut;

/// A frame under its batch number.
#[derive(Debug)]
struct Sent {
    batch: u64,
    cut: Cut,
    /// When the server said that it has it; none while it has not.
    acknowledged: Option<Instant>,
    /// Its lines are kept; they are not when there were too many to keep.
    kept: bool,
}

/// The frames of one lane, by rising batch number.
#[derive(Debug)]
pub(crate) struct SentFrames {
    frames: VecDeque<Sent>,
    bytes: usize,
    bytes_max: usize,
    next_batch: u64,
    /// Events of frames that are durable.
    durable_events: u64,
}

impl SentFrames {
    /// After this last batch, keeping at most about so many bytes of acknowledged frames.
    pub(crate) fn after(last_batch: u64, bytes_max: usize) -> Self {
        let next_batch = last_batch + 1;
        Self { frames: VecDeque::new(), bytes: 0, bytes_max, next_batch, durable_events: 0 }
    }

    /// Adds a frame to be sent.
    pub(crate) fn push(&mut self, cut: Cut) {
        self.bytes += cut.lines.len();
        let batch = self.next_batch;
        self.frames.push_back(Sent { batch, cut, acknowledged: None, kept: true });
        self.next_batch += 1;
    }

    /// Whether every frame is acknowledged.
    pub(crate) fn is_settled(&self) -> bool {
        self.frames.back().is_none_or(|sent| sent.acknowledged.is_some())
    }

    /// Whether none are kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames to send next, at most `most`, with the batch number of the first.
    pub(crate) fn next(&self, most: usize) -> (u64, Vec<&Cut>) {
        let first = self.frames.partition_point(|sent| sent.acknowledged.is_some());
        let batch = self.frames.get(first).map_or(self.next_batch, |sent| sent.batch);
        (batch, self.frames.iter().skip(first).take(most).map(|sent| &sent.cut).collect())
    }

    /// The same frames, to be changed.
    pub(crate) fn next_mut(&mut self, most: usize) -> impl Iterator<Item = &mut Cut> {
        let first = self.frames.partition_point(|sent| sent.acknowledged.is_some());
        self.frames.iter_mut().skip(first).take(most).map(|sent| &mut sent.cut)
    }

    /// The server has everything up to this batch, now. Above the bound on what is kept, the
    /// oldest of these goes: durability is given up before memory.
    pub(crate) fn acknowledge(&mut self, batch: u64, now: Instant) {
        let known = self.frames.partition_point(|sent| sent.batch <= batch);
        for sent in self.frames.iter_mut().take(known) {
            sent.acknowledged.get_or_insert(now);
        }
        for sent in self.frames.iter_mut().take(known).filter(|sent| sent.kept) {
            if self.bytes <= self.bytes_max {
                break;
            }
            self.bytes -= sent.cut.lines.len();
            sent.cut.lines = Vec::new();
            sent.kept = false;
        }
    }

    /// What the server said to have by this moment is durable, and needs no keeping.
    pub(crate) fn durable(&mut self, by: Instant) {
        while let Some(Sent { acknowledged: Some(since), cut, kept, .. }) = self.frames.front() {
            if *since > by {
                break;
            }
            self.bytes -= if *kept { cut.lines.len() } else { 0 };
            self.durable_events += cut.events as u64;
            self.frames.pop_front();
        }
    }

    /// Events of frames that are durable.
    pub(crate) fn durable_events(&self) -> u64 {
        self.durable_events
    }

    /// The server has only this batch and those before: what comes after is to be sent again.
    /// False when frames of it are not kept any more.
    pub(crate) fn rewind(&mut self, last_batch: u64) -> bool {
        let lost = self.frames.iter_mut().filter(|sent| sent.batch > last_batch);
        let mut kept = true;
        for sent in lost {
            sent.acknowledged = None;
            kept &= sent.kept;
        }
        let oldest = self.frames.front().map_or(self.next_batch, |sent| sent.batch);
        kept && oldest <= last_batch + 1
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cut(text: &str) -> Cut {
        Cut { events: 1, lines: text.into(), ..Cut::default() }
    }

    fn next(sent: &SentFrames) -> (u64, Vec<&[u8]>) {
        let (batch, cuts) = sent.next(9);
        (batch, cuts.into_iter().map(|cut| &*cut.lines).collect())
    }

    #[test]
    fn frames_are_kept_until_they_are_durable() {
        let start = Instant::now();
        let mut sent = SentFrames::after(7, 1000);
        sent.push(cut("a"));
        sent.push(cut("b"));
        assert_eq!(next(&sent), (8, vec![&b"a"[..], b"b"]));
        sent.acknowledge(8, start);
        assert_eq!(next(&sent), (9, vec![&b"b"[..]]));
        assert!(!sent.is_settled());

        sent.acknowledge(9, start + Duration::from_secs(1));
        assert!(sent.is_settled() && !sent.is_empty());
        sent.durable(start);
        assert_eq!(sent.frames.len(), 1, "the first is durable, the second is not");
        assert_eq!(sent.durable_events(), 1);
        sent.durable(start + Duration::from_secs(1));
        assert!(sent.is_empty());
        assert_eq!((sent.bytes, sent.durable_events()), (0, 2));
        assert_eq!(next(&sent), (10, vec![]));
    }

    #[test]
    fn what_the_server_lost_is_sent_again_while_it_is_kept() {
        let now = Instant::now();
        let mut sent = SentFrames::after(0, 1000);
        for text in ["a", "b", "c"] {
            sent.push(cut(text));
        }
        sent.acknowledge(3, now);
        assert!(sent.rewind(1));
        assert_eq!(next(&sent), (2, vec![&b"b"[..], b"c"]));

        sent.acknowledge(3, now);
        sent.durable(now);
        assert!(!sent.rewind(1), "what is gone cannot be sent again, and that is said");
    }

    #[test]
    fn memory_is_bounded() {
        let now = Instant::now();
        let mut sent = SentFrames::after(0, 10);
        for _ in 0..100 {
            sent.push(cut("12345"));
            sent.acknowledge(sent.next_batch - 1, now);
        }
        assert!(sent.bytes <= 10);
        assert!(!sent.rewind(50), "its lines are gone");
    }
}
