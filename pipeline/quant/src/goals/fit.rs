use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ForecastError, Model, UnknownTeam, grid};
use crate::matrix::ScoreMatrix;

/// The expected goals of both sides of a match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Expected goals of the home side, λ.
    pub lambda: f64,
    /// Expected goals of the away side, μ.
    pub mu: f64,
}

/// The rates at which both sides score, as the fitted law takes them.
///
/// They are the expected goals of the Poisson, Dixon–Coles and negative binomial laws; the other
/// laws' expected goals follow from them and the shapes, see [`Fit::means`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Rate of the home side, λ.
    pub lambda: f64,
    /// Rate of the away side, μ.
    pub mu: f64,
}

/// The circumstances of a match to forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting<'a> {
    /// Whether it is played on neutral ground.
    pub neutral: bool,
    /// The playing time in matches of ninety minutes.
    pub exposure: f64,
    /// The home side's covariates, in the order of [`Fit::covariates`]; those missing count zero.
    pub home_covariates: &'a [f64],
    /// The away side's covariates, likewise.
    pub away_covariates: &'a [f64],
    /// Whether a team that the fit has not seen takes the newcomer's strength.
    pub newcomers: bool,
}

impl Default for Setting<'_> {
    /// Ninety minutes at the home side's ground, between known teams.
    fn default() -> Self {
        Self {
            neutral: false,
            exposure: 1.0,
            home_covariates: &[],
            away_covariates: &[],
            newcomers: false,
        }
    }
}

/// The strength of a team, in log-goals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TeamStrength {
    /// What the team adds to the log of its own expected goals; one on average.
    pub attack: f64,
    /// What it adds to the log of its opponent's expected goals: lower is better.
    pub defence: f64,
    /// Standard error of the attack, where it was asked for and exists.
    pub attack_se: Option<f64>,
    /// Standard error of the defence, where it was asked for and exists.
    pub defence_se: Option<f64>,
}

/// A parameter with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error, where it was asked for and exists.
    pub se: Option<f64>,
}

/// What a covariate adds to the log of a side's expected goals, per unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CovariateEffect {
    /// The covariate's name.
    pub name: String,
    /// The effect.
    pub value: f64,
    /// Its standard error, where it was asked for and exists.
    pub se: Option<f64>,
}

/// A fitted goal model: the artefact that is archived and addressed by the hash of its content.
///
/// Its JSON is deterministic: fields in the order below, teams and shapes by name, numbers in
/// their shortest form that reads back to the same bits.
///
/// Standard errors are the square roots of the diagonal of the inverse of the observed
/// information (the curvature of what was maximised), under the constraint of a mean attack of
/// one. With a prior they are posterior standard deviations in the normal approximation; with
/// weights below one they speak of the weighted matches as if these were all there was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The law of the score.
    pub model: Model,
    /// The weighted log-likelihood at the estimate, penalties left out, constants included.
    pub log_likelihood: f64,
    /// What playing at home adds to the log of the expected goals.
    pub home_advantage: f64,
    /// Standard error of the home advantage; absent where all matches were on neutral ground.
    pub home_advantage_se: Option<f64>,
    /// The log of what an average side scores away against an average side, `1 + mean defence`:
    /// the intercept of the form in which attacks and defences are centred at zero.
    pub intercept: f64,
    /// The Dixon–Coles dependence; zero for models without it.
    pub rho: f64,
    /// The law's own parameters by name, `rho` among them.
    pub shapes: BTreeMap<String, Estimate>,
    /// The Rue–Salvesen adjustment applied to forecasts, `γ`; zero for none.
    pub rue_salvesen: f64,
    /// Effects of the covariates, in the order of the set.
    pub covariates: Vec<CovariateEffect>,
    /// Strengths by the team's name.
    pub teams: BTreeMap<String, TeamStrength>,
    /// What is expected of a team that the fit has not seen, where a prior says so.
    pub newcomer: Option<TeamStrength>,
    /// Whether the maximum was found.
    pub converged: bool,
    /// Newton steps taken.
    pub iterations: u32,
    /// Why the fit ended.
    pub why: String,
    /// Matches with a positive weight.
    pub matches: u64,
    /// Sum of their weights, decay included.
    pub weight: f64,
    /// Decay per day.
    pub xi: f64,
    /// Day of the last match.
    pub last_day: f64,
}

impl Fit {
    /// The expected goals of a match between two known teams.
    ///
    /// # Errors
    /// [`UnknownTeam`] for a team that the fit has not seen.
    pub fn means(&self, home: &str, away: &str, neutral: bool) -> Result<Means, UnknownTeam> {
        self.means_in(home, away, &Setting { neutral, ..Setting::default() })
    }

    /// The same, with the newcomer's strength for a team that the fit has not seen.
    ///
    /// # Errors
    /// [`UnknownTeam`] when the fit has no newcomer's strength, being fitted without a prior.
    pub fn means_with_newcomers(
        &self,
        home: &str,
        away: &str,
        neutral: bool,
    ) -> Result<Means, UnknownTeam> {
        self.means_in(home, away, &Setting { neutral, newcomers: true, ..Setting::default() })
    }

    /// The expected goals of a match in the given circumstances.
    ///
    /// # Errors
    /// [`UnknownTeam`] for a team that the fit has not seen.
    pub fn means_in(
        &self,
        home: &str,
        away: &str,
        setting: &Setting<'_>,
    ) -> Result<Means, UnknownTeam> {
        Ok(self.means_of(self.rates_in(home, away, setting)?))
    }

    /// The expected goals of the fitted law at the given rates.
    #[must_use]
    pub fn means_of(&self, rates: Rates) -> Means {
        grid::means(self, rates)
    }

    /// The rates of a match in the given circumstances, as the law takes them:
    /// `ln λ = home_advantage + attack + opponent's defence + Σ effect · covariate + ln exposure`,
    /// less the Rue–Salvesen adjustment.
    ///
    /// # Errors
    /// [`UnknownTeam`] for a team that the fit has not seen.
    pub fn rates_in(
        &self,
        home: &str,
        away: &str,
        setting: &Setting<'_>,
    ) -> Result<Rates, UnknownTeam> {
        let strength = |name: &str| match (self.teams.get(name), &self.newcomer) {
            (Some(known), _) => Ok(known),
            (None, Some(newcomer)) if setting.newcomers => Ok(newcomer),
            _ => Err(UnknownTeam { team: name.to_owned(), known: self.teams.len() }),
        };
        let (home, away) = (strength(home)?, strength(away)?);
        let advantage = if setting.neutral { 0.0 } else { self.home_advantage };
        let effects = |values: &[f64]| {
            self.covariates.iter().zip(values).map(|(effect, z)| effect.value * z).sum::<f64>()
        };
        let lead = 0.5 * ((home.attack - home.defence) - (away.attack - away.defence));
        let adjustment = self.rue_salvesen * lead;
        let both = libm::log(setting.exposure);
        let ln_lambda = advantage + home.attack + away.defence - adjustment;
        let ln_mu = away.attack + home.defence + adjustment;
        Ok(Rates {
            lambda: libm::exp(ln_lambda + both + effects(setting.home_covariates)),
            mu: libm::exp(ln_mu + both + effects(setting.away_covariates)),
        })
    }

    /// The score matrix of a match between two known teams.
    ///
    /// # Errors
    /// [`ForecastError`] for a team that the fit has not seen, and where the matrix cannot be: the
    /// pairing's rates are too large for `rho`, as can happen to a pairing that was never played.
    pub fn matrix(
        &self,
        home: &str,
        away: &str,
        neutral: bool,
    ) -> Result<ScoreMatrix, ForecastError> {
        self.matrix_in(home, away, &Setting { neutral, ..Setting::default() })
    }

    /// The score matrix of a match in the given circumstances.
    ///
    /// # Errors
    /// As [`Fit::matrix`].
    pub fn matrix_in(
        &self,
        home: &str,
        away: &str,
        setting: &Setting<'_>,
    ) -> Result<ScoreMatrix, ForecastError> {
        self.matrix_of(self.rates_in(home, away, setting)?)
    }

    /// The score matrix of the fitted law at the given rates, however these were found.
    ///
    /// # Errors
    /// [`ForecastError`] where the matrix cannot be at these rates.
    pub fn matrix_of(&self, rates: Rates) -> Result<ScoreMatrix, ForecastError> {
        grid::matrix(self, rates)
    }

    /// The value of one of the law's shapes; zero where the law has none of that name.
    pub(super) fn shape(&self, name: &str) -> f64 {
        self.shapes.get(name).map_or(0.0, |shape| shape.value)
    }
}
