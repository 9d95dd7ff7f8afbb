//! Who forecasts: base rates, goal models, ratings, shots, trees, ensembles, the market.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use marabet_quant::goals::Model;
use marabet_quant::ratings::{Elo, EloTable, Glicko, GlickoTable, Pi, PiTable};
use marabet_quant::walkforward::{
    Forecasts, History, Learner, Prices, Refit, Refits, Signal, SignalRates, WalkError, base_rates,
    choose, default_signals, features, goal_model, learned_rates, market, pool, ratings,
    signal_rates, stack,
};
use serde::Serialize;

use super::CLOSING;
use crate::cli::EvaluateArgs;
use crate::output::person_is_looking;

/// Decays per day between which Dixon–Coles chooses on earlier seasons.
const DECAYS: [f64; 3] = [0.0018, 0.001, 0.003];
/// The trees draw their samples from it.
const SEED: u64 = 1;
/// Seasons of results that a goal model has behind it when it forecasts its first match.
const SEASONS_FIRST_FIT: i32 = 3;

/// The forecasters in the order of the table, and what they are made of.
const NAMES: [&str; 17] = [
    "base_rates",
    "poisson",
    "dixon_coles",
    "bivariate_poisson",
    "negative_binomial",
    "zero_inflated_poisson",
    "hurdle_poisson",
    "conway_maxwell_poisson",
    "weibull_copula",
    "elo",
    "pi",
    "glicko2",
    "stack",
    "boosted_trees",
    "random_forest",
    "ensemble",
    "market_pre_match",
];

/// How the refits of a goal model went.
#[derive(Debug, Serialize)]
pub(super) struct RefitsOf {
    /// How many there were.
    pub(super) done: usize,
    /// How many of them did not reach their maximum.
    pub(super) not_converged: usize,
    /// How many had too little to go by, so that an earlier fit stayed in force.
    pub(super) failed: usize,
}

/// What all said of every match.
pub(super) struct Forecasters {
    /// Those of the table, the closing odds last.
    pub(super) scored: Vec<Forecasts>,
    /// The pre-match odds recalibrated, and their pool with the best model.
    pub(super) blended: Option<[Forecasts; 2]>,
    /// By goal model.
    pub(super) refits: BTreeMap<String, RefitsOf>,
}

impl Forecasters {
    /// Walks all of them through the history.
    pub(super) fn walk(history: &History, arguments: &EvaluateArgs) -> anyhow::Result<Self> {
        let wanted = wanted(&arguments.models)?;
        let before = i32::from(arguments.before);
        let first_fit = arguments.first.saturating_sub(before) + SEASONS_FIRST_FIT.min(before / 2);
        let refit =
            Refit { first_season: first_fit, every_days: arguments.every, ..Refit::default() };
        let walk = Walk { history, refit: &refit };
        let mut said = walk.own(&wanted)?;
        if wanted.contains("stack") || wanted.contains("ensemble") || walk.asks_for_trees(&wanted) {
            walk.with_signals(&wanted, &mut said)?;
        }
        let before_match = market(history, Prices::PreMatch, arguments.method);
        let best = said.get("ensemble").or_else(|| said.get("stack"));
        let blended = match best.filter(|_| wanted.contains("market_pre_match")) {
            Some(best) => Some([
                pool(history, "recalibrated", &[&before_match])?,
                pool(history, "blend", &[best, &before_match])?,
            ]),
            None => None,
        };
        said.insert("market_pre_match".to_owned(), before_match);
        let named = NAMES.iter().filter(|name| wanted.contains(**name));
        let mut scored: Vec<Forecasts> = named.filter_map(|name| said.remove(*name)).collect();
        scored.push(market(history, Prices::Closing, arguments.method));
        let refits = scored.iter().filter(|f| f.refits != Refits::default()).map(|forecasts| {
            let Refits { done, not_converged, failed, .. } = forecasts.refits;
            (forecasts.name.clone(), RefitsOf { done, not_converged, failed })
        });
        Ok(Self { refits: refits.collect(), scored, blended })
    }
}

/// The forecasters asked for; base rates always.
fn wanted(names: &[String]) -> anyhow::Result<BTreeSet<&str>> {
    let asked = names.iter().map(|name| name.replace('-', "_"));
    let mut wanted = BTreeSet::from(["base_rates"]);
    for name in asked.filter(|name| name != CLOSING) {
        match NAMES.iter().find(|known| **known == name) {
            Some(known) => drop(wanted.insert(known)),
            None => bail!("unknown forecaster `{name}`; known: {}, {CLOSING}", NAMES.join(", ")),
        }
    }
    Ok(if names.is_empty() { NAMES.into() } else { wanted })
}

struct Walk<'a> {
    history: &'a History,
    refit: &'a Refit,
}

type Said = BTreeMap<String, Forecasts>;
type Job<'a, T> = Box<dyn Fn() -> Result<T, WalkError> + Send + Sync + 'a>;

impl Walk<'_> {
    /// Base rates, goal models and ratings: those that need nobody else.
    fn own(&self, wanted: &BTreeSet<&str>) -> anyhow::Result<Said> {
        let Self { history, refit } = *self;
        let mut jobs: Vec<(String, Job<'_, Forecasts>)> =
            vec![("base_rates".to_owned(), Box::new(|| Ok(base_rates(history))))];
        for model in Model::ALL.into_iter().filter(|model| wanted.contains(model.as_str())) {
            if model == Model::DixonColes {
                for xi in DECAYS {
                    let job = move || {
                        let fitted = goal_model(history, model, &Refit { xi, ..refit.clone() })?;
                        Ok(fitted.named(format!("xi {xi}")))
                    };
                    jobs.push((format!("{model}, decay {xi}"), Box::new(job)));
                }
            } else {
                let job = move || goal_model(history, model, refit);
                jobs.push((model.to_string(), Box::new(job)));
            }
        }
        if wanted.contains("elo") || wanted.contains("ensemble") {
            let job = || ratings(history, "elo", || EloTable::new(Elo::default()));
            jobs.push(("elo".to_owned(), Box::new(job)));
        }
        if wanted.contains("pi") {
            let job = || ratings(history, "pi", || PiTable::new(Pi::default()));
            jobs.push(("pi".to_owned(), Box::new(job)));
        }
        if wanted.contains("glicko2") {
            let job = || ratings(history, "glicko2", || GlickoTable::new(Glicko::default()));
            jobs.push(("glicko2".to_owned(), Box::new(job)));
        }
        let (mut said, mut decays) = (Said::new(), Vec::new());
        for forecasts in in_parallel(&jobs)? {
            if forecasts.name.starts_with("xi ") {
                decays.push(forecasts);
            } else {
                said.insert(forecasts.name.clone(), forecasts);
            }
        }
        if !decays.is_empty() {
            let chosen = choose(history, Model::DixonColes.as_str(), &decays)?;
            let refits = decays.iter().fold(Refits::default(), |all, of| Refits {
                done: all.done + of.refits.done,
                not_converged: all.not_converged + of.refits.not_converged,
                failed: all.failed + of.refits.failed,
                last_failure: all.last_failure.or_else(|| of.refits.last_failure.clone()),
            });
            said.insert(chosen.name.clone(), Forecasts { refits, ..chosen });
        }
        Ok(said)
    }

    fn asks_for_trees(&self, wanted: &BTreeSet<&str>) -> bool {
        wanted.contains("boosted_trees") || wanted.contains("random_forest")
    }

    /// The stack of goals, shots and corners, trees that learn from it, and the ensemble.
    fn with_signals(&self, wanted: &BTreeSet<&str>, said: &mut Said) -> anyhow::Result<()> {
        let Self { history, refit } = *self;
        let signals: Vec<Signal> = default_signals()
            .into_iter()
            .map(|signal| {
                let (first_season, every_days) = (refit.first_season, refit.every_days);
                Signal { refit: Refit { first_season, every_days, ..signal.refit }, ..signal }
            })
            .collect();
        let jobs: Vec<(String, Job<'_, SignalRates>)> = signals
            .iter()
            .map(|signal| {
                let name = format!("{} at decay {}", signal.count.as_str(), signal.refit.xi);
                let job: Job<'_, SignalRates> = Box::new(|| signal_rates(history, signal));
                (name, job)
            })
            .collect();
        let rates = in_parallel(&jobs)?;
        let stacked = stack(history, &rates)?.forecasts;
        if self.asks_for_trees(wanted) {
            let known = features(history, &rates)?;
            let from = refit.first_season + 1;
            let learners = [
                ("boosted_trees", Learner::boosted_trees()),
                ("random_forest", Learner::random_forest()),
            ];
            let jobs: Vec<(String, Job<'_, Forecasts>)> = learners
                .iter()
                .filter(|(name, _)| wanted.contains(name))
                .map(|(name, learner)| {
                    let known = &known;
                    let job: Job<'_, Forecasts> = Box::new(move || {
                        let learnt = learned_rates(history, known, learner, from, SEED)?;
                        Ok(stack(history, &[learnt])?.forecasts.named(*name))
                    });
                    ((*name).to_owned(), job)
                })
                .collect();
            said.extend(in_parallel(&jobs)?.into_iter().map(|f| (f.name.clone(), f)));
        }
        if let Some(elo) = said.get("elo").filter(|_| wanted.contains("ensemble")) {
            let ensemble = pool(history, "ensemble", &[&stacked, elo])?;
            said.insert(ensemble.name.clone(), ensemble);
        }
        said.insert(stacked.name.clone(), stacked);
        Ok(())
    }
}

/// Does the jobs on as many threads as the machine has, and shows a person how far it is.
fn in_parallel<T: Send>(jobs: &[(String, Job<'_, T>)]) -> anyhow::Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let bar = if person_is_looking() {
        ProgressBar::new(jobs.len() as u64)
            .with_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")?)
    } else {
        ProgressBar::hidden()
    };
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some((name, job)) = jobs.get(place) else { break };
                    bar.set_message(name.clone());
                    let result = job();
                    bar.inc(1);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((place, result));
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect::<Result<_, _>>()?)
}
