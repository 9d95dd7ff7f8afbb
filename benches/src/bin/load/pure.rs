//! The same quotes through the pure stages alone: what the decisions must be, and what each step
//! costs in one core.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::frame::{Frame, encode};
use marabet_schemas::{ArtefactHash, EntryId, Event};
use marabet_stage::{Driver, FrameOutput, Stage};

use crate::digest::Digest;
use crate::line::LineRun;
use crate::mix::{Mix, Model};
use crate::usage;

/// Events of a frame. Frame boundaries carry no meaning, so it need not be the line's.
const FRAME: usize = 256;

type Models = BTreeMap<ArtefactHash, Arc<[u8]>>;

/// Time by step, in the order of the line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(pub(crate) [(&'static str, Duration); 9]);

/// What the pure stages make of the quotes.
pub(crate) struct Pure {
    pub(crate) digests: Vec<Digest>,
    pub(crate) steps: Steps,
}

/// Takes the events of a run through the stages, partition by partition as they came.
pub(crate) fn derive(run: &LineRun, model: &Model, partitions: u16) -> anyhow::Result<Pure> {
    let mut mix = Mix::new()?;
    let models = Models::from([(model.hash, Arc::clone(&model.bytes))]);
    let mut lanes: Vec<Lane> = (0..partitions).map(Lane::new).collect();
    let mut clock = Stopwatch::default();
    for event in Mix::opening(model, run.opened_at) {
        lanes.iter_mut().for_each(|lane| lane.waiting.push(event.clone()));
    }
    let mut events = Vec::new();
    for chunk in &run.chunks {
        events.clear();
        mix.events(chunk.first, chunk.count, chunk.at, &mut events);
        for event in events.drain(..) {
            let partition = event.key.as_ref().map_or(0, |key| key.partition(partitions));
            let lane = &mut lanes[usize::from(partition)];
            lane.waiting.push(event);
            if lane.waiting.len() >= FRAME {
                lane.step(&models, &mut clock)?;
            }
        }
    }
    for lane in &mut lanes {
        lane.step(&models, &mut clock)?;
    }
    Ok(Pure { digests: lanes.iter().map(|lane| lane.digest).collect(), steps: clock.steps() })
}

/// One partition.
struct Lane {
    waiting: Vec<Event>,
    frames: u64,
    predict: Driver<Predict>,
    detect: Driver<Detect>,
    digest: Digest,
}

impl Lane {
    fn new(partition: u16) -> Self {
        Self {
            waiting: Vec::with_capacity(FRAME),
            frames: 0,
            predict: Driver::new(Predict::new(), partition),
            detect: Driver::new(Detect::new(), partition),
            digest: Digest::default(),
        }
    }

    /// Takes what waits through all steps.
    fn step(&mut self, models: &Models, clock: &mut Stopwatch) -> anyhow::Result<()> {
        self.frames += 1;
        let id = EntryId { ms: self.frames, seq: 0 };
        clock.start();
        let feed = wire(&std::mem::take(&mut self.waiting), id, clock, Step::FeedOut)?;
        let priced = apply(&mut self.predict, &feed, models, clock, Step::Predict)?;
        let priced = wire(&priced.events, id, clock, Step::PricedOut)?;
        let bets = apply(&mut self.detect, &priced, models, clock, Step::Detect)?;
        drop(encode(&bets.events));
        clock.lap(Step::BetsOut);
        bets.events.iter().for_each(|event| self.digest.add(event));
        Ok(())
    }
}

/// Through the form in which Redis keeps them.
fn wire(
    events: &[Event],
    id: EntryId,
    clock: &mut Stopwatch,
    writing: Step,
) -> anyhow::Result<Frame> {
    let lines = String::from_utf8(encode(events))?;
    clock.lap(writing);
    let frame = Frame::decode(id, &lines);
    clock.lap(Step::after(writing));
    Ok(frame)
}

fn apply<S: Stage>(
    driver: &mut Driver<S>,
    frame: &Frame,
    models: &Models,
    clock: &mut Stopwatch,
    step: Step,
) -> anyhow::Result<FrameOutput> {
    let mut outputs = driver.apply(std::slice::from_ref(frame), models)?;
    clock.lap(step);
    let rows = driver.changes()?;
    driver.keep();
    drop(rows);
    clock.lap(Step::after(step));
    let output = outputs.pop().unwrap_or_default();
    anyhow::ensure!(output.dead.is_empty(), "a made-up event was refused: {:?}", output.dead);
    Ok(output)
}

/// The steps of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    FeedOut,
    FeedIn,
    Predict,
    PredictRows,
    PricedOut,
    PricedIn,
    Detect,
    DetectRows,
    BetsOut,
}

impl Step {
    const ALL: [(Self, &'static str); 9] = [
        (Self::FeedOut, "quote to its line"),
        (Self::FeedIn, "line to quote"),
        (Self::Predict, "predict, views included"),
        (Self::PredictRows, "predict's rows"),
        (Self::PricedOut, "priced to its line"),
        (Self::PricedIn, "line to priced"),
        (Self::Detect, "detect, views included"),
        (Self::DetectRows, "detect's rows"),
        (Self::BetsOut, "bets to their lines"),
    ];

    /// Every step but the last is followed by its second half.
    fn after(step: Self) -> Self {
        Self::ALL[step as usize + 1].0
    }
}

/// Adds up the processor time of each step, which does not count what others of the machine take.
#[derive(Default)]
struct Stopwatch {
    since: Duration,
    spent: [Duration; Step::ALL.len()],
}

impl Stopwatch {
    fn start(&mut self) {
        self.since = usage::of_thread();
    }

    fn lap(&mut self, step: Step) {
        let now = usage::of_thread();
        self.spent[step as usize] += now.saturating_sub(self.since);
        self.since = now;
    }

    fn steps(&self) -> Steps {
        Steps(Step::ALL.map(|(step, name)| (name, self.spent[step as usize])))
    }
}
