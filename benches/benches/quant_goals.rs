//! The mathematics beside its goals, in one table: median, goal, and how many times as fast as the
//! goal. `make bench-peers` holds the same against penaltyblog in the same run.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a table of medians")]

use std::hint::black_box;

use marabet_benches::league::{history, training_set};
use marabet_benches::timing::median_ns;
use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig_array};
use marabet_quant::goals::{FitOptions, Model, fit};
use marabet_quant::prices::Board;
use marabet_quant::walkforward::{Refit, goal_model};

/// A fiftieth of what penaltyblog took on the machine on which the goals were set.
const DIXON_COLES_GOALS_NS: [f64; 2] = [47.6e6 / 50.0, 139e6 / 50.0];

fn main() {
    // `cargo test --benches` asks whether it runs, not how fast it is.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 201 } else { 1 };
    println!("{:<44}{:>14}{:>12}{:>10}", "", "median", "goal", "goal/us");
    let markets: Vec<[Odds; 3]> = (0..64)
        .map(|n| {
            let n = f64::from(n);
            [1.3 + 0.05 * n, 3.2 + 0.02 * n, 9.0 - 0.11 * n].map(|odds| Odds::new(odds).unwrap())
        })
        .collect();
    let mut next = 0;
    let shin = median_ns(rounds, || {
        next = (next + 1) % markets.len();
        devig_array(Method::Shin, black_box(markets[next])).unwrap()
    });
    line("Shin, three outcomes", shin, 200.0);
    let board = median_ns(rounds, || {
        Board::from_means(black_box(1.55), black_box(1.12), black_box(-0.1)).unwrap()
    });
    line("1X2, 25 totals, 25 handicaps from two means", board, 2_000.0);
    for (seasons, goal) in [1, 3].into_iter().zip(DIXON_COLES_GOALS_NS) {
        let set = training_set(seasons);
        let took = median_ns(rounds, || {
            fit(Model::DixonColes, black_box(&set), &FitOptions::default()).unwrap()
        });
        line(&format!("Dixon–Coles on {} matches", set.matches().len()), took, goal);
    }
    let ten_seasons = history(10);
    let walk = median_ns(rounds.min(5), || {
        goal_model(black_box(&ten_seasons), Model::DixonColes, &Refit::default()).unwrap()
    });
    line("walk through 10 seasons, refitted weekly", walk, 10e9);
}

fn line(what: &str, median_ns: f64, goal_ns: f64) {
    let told = |ns: f64| match ns {
        ..1e3 => format!("{ns:.0} ns"),
        ..1e6 => format!("{:.2} µs", ns / 1e3),
        ..1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    };
    let (median, goal, ratio) = (told(median_ns), told(goal_ns), goal_ns / median_ns);
    println!("{what:<44}{median:>14}{goal:>12}{ratio:>9.1}x");
}
