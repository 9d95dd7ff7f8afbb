//! Results of any kind: a finite fit or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::goals::{FitOptions, Model, Played, Prior, TrainingSet, fit};

fuzz_target!(|input: (u8, Vec<(u8, u8, u8, f64, f64, bool)>, f64, bool)| {
    let (model, rows, xi, prior) = input;
    let model = Model::ALL[usize::from(model) % Model::ALL.len()];
    let mut set = TrainingSet::builder();
    for (teams, home_goals, away_goals, day, weight, neutral) in rows {
        let names = [teams % 8, teams / 8 % 8].map(|n| format!("T{n}"));
        let played =
            Played::new(day, &names[0], &names[1], home_goals.into(), (away_goals % 61).into());
        let _ = set.push(played.weighted(weight).on_neutral_ground(neutral));
    }
    let Ok(set) = set.build() else { return };
    let prior = prior.then(Prior::default);
    let options = FitOptions { xi, prior, iterations_max: 30, ..FitOptions::default() };
    let Ok(fitted) = fit(model, &set, &options) else { return };
    assert!(fitted.log_likelihood.is_finite(), "{fitted:?}");
    for strength in fitted.teams.values() {
        assert!(strength.attack.is_finite() && strength.defence.is_finite(), "{fitted:?}");
    }
    let teams: Vec<&String> = fitted.teams.keys().collect();
    if let [one, other, ..] = teams[..] {
        let _ = fitted.matrix(one, other, false);
    }
});
