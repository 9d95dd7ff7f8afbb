//! A made-up league whose results spread as real ones do, the same in every run.

use marabet_quant::goals::{Played, TrainingSet};
use marabet_quant::walkforward::{History, Record, Stats};

/// A match of the league.
#[derive(Debug, Clone)]
pub struct Result {
    /// The season, from zero.
    pub season: i32,
    /// The day since the first season began.
    pub day: f64,
    /// The home side.
    pub home: String,
    /// The away side.
    pub away: String,
    /// Goals, home side first.
    pub goals: [u32; 2],
}

/// Teams of the league.
const TEAMS: u32 = 20;

/// The results of so many seasons of 380 matches, in order of time.
#[must_use]
pub fn results(seasons: i32) -> Vec<Result> {
    let mut noise = Noise(2_024);
    let mut results = Vec::new();
    for season in 0..seasons {
        for (home, away) in (0..TEAMS).flat_map(|i| (0..TEAMS).map(move |j| (i, j))) {
            if home == away {
                continue;
            }
            let strength = |team: u32| (f64::from(team * 7 % TEAMS) - 9.5) * 0.05;
            let means = [
                1.45 * libm::exp(strength(home) - 0.6 * strength(away)),
                1.15 * libm::exp(strength(away) - 0.6 * strength(home)),
            ];
            // Ten matches a round, a round a week, the second half of the season the other way round.
            let round = (home + away) % 19 + if home < away { 0 } else { 19 };
            results.push(Result {
                season,
                day: f64::from(season) * 364.0 + f64::from(round) * 7.0,
                home: format!("Team {home:02}"),
                away: format!("Team {away:02}"),
                goals: means.map(|mean| noise.goals(mean)),
            });
        }
    }
    results.sort_by(|a, b| a.day.total_cmp(&b.day));
    results
}

/// The same as a training set.
///
/// # Panics
/// Never: the matches are good ones.
#[must_use]
pub fn training_set(seasons: i32) -> TrainingSet {
    let mut builder = TrainingSet::builder();
    for Result { day, home, away, goals, .. } in &results(seasons) {
        let played = Played::new(*day, home, away, goals[0], goals[1]);
        builder.push(played).expect("made of good matches");
    }
    builder.build().expect("there are matches")
}

/// The same as a history, with shots that follow the goals.
///
/// # Panics
/// Never: the matches are good ones.
#[must_use]
pub fn history(seasons: i32) -> History {
    let record = |result: &Result| Record {
        league: "L".to_owned(),
        season: result.season,
        day: result.day,
        home: result.home.clone(),
        away: result.away.clone(),
        goals: result.goals,
        stats: Stats {
            shots: Some(result.goals.map(|goals| 3 * goals + 8)),
            shots_on_target: Some(result.goals.map(|goals| goals + 3)),
            corners: Some(result.goals.map(|goals| goals + 4)),
            ..Stats::default()
        },
        pre_match: None,
        closing: None,
    };
    History::new(results(seasons).iter().map(record).collect()).expect("made of good matches")
}

/// A linear congruential sequence (Knuth, 1998, MMIX).
struct Noise(u64);

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson count by multiplying uniforms (Knuth, 1998, 3.4.1).
    fn goals(&mut self, mean: f64) -> u32 {
        let (limit, mut product, mut count) = (libm::exp(-mean), self.uniform(), 0);
        while product > limit && count < 15 {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}
