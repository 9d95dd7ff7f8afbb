//! Taking the next stage along.

use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;

use crate::chain::Joined;
use crate::clock;
use crate::commit::Line;
use crate::log::Log;

/// How long a stage waits for the next to have taken what was written before, so as to take it
/// along from there on: long enough for the batches that are on their way under full load.
const CATCH_UP_WAIT: Duration = Duration::from_millis(250);
/// How long commits are written apart before it is tried again, where the next could not be taken
/// along. A stage that stays behind costs the one before a wait each time.
const APART_FOR: Duration = Duration::from_secs(2);

/// Whether a tenure takes the next stage along.
pub(super) struct Along {
    /// The last frame of the output stream.
    wrote: EntryId,
    /// When it is tried again; none while nothing speaks against it.
    again: Option<Instant>,
}

impl Along {
    /// Where the output stream ends with this frame.
    pub(super) fn after(wrote: EntryId) -> Self {
        Self { wrote, again: None }
    }

    /// The next stage, where it runs in this process and has taken all that was written so far,
    /// with these frames applied.
    pub(super) async fn join(
        &mut self,
        log: &Log,
        line: Line<'_>,
        frames: &[Frame],
    ) -> Option<Box<dyn Joined>> {
        if frames.is_empty() {
            return None;
        }
        if self.again.is_some_and(|again| clock::moment() < again) {
            return None;
        }
        let follower = log.chain().after((line.output, line.partition))?;
        let wrote = self.wrote;
        let mut taken = follower.taken();
        if *taken.borrow() < wrote {
            let caught_up = taken.wait_for(|taken| *taken >= wrote);
            // Whether it has, is looked at below.
            let _ = tokio::time::timeout(CATCH_UP_WAIT, caught_up).await;
        }
        let is_caught_up = *taken.borrow() >= wrote;
        let joined = if is_caught_up { follower.join() } else { None };
        let joined = joined.and_then(|mut joined| joined.apply(frames).then_some(joined));
        self.went(joined.is_some());
        joined
    }

    /// The next stage was taken along, or could not be.
    pub(super) fn went(&mut self, along: bool) {
        self.again = (!along).then(|| clock::moment() + APART_FOR);
    }

    /// This frame is the last of the output stream now.
    pub(super) fn wrote(&mut self, last: Option<EntryId>) {
        self.wrote = last.unwrap_or(self.wrote);
    }
}
