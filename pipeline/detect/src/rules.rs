//! The rules in force, with books by number instead of name.
//!
//! Made from the state's tables and dropped with the memo: it holds nothing that they do not.

use std::cmp::Ordering;

use marabet_quant::Market;
use marabet_quant::devig::Method;
use marabet_schemas::strategy::{BookRules, FairSource, Rules, SettlementRules, Strategy};
use marabet_schemas::{Book, MatchKey, StrategyName};
use marabet_stage::{Fault, Only};
use rustc_hash::FxHashMap;

use crate::state::State;
use crate::state::prices::BookId;

/// Most books that a partition knows by name.
const NAMES_MAX: usize = 1024;

/// What is known of a book.
pub(crate) struct BookView {
    pub(crate) name: Book,
    pub(crate) bettable: bool,
    pub(crate) exchange: bool,
    /// What is left of one unit won: one less the commission.
    pub(crate) kept: f64,
}

impl BookView {
    fn new(name: Book, rules: &BookRules) -> Self {
        Self {
            name,
            bettable: rules.bettable,
            exchange: rules.exchange,
            kept: 1.0 - rules.commission,
        }
    }

    /// Decimal odds after the commission on what is won.
    pub(crate) fn net(&self, odds: f64) -> f64 {
        1.0 + (odds - 1.0) * self.kept
    }
}

/// A strategy in force.
pub(crate) struct Plan {
    pub(crate) name: StrategyName,
    pub(crate) rules: Strategy,
    /// The reference books in order.
    pub(crate) references: Vec<BookId>,
    /// The books bet at, where the strategy names some.
    books: Vec<BookId>,
}

impl Plan {
    /// Whether the strategy bets at this book.
    pub(crate) fn takes_book(&self, book: BookId) -> bool {
        self.rules.books.is_empty() || self.books.contains(&book)
    }

    /// Whether the strategy looks at the competition of this match at all.
    pub(crate) fn takes_match(&self, key: &MatchKey) -> bool {
        let taken = &self.rules.competitions;
        taken.is_empty() || taken.contains(&key.competition())
    }

    /// Whether the strategy looks at this market at all.
    pub(crate) fn takes_market(&self, market: Market) -> bool {
        let taken = &self.rules.markets;
        taken.is_empty() || taken.iter().any(|family| family == market.family())
    }

    /// Whether a change of this book's price can change what is fair.
    pub(crate) fn listens_to(&self, book: BookId) -> bool {
        match self.rules.fair {
            FairSource::Sharp | FairSource::Blend => self.references.contains(&book),
            FairSource::Consensus => true,
            FairSource::Model => false,
        }
    }

    /// Whether the model takes part in what is fair.
    pub(crate) fn uses_model(&self) -> bool {
        matches!(self.rules.fair, FairSource::Model | FairSource::Blend)
    }
}

/// The rules in force and the books known.
pub(crate) struct InForce {
    /// The configuration's number; none before the first.
    pub(crate) number: Option<u64>,
    /// The strategies in the order of their names.
    pub(crate) plans: Vec<Plan>,
    /// The books of the closing line in order.
    pub(crate) closing: Vec<BookId>,
    pub(crate) closing_devig: Method,
    pub(crate) settlement: SettlementRules,
    rules: Rules,
    books: Vec<BookView>,
    ids: FxHashMap<Book, BookId>,
}

impl InForce {
    /// The rules and books of this state.
    pub(crate) fn of(state: &State) -> Self {
        let published = state.config.get(&Only);
        // Without a configuration there are no strategies, and nothing is decided.
        let rules = published.map_or_else(
            || Rules { strategies: [].into(), ..Rules::default() },
            |published| published.rules.clone(),
        );
        let mut in_force = Self {
            number: published.map(|published| published.number),
            plans: Vec::new(),
            closing: Vec::new(),
            closing_devig: rules.closing.devig,
            settlement: rules.settlement.clone(),
            rules,
            books: Vec::new(),
            ids: FxHashMap::default(),
        };
        for name in state.books.get(&Only).into_iter().flatten() {
            in_force.learn(name.clone());
        }
        // References that no event has named yet have no number and no price either.
        let ids = |names: &[Book]| names.iter().filter_map(|name| in_force.id(name)).collect();
        let closing = ids(&in_force.rules.closing.references);
        let plan = |(name, rules): (&StrategyName, &Strategy)| Plan {
            name: name.clone(),
            rules: rules.clone(),
            references: ids(&rules.references),
            books: ids(&rules.books),
        };
        let plans = in_force.rules.strategies.iter().map(plan).collect();
        in_force.closing = closing;
        in_force.plans = plans;
        in_force
    }

    fn learn(&mut self, name: Book) {
        let id = BookId(u16::try_from(self.books.len()).expect("NAMES_MAX fits"));
        self.books.push(BookView::new(name.clone(), &self.rules.book(&name)));
        self.ids.insert(name, id);
    }

    /// A book's number, where an event has named the book before.
    pub(crate) fn id(&self, name: &Book) -> Option<BookId> {
        self.ids.get(name).copied()
    }

    /// What is known of a book.
    pub(crate) fn book(&self, id: BookId) -> &BookView {
        &self.books[usize::from(id.0)]
    }

    /// The order of two books by name, which is the same in every partition.
    pub(crate) fn by_name(&self, one: BookId, other: BookId) -> Ordering {
        self.book(one).name.cmp(&self.book(other).name)
    }

    /// Whether any strategy bets in play.
    pub(crate) fn bets_in_play(&self) -> bool {
        self.plans.iter().any(|plan| plan.rules.in_play)
    }

    /// Whether any strategy asks for the model.
    pub(crate) fn uses_model(&self) -> bool {
        self.plans.iter().any(Plan::uses_model)
    }
}

/// Gives these books numbers, where they have none yet.
pub(crate) fn name_books<'a>(
    state: &mut State,
    names: impl IntoIterator<Item = &'a Book>,
) -> Result<(), Fault> {
    for name in names {
        if state.books.get(&Only).is_some_and(|known| known.contains(name)) {
            continue;
        }
        let known = state.books.entry(&Only, Vec::new);
        if known.len() == NAMES_MAX {
            return Err(Fault::rejected(format!(
                "book `{name}` is one more than the {NAMES_MAX} that a partition knows; \
                 map the source's names to canonical ones"
            )));
        }
        known.push(name.clone());
    }
    Ok(())
}

/// Refuses rules that no decision could follow from.
pub(crate) fn check(rules: &Rules) -> Result<(), Fault> {
    let in_range = |what: &str, value: f64, low: f64, high: f64| {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(Fault::rejected(format!("{what} must lie in {low}..={high}, got {value}")))
        }
    };
    for (name, book) in &rules.books {
        // A book that keeps all that is won leaves no odds.
        in_range(&format!("books.{name}.commission"), book.commission, 0.0, 0.99)?;
    }
    for (name, strategy) in &rules.strategies {
        let at = |key: &str| format!("strategies.{name}.{key}");
        in_range(&at("model_weight"), strategy.model_weight, 0.0, 1.0)?;
        in_range(&at("kelly_fraction"), strategy.kelly_fraction, 0.0, 1.0)?;
        in_range(&at("ev_min"), strategy.ev_min, 0.0, 10.0)?;
        in_range(&at("outlier_factor"), strategy.outlier_factor, 1.0, 1000.0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use marabet_schemas::control::ConfigPublished;

    use super::*;

    #[test]
    fn references_are_known_by_number_in_their_order() {
        let mut state = State::new();
        let mut rules = Rules::default();
        let strategy = rules.strategies.get_mut(&"sharp".into()).unwrap();
        strategy.references = vec!["pinnacle".into(), "sbobet".into()];
        name_books(&mut state, &["bet365".into(), "sbobet".into(), "bet365".into()]).unwrap();
        name_books(&mut state, &strategy.references.clone()).unwrap();
        state.config.insert(Only, ConfigPublished::new(3, rules));
        let in_force = InForce::of(&state);
        assert_eq!(in_force.number, Some(3));
        assert_eq!(in_force.plans[0].references, [BookId(2), BookId(1)]);
        assert_eq!(in_force.id(&"bet365".into()), Some(BookId(0)));
        assert!(in_force.by_name(BookId(0), BookId(1)).is_lt());
        assert!(!in_force.book(BookId(2)).bettable);
    }

    #[test]
    fn without_a_configuration_there_is_no_strategy() {
        let in_force = InForce::of(&State::new());
        assert!(in_force.number.is_none() && in_force.plans.is_empty());
    }

    #[test]
    fn the_commission_is_taken_from_what_is_won() {
        let book = BookView::new(
            "exchange".into(),
            &BookRules { commission: 0.05, ..BookRules::default() },
        );
        assert!((book.net(3.0) - 2.9).abs() < 1e-15);
    }

    #[test]
    fn rules_that_no_decision_could_follow_from_are_refused_by_key() {
        let mut rules = Rules::default();
        check(&rules).unwrap();
        rules.strategies.get_mut(&"sharp".into()).unwrap().kelly_fraction = f64::NAN;
        let refused = check(&rules).unwrap_err();
        assert!(refused.to_string().contains("strategies.sharp.kelly_fraction"), "{refused}");
    }

    #[test]
    fn a_partition_knows_so_many_books_and_no_more() {
        let mut state = State::new();
        let names: Vec<Book> = (0..NAMES_MAX).map(|at| Book::new(format!("book{at}"))).collect();
        name_books(&mut state, &names).unwrap();
        name_books(&mut state, &names[..1]).unwrap();
        let refused = name_books(&mut state, &["onemore".into()]).unwrap_err();
        assert!(refused.to_string().contains("onemore"), "{refused}");
    }
}
