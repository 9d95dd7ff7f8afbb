//! What goal models promise of any matches, and what they refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its matches has failed")]

use marabet_quant::goals::{
    Fit, FitError, FitOptions, ForecastError, Model, Offset, Played, Prior, Rates, Setting,
    TrainingSet, TrainingSetBuilder, fit, fit_from,
};
use proptest::prelude::*;

/// A league of `teams` sides that met `rounds` times at each ground, with results that spread.
fn league(teams: usize, rounds: usize, seed: u64) -> TrainingSet {
    league_named(&names(teams), rounds, seed)
}

fn names(teams: usize) -> Vec<String> {
    (0..teams).map(|team| format!("Team {team:05}")).collect()
}

fn league_named(names: &[String], rounds: usize, seed: u64) -> TrainingSet {
    let mut noise = Noise(seed);
    let mut builder = TrainingSet::builder();
    for round in 0..rounds {
        for (i, home) in names.iter().enumerate() {
            for (j, away) in names.iter().enumerate().filter(|(j, _)| *j != i) {
                let strength = |team: usize| (team % 5) as f64 * 0.15 - 0.3;
                let goals =
                    (noise.goals(1.5 + strength(i) - strength(j)), noise.goals(1.2 + strength(j)));
                let day = (round * 200 + (i * 7 + j * 3) % 180) as f64;
                builder.push(Played::new(day, home, away, goals.0, goals.1)).unwrap();
            }
        }
    }
    builder.build().unwrap()
}

/// A linear congruential sequence (Knuth, 1998, MMIX): the same results in every run.
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A Poisson count by multiplying uniforms (Knuth, 1998, 3.4.1).
    fn goals(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = (libm::exp(-mean), self.uniform(), 0);
        while product > limit && count < 20 {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

fn shrunk() -> FitOptions {
    FitOptions { prior: Some(Prior::default()), ..FitOptions::default() }
}

fn finite(fitted: &Fit) {
    assert!(fitted.log_likelihood.is_finite() && fitted.home_advantage.is_finite(), "{fitted:?}");
    for (team, strength) in &fitted.teams {
        assert!(strength.attack.is_finite() && strength.defence.is_finite(), "{team}");
        for se in [strength.attack_se, strength.defence_se].into_iter().flatten() {
            assert!(se.is_finite() && se >= 0.0, "{team}: {se}");
        }
    }
}

#[test]
fn every_model_converges_and_its_matrix_has_its_means() {
    let set = league(8, 4, 1);
    for model in Model::ALL {
        let fitted = fit(model, &set, &FitOptions::default()).unwrap();
        assert!(fitted.converged, "{model}: {}", fitted.why);
        finite(&fitted);
        let attacks: f64 = fitted.teams.values().map(|strength| strength.attack).sum();
        assert!((attacks / 8.0 - 1.0).abs() < 1e-12, "{model}: mean attack {}", attacks / 8.0);
        let means = fitted.means("Team 00000", "Team 00003", false).unwrap();
        let (home, away) = fitted.matrix("Team 00000", "Team 00003", false).unwrap().means();
        assert!((home - means.lambda).abs() < 1e-6, "{model}: {home}, not {}", means.lambda);
        assert!((away - means.mu).abs() < 1e-6, "{model}: {away}, not {}", means.mu);
    }
}

#[test]
fn a_law_that_holds_the_poisson_is_never_less_likely_than_it() {
    let set = league(8, 3, 2);
    let poisson = fit(Model::Poisson, &set, &FitOptions::default()).unwrap();
    for model in Model::ALL {
        let fitted = fit(model, &set, &FitOptions::default()).unwrap();
        let gain = fitted.log_likelihood - poisson.log_likelihood;
        assert!(gain > -1e-6, "{model} is {gain} below the Poisson");
    }
}

#[test]
fn the_log_likelihood_is_that_of_the_scores_under_the_matrix() {
    let set = league(6, 2, 3);
    for model in Model::ALL {
        let fitted = fit(model, &set, &FitOptions::default()).unwrap();
        let ln_p = |played: &marabet_quant::goals::MatchResult| {
            let team = |id: marabet_quant::goals::TeamId| &set.teams()[id.0 as usize];
            let matrix = fitted.matrix(team(played.home), team(played.away), false).unwrap();
            libm::log(matrix.get(played.home_goals as u8, played.away_goals as u8))
        };
        let sum: f64 = set.matches().iter().map(ln_p).sum();
        let given = fitted.log_likelihood;
        assert!((sum - given).abs() < 1e-5, "{model}: {sum}, not {given}");
    }
}

#[test]
fn an_earlier_fit_as_start_leads_to_the_same_maximum_in_fewer_steps() {
    let (before, now) = (league(10, 9, 4), league(10, 10, 4));
    for model in Model::ALL {
        let options = FitOptions::default();
        let cold = fit(model, &now, &options).unwrap();
        let earlier = fit(model, &before, &options).unwrap();
        let warm = fit_from(&earlier, model, &now, &options).unwrap();
        assert!((cold.log_likelihood - warm.log_likelihood).abs() < 1e-7, "{model}");
        for (team, strength) in &cold.teams {
            let apart = strength.attack - warm.teams[team].attack;
            assert!(apart.abs() < 1e-5, "{model} {team}: {apart}");
        }
        assert!(warm.iterations <= cold.iterations, "{model}");
    }
}

#[test]
fn an_artefact_reads_back_as_it_was_and_is_written_the_same_again() {
    let fitted = fit(Model::DixonColes, &league(6, 2, 5), &shrunk()).unwrap();
    let json = serde_json::to_string(&fitted).unwrap();
    let read: Fit = serde_json::from_str(&json).unwrap();
    assert_eq!(read, fitted);
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

#[test]
fn standard_errors_are_those_of_repeated_seasons() {
    // With four times the matches the errors halve.
    let (once, again) = (league(6, 2, 6), league(6, 8, 6));
    let se = |set: &TrainingSet| {
        let fitted = fit(Model::Poisson, set, &FitOptions::default()).unwrap();
        fitted.teams["Team 00002"].attack_se.unwrap()
    };
    let ratio = se(&once) / se(&again);
    assert!((ratio - 2.0).abs() < 0.15, "{ratio}");
    // A league of equals: of n matches a team scores m each at home and away, so that the error of
    // an attack about the mean of T teams is near sqrt((1 - 1/T) / goals).
    let fitted = fit(Model::Poisson, &league(6, 8, 6), &FitOptions::default()).unwrap();
    let goals = 8.0 * 10.0 * 1.4;
    let wanted = libm::sqrt((1.0 - 1.0 / 6.0) / goals);
    let got = fitted.teams["Team 00002"].attack_se.unwrap();
    assert!((got / wanted - 1.0).abs() < 0.1, "{got}, not about {wanted}");
}

#[test]
fn a_fit_to_a_window_is_the_fit_to_a_set_of_its_matches_alone() {
    let all = league(6, 4, 17);
    let mut builder = TrainingSet::builder();
    builder.push(Played::new(-50.0, "Long gone", "Team 00000", 1, 1)).unwrap();
    let mut within = TrainingSet::builder();
    for played in all.matches() {
        let team = |id: marabet_quant::goals::TeamId| all.teams()[id.0 as usize].as_str();
        let goals = (played.home_goals.into(), played.away_goals.into());
        let again = Played::new(played.day, team(played.home), team(played.away), goals.0, goals.1);
        builder.push(again).unwrap();
        if (100.0..500.0).contains(&played.day) {
            within.push(again).unwrap();
        }
    }
    let (since, before, as_of) = (Some(100.0), Some(500.0), Some(500.0));
    for prior in [None, Some(Prior::default())] {
        let options = FitOptions { xi: 0.003, as_of, prior, ..FitOptions::default() };
        let alone = fit(Model::DixonColes, &within.clone().build().unwrap(), &options).unwrap();
        let windowed = FitOptions { since, before, ..options };
        let got = fit(Model::DixonColes, &builder.clone().build().unwrap(), &windowed).unwrap();
        assert_eq!(got, alone);
    }
    let nothing = FitOptions { since: Some(1e4), ..FitOptions::default() };
    assert!(matches!(fit(Model::Poisson, &all, &nothing), Err(FitError::NoWeight { .. })));
}

#[test]
fn decay_forgets_what_is_old() {
    let mut builder = TrainingSet::builder();
    for day in 0..100 {
        // Ash beats Birch at first and loses to it later; both draw with Cedar.
        let (won, lost) = if day < 50 { (3, 1) } else { (1, 3) };
        builder.push(Played::new(day.into(), "Ash", "Birch", won, lost)).unwrap();
        builder.push(Played::new(day.into(), "Birch", "Ash", lost, won)).unwrap();
        for (home, away) in [("Ash", "Cedar"), ("Cedar", "Birch"), ("Cedar", "Ash")] {
            builder.push(Played::new(day.into(), home, away, 1, 1)).unwrap();
        }
    }
    let set = builder.build().unwrap();
    let lead = |xi: f64| {
        let fitted = fit(Model::Poisson, &set, &FitOptions { xi, ..shrunk() }).unwrap();
        fitted.teams["Ash"].attack - fitted.teams["Birch"].attack
    };
    assert!(lead(0.0).abs() < 0.05 && lead(0.1) < -0.4, "{} {}", lead(0.0), lead(0.1));
    let later = FitOptions { xi: 0.1, as_of: Some(120.0), ..FitOptions::default() };
    let at_once = fit(Model::Poisson, &set, &FitOptions { as_of: None, ..later.clone() }).unwrap();
    let later = fit(Model::Poisson, &set, &later).unwrap();
    let apart = at_once.teams["Ash"].attack - later.teams["Ash"].attack;
    assert!(apart.abs() < 1e-9, "without a prior the day of reference changes no strength");
}

#[test]
fn a_prior_pulls_a_team_with_little_history_to_what_is_expected_of_it() {
    let regulars = names(8);
    let season = league_named(&regulars, 2, 7);
    let mut builder = TrainingSet::builder();
    for played in season.matches() {
        let team = |id: marabet_quant::goals::TeamId| season.teams()[id.0 as usize].as_str();
        let goals = (played.home_goals.into(), played.away_goals.into());
        let again = Played::new(played.day, team(played.home), team(played.away), goals.0, goals.1);
        builder.push(again).unwrap();
    }
    builder.push(Played::new(300.0, "Promoted", &regulars[0], 5, 0)).unwrap();
    let set = builder.build().unwrap();
    let expecting = |offset: Offset| {
        let expected = [("Promoted".to_owned(), offset)].into();
        let prior = Prior { expected, ..Prior::default() };
        let options = FitOptions { prior: Some(prior), ..FitOptions::default() };
        fit(Model::DixonColes, &set, &options).unwrap()
    };
    let middling = expecting(Offset::default());
    let weak = expecting(Offset { attack: -0.2, defence: 0.2 });
    let attack = |fitted: &Fit| fitted.teams["Promoted"].attack;
    assert!(attack(&middling) > 1.0 && attack(&middling) < 1.5, "{}", attack(&middling));
    let pulled = attack(&middling) - attack(&weak);
    assert!(pulled > 0.05 && pulled < 0.2, "{pulled}");
    assert_eq!(
        fit(Model::DixonColes, &set, &FitOptions::default()).unwrap_err(),
        FitError::NoGoals { team: "Promoted".into(), verb: "conceded", strength: "defence" }
    );
}

#[test]
fn a_team_that_was_never_seen_is_unknown_unless_newcomers_are_let_in() {
    let set = league(5, 2, 8);
    let plain = fit(Model::Poisson, &set, &FitOptions::default()).unwrap();
    let unknown = plain.means("Team 00001", "Nobody", false).unwrap_err();
    assert_eq!((unknown.team.as_str(), unknown.known), ("Nobody", 5));
    assert!(plain.means_with_newcomers("Team 00001", "Nobody", false).is_err());
    let prior = fit(Model::Poisson, &set, &shrunk()).unwrap();
    assert!(prior.means("Team 00001", "Nobody", false).is_err());
    let means = prior.means_with_newcomers("Nobody", "Newborn", false).unwrap();
    let expected = libm::exp(prior.home_advantage + prior.intercept);
    assert!((means.lambda - expected).abs() < 1e-12, "less attack meets less defence");
}

#[test]
fn neutral_ground_and_playing_time_change_the_rates_as_they_should() {
    let fitted = fit(Model::Poisson, &league(5, 3, 9), &FitOptions::default()).unwrap();
    let rates =
        |setting: &Setting<'_>| fitted.rates_in("Team 00001", "Team 00002", setting).unwrap();
    let home = rates(&Setting::default());
    let neutral = rates(&Setting { neutral: true, ..Setting::default() });
    let ratio = libm::log(home.lambda / neutral.lambda);
    assert!((ratio - fitted.home_advantage).abs() < 1e-12);
    assert_eq!(home.mu, neutral.mu);
    let longer = rates(&Setting { exposure: 4.0 / 3.0, ..Setting::default() });
    assert!((longer.mu / home.mu - 4.0 / 3.0).abs() < 1e-12);
}

#[test]
fn matches_that_cannot_determine_a_model_are_refused_and_named() {
    let fitted = |matches: &[(&str, &str, u32, u32)]| {
        let mut builder = TrainingSet::builder();
        for (day, (home, away, x, y)) in matches.iter().enumerate() {
            builder.push(Played::new(day as f64, home, away, *x, *y)).unwrap();
        }
        fit(Model::DixonColes, &builder.build().unwrap(), &FitOptions::default())
    };
    assert!(matches!(fitted(&[("A", "B", 2, 1)]), Err(FitError::Disconnected { groups: 2, .. })));
    assert!(matches!(
        fitted(&[("A", "B", 0, 0), ("B", "A", 0, 0)]),
        Err(FitError::NoGoalsAtAll { side: "home", matches: 2 })
    ));
    let round = |a, b, c| [(a, b, 1, 1), (b, c, 1, 2), (c, a, 2, 1), (b, a, 1, 1), (c, b, 2, 2)];
    let two = [round("A", "B", "C"), round("D", "E", "F")].concat();
    assert!(matches!(fitted(&two), Err(FitError::Disconnected { .. })));
    assert!(fitted(&[("A", "B", 1, 1), ("B", "C", 1, 2), ("C", "A", 1, 1)]).is_ok());
    let blunt = [("A", "B", 0, 1), ("B", "C", 1, 2), ("C", "A", 1, 0), ("B", "A", 1, 0)];
    assert!(matches!(
        fitted(&blunt),
        Err(FitError::NoGoals { team, verb: "scored", .. }) if team == "A"
    ));
}

#[test]
fn matches_that_leave_a_parameter_open_are_refused() {
    // What A gains at home against B it loses again against C, and the third match is neutral.
    let mut builder = TrainingSet::builder();
    builder.push(Played::new(0.0, "A", "B", 1, 1)).unwrap();
    builder.push(Played::new(1.0, "A", "C", 1, 2)).unwrap();
    builder.push(Played::new(2.0, "B", "C", 1, 2).on_neutral_ground(true)).unwrap();
    let open = fit(Model::DixonColes, &builder.build().unwrap(), &FitOptions::default());
    assert_eq!(open.unwrap_err(), FitError::NotDetermined { matches: 3, teams: 3 });

    let mut builder = TrainingSetBuilder::with_covariates(["rest", "twice the rest"]);
    for played in league(4, 2, 16).matches() {
        let (home, away) = (names(4)[played.home.0 as usize].clone(), played.away.0 as usize);
        let rest = f64::from(played.home_goals) - 1.0;
        let goals = (played.home_goals.into(), played.away_goals.into());
        let rests = [rest, 2.0 * rest];
        let away = &names(4)[away];
        let played = Played::new(played.day, &home, away, goals.0, goals.1);
        builder.push(played.with_covariates(&rests, &[0.0, 0.0])).unwrap();
    }
    let open = fit(Model::Poisson, &builder.build().unwrap(), &FitOptions::default());
    assert!(matches!(open, Err(FitError::NotDetermined { .. })), "{open:?}");
}

#[test]
fn with_a_prior_any_matches_with_goals_on_both_sides_give_a_finite_fit() {
    let mut builder = TrainingSet::builder();
    builder.push(Played::new(0.0, "A", "B", 2, 1)).unwrap();
    builder.push(Played::new(1.0, "C", "D", 9, 0)).unwrap();
    let set = builder.build().unwrap();
    for model in Model::ALL {
        let fitted = fit(model, &set, &shrunk()).unwrap();
        finite(&fitted);
        assert!(!fitted.why.is_empty());
    }
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let set = league(4, 1, 10);
    let base = FitOptions::default;
    for (name, options) in [
        ("xi", FitOptions { xi: -0.1, ..base() }),
        ("xi", FitOptions { xi: f64::NAN, ..base() }),
        ("as_of", FitOptions { as_of: Some(-5.0), ..base() }),
        ("iterations_max", FitOptions { iterations_max: 0, ..base() }),
        ("rue_salvesen", FitOptions { rue_salvesen: f64::INFINITY, ..base() }),
        (
            "attack_sd",
            FitOptions { prior: Some(Prior { attack_sd: 0.0, ..Prior::default() }), ..base() },
        ),
    ] {
        let refused = fit(Model::Poisson, &set, &options).unwrap_err();
        assert!(matches!(refused, FitError::Option { name: n, .. } if n == name), "{refused}");
    }
    let too_steep = FitOptions { xi: 1e9, as_of: Some(1e9), ..base() };
    assert!(matches!(fit(Model::Poisson, &set, &too_steep), Err(FitError::NoWeight { .. })));
}

#[test]
fn a_fit_that_may_take_one_step_says_that_it_did_not_converge() {
    let options = FitOptions { iterations_max: 1, ..FitOptions::default() };
    let fitted = fit(Model::WeibullCopula, &league(6, 3, 11), &options).unwrap();
    assert!(!fitted.converged && fitted.why.contains("iterations"), "{}", fitted.why);
    assert_eq!(fitted.home_advantage_se, None, "no error where there is no maximum");
}

#[test]
fn a_dependence_without_bound_ends_at_its_edge_and_says_so() {
    // Only draws of few goals: the likelihood grows with a rho that no score holds back.
    let mut builder = TrainingSet::builder();
    for day in 0..40 {
        let goals = u32::from(day % 3 == 0);
        for (home, away) in [("A", "B"), ("B", "C"), ("C", "A")] {
            builder.push(Played::new(day.into(), home, away, goals, goals)).unwrap();
            builder.push(Played::new(day.into(), away, home, goals, goals)).unwrap();
        }
    }
    let fitted = fit(Model::DixonColes, &builder.build().unwrap(), &FitOptions::default()).unwrap();
    finite(&fitted);
    assert!(fitted.why.contains("rho"), "{}", fitted.why);
    assert!(fitted.rho < -0.3 && fitted.matrix("A", "B", false).is_ok(), "{}", fitted.rho);
}

#[test]
fn rates_that_no_matrix_holds_are_refused() {
    for model in Model::ALL {
        let fitted = fit(model, &league(5, 2, 12), &FitOptions::default()).unwrap();
        for (lambda, mu) in [(f64::NAN, 1.0), (1.0, f64::INFINITY), (-1.0, 1.0), (1.0, 51.0)] {
            assert!(fitted.matrix_of(Rates { lambda, mu }).is_err(), "{model} {lambda} {mu}");
        }
    }
    let weibull = fit(Model::WeibullCopula, &league(5, 2, 12), &FitOptions::default()).unwrap();
    let refused = weibull.matrix_of(Rates { lambda: 30.0, mu: 1.0 }).unwrap_err();
    assert!(matches!(refused, ForecastError::WeibullRate { .. }), "{refused}");
}

#[test]
fn a_hundred_thousand_matches_are_fitted_whether_teams_are_few_or_many() {
    let few = league(50, 41, 13);
    assert!(few.matches().len() > 100_000);
    let fitted = fit(Model::DixonColes, &few, &FitOptions::default()).unwrap();
    assert!(fitted.converged, "{}", fitted.why);
    finite(&fitted);

    let names = names(2_000);
    let mut noise = Noise(14);
    let mut builder = TrainingSet::builder();
    for day in 0..100_000_u32 {
        let home = (noise.uniform() * 2e3) as usize % 2_000;
        let away = (home + 1 + (noise.uniform() * 1_998.0) as usize) % 2_000;
        let goals = (noise.goals(1.5), noise.goals(1.1));
        builder
            .push(Played::new(day.into(), &names[home], &names[away], goals.0, goals.1))
            .unwrap();
    }
    let many = builder.build().unwrap();
    let fitted = fit(Model::DixonColes, &many, &FitOptions::default()).unwrap();
    assert!(fitted.converged, "{}", fitted.why);
    finite(&fitted);
    assert_eq!(fitted.teams["Team 00000"].attack_se, None, "too many to invert the curvature");
    assert!((fitted.home_advantage - libm::log(1.5 / 1.1)).abs() < 0.02);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_matches_give_a_finite_fit_or_a_refusal(
        matches in prop::collection::vec((0_usize..6, 0_usize..6, 0_u32..7, 0_u32..7, 0.0..900.0, 0.0..2.0), 1..60),
        which in 0_usize..7,
        with_prior in any::<bool>(),
    ) {
        let names = names(6);
        let mut builder = TrainingSet::builder();
        for (home, away, x, y, day, weight) in matches {
            let played = Played::new(day, &names[home], &names[away], x, y).weighted(weight);
            prop_assert_eq!(builder.push(played).is_ok(), home != away);
        }
        let Ok(set) = builder.build() else { return Ok(()) };
        let options = if with_prior { shrunk() } else { FitOptions::default() };
        if let Ok(fitted) = fit(Model::ALL[which], &set, &options) {
            finite(&fitted);
        }
    }

    #[test]
    fn shifting_all_days_or_scaling_all_weights_changes_no_strength(shift in -5e3..5e3_f64, scale in 0.1..10.0_f64) {
        let set = league(5, 2, 15);
        let mut builder = TrainingSet::builder();
        for played in set.matches() {
            let team = |id: marabet_quant::goals::TeamId| set.teams()[id.0 as usize].as_str();
            let goals = (played.home_goals.into(), played.away_goals.into());
            let moved = Played::new(played.day + shift, team(played.home), team(played.away), goals.0, goals.1);
            builder.push(moved.weighted(scale)).unwrap();
        }
        let options = FitOptions { xi: 0.003, ..FitOptions::default() };
        let before = fit(Model::DixonColes, &set, &options).unwrap();
        let after = fit(Model::DixonColes, &builder.build().unwrap(), &options).unwrap();
        for (team, strength) in &before.teams {
            prop_assert!((strength.attack - after.teams[team].attack).abs() < 1e-7);
        }
        prop_assert!((before.rho - after.rho).abs() < 1e-7);
    }
}
