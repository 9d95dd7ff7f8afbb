use std::collections::BTreeMap;

use super::{Estimate, Fit, Model, TeamStrength};

/// One goal model from several fits of counts.
///
/// With each part's own weight `w`, its opponent's weight `v`, and `η` the part's log of an
/// expected count, the log of a side's goals is `level + Σ w η(own) + v η(opponent)`, where `level`
/// differs for the home and the away side. `η` is a sum of strengths, so the result is a fit like
/// any other: `attack = Σ w attack + v defence`, `defence = Σ w defence + v attack`.
///
/// It carries no standard errors, and the log-likelihood zero: its parts were fitted to other
/// counts. Teams that some part has not seen are left out. None without parts, or when no team is
/// known to all.
#[must_use]
pub fn composite(parts: &[(&Fit, f64, f64)], levels: [f64; 2], rho: f64) -> Option<Fit> {
    let (first, _, _) = parts.first()?;
    let combined = |of: &dyn Fn(&Fit) -> Option<TeamStrength>| -> Option<(f64, f64)> {
        let mut sums = (0.0, 0.0);
        for (fit, own, opponent) in parts {
            let TeamStrength { attack, defence, .. } = of(fit)?;
            sums.0 += own * attack + opponent * defence;
            sums.1 += own * defence + opponent * attack;
        }
        Some(sums)
    };
    let strengths: BTreeMap<String, (f64, f64)> = first
        .teams
        .keys()
        .filter_map(|team| Some((team.clone(), combined(&|fit| fit.teams.get(team).copied())?)))
        .collect();
    if strengths.is_empty() {
        return None;
    }
    let [home_level, away_level] = levels;
    let home = home_level + parts.iter().map(|(fit, own, _)| own * fit.home_advantage).sum::<f64>();
    let away = away_level
        + parts.iter().map(|(fit, _, opponent)| opponent * fit.home_advantage).sum::<f64>();
    // What shifts all attacks to a mean of one is taken back in the defences, which also carry the
    // away side's level.
    let mean = strengths.values().map(|(attack, _)| attack).sum::<f64>() / strengths.len() as f64;
    let strength = |(attack, defence): (f64, f64)| TeamStrength {
        attack: attack - mean + 1.0,
        defence: defence + mean - 1.0 + away,
        attack_se: None,
        defence_se: None,
    };
    let teams: BTreeMap<String, TeamStrength> =
        strengths.into_iter().map(|(team, sums)| (team, strength(sums))).collect();
    let defences: f64 = teams.values().map(|strength| strength.defence).sum();
    Some(Fit {
        model: Model::DixonColes,
        log_likelihood: 0.0,
        home_advantage: home - away,
        home_advantage_se: None,
        intercept: 1.0 + defences / teams.len() as f64,
        rho,
        shapes: [("rho".to_owned(), Estimate { value: rho, se: None })].into(),
        rue_salvesen: 0.0,
        covariates: Vec::new(),
        newcomer: combined(&|fit| fit.newcomer).map(strength),
        teams,
        converged: parts.iter().all(|(fit, _, _)| fit.converged),
        iterations: parts.iter().map(|(fit, _, _)| fit.iterations).sum(),
        why: format!("composed of {} fits", parts.len()),
        matches: first.matches,
        weight: first.weight,
        xi: first.xi,
        last_day: parts.iter().map(|(fit, _, _)| fit.last_day).fold(f64::NEG_INFINITY, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::{FitOptions, Played, Prior, TrainingSet, fit};

    fn part(scale: u32, xi: f64) -> Fit {
        let teams = ["Ash", "Birch", "Cedar", "Elm"];
        let mut builder = TrainingSet::builder();
        for (i, home) in teams.iter().enumerate() {
            for (j, away) in teams.iter().enumerate().filter(|(j, _)| *j != i) {
                let goals = (scale * (4 - i as u32) / 2, scale * (4 - j as u32) / 3);
                let played = Played::new((i + 3 * j) as f64, home, away, goals.0, goals.1);
                builder.push(played).unwrap();
            }
        }
        let options = FitOptions { xi, prior: Some(Prior::default()), ..FitOptions::default() };
        fit(Model::Poisson, &builder.build().unwrap(), &options).unwrap()
    }

    #[test]
    fn its_means_are_the_weighted_sums_of_its_parts() {
        let (goals, shots) = (part(1, 0.0), part(4, 0.05));
        let parts = [(&goals, 0.6, -0.1), (&shots, 0.3, 0.05)];
        let whole = composite(&parts, [-0.2, -0.4], -0.06).unwrap();
        for (home, away) in [("Ash", "Elm"), ("Cedar", "Birch"), ("Nobody", "Ash")] {
            let means = |fit: &Fit| fit.means_with_newcomers(home, away, false).unwrap();
            let (mut lambda, mut mu) = (-0.2, -0.4);
            for (fit, own, opponent) in parts {
                let logs = (libm::log(means(fit).lambda), libm::log(means(fit).mu));
                lambda += own * logs.0 + opponent * logs.1;
                mu += own * logs.1 + opponent * logs.0;
            }
            let got = means(&whole);
            assert!((libm::log(got.lambda) - lambda).abs() < 1e-12, "{home} v {away}");
            assert!((libm::log(got.mu) - mu).abs() < 1e-12, "{home} v {away}");
        }
        let attacks: f64 = whole.teams.values().map(|strength| strength.attack).sum();
        assert!((attacks / 4.0 - 1.0).abs() < 1e-12);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Fit>(&json).unwrap(), whole);
    }

    #[test]
    fn a_single_part_with_its_own_weight_alone_is_that_part() {
        let goals = part(1, 0.0);
        let whole = composite(&[(&goals, 1.0, 0.0)], [0.0, 0.0], 0.0).unwrap();
        assert!((whole.home_advantage - goals.home_advantage).abs() < 1e-12);
        for (team, strength) in &goals.teams {
            assert!((whole.teams[team].attack - strength.attack).abs() < 1e-12);
            assert!((whole.teams[team].defence - strength.defence).abs() < 1e-12);
        }
        assert_eq!(composite(&[], [0.0, 0.0], 0.0), None);
    }
}
