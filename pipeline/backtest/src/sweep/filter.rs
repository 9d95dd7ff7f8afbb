//! Which rows a strategy's filters let through.

use marabet_schemas::strategy::Rules;
use marabet_schemas::{Book, Competition};

use super::Trial;
use crate::opportunity::{Catalogue, NONE, Row};

/// What a row must meet, with names as numbers. Strategies of a grid share most of theirs.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Its value is at least this.
    Value(f64),
    /// Its odds lie in this range.
    Odds {
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
    },
    /// Its odds are at most so many times the usual ones.
    Usual(f64),
    /// The market looked at is of one of these families.
    Family(Vec<u32>),
    /// The match is of one of these competitions.
    Competition(Vec<u32>),
    /// Its price is of one of these books, or a maximum over books where those are bet at.
    Whose {
        /// The books.
        books: Vec<u32>,
        /// Maxima over books are bet at.
        aggregates: bool,
    },
}

impl Condition {
    /// Whether a row meets it.
    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Value(least) => {
                // What comes back is left out of account where the stage first looks.
                let at_first = || row.probability * row.net_odds >= 1.0 + least;
                row.ev >= *least && (row.via != NONE || at_first())
            }
            Self::Odds { min, max } => (*min..=*max).contains(&row.odds),
            Self::Usual(factor) => row.odds <= factor * row.usual,
            Self::Family(list) => list.contains(&row.family),
            Self::Competition(list) => list.contains(&row.competition),
            Self::Whose { books, aggregates } => {
                if row.aggregate {
                    *aggregates
                } else {
                    books.contains(&row.book)
                }
            }
        }
    }
}

/// A trial's filters: a row passes that meets every condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Vec<Condition>);

impl Filter {
    /// The filters of a trial under rules that say which books take bets.
    #[must_use]
    pub fn of(trial: &Trial, rules: &Rules, catalogue: &Catalogue) -> Self {
        let strategy = &trial.rules;
        let family = |name: &String| catalogue.family(name);
        let competition = |name: &Competition| catalogue.competition(name);
        let takes = |name: &Book| {
            rules.book(name).bettable
                && (strategy.books.is_empty() || strategy.books.contains(name))
        };
        let books = (0..).zip(catalogue.books.all());
        let mut conditions = vec![
            Condition::Value(strategy.ev_min),
            Condition::Odds { min: strategy.odds_min.decimal(), max: strategy.odds_max.decimal() },
            Condition::Usual(strategy.outlier_factor),
            Condition::Whose {
                books: books.filter(|(_, name)| takes(name)).map(|(number, _)| number).collect(),
                aggregates: trial.aggregates,
            },
        ];
        if !strategy.markets.is_empty() {
            let families = strategy.markets.iter().filter_map(family).collect();
            conditions.push(Condition::Family(families));
        }
        if !strategy.competitions.is_empty() {
            let competitions = strategy.competitions.iter().filter_map(competition).collect();
            conditions.push(Condition::Competition(competitions));
        }
        Self(conditions)
    }

    /// What a row must meet.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether a row passes.
    #[must_use]
    pub fn passes(&self, row: &Row) -> bool {
        self.0.iter().all(|condition| condition.holds(row))
    }
}

/// What any of several filters lets through, as far as a reader can leave out the rest before it
/// decodes other columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// Least value.
    pub ev_min: f64,
    /// Lowest odds.
    pub odds_min: f64,
    /// Highest odds.
    pub odds_max: f64,
    /// Families of the market looked at; all where none.
    pub families: Option<Vec<u32>>,
    /// Competitions; all where none.
    pub competitions: Option<Vec<u32>>,
    /// Maxima over books are among it.
    pub aggregates: bool,
}

impl Union {
    /// The union of filters.
    #[must_use]
    pub fn of(filters: &[Filter]) -> Self {
        let mut union = Self {
            ev_min: f64::INFINITY,
            odds_min: f64::INFINITY,
            odds_max: 0.0,
            families: Some(Vec::new()),
            competitions: Some(Vec::new()),
            aggregates: false,
        };
        for filter in filters {
            let (mut families, mut competitions) = (None, None);
            for condition in filter.conditions() {
                match condition {
                    Condition::Value(least) => union.ev_min = union.ev_min.min(*least),
                    Condition::Odds { min, max } => {
                        union.odds_min = union.odds_min.min(*min);
                        union.odds_max = union.odds_max.max(*max);
                    }
                    Condition::Family(list) => families = Some(list),
                    Condition::Competition(list) => competitions = Some(list),
                    Condition::Whose { aggregates, .. } => union.aggregates |= aggregates,
                    Condition::Usual(_) => {}
                }
            }
            widen(&mut union.families, families);
            widen(&mut union.competitions, competitions);
        }
        union
    }

    /// Whether a row belongs to it.
    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        let among = |list: &Option<Vec<u32>>, number: u32| {
            list.as_ref().is_none_or(|list| list.contains(&number))
        };
        row.ev >= self.ev_min
            && (self.odds_min..=self.odds_max).contains(&row.odds)
            && (self.aggregates || !row.aggregate)
            && among(&self.families, row.family)
            && among(&self.competitions, row.competition)
    }
}

/// Adds numbers to a list; all, to where none is named.
fn widen(union: &mut Option<Vec<u32>>, list: Option<&Vec<u32>>) {
    let (Some(known), Some(list)) = (union.as_mut(), list) else {
        *union = None;
        return;
    };
    known.extend(list);
    known.sort_unstable();
    known.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_of_filters_holds_what_any_of_them_lets_through() {
        let filter = |least, min, max, family: Option<u32>| {
            let mut conditions = vec![Condition::Value(least), Condition::Odds { min, max }];
            conditions.extend(family.map(|family| Condition::Family(vec![family])));
            Filter(conditions)
        };
        let filters = [filter(0.02, 1.5, 2.0, Some(1)), filter(0.05, 3.0, 4.0, Some(2))];
        let union = Union::of(&filters);
        assert_eq!((union.ev_min, union.odds_min, union.odds_max), (0.02, 1.5, 4.0));
        assert_eq!(
            (union.families.as_deref(), union.competitions.as_deref()),
            (Some(&[1, 2][..]), None)
        );
        for (ev, odds, family) in
            [(0.03, 1.7, 1), (0.06, 3.5, 2), (0.03, 3.5, 2), (0.01, 1.7, 1), (0.06, 3.5, 3)]
        {
            let row = Row {
                ev,
                odds,
                net_odds: odds,
                probability: (1.0 + ev) / odds,
                family,
                via: NONE,
                ..Row::EMPTY
            };
            let any = filters.iter().any(|filter| filter.passes(&row));
            assert!(!any || union.holds(&row), "{ev} {odds} {family}");
        }
        // Where one names no family, all are wanted.
        let all = Union::of(&[filter(0.02, 1.5, 2.0, Some(1)), filter(0.02, 1.5, 2.0, None)]);
        assert_eq!(all.families, None);
    }
}
