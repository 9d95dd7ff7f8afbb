//! De-vig, prices, stakes and what lies between: the mathematics that runs on every quote.

#![allow(clippy::unwrap_used, missing_docs, reason = "benches stop at the first surprise")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use marabet_quant::devig::{Method, devig, devig_array};
use marabet_quant::implied::{implied_means, implied_means_and_rho};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::outcome::Outcomes;
use marabet_quant::prices::{self, Board};
use marabet_quant::staking::{
    JointBet, SimultaneousBet, kelly_exclusive, kelly_joint, kelly_outcomes, kelly_simultaneous,
};
use marabet_quant::{Line, Market, Odds, Selection};

fn odds<const N: usize>(decimals: [f64; N]) -> [Odds; N] {
    decimals.map(|decimal| Odds::new(decimal).unwrap())
}

fn devigging(c: &mut Criterion) {
    let mut group = c.benchmark_group("devig");
    // The same market every time would let the branches learn its iterations by heart.
    let markets: Vec<[Odds; 3]> = (0..64)
        .map(|n| {
            odds([1.3 + 0.05 * f64::from(n), 3.2 + 0.02 * f64::from(n), 9.0 - 0.11 * f64::from(n)])
        })
        .collect();
    let mut next = 0;
    for method in Method::ALL {
        group.bench_function(format!("{method}, three outcomes"), |b| {
            b.iter(|| {
                next = (next + 1) % markets.len();
                devig_array(method, black_box(markets[next])).unwrap()
            });
        });
    }
    let two = odds([1.5, 2.74]);
    group.bench_function("shin, two outcomes", |b| {
        b.iter(|| devig_array(Method::Shin, black_box(two)).unwrap());
    });
    let twenty: Vec<Odds> =
        (0..20).map(|n| Odds::new(5.0 + f64::from(n * n) / 4.0).unwrap()).collect();
    group.bench_function("shin, twenty outcomes", |b| {
        b.iter(|| devig(Method::Shin, black_box(&twenty)).unwrap());
    });
    group.finish();
}

fn pricing(c: &mut Criterion) {
    let mut group = c.benchmark_group("prices");
    group.bench_function("1X2, totals and handicaps from two means", |b| {
        b.iter(|| Board::from_means(black_box(1.55), black_box(1.12), black_box(-0.1)).unwrap());
    });
    group.bench_function("score matrix from two means", |b| {
        b.iter(|| ScoreMatrix::dixon_coles(black_box(1.55), black_box(1.12), -0.1).unwrap());
    });
    let matrix = ScoreMatrix::dixon_coles(1.55, 1.12, -0.1).unwrap();
    let handicap: Market = "ah@-0.25".parse().unwrap();
    group.bench_function("one handicap from a matrix", |b| {
        b.iter(|| matrix.outcomes(black_box(&handicap), Selection::Home).unwrap());
    });
    group.bench_function("every market from a matrix", |b| {
        b.iter(|| prices::all(black_box(&matrix)));
    });
    let targets = [
        (Market::MATCH_ODDS, Selection::Home, 0.5),
        (Market::MATCH_ODDS, Selection::Draw, 0.26),
        ("ou@2.5".parse().unwrap(), Selection::Over, 0.52),
    ];
    group.bench_function("matrix tilted to 1X2 and a total", |b| {
        b.iter(|| matrix.tilted_to_prices(black_box(&targets)).unwrap());
    });
    let results = matrix.match_odds();
    group.bench_function("means implied by 1X2", |b| {
        b.iter(|| implied_means(black_box(results), -0.1).unwrap());
    });
    let over = (Line::new(2.5).unwrap(), 0.5);
    group.bench_function("means and rho implied by 1X2 and a total", |b| {
        b.iter(|| implied_means_and_rho(black_box(results), black_box(over)).unwrap());
    });
    group.finish();
}

fn staking(c: &mut Criterion) {
    let mut group = c.benchmark_group("staking");
    let five = Outcomes::new([0.4, 0.1, 0.1, 0.1, 0.3]).unwrap();
    group.bench_function("kelly, five outcomes", |b| {
        b.iter(|| kelly_outcomes(black_box(&five), 2.2, 0.25).unwrap());
    });
    group.bench_function("kelly, three exclusive outcomes", |b| {
        b.iter(|| kelly_exclusive(black_box(&[2.5, 3.2, 2.8]), &[0.55, 0.25, 0.2]).unwrap());
    });
    let matrix = ScoreMatrix::dixon_coles(1.6, 1.1, -0.1).unwrap();
    let bet = |market: &str, selection, net_odds| JointBet {
        market: market.parse().unwrap(),
        selection,
        net_odds,
    };
    let bets = [
        bet("1x2", Selection::Home, 2.15),
        bet("ah@-0.75", Selection::Home, 2.4),
        bet("ou@2.5", Selection::Over, 2.05),
        bet("btts", Selection::Yes, 1.95),
    ];
    group.bench_function("kelly, four bets of one match", |b| {
        b.iter(|| kelly_joint(black_box(&matrix), &bets, 0.25, 0.05).unwrap());
    });
    let simultaneous = |count: usize| -> Vec<SimultaneousBet> {
        let outcomes = Outcomes::two_way(0.52).unwrap();
        vec![SimultaneousBet { outcomes, net_odds: 2.0 }; count]
    };
    for count in [8, 40] {
        let bets = simultaneous(count);
        group.bench_function(format!("kelly, {count} matches at once"), |b| {
            b.iter(|| kelly_simultaneous(black_box(&bets), 0.25, 0.2).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, devigging, pricing, staking);
criterion_main!(benches);
