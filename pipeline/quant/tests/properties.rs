//! Laws that hold for every market, matrix and bet, on random ones.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use marabet_quant::blend::{blend, pool};
use marabet_quant::consensus::{Rule, consensus};
use marabet_quant::devig::{Method, devig, devig_to, price_with_margin};
use marabet_quant::implied::implied_means;
use marabet_quant::matrix::{ScoreMatrix, rho_bounds};
use marabet_quant::outcome::{Outcome, Outcomes};
use marabet_quant::payoff::Payoff;
use marabet_quant::settle::settle;
use marabet_quant::staking::{
    JointBet, joint_growth, kelly, kelly_exclusive, kelly_joint, kelly_outcomes,
};
use marabet_quant::{Line, Market, MarketKind, Odds, Selection};
use proptest::prelude::*;
use proptest::sample::select;

/// A market's odds with an overround of 0.97 to 1.25.
fn market(selections: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Odds>> {
    let weights = prop::collection::vec(0.02..1.0_f64, selections);
    (weights, 0.97..1.25_f64).prop_filter_map("a price of one or less", |(weights, overround)| {
        let sum: f64 = weights.iter().sum();
        let price = |weight: &f64| Odds::new(sum / (weight * overround)).ok();
        weights.iter().map(price).collect()
    })
}

fn method() -> impl Strategy<Value = Method> {
    select(Method::ALL.to_vec())
}

fn matrix() -> impl Strategy<Value = ScoreMatrix> {
    (0.05..5.0_f64, 0.05..5.0_f64, 0.02..0.98_f64).prop_map(|(lambda, mu, share)| {
        let (low, high) = rho_bounds(lambda, mu);
        ScoreMatrix::dixon_coles(lambda, mu, low + share * (high - low)).unwrap()
    })
}

fn full_time_market() -> impl Strategy<Value = Market> {
    use MarketKind as K;
    let line = (-28..=28_i16).prop_map(|quarters| Line::from_quarters(quarters).unwrap());
    let plain = select(vec![
        K::MatchOdds,
        K::DoubleChance,
        K::DrawNoBet,
        K::BothTeamsToScore,
        K::OddEven,
        K::HomeCleanSheet,
        K::AwayCleanSheet,
        K::HomeWinToNil,
        K::AwayWinToNil,
    ]);
    prop_oneof![
        plain,
        line.clone().prop_map(K::Totals),
        line.clone().prop_map(K::HomeTotals),
        line.clone().prop_map(K::AwayTotals),
        line.prop_map(K::AsianHandicap),
        (-5..=5_i8).prop_map(K::EuropeanHandicap),
    ]
    .prop_map(Market::full_time)
}

fn bet() -> impl Strategy<Value = (Market, Selection)> {
    full_time_market().prop_flat_map(|market| {
        select(market.selections().to_vec()).prop_map(move |selection| (market, selection))
    })
}

fn outcomes() -> impl Strategy<Value = Outcomes> {
    prop::array::uniform5(0.0..1.0_f64).prop_filter_map("no mass", |weights| {
        let sum: f64 = weights.iter().sum();
        Outcomes::new(weights.map(|weight| weight / sum)).ok()
    })
}

/// Devigged, or refused for want of a longshot's probability: then the case says nothing.
macro_rules! served {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(_) => return Err(TestCaseError::reject("the method refuses these odds")),
        }
    };
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        max_global_rejects: 65_536,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn fair_probabilities_are_inside_the_unit_interval_and_add_up(
        odds in market(2..12), method in method(),
    ) {
        let fair = served!(devig(method, &odds));
        prop_assert!((fair.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        prop_assert!(fair.probabilities.iter().all(|p| *p > 0.0 && *p < 1.0));
        prop_assert!((fair.overround - 1.0 - fair.margin).abs() < 1e-15);
    }

    #[test]
    fn shorter_odds_are_never_less_likely(odds in market(2..8), method in method()) {
        let fair = served!(devig(method, &odds));
        for (one, p) in odds.iter().zip(&fair.probabilities) {
            for (other, q) in odds.iter().zip(&fair.probabilities) {
                prop_assert!(one > other || *p >= q - 1e-13, "{method}: {one} {p}, {other} {q}");
            }
        }
    }

    #[test]
    fn a_longer_price_is_a_lower_probability(
        odds in market(2..6), method in method(), longer in 1.001..1.05_f64,
    ) {
        let mut changed = odds.clone();
        changed[0] = Odds::new(odds[0].decimal() * longer).unwrap();
        let before = served!(devig(method, &odds));
        let after = served!(devig(method, &changed));
        prop_assert!(after.probabilities[0] < before.probabilities[0], "{method}");
    }

    #[test]
    fn the_order_of_the_selections_changes_nothing_but_the_order(
        odds in market(2..6), method in method(),
    ) {
        let fair = served!(devig(method, &odds));
        let reversed: Vec<Odds> = odds.iter().rev().copied().collect();
        let back = devig(method, &reversed).unwrap();
        for (p, q) in fair.probabilities.iter().zip(back.probabilities.iter().rev()) {
            prop_assert!((p - q).abs() < 1e-13, "{method}");
        }
    }

    #[test]
    fn a_margin_put_in_is_the_margin_taken_out(
        odds in market(2..8), method in method(), margin in -0.02..0.15_f64,
    ) {
        let fair = served!(devig(method, &odds));
        let offered = served!(price_with_margin(method, &fair.probabilities, margin));
        let overround: f64 = offered.iter().map(|odds| 1.0 / odds.decimal()).sum();
        prop_assert!((overround - 1.0 - margin).abs() < 1e-12, "{method} {overround}");
        let again = devig(method, &offered).unwrap();
        for (p, q) in fair.probabilities.iter().zip(&again.probabilities) {
            prop_assert!((p - q).abs() < 1e-11, "{method} {p} {q}");
        }
    }

    #[test]
    fn each_method_ignores_the_change_that_it_takes_for_margin(
        odds in market(2..6), factor in 0.9..1.0_f64,
    ) {
        let changed = |change: &dyn Fn(f64) -> f64| -> Option<Vec<Odds>> {
            odds.iter().map(|o| Odds::new(1.0 / change(1.0 / o.decimal())).ok()).collect()
        };
        let scaled = changed(&|implied| implied * factor);
        let raised = changed(&|implied| libm::pow(implied, 1.0 / factor));
        let shifted = changed(&|implied| factor * implied / (1.0 - implied + factor * implied));
        let cases =
            [(Method::Multiplicative, scaled), (Method::Power, raised), (Method::OddsRatio, shifted)];
        for (method, changed) in cases {
            let fair = devig(method, &odds).unwrap();
            let same = devig(method, &changed.unwrap()).unwrap();
            for (p, q) in fair.probabilities.iter().zip(&same.probabilities) {
                prop_assert!((p - q).abs() < 1e-12, "{method}");
            }
        }
    }

    #[test]
    fn a_place_among_several_adds_up_to_their_number(
        odds in market(5..12), method in method(), winners in 1..4_u8,
    ) {
        // Odds of one winner, shortened to those of several.
        let several: Option<Vec<Odds>> =
            odds.iter().map(|o| Odds::new(o.decimal() / f64::from(winners)).ok()).collect();
        let Some(several) = several else { return Err(TestCaseError::reject("odds below one")) };
        let fair = served!(devig_to(method, &several, f64::from(winners)));
        let sum: f64 = fair.probabilities.iter().sum();
        prop_assert!((sum - f64::from(winners)).abs() < 1e-11, "{method} {sum}");
        prop_assert!(fair.probabilities.iter().all(|p| *p > 0.0 && *p <= 1.0), "{method}");
    }

    #[test]
    fn outcomes_are_the_settled_scores_and_add_up(matrix in matrix(), (market, selection) in bet()) {
        let priced = matrix.outcomes(&market, selection).unwrap();
        prop_assert!(priced.check().is_ok(), "{priced:?}");
        for outcome in Outcome::ALL {
            let settled: f64 = matrix
                .iter()
                .filter(|(home, away, _)| settle(&market, selection, *home, *away) == Ok(outcome))
                .map(|(_, _, p)| p)
                .sum();
            prop_assert!((settled - priced.probability(outcome)).abs() < 1e-12, "{outcome}");
        }
    }

    #[test]
    fn bets_of_one_payoff_have_the_same_digits(matrix in matrix(), (market, selection) in bet()) {
        let payoff = Payoff::new(&market, selection).unwrap();
        let own = matrix.outcomes(&market, selection).unwrap();
        prop_assert_eq!(own, matrix.payoff_outcomes(&payoff).unwrap());
    }

    #[test]
    fn a_handicap_on_one_side_mirrors_the_other(matrix in matrix(), quarters in -28..=28_i16) {
        let line = Line::from_quarters(quarters).unwrap();
        for kind in [MarketKind::AsianHandicap(line), MarketKind::Totals(line)] {
            let market = Market::full_time(kind);
            let [one, other] = [0, 1].map(|at| {
                matrix.outcomes(&market, market.selections()[at]).unwrap()
            });
            prop_assert_eq!(one.mirrored(), other);
            if let (Some(p), Some(q)) = (one.conditional_win(), other.conditional_win()) {
                prop_assert!((p + q - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_better_line_is_worth_no_less(matrix in matrix(), quarters in -20..20_i16) {
        let home = |quarters| {
            let kind = MarketKind::AsianHandicap(Line::from_quarters(quarters).unwrap());
            matrix.outcomes(&Market::full_time(kind), Selection::Home).unwrap()
        };
        let (worse, better) = (home(quarters), home(quarters + 1));
        prop_assert!(better.expected_return(2.0) >= worse.expected_return(2.0) - 1e-13);
    }

    #[test]
    fn the_results_of_a_matrix_imply_its_means(
        lambda in 0.1..4.5_f64, mu in 0.1..4.5_f64, rho in -0.15..0.04_f64,
    ) {
        let matrix = ScoreMatrix::dixon_coles(lambda, mu, rho).unwrap();
        let means = implied_means(matrix.match_odds(), rho).unwrap();
        prop_assert!((means.lambda - lambda).abs() < 1e-6 && (means.mu - mu).abs() < 1e-6);
    }

    #[test]
    fn a_tilted_matrix_has_what_was_wanted_of_it(
        from in matrix(), to in matrix(), bets in prop::collection::vec(bet(), 1..5),
    ) {
        let wanted: Vec<_> =
            bets.iter().map(|(m, s)| (*m, *s, to.outcomes(m, *s).unwrap())).collect();
        // A score beyond the grid of `from` can be what `to` thinks certain.
        let tilted = served!(from.tilted(&wanted));
        for (market, selection, wanted) in wanted {
            let reached = tilted.outcomes(&market, selection).unwrap();
            for ((outcome, p), (_, q)) in reached.iter().zip(wanted.iter()) {
                prop_assert!((p - q).abs() < 1e-9, "{market} {selection} {outcome} {p} {q}");
            }
        }
    }

    #[test]
    fn no_stake_grows_faster_than_kellys(outcomes in outcomes(), odds in 1.05..20.0_f64) {
        let best = kelly_outcomes(&outcomes, odds, 1.0).unwrap();
        prop_assert!((0.0..=1.0).contains(&best.stake));
        let growth = |stake: f64| -> f64 {
            outcomes.iter().map(|(o, p)| p * libm::log1p(stake * o.profit(odds))).sum()
        };
        for thousandth in 0..1000 {
            prop_assert!(growth(f64::from(thousandth) / 1000.0) <= best.log_growth + 1e-12);
        }
        let half = kelly_outcomes(&outcomes, odds, 0.5).unwrap();
        prop_assert!((half.stake - best.stake / 2.0).abs() < 1e-15);
    }

    #[test]
    fn exclusive_outcomes_of_one_alone_have_its_plain_stake(p in 0.0..1.0_f64, odds in 1.01..30.0_f64) {
        let exclusive = kelly_exclusive(&[odds], &[p]).unwrap();
        let plain = kelly(odds, p, 1.0).unwrap();
        prop_assert!((exclusive.stakes[0] - plain.stake).abs() < 1e-12);
    }

    #[test]
    fn pools_of_opinions_lie_between_them(p in 0.05..0.95_f64, q in 0.05..0.95_f64, weight in 0.0..=1.0_f64) {
        let (one, other) = ([p, 1.0 - p], [q, 1.0 - q]);
        let within = |x: f64| p.min(q) - 1e-12 <= x && x <= p.max(q) + 1e-12;
        prop_assert!(within(blend(&one, &other, weight).unwrap()[0]));
        for rule in [Rule::Mean, Rule::Median, Rule::TrimmedMean(0.2), Rule::GeometricMean] {
            prop_assert!(within(consensus(rule, &[one, other]).unwrap()[0]));
        }
        prop_assert!((pool(&[&one], &[1.0]).unwrap()[0] - p).abs() < 1e-12);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn no_joint_stakes_grow_faster_than_the_optimum(
        matrix in matrix(),
        chosen in prop::collection::vec((bet(), -0.05..0.15_f64), 1..6),
        cap in select(vec![1.0, 0.2, 0.02]),
        others in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, 6), 20),
    ) {
        let valued = |((market, selection), edge): &((Market, Selection), f64)| {
            let fair = matrix.outcomes(market, *selection).unwrap().fair_odds()?;
            let net_odds = 1.0 + (fair - 1.0) * (1.0 + edge);
            // Bets that nearly always win or lose are no test of the optimum.
            (1.01..200.0).contains(&net_odds).then_some(JointBet {
                market: *market,
                selection: *selection,
                net_odds,
            })
        };
        let bets: Vec<JointBet> = chosen.iter().filter_map(valued).collect();
        let stakes = kelly_joint(&matrix, &bets, 1.0, cap).unwrap();
        prop_assert!(stakes.iter().all(|stake| *stake >= 0.0));
        prop_assert!(stakes.iter().sum::<f64>() <= cap + 1e-9);
        let best = joint_growth(&matrix, &bets, &stakes).unwrap();
        prop_assert!(best >= -1e-12);
        for other in others {
            // Random stakes, and small changes of the optimum towards them.
            let sum: f64 = other[..bets.len()].iter().sum::<f64>().max(1e-9);
            let random: Vec<f64> = other[..bets.len()].iter().map(|s| s / sum * cap * 0.999).collect();
            for share in [1.0, 0.1, 0.01, 0.001] {
                let mixed: Vec<f64> = stakes
                    .iter()
                    .zip(&random)
                    .map(|(stake, random)| (1.0 - share) * stake + share * random)
                    .collect();
                let growth = joint_growth(&matrix, &bets, &mixed).unwrap();
                prop_assert!(growth <= best + 1e-10, "{mixed:?} beats {stakes:?}");
            }
        }
    }
}
