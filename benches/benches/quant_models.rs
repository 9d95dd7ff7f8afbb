//! What fitting and walking forward cost.
//!
//! The peer is penaltyblog (`make bench-peers` times it in the same run): it takes 47.6 ms for a
//! Dixon–Coles fit of 380 matches and 139 ms for 1,140 on the machine on which the goals were set;
//! the goal is one fiftieth of that.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use marabet_benches::league::{history, training_set};
use marabet_quant::goals::{FitOptions, Model, Prior, fit, fit_from};
use marabet_quant::inplay::{MatchState, Phase, Tempo, final_scores};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::ratings::{Elo, EloTable, Rated, RatingSystem};
use marabet_quant::walkforward::{Refit, default_signals, goal_model, signal_rates, stack};

fn fits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit");
    let plain = FitOptions::default();
    for seasons in [1, 3] {
        let set = training_set(seasons);
        let matches = set.matches().len();
        group.bench_function(format!("dixon_coles/{matches}"), |bench| {
            bench.iter(|| fit(Model::DixonColes, black_box(&set), &plain));
        });
    }
    let set = training_set(1);
    for model in Model::ALL.into_iter().filter(|model| *model != Model::DixonColes) {
        group.bench_function(format!("{model}/380"), |bench| {
            bench.iter(|| fit(model, black_box(&set), &plain));
        });
    }
    let options = FitOptions {
        xi: 0.002,
        prior: Some(Prior::default()),
        standard_errors: false,
        ..FitOptions::default()
    };
    let three = training_set(3);
    let earlier = fit(Model::DixonColes, &three, &options).expect("a full league is determined");
    let later = FitOptions { as_of: Some(three.last_day() + 7.0), ..options };
    group.bench_function("dixon_coles/1140/a_week_later", |bench| {
        bench.iter(|| fit_from(&earlier, Model::DixonColes, black_box(&three), &later));
    });
    group.finish();
}

fn walks(criterion: &mut Criterion) {
    let history = history(10);
    let mut group = criterion.benchmark_group("walk_forward_10_seasons_weekly");
    group.sample_size(10);
    group.bench_function("dixon_coles", |bench| {
        bench.iter(|| goal_model(black_box(&history), Model::DixonColes, &Refit::default()));
    });
    group.bench_function("stack_of_six_signals", |bench| {
        bench.iter(|| {
            let rates: Result<Vec<_>, _> =
                default_signals().iter().map(|signal| signal_rates(&history, signal)).collect();
            stack(black_box(&history), &rates.expect("the default signals are in range"))
        });
    });
    group.bench_function("elo", |bench| {
        bench.iter(|| {
            let mut table = EloTable::new(Elo::default()).expect("the defaults are in range");
            for record in black_box(&history).records() {
                let rated = Rated {
                    day: record.day,
                    home: &record.home,
                    away: &record.away,
                    home_goals: record.goals[0],
                    away_goals: record.goals[1],
                    neutral: false,
                };
                table.rate(&rated).expect("a history is in order");
            }
            table
        });
    });
    group.finish();
}

fn in_play(criterion: &mut Criterion) {
    let before = ScoreMatrix::dixon_coles(1.6, 1.1, -0.05).expect("plain means");
    let state = MatchState {
        phase: Phase::SecondHalf(20.0),
        home_goals: 1,
        away_goals: 1,
        home_reds: 0,
        away_reds: 1,
    };
    let tempo = Tempo::default();
    criterion.bench_function("in_play/final_scores", |bench| {
        bench.iter(|| final_scores(black_box(&before), &state, &tempo));
    });
}

criterion_group!(benches, fits, walks, in_play);
criterion_main!(benches);
