//! The replay: every fact through the stages that run live, walked forward, the bankroll carried
//! through.

use std::collections::{BTreeMap, HashMap};

use marabet_detect::Detect;
use marabet_schemas::bets::RefusalReason;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::frame::Frame;
use marabet_schemas::{BetId, Body, EntryId, Event, Instant, StrategyName};
use marabet_stage::{Driver, Fault};

use crate::account::{self, Booked};
use crate::frictions::{Counter, Placement};
use crate::history::{History, HistoryError, Strand, Unread};
use crate::setup::Setup;
use crate::walk::{WalkError, Walked, walk};

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The facts could not be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// They could not be priced.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// The portfolio rejected what detection derived.
    #[error("{0}")]
    Fault(Fault),
}

/// What a replay brought.
#[derive(Debug, Default)]
pub struct Replayed {
    /// The bets and the money.
    pub booked: Booked,
    /// What was gone through.
    pub walked: Walked,
    /// How often each strategy refused for each reason.
    pub refusals: BTreeMap<StrategyName, BTreeMap<RefusalReason, u64>>,
    /// What could not be read.
    pub unread: Unread,
}

/// What one competition brought.
#[derive(Default)]
struct Derived {
    events: Vec<Event>,
    placements: HashMap<BetId, Placement>,
    refusals: BTreeMap<StrategyName, BTreeMap<RefusalReason, u64>>,
    walked: Walked,
    unread: Unread,
}

/// Takes a history through the stages under a set-up, on so many threads.
///
/// # Errors
/// [`ReplayError`].
pub fn replay(history: &History, setup: &Setup, threads: usize) -> Result<Replayed, ReplayError> {
    let derived = history.each(threads, |strand| competition(strand, setup))?;
    let mut replayed = Replayed::default();
    let (mut events, mut placements) = (Vec::new(), HashMap::new());
    for one in derived {
        events.extend(one.events);
        placements.extend(one.placements);
        replayed.walked += one.walked;
        replayed.unread.add(one.unread);
        for (strategy, reasons) in one.refusals {
            let known = replayed.refusals.entry(strategy).or_default();
            for (reason, count) in reasons {
                *known.entry(reason).or_default() += count;
            }
        }
    }
    account::sort_canonically(&mut events);
    replayed.booked =
        account::book(&setup.rules(), &events, &placements).map_err(ReplayError::Fault)?;
    Ok(replayed)
}

fn competition(strand: &Strand, setup: &Setup) -> Result<Derived, ReplayError> {
    let mut derived = Derived::default();
    let mut facts = strand.facts(&mut derived.unread)?;
    let training = setup.uses_model().then(|| setup.training.options());
    let rules = setup.rules();
    let mut detecting = Detecting {
        detect: Driver::new(Detect::new(), 0).without_views(),
        counter: (!setup.frictions.are_none()).then(|| Counter::new(&setup.frictions, &rules)),
        frame: Vec::with_capacity(FRAME_EVENTS),
        frames: 0,
        dead: 0,
    };
    let published = Event::global(Instant::default(), ConfigPublished::new(1, rules.clone()));
    detecting.event(published, &mut derived);
    let walked =
        walk(&mut facts, training.as_ref(), |event, _| detecting.event(event, &mut derived))?;
    facts.finish()?;
    detecting.flush(&mut derived);
    derived.walked = Walked { dead: walked.dead + detecting.dead, ..walked };
    derived.placements = detecting.counter.map(Counter::finish).unwrap_or_default();
    Ok(derived)
}

/// Events a frame. Frame boundaries carry no meaning.
const FRAME_EVENTS: usize = 256;

struct Detecting<'a> {
    detect: Driver<Detect>,
    counter: Option<Counter<'a>>,
    frame: Vec<Event>,
    frames: u64,
    dead: u64,
}

impl Detecting<'_> {
    fn event(&mut self, event: Event, derived: &mut Derived) {
        let wait = match &mut self.counter {
            // An alert meets the prices that stood when it came.
            Some(counter) => {
                counter.observe(&event);
                1
            }
            None => FRAME_EVENTS,
        };
        self.frame.push(event);
        if self.frame.len() >= wait {
            self.flush(derived);
        }
    }

    fn flush(&mut self, derived: &mut Derived) {
        self.frames += 1;
        let frame = Frame::new(
            EntryId { ms: self.frames, seq: 0 },
            std::mem::replace(&mut self.frame, Vec::with_capacity(FRAME_EVENTS)),
        );
        // Detection asks for no artefact, and the frame was made here: it is of this version.
        let outputs = self.detect.apply(std::slice::from_ref(&frame), &crate::walk::Models::new());
        self.detect.keep();
        for output in outputs.unwrap_or_default() {
            self.dead += output.dead.len() as u64;
            output.events.into_iter().for_each(|event| self.keep(event, derived));
        }
    }

    fn keep(&mut self, event: Event, derived: &mut Derived) {
        match &event.body {
            Body::ValueBet(bet) if bet.revision == 0 => {
                if let (Some(counter), Some(key)) = (&mut self.counter, &event.key) {
                    counter.alert(key, event.at, bet);
                }
                derived.events.push(event);
            }
            Body::Settlement(_) | Body::MatchClosed(_) => derived.events.push(event),
            Body::Refused(refused) => {
                let reasons = derived.refusals.entry(refused.strategy.clone()).or_default();
                *reasons.entry(refused.reason).or_default() += 1;
            }
            _ => {}
        }
    }
}
