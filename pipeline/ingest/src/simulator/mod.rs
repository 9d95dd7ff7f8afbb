//! A league whose probabilities are known, and the books that price it.
//!
//! Sides have an attack and a defence that drift from week to week; goals come from Dixon and
//! Coles' law of these; a market believes something near the truth, nearer as kick-off comes;
//! books make prices of that belief, some late, some with errors of their own, one of them, in a
//! share of the matches, with a mistake of known size. The events are those that a real source
//! yields, in competition `SIM`. The [`Truth`] beside them is what a test compares with: a bet
//! at a planted price earns what theory says.
//!
//! All chance comes from one seed. The same settings give the same bytes on every machine.

mod calendar;
mod chance;
mod csv;
mod draw;
mod league;
mod life;
mod market;
mod settings;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, Write};

use marabet_schemas::{Event, Instant};

pub use csv::CsvError;
pub use draw::{Planted, Truth};
pub use settings::{
    BookKind, BookSettings, Goals, MarketSettings, Planting, Settings, SettingsError,
};

use draw::Drawn;

/// The name of this source in facts.
pub const SOURCE: &str = "simulator";

/// A league, drawn. Its events are made as they are read.
#[derive(Debug, Clone)]
pub struct Simulation {
    settings: Settings,
    matches: Vec<Drawn>,
}

impl Simulation {
    /// Draws the league of these settings.
    ///
    /// # Errors
    /// [`SettingsError`] when they describe none.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let matches = draw::league(&settings);
        Ok(Self { settings, matches })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is true of each match, in order of kick-off.
    pub fn truths(&self) -> impl ExactSizeIterator<Item = &Truth> {
        self.matches.iter().map(|drawn| &drawn.truth)
    }

    /// Every event of a match, in order; none for a match that is not in the league. The place
    /// is that in [`Simulation::truths`].
    #[must_use]
    pub fn events_of(&self, place: usize) -> Vec<Event> {
        self.matches.get(place).map_or_else(Vec::new, |drawn| life::events(&self.settings, drawn))
    }

    /// Every event, in canonical order: by instant, by match, by ordinal within the match.
    #[must_use]
    pub fn events(&self) -> Events<&Self> {
        Events::new(self)
    }

    /// Writes what is true of each match, one JSON object a line.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_truths(&self, out: &mut impl Write) -> io::Result<()> {
        for truth in self.truths() {
            serde_json::to_writer(&mut *out, truth)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    /// As [`Simulation::events`], owning the league.
    #[must_use]
    pub fn into_events(self) -> Events<Self> {
        Events::new(self)
    }
}

impl AsRef<Simulation> for Simulation {
    fn as_ref(&self) -> &Simulation {
        self
    }
}

/// The events of a simulation. Only those of matches whose life has begun are held.
#[derive(Debug, Clone)]
pub struct Events<S> {
    simulation: S,
    /// The next match whose life begins; they begin in order of kick-off.
    next: usize,
    /// The lives that run, each with what is still to come of it, by place.
    lives: BinaryHeap<Reverse<Life>>,
}

/// A running life: ordered by its next event's instant and match.
#[derive(Debug, Clone)]
struct Life {
    events: VecDeque<Event>,
}

impl Life {
    fn next(&self) -> (Option<Instant>, Option<&marabet_schemas::MatchKey>) {
        let event = self.events.front();
        (event.map(|event| event.at), event.and_then(|event| event.key.as_ref()))
    }
}

impl PartialEq for Life {
    fn eq(&self, other: &Self) -> bool {
        self.next() == other.next()
    }
}

impl Eq for Life {}

impl PartialOrd for Life {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Life {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.next().cmp(&other.next())
    }
}

impl<S: AsRef<Simulation>> Events<S> {
    fn new(simulation: S) -> Self {
        Self { simulation, next: 0, lives: BinaryHeap::new() }
    }

    /// Begins the lives of all matches that may have an event up to the next one held.
    fn begin(&mut self) {
        let simulation = self.simulation.as_ref();
        while let Some(drawn) = simulation.matches.get(self.next) {
            let settings = &simulation.settings;
            let begins = life::begins(settings, drawn.truth.kickoff);
            let due = self.lives.peek().and_then(|Reverse(life)| life.next().0);
            if due.is_some_and(|due| due < begins) {
                return;
            }
            let events = life::events(settings, drawn).into();
            self.lives.push(Reverse(Life { events }));
            self.next += 1;
        }
    }
}

impl<S: AsRef<Simulation>> Iterator for Events<S> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.begin();
        let Reverse(mut life) = self.lives.pop()?;
        let event = life.events.pop_front();
        if !life.events.is_empty() {
            self.lives.push(Reverse(life));
        }
        event
    }
}
