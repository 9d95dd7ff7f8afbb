//! Which rows a strategy's filters let through.

use marabet_schemas::strategy::Rules;
use marabet_schemas::{Book, Competition};
use polars::prelude::{Expr, NamedFrom, Series, col, lit};

use super::Trial;
use crate::opportunity::{Catalogue, NONE};

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
    /// As a question to a row's columns.
    pub fn expr(&self) -> Expr {
        match self {
            Self::Value(least) => {
                // What comes back is left out of account where the stage first looks.
                let at_first = (col("probability") * col("net_odds")).gt_eq(lit(1.0 + least));
                let is_elsewhere = col("via").neq(lit(NONE));
                col("ev").gt_eq(lit(*least)).and(is_elsewhere.or(at_first))
            }
            Self::Odds { min, max } => {
                col("odds").gt_eq(lit(*min)).and(col("odds").lt_eq(lit(*max)))
            }
            Self::Usual(factor) => col("odds").lt_eq(lit(*factor) * col("usual")),
            Self::Family(list) => among("family", list),
            Self::Competition(list) => among("competition", list),
            Self::Whose { books, aggregates } => {
                let of_books = among("book", books);
                if *aggregates {
                    col("aggregate").or(of_books)
                } else {
                    col("aggregate").not().and(of_books)
                }
            }
        }
    }

    /// Widens it to hold wherever another of its kind does; false where that is of another kind.
    fn widen(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(least), Self::Value(other)) => *least = least.min(*other),
            (Self::Odds { min, max }, Self::Odds { min: other_min, max: other_max }) => {
                (*min, *max) = (min.min(*other_min), max.max(*other_max));
            }
            (Self::Usual(factor), Self::Usual(other)) => *factor = factor.max(*other),
            (Self::Family(list), Self::Family(other))
            | (Self::Competition(list), Self::Competition(other)) => add(list, other),
            (
                Self::Whose { books, aggregates },
                Self::Whose { books: other_books, aggregates: other },
            ) => {
                add(books, other_books);
                *aggregates |= other;
            }
            _ => return false,
        }
        true
    }
}

fn among(column: &str, list: &[u32]) -> Expr {
    col(column).is_in(lit(Series::new("".into(), list)).implode(true), false)
}

/// Adds numbers to a list.
fn add(list: &mut Vec<u32>, other: &[u32]) {
    list.extend(other);
    list.sort_unstable();
    list.dedup();
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

    /// As a question to a row's columns.
    pub fn expr(&self) -> Expr {
        self.0.iter().map(Condition::expr).reduce(Expr::and).unwrap_or_else(|| lit(true))
    }

    /// One that lets through whatever any of these does, and little else: what a reader may pass
    /// over for all of them.
    #[must_use]
    pub fn union<'f>(filters: impl IntoIterator<Item = &'f Self>) -> Self {
        let mut filters = filters.into_iter();
        let mut union = filters.next().cloned().unwrap_or(Self(Vec::new()));
        for filter in filters {
            let widen = |one: &mut Condition| filter.0.iter().any(|other| one.widen(other));
            union.0.retain_mut(widen);
        }
        union
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoLazy, LazyFrame};

    use super::*;
    use crate::opportunity::Row;
    use crate::table;

    /// The places of the rows that pass.
    fn passing(rows: &[Row], filter: &Filter) -> Vec<u32> {
        let rows: Vec<Row> =
            (0..).zip(rows).map(|(place, row)| Row { row: place, ..*row }).collect();
        let query: LazyFrame = table::frame(&rows).unwrap().lazy().filter(filter.expr());
        table::rows(&query.collect().unwrap()).unwrap().iter().map(|row| row.row).collect()
    }

    fn worth(ev: f64, odds: f64, family: u32) -> Row {
        let probability = (1.0 + ev) / odds;
        Row { ev, odds, net_odds: odds, usual: odds, probability, family, via: NONE, ..Row::EMPTY }
    }

    #[test]
    fn a_row_passes_that_meets_every_condition_its_bounds_among_them() {
        let row = worth(0.25, 2.0, 3);
        let rows = [
            row,
            // Its market was looked at, and what comes back is left out of account.
            Row { probability: 0.5, ..row },
            Row { probability: 0.5, via: 0, ..row },
            Row { ev: 0.2, ..row },
            Row { odds: 4.0, ..row },
            Row { usual: 1.5, ..row },
            Row { family: 4, ..row },
            Row { competition: 9, ..row },
            Row { book: 7, ..row },
            Row { aggregate: true, ..row },
            Row { aggregate: true, book: 7, ..row },
        ];
        let filter = |aggregates| {
            Filter(vec![
                Condition::Value(0.25),
                Condition::Odds { min: 2.0, max: 3.0 },
                Condition::Usual(1.25),
                Condition::Whose { books: vec![0, 1], aggregates },
                Condition::Family(vec![3]),
                Condition::Competition(vec![0]),
            ])
        };
        assert_eq!(passing(&rows, &filter(false)), [0, 2]);
        assert_eq!(passing(&rows, &filter(true)), [0, 2, 9, 10]);
        assert_eq!(passing(&rows, &Filter(vec![Condition::Family(vec![])])), [0_u32; 0]);
        assert_eq!(passing(&rows, &Filter(vec![])).len(), rows.len());
    }

    #[test]
    fn the_union_of_filters_holds_what_any_of_them_lets_through_and_not_everything() {
        let filter = |least, min, max, family: Option<u32>| {
            let mut conditions = vec![Condition::Value(least), Condition::Odds { min, max }];
            conditions.extend(family.map(|family| Condition::Family(vec![family])));
            Filter(conditions)
        };
        let filters = [filter(0.02, 1.5, 2.0, Some(1)), filter(0.05, 3.0, 4.0, Some(2))];
        let union = Filter::union(&filters);
        let rows = [(0.03, 1.7, 1), (0.06, 3.5, 2), (0.03, 3.5, 2), (0.01, 1.7, 1), (0.06, 3.5, 3)]
            .map(|(ev, odds, family)| worth(ev, odds, family));
        assert_eq!(passing(&rows, &filters[0]), [0]);
        assert_eq!(passing(&rows, &filters[1]), [1]);
        assert_eq!(passing(&rows, &union), [0, 1, 2]);
        // Where one names no family, all are wanted.
        let all = Filter::union(&[filter(0.02, 1.5, 2.0, Some(1)), filter(0.02, 3.0, 4.0, None)]);
        assert_eq!(passing(&rows, &all), [0, 1, 2, 4]);
    }
}
