//! Stages of this process of which one reads what the other writes. The one before takes the next
//! along: what it derives the next applies at once, and one commit writes what follows from both.
//!
//! That spares the log from handing the frames out and the next stage from waiting for them. The
//! next stage still owns its partition by a fence of its own, and still reads: whatever it was not
//! taken along with comes to it from the stream. Whether it may be taken along the commit's script
//! decides, by what the log says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use tokio::sync::watch;

use crate::commit::Part;
use crate::namespace::Stream;

/// A stage that may be taken along.
pub(crate) trait Follower: Send + Sync {
    /// Up to where it has taken its stream.
    fn taken(&self) -> watch::Receiver<EntryId>;

    /// The stage, for one commit; none while it takes frames by itself or does not own its
    /// partition.
    fn join(&self) -> Option<Box<dyn Joined>>;
}

/// A stage that is taken along by one commit.
pub(crate) trait Joined: Send {
    /// Applies frames. False, with nothing pending, where that cannot be done now.
    fn apply(&mut self, frames: &[Frame]) -> bool;

    /// What it writes, after it has applied.
    fn part(&mut self) -> Part<'_>;

    /// What came of the commit. Whoever drops it instead leaves the stage in doubt, and it starts
    /// over from the log.
    fn settle(self: Box<Self>, outcome: Outcome);
}

/// What came of what a stage was taken along with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was written, within this time.
    Written(Duration),
    /// It was not: the frames come to the stage by themselves, where they were written.
    Not,
}

/// The stages of this process that may be taken along, by what they read.
#[derive(Default)]
pub(crate) struct Chain {
    followers: Mutex<HashMap<(Stream, u16), Arc<dyn Follower>>>,
}

impl Chain {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Stream, u16), Arc<dyn Follower>>> {
        // Nothing that is done under the lock can panic half way.
        self.followers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a stage be taken along by whoever writes what it reads, until the place is dropped.
    pub(crate) fn follow(
        chain: &Arc<Self>,
        (stream, partition): (Stream, u16),
        follower: Arc<dyn Follower>,
    ) -> Place {
        let place = (stream, partition);
        chain.lock().insert(place, follower);
        Place { chain: Arc::clone(chain), place }
    }

    /// The stage that reads that here.
    pub(crate) fn after(&self, place: (Stream, u16)) -> Option<Arc<dyn Follower>> {
        self.lock().get(&place).cloned()
    }
}

/// A stage's place in the chain.
pub(crate) struct Place {
    chain: Arc<Chain>,
    place: (Stream, u16),
}

impl Drop for Place {
    fn drop(&mut self) {
        self.chain.lock().remove(&self.place);
    }
}
