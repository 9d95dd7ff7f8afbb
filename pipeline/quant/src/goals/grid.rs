//! From a fitted law and the rates of a match to its score matrix and expected goals.

use super::laws::{
    BivariatePoisson, ConwayMaxwellPoisson, Hurdle, NegativeBinomial, ScoreLaw, Series,
    WeibullCopula, ZeroInflated, conway_maxwell_poisson_mean, marginal,
};
use super::{Fit, ForecastError, Means, Model, Rates};
use crate::matrix::{MatrixError, ScoreMatrix};

/// The expected goals of both sides.
pub(super) fn means(fit: &Fit, rates: Rates) -> Means {
    let each = |of: &dyn Fn(f64) -> f64| Means { lambda: of(rates.lambda), mu: of(rates.mu) };
    match fit.model {
        Model::Poisson | Model::DixonColes | Model::NegativeBinomial => each(&|rate| rate),
        Model::BivariatePoisson => each(&|rate| rate + fit.shape("covariance")),
        Model::ZeroInflatedPoisson => each(&|rate| (1.0 - fit.shape("zero_inflation")) * rate),
        Model::HurdlePoisson => {
            let some = |rate: f64| -libm::expm1(-rate);
            each(&|rate| some(fit.shape("hurdle") * rate) * rate / some(rate))
        }
        Model::ConwayMaxwellPoisson => {
            each(&|rate| conway_maxwell_poisson_mean(rate, fit.shape("nu")))
        }
        Model::WeibullCopula => {
            let series = Series::new(fit.shape("shape"), GOALS_MAX);
            each(&|rate| weibull_mean(&series, rate))
        }
    }
}

/// The mean is what the distribution function falls short of one, summed over all counts; zero
/// at a rate at which it cannot be computed.
fn weibull_mean(series: &Series, rate: f64) -> f64 {
    let steps = steps(series, rate);
    steps.map_or(0.0, |steps| steps.iter().skip(1).map(|p| 1.0 - p).sum())
}

/// The goals of a side beyond which the laws other than the Poisson are cut off.
const GOALS_MAX: u16 = 40;

/// The score matrix at the given rates.
pub(super) fn matrix(fit: &Fit, rates: Rates) -> Result<ScoreMatrix, ForecastError> {
    let Rates { lambda, mu } = rates;
    for (side, value) in [("home", lambda), ("away", mu)] {
        if !(0.0..=ScoreMatrix::MEAN_MAX).contains(&value) {
            return Err(MatrixError::Mean { side, value }.into());
        }
    }
    Ok(match fit.model {
        Model::Poisson => ScoreMatrix::independent(lambda, mu),
        Model::DixonColes => ScoreMatrix::dixon_coles(lambda, mu, fit.rho),
        Model::BivariatePoisson => by_score::<BivariatePoisson>(rates, fit.shape("covariance")),
        Model::NegativeBinomial => by_score::<NegativeBinomial>(rates, fit.shape("dispersion")),
        Model::ZeroInflatedPoisson => by_score::<ZeroInflated>(rates, fit.shape("zero_inflation")),
        Model::HurdlePoisson => by_score::<Hurdle>(rates, fit.shape("hurdle")),
        Model::ConwayMaxwellPoisson => by_score::<ConwayMaxwellPoisson>(rates, fit.shape("nu")),
        Model::WeibullCopula => {
            return weibull(rates, fit.shape("shape"), fit.shape("kappa"));
        }
    }?)
}

/// Widens the grid until it holds all but a part in a billion, or as much as it can.
fn widening(
    rates: Rates,
    grid: impl Fn(u8) -> Result<ScoreMatrix, MatrixError>,
) -> Result<ScoreMatrix, MatrixError> {
    let mut goals_max = 12 + (2.0 * rates.lambda.max(rates.mu)) as u8;
    loop {
        let matrix = grid(goals_max);
        let short = match &matrix {
            Ok(matrix) => matrix.tail() > 1e-9,
            Err(MatrixError::Mass(_)) => true,
            Err(_) => false,
        };
        if !short || goals_max == ScoreMatrix::GOALS_MAX {
            return matrix;
        }
        goals_max = goals_max.saturating_mul(2).min(ScoreMatrix::GOALS_MAX);
    }
}

fn by_score<S: ScoreLaw>(rates: Rates, shape: f64) -> Result<ScoreMatrix, MatrixError> {
    let (ln_lambda, ln_mu) = (libm::log(rates.lambda), libm::log(rates.mu));
    let ln_factorial = |count: u8| libm::lgamma(f64::from(count) + 1.0);
    widening(rates, |goals_max| {
        ScoreMatrix::from_fn(goals_max, |home, away| {
            let ln_p = S::ln_p(home.into(), away.into(), ln_lambda, ln_mu, &[shape]);
            ln_p.map_or(0.0, |ln_p| libm::exp(ln_p - ln_factorial(home) - ln_factorial(away)))
        })
    })
}

fn weibull(rates: Rates, shape: f64, kappa: f64) -> Result<ScoreMatrix, ForecastError> {
    let series = Series::new(shape, GOALS_MAX);
    let reach = |rate| steps(&series, rate).ok_or(ForecastError::WeibullRate { rate, shape });
    let (home, away) = (reach(rates.lambda)?, reach(rates.mu)?);
    let side = home.len().max(away.len()) - 1;
    let step = |steps: &[f64], count: u8| {
        let at = |place: usize| steps.get(place).copied().unwrap_or(1.0);
        [at(count.into()), at(usize::from(count) + 1)]
    };
    // At most GOALS_MAX: the cast is exact.
    Ok(ScoreMatrix::from_fn(side as u8 - 1, |x, y| {
        WeibullCopula::probability(step(&home, x), step(&away, y), kappa).max(0.0)
    })?)
}

/// The distribution function of the Weibull count below zero, at zero, at one, up to where it
/// reaches one but for a part in ten billion; `None` where its series has lost its digits.
fn steps(series: &Series, rate: f64) -> Option<Vec<f64>> {
    let mut steps = vec![0.0];
    for count in 0..=i32::from(GOALS_MAX) {
        let p = marginal(series, count, rate, 0)?.value.clamp(0.0, 1.0);
        steps.push(p);
        if p > 1.0 - 1e-10 && count > 0 {
            return Some(steps);
        }
    }
    None
}
