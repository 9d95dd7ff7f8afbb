//! The built-in strategies: the line's own, and those of the system that it replaced.

use marabet_schemas::strategy::{FairSource, Strategy};
use marabet_schemas::{StakeFraction, StrategyName};

/// A strategy and what it is, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltIn {
    /// Its name.
    pub name: StrategyName,
    /// What it does.
    pub about: &'static str,
    /// Its rules.
    pub rules: Strategy,
}

/// The site collects prices twice a week, so that none is fresher than days.
const DAYS_S: u32 = 4 * 86_400;

/// Every built-in strategy.
#[must_use]
pub fn all() -> Vec<BuiltIn> {
    let plain = || Strategy { max_age_s: DAYS_S, ..Strategy::default() };
    let by_model = || Strategy { fair: FairSource::Model, ..plain() };
    // The replaced system knew no outlier: it took any price for a price.
    let replaced = || Strategy {
        ev_min: 0.0,
        outlier_factor: 1_000.0,
        flat_stake: Some(share(0.02)),
        match_max: share(0.06),
        ..by_model()
    };
    let one = |name: &str, about, rules| BuiltIn { name: name.into(), about, rules };
    vec![
        one("sharp", "the sharp book's price without its margin is fair; quarter Kelly", plain()),
        one(
            "consensus",
            "the mean of at least four other books is fair; quarter Kelly",
            Strategy { fair: FairSource::Consensus, ..plain() },
        ),
        one(
            "model",
            "a Dixon-Coles model is fair, value from 5 %; quarter Kelly",
            Strategy { ev_min: 0.05, ..by_model() },
        ),
        one(
            "blend",
            "the sharp price pooled with the model, value from 3 %; quarter Kelly",
            Strategy { fair: FairSource::Blend, ev_min: 0.03, ..plain() },
        ),
        one("v1_value", "the replaced system: every value bet at 2 % of the bankroll", replaced()),
        one(
            "v1_ev10",
            "the replaced system: value over 10 % at 2 % of the bankroll",
            Strategy { ev_min: 0.10, ..replaced() },
        ),
        one(
            "v1_kelly",
            "the replaced system: every value bet at Kelly's stake, at most 2 %",
            Strategy {
                flat_stake: None,
                kelly_fraction: 1.0,
                match_max: share(0.02),
                ..replaced()
            },
        ),
    ]
}

/// What a built-in strategy does.
#[must_use]
pub fn about(name: &StrategyName) -> Option<&'static str> {
    all().into_iter().find(|one| one.name == *name).map(|one| one.about)
}

fn share(value: f64) -> StakeFraction {
    StakeFraction::new(value).expect("a built-in share lies in 0..=1")
}
