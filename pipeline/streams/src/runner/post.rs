//! A stage at its post: what it needs to apply frames and to write what follows, shared by the
//! tenure that holds the partition and the stage before that takes this one along.

use std::sync::Arc;

use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, EntryId};
use marabet_stage::{Change, Driver, FrameError, FrameOutput, Stage, StateError};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tracing::Span;

use super::RunOptions;
use crate::chain::{Follower, Joined, Outcome};
use crate::commit::{Batch, Line, Lives, Part, Written};
use crate::lease::Fence;
use crate::log::Log;
use crate::metrics::StageMetrics;
use crate::{clock, trace, watchdog};

/// A stage at its post.
pub(crate) struct Post<S> {
    log: Log,
    line: Line<'static>,
    options: RunOptions,
    metrics: Arc<StageMetrics>,
    driver: Driver<S>,
    right: Option<Right>,
    /// Up to where the stage has taken its stream.
    taken: EntryId,
    /// What was applied on behalf of the stage before, until it is known what came of it.
    along: Option<Along>,
}

/// What says that the partition is the stage's.
struct Right {
    fence: Fence,
    lives: Lives,
}

/// Frames that were applied along with the stage before.
struct Along {
    written: Vec<Written>,
    changes: Vec<Change>,
    count: Count,
    last: EntryId,
    /// The frames' spans, which end with this.
    _spans: Vec<Span>,
}

impl<S: Stage> Post<S> {
    /// The post of a stage that holds nothing yet.
    pub(crate) fn new(log: &Log, line: Line<'static>, options: &RunOptions, stage: S) -> Self {
        Self {
            log: log.clone(),
            line,
            options: options.clone(),
            metrics: log.metrics().stage(line.stage),
            driver: Driver::new(stage, line.partition),
            right: None,
            taken: EntryId::default(),
            along: None,
        }
    }

    /// The stage's driver.
    pub(crate) fn driver(&mut self) -> &mut Driver<S> {
        &mut self.driver
    }

    /// The partition is the stage's, and the driver has what its commits have written: of all
    /// frames up to this one.
    pub(crate) fn begin(&mut self, fence: Fence, taken: EntryId) {
        self.right = Some(Right { fence, lives: Lives::default() });
        self.taken = taken;
        self.along = None;
    }

    /// The stage takes nothing any more, until it begins again.
    pub(crate) fn end(&mut self) {
        self.right = None;
    }

    /// Whether the driver may hold what was not written, or lack what was: the one who took it
    /// along does not know, or was never heard of again.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.along.is_some()
    }

    /// Applies frames. What changes is pending until it is kept or taken back.
    pub(crate) fn apply(&mut self, frames: &[Frame]) -> Result<Vec<FrameOutput>, FrameError> {
        let Line { stage, partition, .. } = self.line;
        let started = clock::moment();
        let _watched = watchdog::watch(self.options.apply_max, &self.options.on_stuck, || {
            let first = frames.first().map_or_else(String::new, |frame| frame.id.to_string());
            format!("{stage} does not return from partition {partition}, {first} and on")
        });
        let outputs = self.driver.apply(frames, self.log.artefacts())?;
        self.metrics.apply_time.record(started.elapsed());
        Ok(outputs)
    }

    /// What changed; an error with everything taken back.
    pub(crate) fn changes(&mut self) -> Result<Vec<Change>, StateError> {
        self.driver.changes().inspect_err(|_| self.driver.take_back())
    }

    /// A part of a commit.
    pub(crate) fn part<'p>(&'p mut self, batch: Batch<'p>) -> Part<'p> {
        part_of(self.line, &mut self.right, self.taken, batch)
    }

    /// Up to where the stage has taken its stream.
    pub(crate) fn taken(&self) -> EntryId {
        self.taken
    }

    /// What follows from the frames up to this one is written.
    pub(crate) fn keep(&mut self, last: EntryId, count: &Count) {
        self.driver.keep();
        self.taken = last;
        let metrics = &self.metrics;
        metrics.frames.add(count.frames);
        metrics.events.add(count.events);
        metrics.derived.add(count.derived);
        metrics.dead.add(count.dead);
        for &(id, has_bets) in &count.outputs {
            let age = self.log.stamps().age(self.line.partition, id);
            metrics.latency.record(age);
            if has_bets {
                metrics.bet_latency.record(age);
            }
        }
    }
}

/// A part of a commit of a stage that holds its partition.
fn part_of<'p>(
    line: Line<'static>,
    right: &'p mut Option<Right>,
    after: EntryId,
    batch: Batch<'p>,
) -> Part<'p> {
    let Right { fence, lives } = right.as_mut().expect("only who holds a partition writes");
    Part { line, fence, batch, lives, after }
}

/// A post that two may come to.
pub(crate) struct SharedPost<S> {
    post: Arc<Mutex<Post<S>>>,
    taken: Arc<watch::Sender<EntryId>>,
}

impl<S> Clone for SharedPost<S> {
    fn clone(&self) -> Self {
        Self { post: Arc::clone(&self.post), taken: Arc::clone(&self.taken) }
    }
}

impl<S: Stage> SharedPost<S> {
    pub(crate) fn new(post: Post<S>) -> Self {
        let taken = Arc::new(watch::Sender::new(EntryId::default()));
        Self { post: Arc::new(Mutex::new(post)), taken }
    }

    /// The post, once nobody else is at it.
    pub(crate) async fn lock(&self) -> OwnedMutexGuard<Post<S>> {
        Arc::clone(&self.post).lock_owned().await
    }

    /// Tells up to where the stage has taken its stream; to be told when the post is free again.
    pub(crate) fn set_taken(&self, last: EntryId) {
        self.taken.send_replace(last);
    }
}

impl<S: Stage + 'static> Follower for SharedPost<S> {
    fn taken(&self) -> watch::Receiver<EntryId> {
        self.taken.subscribe()
    }

    fn join(&self) -> Option<Box<dyn Joined>> {
        let post = Arc::clone(&self.post).try_lock_owned().ok()?;
        let is_ready = post.right.is_some() && !post.is_in_doubt();
        is_ready.then(|| Box::new(Visit { post, of: self.clone() }) as Box<dyn Joined>)
    }
}

/// The stage before, at this post.
struct Visit<S> {
    post: OwnedMutexGuard<Post<S>>,
    of: SharedPost<S>,
}

impl<S: Stage + 'static> Joined for Visit<S> {
    fn apply(&mut self, frames: &[Frame]) -> bool {
        let Some(last) = frames.last().map(|frame| frame.id) else { return false };
        let post = &mut *self.post;
        let spans = trace::frames(post.line.stage, post.line.partition, frames);
        // What a frame has to wait for, and whose state cannot be written, the stage finds by
        // itself when it reads the frame.
        let Ok(outputs) = post.apply(frames) else { return false };
        let Ok(changes) = post.changes() else { return false };
        let count = Count::of(frames, &outputs);
        let (written, _) = Written::of_all(outputs);
        post.along = Some(Along { written, changes, count, last, _spans: spans });
        true
    }

    fn part(&mut self) -> Part<'_> {
        let Post { line, right, taken, along, .. } = &mut *self.post;
        let Along { written, changes, .. } = along.as_ref().expect("frames were applied before");
        part_of(*line, right, *taken, Batch { written, changes, quarantined: &[] })
    }

    fn settle(self: Box<Self>, outcome: Outcome) {
        let Self { mut post, of } = *self;
        let Some(along) = post.along.take() else { return };
        let Outcome::Written(took) = outcome else {
            post.driver.take_back();
            // Views that were to begin their lives anew have not.
            if let Some(right) = &mut post.right {
                right.lives = Lives::default();
            }
            return;
        };
        post.metrics.commit_time.record(took);
        post.metrics.commits.add(1);
        post.metrics.commits_along.add(1);
        post.keep(along.last, &along.count);
        drop(post);
        of.set_taken(along.last);
    }
}

/// What the metrics say of a commit.
pub(crate) struct Count {
    frames: u64,
    events: u64,
    derived: u64,
    dead: u64,
    /// The frames that led to something, and whether to bets.
    outputs: Vec<(EntryId, bool)>,
}

impl Count {
    pub(crate) fn of(frames: &[Frame], outputs: &[FrameOutput]) -> Self {
        let has_bets = |output: &FrameOutput| {
            output.events.iter().any(|event| matches!(event.body, Body::ValueBet(_)))
        };
        let led = outputs.iter().filter(|output| !output.events.is_empty());
        Self {
            frames: frames.len() as u64,
            events: frames.iter().map(|frame| frame.events.len() as u64).sum(),
            derived: outputs.iter().map(|output| output.events.len() as u64).sum(),
            dead: outputs.iter().map(|output| output.dead.len() as u64).sum(),
            outputs: led.map(|output| (output.id, has_bets(output))).collect(),
        }
    }
}
