//! Which rows a strategy's filters let through.

use marabet_schemas::strategy::Rules;
use marabet_schemas::{Book, Competition};

use super::Trial;
use crate::opportunity::{Catalogue, NONE, Row};

/// A trial's filters, with names as numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Least value.
    pub ev_min: f64,
    /// Lowest odds.
    pub odds_min: f64,
    /// Highest odds.
    pub odds_max: f64,
    /// Highest multiple of the usual odds.
    pub outlier_factor: f64,
    /// Families of the market looked at; all where none.
    pub families: Option<Vec<u32>>,
    /// Competitions; all where none.
    pub competitions: Option<Vec<u32>>,
    /// Books bet at.
    pub books: Vec<u32>,
    /// Maxima over books are bet at.
    pub aggregates: bool,
}

impl Filter {
    /// The filters of a trial under rules that say which books take bets.
    #[must_use]
    pub fn of(trial: &Trial, rules: &Rules, catalogue: &Catalogue) -> Self {
        let strategy = &trial.rules;
        let some = |numbers: Vec<u32>, all: bool| (!all).then_some(numbers);
        let family = |name: &String| catalogue.family(name);
        let competition = |name: &Competition| catalogue.competition(name);
        let takes = |name: &Book| {
            rules.book(name).bettable
                && (strategy.books.is_empty() || strategy.books.contains(name))
        };
        let books = (0..).zip(catalogue.books.all());
        Self {
            ev_min: strategy.ev_min,
            odds_min: strategy.odds_min.decimal(),
            odds_max: strategy.odds_max.decimal(),
            outlier_factor: strategy.outlier_factor,
            families: some(
                strategy.markets.iter().filter_map(family).collect(),
                strategy.markets.is_empty(),
            ),
            competitions: some(
                strategy.competitions.iter().filter_map(competition).collect(),
                strategy.competitions.is_empty(),
            ),
            books: books.filter(|(_, name)| takes(name)).map(|(number, _)| number).collect(),
            aggregates: trial.aggregates,
        }
    }

    /// Whether a row passes.
    #[must_use]
    pub fn passes(&self, row: &Row) -> bool {
        let among = |list: &Option<Vec<u32>>, number: u32| {
            list.as_ref().is_none_or(|list| list.contains(&number))
        };
        let whose = if row.aggregate { self.aggregates } else { self.books.contains(&row.book) };
        row.ev >= self.ev_min
            // What comes back is left out of account where the stage first looks.
            && (row.via != NONE || row.probability * row.net_odds >= 1.0 + self.ev_min)
            && row.odds >= self.odds_min
            && row.odds <= self.odds_max
            && row.odds <= self.outlier_factor * row.usual
            && among(&self.families, row.family)
            && among(&self.competitions, row.competition)
            && whose
    }
}
