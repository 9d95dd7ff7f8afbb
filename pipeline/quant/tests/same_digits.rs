//! Same bits anywhere: the digits of the mathematics, as every machine must give them.
//!
//! `clippy.toml` keeps the standard library's transcendental functions out; this sees to the rest,
//! such as an order of summation that a compiler could be free to choose.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use marabet_quant::blend::blend;
use marabet_quant::bootstrap::{Observation, ratio_interval};
use marabet_quant::calibrate::{Beta, Calibrator, Platt};
use marabet_quant::devig::{Method, devig, price_with_margin};
use marabet_quant::implied::{implied_means, implied_means_and_rho};
use marabet_quant::matrix::{Halves, ScoreMatrix};
use marabet_quant::prices::all_with_halves;
use marabet_quant::score::{compare, mean_scores};
use marabet_quant::staking::{JointBet, SimultaneousBet, kelly_joint, kelly_simultaneous};
use marabet_quant::{Line, Market, Odds, Selection};

/// FNV-1a over the bits of numbers.
struct Digest(u64);

impl Digest {
    fn of(numbers: impl IntoIterator<Item = f64>) -> u64 {
        let mut digest = Self(0xCBF2_9CE4_8422_2325);
        for number in numbers {
            for byte in number.to_bits().to_le_bytes() {
                digest.0 = (digest.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
        digest.0
    }
}

fn check(what: &str, numbers: impl IntoIterator<Item = f64>, digest: u64) {
    let found = Digest::of(numbers);
    assert_eq!(found, digest, "{what}: the digits changed, now {found:#018X}");
}

#[test]
fn de_vigged_prices_have_the_same_digits_everywhere() {
    let odds = [1.87, 3.65, 4.4, 23.0].map(|decimal| Odds::new(decimal).unwrap());
    let numbers = Method::ALL.into_iter().flat_map(|method| {
        let fair = devig(method, &odds).unwrap();
        let offered = price_with_margin(method, &fair.probabilities, 0.04).unwrap();
        fair.probabilities.into_iter().chain(offered.into_iter().map(Odds::decimal))
    });
    check("de-vig", numbers, 0x89F5_B6AC_BB90_955C);
}

#[test]
fn prices_have_the_same_digits_everywhere() {
    let halves = Halves::dixon_coles(1.61, 1.13, -0.07, 0.44).unwrap();
    let list = all_with_halves(&halves);
    let markets = list.markets.iter().flat_map(|prices| &prices.selections);
    let numbers =
        markets.flat_map(|price| price.outcomes.iter().map(|(_, p)| p).collect::<Vec<_>>());
    let scores = list.correct_scores.iter().map(|score| score.probability);
    check("prices", numbers.chain(scores), 0xA5F7_6D95_04FC_4B16);
}

#[test]
fn what_is_solved_for_has_the_same_digits_everywhere() {
    let matrix = ScoreMatrix::dixon_coles(1.61, 1.13, -0.07).unwrap();
    let means = implied_means([0.47, 0.27, 0.26], -0.05).unwrap();
    let total = (Line::new(2.75).unwrap(), 0.49);
    let implied = implied_means_and_rho([0.47, 0.27, 0.26], total).unwrap();
    let targets = [
        (Market::MATCH_ODDS, Selection::Home, 0.5),
        ("ou@2.75".parse().unwrap(), Selection::Over, 0.48),
    ];
    let tilted = matrix.tilted_to_prices(&targets).unwrap();
    let bet = |market: &str, selection, net_odds| JointBet {
        market: market.parse().unwrap(),
        selection,
        net_odds,
    };
    let bets = [
        bet("1x2", Selection::Home, 2.2),
        bet("ah@-0.75", Selection::Home, 2.45),
        bet("ou@2.5", Selection::Over, 2.1),
    ];
    let joint = kelly_joint(&matrix, &bets, 0.25, 0.05).unwrap();
    let simultaneous: Vec<SimultaneousBet> = bets
        .iter()
        .cycle()
        .take(14)
        .map(|bet| SimultaneousBet {
            outcomes: matrix.outcomes(&bet.market, bet.selection).unwrap(),
            net_odds: bet.net_odds,
        })
        .collect();
    let many = kelly_simultaneous(&simultaneous, 0.5, 0.3).unwrap();
    let numbers = [means.lambda, means.mu, implied.means.lambda, implied.means.mu, implied.rho];
    let tilted = tilted.iter().map(|(_, _, p)| p).collect::<Vec<f64>>();
    check(
        "solved",
        numbers.into_iter().chain(tilted).chain(joint).chain(many),
        0x3CC6_6FC4_8DD0_88B6,
    );
}

#[test]
fn statistics_have_the_same_digits_everywhere() {
    let forecasts: Vec<Vec<f64>> = (0..60)
        .map(|n| {
            let home = 0.15 + 0.009 * f64::from(n);
            blend(&[home, 0.25, 0.75 - home], &[0.4, 0.3, 0.3], 0.4).unwrap()
        })
        .collect();
    let outcomes: Vec<usize> = (0..60).map(|n| (n * 7) % 3).collect();
    let scores = mean_scores(&forecasts, &outcomes).unwrap();
    let home: Vec<f64> = forecasts.iter().map(|forecast| forecast[0]).collect();
    let happened: Vec<bool> = outcomes.iter().map(|outcome| *outcome == 0).collect();
    let platt = Platt::fit(&home, &happened).unwrap();
    let beta = Beta::fit(&home, &happened).unwrap();
    let away: Vec<f64> = forecasts.iter().map(|forecast| forecast[2]).collect();
    let compared = compare(&home, &away, 0.95).unwrap();
    let record: Vec<Observation> = (0..)
        .zip(&home)
        .map(|(day, p)| Observation { cluster: day / 3, numerator: p - 0.4, denominator: 1.0 })
        .collect();
    let interval = ratio_interval(&record, 0.9, 1000, 42).unwrap();
    let numbers = [
        scores.rps,
        scores.brier,
        scores.log_loss,
        platt.slope,
        platt.shift,
        platt.apply(0.3).unwrap(),
        beta.apply(0.3).unwrap(),
        compared.low,
        compared.p_value,
        interval.low,
        interval.high,
        interval.standard_error,
    ];
    check("statistics", numbers, 0xA70C_0F63_C4A8_B1AC);
}
