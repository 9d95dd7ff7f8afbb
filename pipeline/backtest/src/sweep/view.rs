//! Views: what strategies take for fair, each once, however many strategies share it.

use std::collections::BTreeMap;

use marabet_schemas::strategy::{FairSource, Rules, Strategy};
use marabet_schemas::{Book, StrategyName};

use super::Trial;

/// The view of a strategy: its name, and the strategy stripped of what is filter or stake.
#[must_use]
pub fn of(rules: &Strategy) -> (StrategyName, Strategy) {
    let uses_books = !matches!(rules.fair, FairSource::Model);
    let sharp = matches!(rules.fair, FairSource::Sharp | FairSource::Blend);
    let mut view = Strategy {
        fair: rules.fair,
        devig: rules.devig,
        max_age_s: rules.max_age_s,
        ev_min: rules.ev_min,
        ..Strategy::default()
    };
    let mut name = match rules.fair {
        FairSource::Sharp => "sharp",
        FairSource::Consensus => "consensus",
        FairSource::Model => "model",
        FairSource::Blend => "blend",
    }
    .to_owned();
    if uses_books {
        name += &format!("-{}", rules.devig);
    }
    if sharp {
        view.references.clone_from(&rules.references);
        let books: Vec<&str> = rules.references.iter().map(Book::as_str).collect();
        name += &format!("-{}", books.join("+"));
    }
    if rules.fair == FairSource::Consensus {
        view.consensus_books_min = rules.consensus_books_min;
        name += &format!("-{}", rules.consensus_books_min);
    }
    if rules.fair == FairSource::Blend {
        view.model_weight = rules.model_weight;
        name += &format!("-{}", rules.model_weight);
    }
    name += &format!("-{}s", rules.max_age_s);
    (StrategyName::new(name), view)
}

/// The views of many trials, each noting what is value to the least demanding of them.
#[must_use]
pub fn all(trials: &[Trial], rules: &Rules) -> Rules {
    let mut views: BTreeMap<StrategyName, Strategy> = BTreeMap::new();
    for trial in trials {
        let (name, view) = of(&trial.rules);
        let known = views.entry(name).or_insert_with(|| view.clone());
        known.ev_min = known.ev_min.min(view.ev_min);
    }
    Rules { strategies: views, ..rules.clone() }
}
