//! The stage itself: which event changes what, and what is looked at then.

mod matches;
mod play;
mod quotes;

use marabet_schemas::control::ConfigPublished;
use marabet_schemas::{Body, Book, Event, MatchKey};
use marabet_stage::{Artefacts, Derived, Fault, Only, Rows, Stage};

use crate::desk::Desk;
use crate::rules::{self, InForce};
use crate::state::State;
use crate::state::prices::BookId;
use crate::state::rows::MatchRow;
use crate::survey::Sink;
use crate::value::Memo;

/// `priced` → `bets`: what is value, what was refused and why, how bets ended.
///
/// Passes on what the portfolio needs: the rules when they come into force, what the user says of
/// bets, deposits, and that a match is closed.
pub struct Detect {
    pub(crate) state: State,
    in_force: Option<InForce>,
    memo: Memo,
    /// Where what is value is noted instead of bet at.
    pub(crate) survey: Option<Box<Sink>>,
}

impl Default for Detect {
    fn default() -> Self {
        Self::new()
    }
}

impl Detect {
    /// The stage's name.
    pub const NAME: &'static str = "detect";

    /// The stage with nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::new(), in_force: None, memo: Memo::default(), survey: None }
    }

    /// The number of the configuration in force.
    #[must_use]
    pub fn config_in_force(&self) -> Option<u64> {
        self.state.config.get(&Only).map(|published| published.number)
    }

    /// Puts rules in force. True when they are: their number is higher than the one before.
    pub(crate) fn publish(&mut self, published: &ConfigPublished) -> Result<bool, Fault> {
        if self.config_in_force().is_some_and(|number| published.number <= number) {
            return Ok(false);
        }
        rules::check(&published.rules)?;
        let strategies = published.rules.strategies.values();
        let references = strategies.flat_map(|strategy| &strategy.references);
        let named = references.chain(&published.rules.closing.references);
        rules::name_books(&mut self.state, named)?;
        self.state.config.insert(Only, published.clone());
        self.in_force = None;
        Ok(true)
    }

    /// The number of a book, which it gets when it is first named.
    pub(crate) fn book(&mut self, name: &Book) -> Result<BookId, Fault> {
        let in_force = in_force(&mut self.in_force, &self.state);
        if let Some(id) = in_force.id(name) {
            return Ok(id);
        }
        rules::name_books(&mut self.state, [name])?;
        let in_force = self.in_force.insert(InForce::of(&self.state));
        Ok(in_force.id(name).expect("the book was named just now"))
    }

    /// An event of a match.
    fn of_match(&mut self, told: &mut Told<'_>) -> Result<(), Fault> {
        let (key, event) = (told.key, told.event);
        if let Some(closed) = self.state.closed.get(key) {
            return Err(Fault::rejected(format!(
                "{key} was closed at {closed}: a {} that late changes nothing any more",
                event.kind().name()
            )));
        }
        let row = self.state.matches.entry(key, || MatchRow::new(event.at));
        row.now = row.now.max(event.at);
        match &event.body {
            Body::Priced(priced) => self.priced(told, priced)?,
            Body::Aggregate(aggregate) => self.aggregate(told, aggregate)?,
            Body::Withdrawn(gone) => {
                let book = self.book(&gone.book)?;
                self.withdrawn(told, book, gone.market);
            }
            Body::Seen(seen) => {
                let book = self.book(&seen.book)?;
                self.seen(told, book);
            }
            Body::Fixture(fixture) => self.fixture(told, fixture),
            Body::Result(result) => self.result(told, result)?,
            Body::MatchClosed(_) => self.close(told),
            _ => {}
        }
        self.overdue(told);
        Ok(())
    }

    fn desk<'a>(&'a mut self, told: &'a mut Told<'_>) -> Desk<'a> {
        let rules = in_force(&mut self.in_force, &self.state);
        Desk {
            state: &mut self.state,
            rules,
            memo: &mut self.memo,
            derived: told.derived,
            key: told.key,
            assumed: told.event.assumed,
            in_play: false,
            survey: self.survey.as_deref_mut(),
        }
    }
}

/// An event of a match, and where what follows from it goes.
struct Told<'a> {
    key: &'a MatchKey,
    event: &'a Event,
    derived: &'a mut Derived,
}

/// The rules in force, made from the state where they are not at hand.
fn in_force<'a>(kept: &'a mut Option<InForce>, state: &State) -> &'a InForce {
    kept.get_or_insert_with(|| InForce::of(state))
}

impl Stage for Detect {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(
        &mut self,
        event: &Event,
        _: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        match &event.body {
            Body::ConfigPublished(published) => {
                if self.publish(published)? {
                    derived.push(event.clone());
                }
            }
            Body::ModelPublished(_)
            | Body::BetPlaced(_)
            | Body::BetSkipped(_)
            | Body::BetVoid(_)
            | Body::Deposit(_) => {
                derived.push(event.clone());
            }
            Body::Fixture(_)
            | Body::Priced(_)
            | Body::Aggregate(_)
            | Body::Withdrawn(_)
            | Body::Seen(_)
            | Body::Named(_)
            | Body::Stats(_)
            | Body::Incidents(_)
            | Body::LineUps(_)
            | Body::Absences(_)
            | Body::Standing(_)
            | Body::Result(_)
            | Body::MatchClosed(_) => {
                let key = event.key.as_ref().ok_or_else(|| {
                    Fault::rejected(format!("a {} must name its match", event.kind().name()))
                })?;
                self.of_match(&mut Told { key, event, derived })?;
            }
            Body::Quote(_) => {
                return Err(Fault::rejected("a quote comes here priced, by way of `predict`"));
            }
            Body::ValueBet(_) | Body::Refused(_) | Body::Settlement(_) | Body::Grant(_) => {
                return Err(Fault::rejected(format!(
                    "a {} is derived, and no stage before this one derives it",
                    event.kind().name()
                )));
            }
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        self.state.tables()
    }

    fn forget_memo(&mut self) {
        self.in_force = None;
        self.memo = Memo::default();
    }
}
