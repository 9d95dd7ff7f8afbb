//! Fits of goal models, refitted as time goes on.

use super::history::{Count, History, Record};
use super::{Forecasts, WalkError};
use crate::goals::{
    Fit, FitError, FitOptions, Model, Offset, Played, Prior, Setting, TrainingSet, fit, fit_from,
};

/// How a model is refitted along the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Refit {
    /// Decay per day.
    pub xi: f64,
    /// Standard deviation of attacks and defences about their expectation, in log-counts.
    pub spread: f64,
    /// What is expected of a team that was not in the league the season before, and of one that
    /// was never seen.
    pub newcomer: Offset,
    /// Matches older than this count nothing.
    pub window_days: f64,
    /// Days from one refit to the next, at the least.
    pub every_days: f64,
    /// The first season to forecast.
    pub first_season: i32,
}

impl Default for Refit {
    /// What served goals best on the seasons before 2012/13 of five leagues: decay 0.0018 a day,
    /// a spread of 0.3, newcomers that score a fifth less and concede a fifth more; weekly, on the
    /// last five and a half years.
    fn default() -> Self {
        Self {
            xi: 0.0018,
            spread: 0.3,
            newcomer: Offset { attack: -0.2, defence: 0.2 },
            window_days: 2000.0,
            every_days: 7.0,
            first_season: i32::MIN,
        }
    }
}

impl Refit {
    fn check(&self) -> Result<(), WalkError> {
        for (name, value) in [("window_days", self.window_days), ("every_days", self.every_days)] {
            if !(value > 0.0 && value.is_finite()) {
                let expected = "a positive number of days";
                return Err(WalkError::Constant { name, expected, value });
            }
        }
        Ok(())
    }

    fn options(&self, history: &History, record: &Record) -> FitOptions {
        let newcomers = history.newcomers(&record.league, record.season);
        let expected = newcomers.into_iter().map(|team| (team.to_owned(), self.newcomer)).collect();
        let prior = Prior {
            attack_sd: self.spread,
            defence_sd: self.spread,
            expected,
            newcomer: self.newcomer,
        };
        FitOptions {
            xi: self.xi,
            as_of: Some(record.day),
            since: Some(record.day - self.window_days),
            before: Some(record.day),
            prior: Some(prior),
            standard_errors: false,
            ..FitOptions::default()
        }
    }
}

/// How the refits of a walk went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refits {
    /// How many there were.
    pub done: usize,
    /// How many of them did not reach their maximum.
    pub not_converged: usize,
    /// How many had too little to go by, so that an earlier fit stayed in force.
    pub failed: usize,
    /// Why the last of these failed.
    pub last_failure: Option<String>,
}

/// What a walk gives: of each match, and of its refits.
pub(super) type Walked<T> = (Vec<Option<T>>, Refits);

/// Walks through each league, refitting `model` to `count`, and asks `forecast` for what the fit in
/// force says of each match. None where there is no fit yet.
pub(super) fn walk<T: Clone>(
    history: &History,
    count: Count,
    model: Model,
    refit: &Refit,
    forecast: impl Fn(&Fit, &Record) -> Option<T>,
) -> Result<Walked<T>, WalkError> {
    refit.check()?;
    let mut refits = Refits::default();
    let mut forecasts = vec![None; history.records().len()];
    for (_, places) in history.leagues() {
        let Some(set) = training_set(history, count, places) else { continue };
        let mut in_force: Option<Fit> = None;
        let mut fitted_on = f64::NEG_INFINITY;
        for &place in places {
            let record = &history.records()[place];
            if record.season < refit.first_season {
                continue;
            }
            if record.day >= fitted_on + refit.every_days {
                let options = refit.options(history, record);
                let fitted = match &in_force {
                    Some(earlier) => fit_from(earlier, model, &set, &options),
                    None => fit(model, &set, &options),
                };
                refits.done += 1;
                match fitted {
                    Ok(fitted) => {
                        refits.not_converged += usize::from(!fitted.converged);
                        (in_force, fitted_on) = (Some(fitted), record.day);
                    }
                    Err(refused @ (FitError::Option { .. } | FitError::Offset { .. })) => {
                        return Err(refused.into());
                    }
                    Err(why) => {
                        refits.failed += 1;
                        refits.last_failure = Some(why.to_string());
                    }
                }
            }
            forecasts[place] = in_force.as_ref().and_then(|fitted| forecast(fitted, record));
        }
    }
    Ok((forecasts, refits))
}

/// The league's matches with this count; none without any.
fn training_set(history: &History, count: Count, places: &[usize]) -> Option<TrainingSet> {
    let mut builder = TrainingSet::builder();
    for record in places.iter().map(|&place| &history.records()[place]) {
        if let Some([home, away]) = count.of(record) {
            let played = Played::new(record.day, &record.home, &record.away, home, away);
            // A history's days and names are those of a match; a count beyond all reason is a
            // misread one, which forecasts do without.
            let _ = builder.push(played);
        }
    }
    builder.build().ok()
}

/// The circumstances of a match of the history.
pub(super) const SETTING: Setting<'static> = Setting {
    neutral: false,
    exposure: 1.0,
    home_covariates: &[],
    away_covariates: &[],
    newcomers: true,
};

/// What a goal model refitted along the way said of each match.
///
/// # Errors
/// [`WalkError`] when an option is out of range.
pub fn goal_model(history: &History, model: Model, refit: &Refit) -> Result<Forecasts, WalkError> {
    let forecast = |fitted: &Fit, record: &Record| {
        let matrix = fitted.matrix_in(&record.home, &record.away, &SETTING).ok()?;
        Some(matrix.match_odds())
    };
    let (probabilities, refits) = walk(history, Count::Goals, model, refit, forecast)?;
    Ok(Forecasts { refits, ..Forecasts::new(model.as_str(), probabilities) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walkforward::history::tests::small;

    #[test]
    fn a_forecast_knows_nothing_of_its_match_or_of_what_follows() {
        let history = small(4);
        let refit = Refit { every_days: 1.0, ..Refit::default() };
        let before = goal_model(&history, Model::DixonColes, &refit).unwrap();
        let turn = history.records().len() / 2;
        let day = history.records()[turn].day;
        let mut changed: Vec<Record> = history.records().to_vec();
        for record in changed.iter_mut().filter(|record| record.day >= day) {
            record.goals = [record.goals[1] + 3, record.goals[0]];
        }
        let changed = History::new(changed).unwrap();
        let after = goal_model(&changed, Model::DixonColes, &refit).unwrap();
        let known = history.records().iter().position(|record| record.day > day).unwrap();
        assert_eq!(before.probabilities[..known], after.probabilities[..known]);
        assert_ne!(before.probabilities[known..], after.probabilities[known..]);
        assert!(before.probabilities[turn].is_some());
        let Refits { done, not_converged, failed, last_failure } = before.refits;
        assert!(done > 30 && not_converged == 0, "{done} {not_converged}");
        // On the first days there is nothing, or no away goal, to go by.
        assert!(failed <= 2 && last_failure.is_some(), "{failed} {last_failure:?}");
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        let history = small(2);
        for refit in [
            Refit { every_days: 0.0, ..Refit::default() },
            Refit { window_days: f64::NAN, ..Refit::default() },
            Refit { xi: -1.0, ..Refit::default() },
            Refit { spread: 0.0, ..Refit::default() },
        ] {
            assert!(goal_model(&history, Model::Poisson, &refit).is_err(), "{refit:?}");
        }
    }
}
