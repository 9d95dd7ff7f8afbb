//! When frames were appended, so that whoever ends the line can tell how long it took.
//!
//! An entry ID knows the millisecond. Where writer and stage live in one process, the moment is
//! kept here to the microsecond.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;

use crate::clock;
use crate::namespace::Namespace;

/// Most stamps kept of a partition: at ten thousand frames a second, some tenths of a second.
const KEPT_MAX: usize = 8192;

/// The moments at which this process sent frames to the feed.
pub(crate) struct Stamps {
    partitions: Vec<Mutex<VecDeque<(EntryId, Instant)>>>,
}

impl Default for Stamps {
    fn default() -> Self {
        let partitions = (0..Namespace::PARTITIONS_MAX).map(|_| Mutex::default()).collect();
        Self { partitions }
    }
}

impl Stamps {
    /// Notes that the entry was sent at this moment. Entries of a partition come in order.
    pub(crate) fn note(&self, partition: u16, id: EntryId, sent: Instant) {
        let mut stamps = lock(&self.partitions[usize::from(partition)]);
        if stamps.len() == KEPT_MAX {
            stamps.pop_front();
        }
        stamps.push_back((id, sent));
    }

    /// How long ago the entry was appended: to the microsecond where this process sent it, and
    /// to the millisecond, by this machine's clock against the server's, where another did.
    pub(crate) fn age(&self, partition: u16, id: EntryId) -> Duration {
        let sent = {
            let stamps = lock(&self.partitions[usize::from(partition)]);
            let found = stamps.binary_search_by_key(&id, |stamp| stamp.0);
            found.ok().map(|index| stamps[index].1)
        };
        match sent {
            Some(sent) => sent.elapsed(),
            None => Duration::from_micros(clock::wall_us().saturating_sub(id.ms * 1000)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic while it was held leaves a queue of stamps, which is still one.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
