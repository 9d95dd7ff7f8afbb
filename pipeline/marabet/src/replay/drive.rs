//! The stages over an archive, in process: what they derive, and what was derived live beside it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use marabet_archive::{Archive, Days, Holding, Marks, PartitionFrames};
use marabet_detect::Detect;
use marabet_portfolio::Portfolio;
use marabet_predict::Predict;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{ArtefactHash, Body, EntryId, Event, Instant};
use marabet_stage::{Artefacts, Driver, FrameOutput, Stage};
use marabet_streams::{Stream, clock};

use super::choice::{Choice, Seen};
use super::difference::{Differences, Stand};
use super::overrides::Overrides;

/// Frames that go through a stage at once.
const FRAMES_MAX: usize = 32;

/// How a replay is done.
pub(crate) struct Plan<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) choice: &'a Choice,
    pub(crate) overrides: &'a Overrides,
    /// The rules for history without any.
    pub(crate) rules: &'a Rules,
    /// Event seconds a second; none for as fast as it goes.
    pub(crate) speed: Option<f64>,
    /// Whether to compare with what was archived live.
    pub(crate) verify: bool,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Replayed {
    /// Book prices that went through.
    pub(crate) quotes: u64,
    /// Facts that went through.
    pub(crate) facts: u64,
    /// The events of the stream `bets`, partition after partition.
    pub(crate) bets: Vec<Event>,
    /// The events of `grants`; none where the order in which bets arrived is not archived.
    pub(crate) grants: Option<Vec<Event>>,
    /// Events that could not be processed.
    pub(crate) dead: u64,
    pub(crate) seen: Seen,
    pub(crate) differences: Differences,
    /// Rules that were in force in the archive, the last of them, as they were.
    pub(crate) rules: Option<Rules>,
    /// The history came without rules, and those of the configuration were put in force.
    pub(crate) rules_added: bool,
}

/// The models of an archive, each read once.
pub(crate) struct Models<'a> {
    archive: &'a Archive,
    read: Mutex<BTreeMap<ArtefactHash, Arc<[u8]>>>,
}

impl<'a> Models<'a> {
    pub(crate) fn of(archive: &'a Archive) -> Self {
        Self { archive, read: Mutex::default() }
    }
}

impl Artefacts for Models<'_> {
    fn get(&self, hash: &ArtefactHash) -> Option<Arc<[u8]>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = read.get(hash) {
            return Some(Arc::clone(bytes));
        }
        let bytes = self.archive.artefact(hash).ok()?;
        read.insert(*hash, Arc::clone(&bytes));
        Some(bytes)
    }
}

/// Replays an archive.
pub(crate) fn replay(plan: &Plan<'_>) -> anyhow::Result<Replayed> {
    let about = plan.archive.existing()?;
    let is_history = about.namespace.is_none();
    let grants = Holding::Stream(Stream::Grants);
    let has_account =
        !plan.choice.leaves_matches_out() && plan.archive.holdings()?.contains(&grants);
    let marks = plan.archive.marks()?;
    let models = Models::of(plan.archive);
    let mut replayed = Replayed::default();
    replayed.differences.rules_changed = !plan.overrides.is_empty();
    let mut by_frame: BTreeMap<(u16, EntryId), Vec<Event>> = BTreeMap::new();
    let mut pace = plan.speed.map(Pace::at);
    for partition in 0..about.partitions {
        let mut lane = Lane::new(plan, &marks, &models, partition)?;
        lane.begun = !is_history;
        if plan.verify {
            // Live stages have not seen what was imported.
            lane.live_after = plan.archive.imported_until(partition)?;
        }
        let mut frames =
            plan.archive.frames(&Holding::Stream(Stream::Feed), partition, &Days::ALL)?;
        loop {
            let batch = lane.batch(&mut frames, &mut replayed)?;
            if batch.is_empty() {
                break;
            }
            if let Some(pace) = &mut pace {
                pace.wait_for(&batch);
            }
            for (id, bets) in lane.through(batch, &mut replayed)? {
                if has_account {
                    by_frame.insert((partition, id), bets.clone());
                }
                replayed.bets.extend(bets);
            }
        }
        lane.finish(&mut replayed)?;
    }
    plan.choice.found(&replayed.seen)?;
    if has_account {
        replayed.grants = account(plan, &models, &by_frame, &mut replayed)?;
    }
    Ok(replayed)
}

/// One partition's line.
struct Lane<'a> {
    plan: &'a Plan<'a>,
    models: &'a Models<'a>,
    marks: &'a Marks,
    partition: u16,
    predict: Driver<Predict>,
    detect: Driver<Detect>,
    /// What was derived live, where it is compared.
    live: Option<(Stand, Stand)>,
    /// What stands up to here is passed over.
    live_after: EntryId,
    /// Whether rules are in force, or come with the log.
    begun: bool,
}

impl<'a> Lane<'a> {
    fn new(
        plan: &'a Plan<'a>,
        marks: &'a Marks,
        models: &'a Models<'a>,
        partition: u16,
    ) -> anyhow::Result<Self> {
        let stand = |stream| -> anyhow::Result<Stand> {
            let frames = plan.archive.frames(&Holding::Stream(stream), partition, &Days::ALL)?;
            Ok(Stand::new(stream, partition, frames))
        };
        let live =
            if plan.verify { Some((stand(Stream::Priced)?, stand(Stream::Bets)?)) } else { None };
        Ok(Self {
            plan,
            models,
            marks,
            partition,
            predict: Driver::new(Predict::new(), partition).without_views(),
            detect: Driver::new(Detect::new(), partition).without_views(),
            live,
            live_after: EntryId::default(),
            begun: false,
        })
    }

    /// The next frames of the feed, as they are to be replayed; none at the end.
    fn batch(
        &mut self,
        frames: &mut PartitionFrames,
        replayed: &mut Replayed,
    ) -> anyhow::Result<Vec<Frame>> {
        let mut batch = Vec::with_capacity(FRAMES_MAX);
        while batch.len() < FRAMES_MAX {
            let Some(frame) = frames.next() else { break };
            let mut frame = frame?;
            if frame.id <= self.live_after {
                continue;
            }
            self.begin(&frame, &mut batch, replayed)?;
            for event in frame.events.iter_mut().flatten() {
                if let Body::ConfigPublished(published) = &event.body {
                    replayed.rules = Some(published.rules.clone());
                }
                self.plan.overrides.apply(event)?;
                replayed.seen.see(event, self.plan.choice);
            }
            let choice = self.plan.choice;
            if choice.to.is_some() || choice.leaves_matches_out() {
                frame.events.retain(|event| match event {
                    Ok(event) => choice.takes(event.key.as_ref()) && choice.is_before_end(event.at),
                    Err(_) => true,
                });
            }
            batch.push(frame);
        }
        Ok(batch)
    }

    /// Puts the configuration's rules in force where history comes without any.
    fn begin(
        &mut self,
        frame: &Frame,
        batch: &mut Vec<Frame>,
        replayed: &mut Replayed,
    ) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let Some(Ok(first)) = frame.events.first() else { return Ok(()) };
        if matches!(first.body, Body::ConfigPublished(_)) {
            return Ok(());
        }
        replayed.rules.get_or_insert_with(|| self.plan.rules.clone());
        replayed.rules_added = true;
        batch.push(Frame::new(
            EntryId::default(),
            vec![rules_of_configuration(self.plan, first.at)?],
        ));
        Ok(())
    }

    /// Takes frames through the stages; returns the bets of each frame that has some.
    fn through(
        &mut self,
        batch: Vec<Frame>,
        replayed: &mut Replayed,
    ) -> anyhow::Result<Vec<(EntryId, Vec<Event>)>> {
        replayed.facts += batch.iter().map(|frame| frame.events.len() as u64).sum::<u64>();
        let feed = passing(batch, self.marks, Predict::NAME, self.partition);
        let mut priced = Vec::with_capacity(feed.len());
        for output in apply(&mut self.predict, &feed, self.models, replayed)? {
            for event in &output.events {
                if let Body::Priced(priced) = &event.body {
                    replayed.quotes += priced.quote.odds.len() as u64;
                }
            }
            if let Some((live, _)) = &mut self.live {
                let (choice, differences) = (self.plan.choice, &mut replayed.differences);
                live.compare(output.id, &output.events, choice, differences)?;
            }
            if !output.events.is_empty() {
                priced.push(Frame::new(output.id, output.events));
            }
        }
        let priced = passing(priced, self.marks, Detect::NAME, self.partition);
        let mut bets = Vec::new();
        for output in apply(&mut self.detect, &priced, self.models, replayed)? {
            if let Some((_, live)) = &mut self.live {
                let (choice, differences) = (self.plan.choice, &mut replayed.differences);
                live.compare(output.id, &output.events, choice, differences)?;
            }
            if !output.events.is_empty() {
                bets.push((output.id, output.events));
            }
        }
        Ok(bets)
    }

    /// Compares what was archived live and not derived here at all.
    fn finish(self, replayed: &mut Replayed) -> anyhow::Result<()> {
        if let Some((priced, bets)) = self.live {
            priced.finish(self.plan.choice, &mut replayed.differences)?;
            bets.finish(self.plan.choice, &mut replayed.differences)?;
        }
        Ok(())
    }
}

/// The configuration's rules as a fact, for history without any. Any rules that follow have a
/// higher number.
pub(super) fn rules_of_configuration(plan: &Plan<'_>, at: Instant) -> anyhow::Result<Event> {
    let mut rules = Event::global(at, ConfigPublished::new(0, plan.rules.clone()));
    plan.overrides.apply(&mut rules)?;
    Ok(rules)
}

/// The frames that a stage did not pass over.
fn passing(frames: Vec<Frame>, marks: &Marks, stage: &str, partition: u16) -> Vec<Frame> {
    let Some(marked) = marks.get(stage).and_then(|stage| stage.get(&partition)) else {
        return frames;
    };
    frames.into_iter().filter(|frame| !marked.contains_key(&frame.id)).collect()
}

fn apply<S: Stage>(
    driver: &mut Driver<S>,
    frames: &[Frame],
    models: &Models<'_>,
    replayed: &mut Replayed,
) -> anyhow::Result<Vec<FrameOutput>> {
    let outputs = driver.apply(frames, models)?;
    driver.keep();
    replayed.dead += outputs.iter().map(|output| output.dead.len() as u64).sum::<u64>();
    Ok(outputs)
}

/// The account over the bets, in the order in which they arrived live; none where that is not
/// archived.
fn account(
    plan: &Plan<'_>,
    models: &Models<'_>,
    bets: &BTreeMap<(u16, EntryId), Vec<Event>>,
    replayed: &mut Replayed,
) -> anyhow::Result<Option<Vec<Event>>> {
    let order = plan.archive.order_of_arrival()?;
    if order.is_empty() {
        return Ok(None);
    }
    let mut portfolio = Driver::new(Portfolio::new(), 0).without_views();
    let mut grants = Vec::new();
    let marks = plan.archive.marks()?;
    let marked = marks.get(Portfolio::NAME);
    for (partition, id) in order {
        if marked.and_then(|of| of.get(&partition)).is_some_and(|frames| frames.contains_key(&id)) {
            continue;
        }
        let Some(events) = bets.get(&(partition, id)) else { continue };
        let frame = Frame::new(id, events.clone());
        let outputs = apply(&mut portfolio, std::slice::from_ref(&frame), models, replayed)?;
        grants.extend(outputs.into_iter().flat_map(|output| output.events));
    }
    if plan.verify {
        let frames = plan.archive.frames(&Holding::Stream(Stream::Grants), 0, &Days::ALL)?;
        let stand = Stand::new(Stream::Grants, 0, frames);
        stand.compare_all(&grants, plan.choice, &mut replayed.differences)?;
    }
    Ok(Some(grants))
}

/// Keeps event time at a number of seconds a second.
pub(super) struct Pace {
    speed: f64,
    began: Option<(Moment, i64)>,
}

impl Pace {
    pub(super) fn at(speed: f64) -> Self {
        Self { speed, began: None }
    }

    fn wait_for(&mut self, frames: &[Frame]) {
        let events = frames.iter().flat_map(|frame| frame.events.iter().flatten());
        if let Some(at_us) = events.map(|event| event.at.micros()).max() {
            std::thread::sleep(self.until(at_us));
        }
    }

    /// How long it is until this instant of event time.
    pub(super) fn until(&mut self, at_us: i64) -> Duration {
        let (began, first_us) = *self.began.get_or_insert_with(|| (clock::moment(), at_us));
        let due_s = (at_us - first_us) as f64 / 1e6 / self.speed;
        let due = Duration::try_from_secs_f64(due_s).unwrap_or_default();
        due.saturating_sub(began.elapsed())
    }
}
