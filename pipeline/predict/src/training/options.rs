use marabet_quant::goals::{FitOptions, Model};

use super::Schedule;

/// How models are made.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingOptions {
    /// The kind of model.
    pub model: Model,
    /// How it is fitted: decay per day (`xi`) and prior. Ages are counted from the boundary
    /// (`as_of` is set by the trainer).
    pub fit: FitOptions,
    /// When models are trained.
    pub schedule: Schedule,
    /// Fewest matches that a model is trained on.
    pub matches_min: u32,
    /// Matches that kicked off longer than this before the boundary are left out, in days; none
    /// keeps all, and with them the memory that they take.
    pub window_days: Option<u16>,
    /// Whether sides without a match in the window are priced at the prior's newcomer strength;
    /// otherwise their matches have no price until they have played. Off by default: a name that
    /// was misread would otherwise be priced as a newcomer.
    pub newcomers: bool,
}

impl Default for TrainingOptions {
    /// Dixon–Coles with the fit of [`FitOptions::forecasting`], each week, on at least 60 matches
    /// of the last four years.
    fn default() -> Self {
        let fit = FitOptions { standard_errors: false, ..FitOptions::forecasting() };
        Self {
            model: Model::DixonColes,
            fit,
            schedule: Schedule::WEEKLY,
            matches_min: 60,
            window_days: Some(4 * 365 + 1),
            newcomers: false,
        }
    }
}

/// Options that contradict themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// There would be no boundary.
    #[error("models are trained every `period_days` days, at least 1, got 0")]
    Period,
    /// There would be no match.
    #[error("`window_days` is at least 1, got 0")]
    Window,
    /// There is no newcomer's strength without a prior.
    #[error("`newcomers` are priced from the fit's prior: give one or turn them off")]
    Newcomers,
}

impl TrainingOptions {
    pub(super) fn check(&self) -> Result<(), OptionsError> {
        if self.schedule.period_days == 0 {
            return Err(OptionsError::Period);
        }
        if self.window_days == Some(0) {
            return Err(OptionsError::Window);
        }
        if self.newcomers && self.fit.prior.is_none() {
            return Err(OptionsError::Newcomers);
        }
        Ok(())
    }
}
