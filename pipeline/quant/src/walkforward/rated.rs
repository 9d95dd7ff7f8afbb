use std::collections::BTreeMap;

use super::{Forecasts, History, WalkError};
use crate::ratings::{OrderedError, OrderedLogit, Rated, RatingSystem};

/// What a rating system said of each match: the gap between both teams before it, turned into
/// probabilities by proportional odds that are fitted, for each season, to all leagues' earlier
/// seasons. Each league has a table of its own, made by `system`.
///
/// # Errors
/// [`WalkError`] when the system refuses a result.
pub fn ratings<R: RatingSystem>(
    history: &History,
    name: &str,
    system: impl Fn() -> Result<R, crate::ratings::RatingError>,
) -> Result<Forecasts, WalkError> {
    let records = history.records();
    let mut gaps = vec![0.0; records.len()];
    for (_, places) in history.leagues() {
        let mut table = system()?;
        for &place in places {
            let record = &records[place];
            let (home, away) = (record.home.as_str(), record.away.as_str());
            gaps[place] = table.gap(home, away, false);
            let [home_goals, away_goals] = record.goals;
            let day = record.day;
            table.rate(&Rated { day, home, away, home_goals, away_goals, neutral: false })?;
        }
    }
    let scale = spread(&gaps);
    let mut models: BTreeMap<i32, OrderedLogit> = BTreeMap::new();
    for season in history.seasons() {
        let known = records.iter().zip(&gaps).filter(|(record, _)| record.season < season);
        let (results, numbers): (Vec<u8>, Vec<f64>) =
            known.map(|(record, gap)| (record.outcome() as u8, gap / scale)).unzip();
        match OrderedLogit::fit(&numbers, 1, &results, &vec![1.0; results.len()], 1.0) {
            Ok(model) => {
                models.insert(season, model);
            }
            // The first seasons have too little behind them.
            Err(OrderedError::OneSided | OrderedError::NotDetermined) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    let probabilities = records
        .iter()
        .zip(&gaps)
        .map(|(record, gap)| Some(models.get(&record.season)?.probabilities(&[gap / scale])));
    let chosen = models.iter().map(|(season, model)| {
        let OrderedLogit { lower, upper, slopes } = model;
        let slope = slopes[0] / scale;
        (*season, format!("slope {slope:.5}, lower {lower:.3}, upper {upper:.3}"))
    });
    let chosen = chosen.collect();
    Ok(Forecasts { chosen, ..Forecasts::new(name, probabilities.collect()) })
}

/// The root mean square of the gaps, so that the ridge, which is worth one match, weighs alike on
/// every scale.
fn spread(gaps: &[f64]) -> f64 {
    let squares: f64 = gaps.iter().map(|gap| gap * gap).sum();
    (squares / gaps.len() as f64).sqrt().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratings::{Elo, EloTable, Glicko, GlickoTable, Pi, PiTable};
    use crate::walkforward::history::tests::small;

    #[test]
    fn every_system_forecasts_the_seasons_after_the_first() {
        let history = small(4);
        let elo = ratings(&history, "elo", || EloTable::new(Elo::default())).unwrap();
        let pi = ratings(&history, "pi", || PiTable::new(Pi::default())).unwrap();
        let glicko = ratings(&history, "glicko2", || GlickoTable::new(Glicko::default())).unwrap();
        for forecasts in [elo, pi, glicko] {
            for (record, p) in history.records().iter().zip(&forecasts.probabilities) {
                assert_eq!(p.is_some(), record.season > 0, "{}", forecasts.name);
                let sum: f64 = p.iter().flatten().sum();
                assert!(p.is_none() || (sum - 1.0).abs() < 1e-12);
            }
            assert_eq!(forecasts.chosen.len(), 3);
        }
    }
}
