//! Walking forward through facts: models are trained at the boundaries of event time, and every
//! quote is priced with the model that was in force when it came.

use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_predict::Predict;
use marabet_predict::training::{OptionsError, Trainer, TrainingOptions};
use marabet_schemas::frame::Frame;
use marabet_schemas::{ArtefactHash, EntryId, Event};
use marabet_stage::{Driver, FrameError};

/// Events a frame. Frame boundaries carry no meaning.
const FRAME_EVENTS: usize = 256;

/// The models that came into force, by hash.
pub type Models = BTreeMap<ArtefactHash, Arc<[u8]>>;

/// Why a walk ended before its facts did.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The training's options contradict themselves.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// An event is of a newer version than this program knows.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// What a walk went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Walked {
    /// Facts.
    pub facts: u64,
    /// Book prices: one for each selection of each quote.
    pub quotes: u64,
    /// Prices that are means or maxima over books.
    pub aggregates: u64,
    /// Models that came into force.
    pub models: u64,
    /// Facts that the stage could not process.
    pub dead: u64,
    /// Matches with a result.
    pub matches: u64,
}

impl std::ops::AddAssign for Walked {
    fn add_assign(&mut self, other: Self) {
        self.facts += other.facts;
        self.quotes += other.quotes;
        self.aggregates += other.aggregates;
        self.models += other.models;
        self.dead += other.dead;
        self.matches += other.matches;
    }
}

/// Takes the facts of whole competitions, in order, through training and pricing, and gives each
/// event of the priced stream. Without training there are no models but those that the facts bring.
///
/// # Errors
/// [`WalkError`].
pub fn walk(
    facts: impl Iterator<Item = Event>,
    training: Option<&TrainingOptions>,
    mut each: impl FnMut(Event, &Models),
) -> Result<Walked, WalkError> {
    let mut trainer = training.map(|options| Trainer::new(options.clone())).transpose()?;
    let mut walker = Walker {
        predict: Driver::new(Predict::new(), 0).without_views(),
        models: Models::new(),
        frame: Vec::with_capacity(FRAME_EVENTS),
        frames: 0,
        walked: Walked::default(),
    };
    for fact in facts {
        walker.walked.count(&fact);
        if let Some(trainer) = &mut trainer {
            for model in trainer.observe(&fact).models {
                walker.walked.models += 1;
                walker.models.insert(model.hash, model.bytes);
                walker.push(model.event, &mut each)?;
            }
        }
        walker.push(fact, &mut each)?;
    }
    walker.flush(&mut each)?;
    Ok(walker.walked)
}

impl Walked {
    fn count(&mut self, fact: &Event) {
        use marabet_schemas::Body;
        self.facts += 1;
        match &fact.body {
            Body::Quote(quote) => self.quotes += quote.odds.len() as u64,
            Body::Aggregate(aggregate) => self.aggregates += aggregate.odds.len() as u64,
            Body::Result(_) => self.matches += 1,
            _ => {}
        }
    }
}

struct Walker {
    predict: Driver<Predict>,
    models: Models,
    frame: Vec<Event>,
    frames: u64,
    walked: Walked,
}

impl Walker {
    fn push(
        &mut self,
        event: Event,
        each: &mut impl FnMut(Event, &Models),
    ) -> Result<(), WalkError> {
        self.frame.push(event);
        if self.frame.len() == FRAME_EVENTS { self.flush(each) } else { Ok(()) }
    }

    fn flush(&mut self, each: &mut impl FnMut(Event, &Models)) -> Result<(), WalkError> {
        self.frames += 1;
        let events = std::mem::replace(&mut self.frame, Vec::with_capacity(FRAME_EVENTS));
        let frame = Frame::new(EntryId { ms: self.frames, seq: 0 }, events);
        let outputs = self.predict.apply(std::slice::from_ref(&frame), &self.models)?;
        self.predict.keep();
        for output in outputs {
            self.walked.dead += output.dead.len() as u64;
            output.events.into_iter().for_each(|event| each(event, &self.models));
        }
        Ok(())
    }
}
