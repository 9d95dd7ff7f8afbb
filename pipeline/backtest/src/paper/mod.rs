//! "Beating the bookies with their own numbers" (Kaunitz, Zhong and Kreiner 2017,
//! arXiv:1710.02824), run on the files at hand.
//!
//! The rule: the market's mean odds say what is fair, `p = 1/mean − 0.05`; where the best odds of
//! any book times `p` exceed one, and at least four books offer the outcome, bet 50 on the best
//! outcome of the match (equation 7; that four books are asked for, and one bet a match, is what
//! the authors' published code does).
//!
//! The files hold means and maxima over books, which nobody can bet at and which hold errors, and
//! the prices of a few books by name. The rule is run on both, and the difference is the point.

mod collect;
mod published;
mod rule;
mod section;

use serde::Serialize;

pub use collect::{Collector, PaperMatch, Prices};
pub use published::{PUBLISHED_CALIBRATION, PUBLISHED_CLOSING, PublishedFit, PublishedRun};
pub use rule::{Fit, Run, calibrate, run};
pub use section::section;

use crate::account::{self, Booked, Made};
use crate::setup::Setup;

/// The strategy's name where it bets at the best of the named books.
pub const BOOKS: &str = "kaunitz";
/// And where it bets at the maxima of the files.
pub const MAXIMA: &str = "kaunitz_max";

/// What the rule brought, beside what the paper says.
#[derive(Debug, Clone, Serialize)]
pub struct PaperReport {
    /// Calibration of `1/mean odds`, by outcome.
    pub fits: Vec<Fit>,
    /// The rule on different prices and periods.
    pub runs: Vec<Run>,
}

/// Runs the rule on the prices of matches.
#[must_use]
pub fn report(matches: &[PaperMatch]) -> PaperReport {
    PaperReport { fits: calibrate(matches), runs: rule::runs(matches) }
}

/// The rule's bets through the portfolio, at half a percent of the bankroll, as any strategy.
///
/// # Errors
/// A fault of the portfolio, which takes bets of a strategy that it knows.
pub fn play(
    matches: &[PaperMatch],
    prices: Prices,
    setup: &Setup,
) -> Result<Booked, marabet_stage::Fault> {
    let name = match prices {
        Prices::Books => BOOKS,
        Prices::Maxima => MAXIMA,
    };
    let made: Vec<Made> = matches.iter().filter_map(|one| rule::made(one, prices)).collect();
    let mut rules = setup.rules();
    rules.strategies.clear();
    rules.strategies.insert(name.into(), Default::default());
    account::book(&rules, &account::events(&made, &name.into()), &Default::default())
}
