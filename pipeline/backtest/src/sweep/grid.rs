//! The strategies that a sweep tries: a grid, or a random draw from it.

use marabet_quant::Odds;
use marabet_quant::devig::Method;
use marabet_schemas::strategy::{FairSource, Strategy};
use marabet_schemas::{Book, Competition, StakeFraction};

use super::Trial;

/// The site collects prices twice a week, so that none is fresher than days.
const DAYS_S: u32 = 4 * 86_400;

/// What is fair, by whom.
const FAIR: [(&str, FairSource, Method, f64); 8] = [
    ("sharp, power", FairSource::Sharp, Method::Power, 0.3),
    ("sharp, Shin", FairSource::Sharp, Method::Shin, 0.3),
    ("sharp, multiplicative", FairSource::Sharp, Method::Multiplicative, 0.3),
    ("consensus, power", FairSource::Consensus, Method::Power, 0.3),
    ("consensus, multiplicative", FairSource::Consensus, Method::Multiplicative, 0.3),
    ("model", FairSource::Model, Method::Power, 0.3),
    ("blend, 30 % model", FairSource::Blend, Method::Power, 0.3),
    ("blend, 60 % model", FairSource::Blend, Method::Power, 0.6),
];
const EV_MIN: [f64; 6] = [0.01, 0.02, 0.03, 0.05, 0.08, 0.12];
const ODDS: [(f64, f64); 4] = [(1.2, 15.0), (1.2, 2.2), (2.0, 4.0), (3.0, 15.0)];
const MARKETS: [&[&str]; 4] = [&[], &["1x2"], &["ou"], &["ah"]];
const LEAGUES: [(&str, &[&str]); 3] = [
    ("all leagues", &[]),
    ("the five largest", &["E0", "D1", "I1", "SP1", "F1"]),
    ("England below the first", &["E1", "E2", "E3", "EC"]),
];
const BOOKS: [&[&str]; 3] =
    [&[], &["bet365"], &["bwin", "interwetten", "william_hill", "betvictor"]];
/// Kelly's fraction; a flat share of the bankroll where it is none.
const STAKES: [Option<f64>; 3] = [Some(0.25), Some(0.5), None];
const FLAT: f64 = 0.01;

/// The whole grid; without models those that ask none.
#[must_use]
pub fn all(models: bool, aggregates: bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (fair, source, devig, weight) in FAIR {
        if !models && matches!(source, FairSource::Model | FairSource::Blend) {
            continue;
        }
        let plain = Strategy {
            fair: source,
            devig,
            model_weight: weight,
            max_age_s: DAYS_S,
            ..Strategy::default()
        };
        for ev_min in EV_MIN {
            for (low, high) in ODDS {
                for markets in MARKETS {
                    let strategy = Strategy {
                        ev_min,
                        odds_min: odds(low),
                        odds_max: odds(high),
                        markets: markets.iter().map(|name| (*name).to_owned()).collect(),
                        ..plain.clone()
                    };
                    let about = format!(
                        "{fair}; EV ≥ {:.0} %; odds {low} – {high}; {}",
                        ev_min * 100.0,
                        if markets.is_empty() { "all markets" } else { markets[0] }
                    );
                    places(&strategy, &about, &mut trials);
                }
            }
        }
    }
    if aggregates {
        let at_maxima = trials.clone().into_iter().filter(|trial| trial.rules.books.is_empty());
        trials.extend(at_maxima.map(|trial| Trial {
            about: format!("{}, at maxima", trial.about),
            aggregates: true,
            ..trial
        }));
    }
    named(trials)
}

/// The strategy in every league, at every book, with every kind of stake.
fn places(strategy: &Strategy, about: &str, trials: &mut Vec<Trial>) {
    for (where_, leagues) in LEAGUES {
        for books in BOOKS {
            for stake in STAKES {
                let rules = Strategy {
                    competitions: leagues.iter().map(|code| Competition::new(*code)).collect(),
                    books: books.iter().map(|name| Book::new(*name)).collect(),
                    kelly_fraction: stake.unwrap_or(0.25),
                    flat_stake: stake.is_none().then(|| share(FLAT)),
                    ..strategy.clone()
                };
                let at = match books {
                    [] => "all books",
                    ["bet365"] => "bet365",
                    _ => "four soft books",
                };
                let how = stake.map_or_else(|| "flat 1 %".to_owned(), |f| format!("Kelly × {f}"));
                let about = format!("{about}; {where_}; {at}; {how}");
                trials.push(Trial { name: "".into(), about, rules, aggregates: false });
            }
        }
    }
}

fn named(mut trials: Vec<Trial>) -> Vec<Trial> {
    for (number, trial) in trials.iter_mut().enumerate() {
        trial.name = format!("t{number:05}").as_str().into();
    }
    trials
}

/// So many of them, drawn by a seed without putting any back, in the order of the grid.
#[must_use]
pub fn draw(mut trials: Vec<Trial>, count: usize, seed: u64) -> Vec<Trial> {
    let key = |trial: &Trial| crate::digest::of_bytes(format!("{seed} {}", trial.name).as_bytes());
    trials.sort_by_cached_key(key);
    trials.truncate(count);
    trials.sort_by(|one, other| one.name.cmp(&other.name));
    trials
}

fn odds(value: f64) -> Odds {
    Odds::new(value).expect("the grid's odds are above one")
}

fn share(value: f64) -> StakeFraction {
    StakeFraction::new(value).expect("the grid's shares lie in 0..=1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_of_the_grid_is_another() {
        let trials = all(true, true);
        let abouts: std::collections::BTreeSet<&str> =
            trials.iter().map(|trial| trial.about.as_str()).collect();
        assert_eq!(abouts.len(), trials.len());
        assert!(trials.len() > 20_000, "{}", trials.len());
    }

    #[test]
    fn a_draw_is_the_same_for_a_seed_and_another_for_another() {
        let draw = |seed| draw(all(true, false), 1_000, seed);
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1).len(), 1_000);
    }
}
