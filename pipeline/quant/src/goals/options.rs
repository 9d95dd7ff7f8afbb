use std::collections::BTreeMap;

use super::FitError;

/// How a model is fitted.
///
/// The default is plain maximum likelihood: no decay, no prior. For forecasts use
/// [`FitOptions::forecasting`].
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Decay per day: a match counts `exp(−xi · days)` (Dixon and Coles, 1997).
    pub xi: f64,
    /// The day from which ages are counted, at or after the last match that counts; its day when
    /// absent.
    pub as_of: Option<f64>,
    /// Only matches on this day or later count.
    pub since: Option<f64>,
    /// Only matches before this day count. With `as_of` the same day, the fit knows what was known
    /// on the eve of it, however far the set goes on.
    pub before: Option<f64>,
    /// The hierarchical prior on the strengths; plain maximum likelihood when absent.
    pub prior: Option<Prior>,
    /// Newton steps allowed before the fit gives up and says so.
    pub iterations_max: u32,
    /// Whether to compute standard errors.
    pub standard_errors: bool,
    /// Rue and Salvesen's adjustment of forecasts, `γ` (2000, section 2.3): with
    /// `Δ = ((attack_i − defence_i) − (attack_j − defence_j)) / 2` it takes `γΔ` from `ln λ` and
    /// adds it to `ln μ`, since the better side is held to underrate the other; they found 0.1.
    ///
    /// It shapes forecasts, not the fit: strengths can be re-arranged so that any `γ` gives the
    /// same means of every match, so that results alone cannot tell it. Choose it out of sample.
    pub rue_salvesen: f64,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            xi: 0.0,
            as_of: None,
            since: None,
            before: None,
            prior: None,
            iterations_max: 100,
            standard_errors: true,
            rue_salvesen: 0.0,
        }
    }
}

impl FitOptions {
    /// What serves forecasts of club football: decay 0.0018 a day (a half-life of 385 days) and
    /// the default [`Prior`].
    #[must_use]
    pub fn forecasting() -> Self {
        Self { xi: 0.0018, prior: Some(Prior::default()), ..Self::default() }
    }

    /// Whether a match of this day counts.
    pub(super) fn counts(&self, day: f64) -> bool {
        self.since.is_none_or(|since| day >= since) && self.before.is_none_or(|before| day < before)
    }

    /// Refuses options out of range; `last_day` is that of the last match that counts.
    pub(super) fn check(&self, last_day: f64) -> Result<(), FitError> {
        let refuse = |name, expected, value| Err(FitError::Option { name, expected, value });
        if !(self.xi.is_finite() && self.xi >= 0.0) {
            return refuse("xi", "finite and not negative (per day)", self.xi);
        }
        for (name, day) in [("since", self.since), ("before", self.before)] {
            if let Some(day) = day.filter(|day| day.is_nan()) {
                return refuse(name, "a day", day);
            }
        }
        if let Some(day) = self.as_of.filter(|day| !(day.is_finite() && *day >= last_day)) {
            return refuse("as_of", "a day at or after the last match that counts", day);
        }
        if !(-1.0..=1.0).contains(&self.rue_salvesen) {
            return refuse("rue_salvesen", "between -1 and 1", self.rue_salvesen);
        }
        if self.iterations_max == 0 {
            return refuse("iterations_max", "at least 1", 0.0);
        }
        self.prior.as_ref().map_or(Ok(()), Prior::check)
    }
}

/// How far from the middle of the league a team is expected to be, in log-goals.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Offset {
    /// Expected attack less the league's: negative for a side that scores less.
    pub attack: f64,
    /// Expected defence less the league's: positive for a side that concedes more.
    pub defence: f64,
}

/// A hierarchical prior: strengths are drawn from a normal law about the league's own mean, which
/// is estimated with them.
///
/// It pulls a team with little history towards what is expected of it, by as much as its history
/// is short, and gives every team a finite strength (a team without goals, leagues that no match
/// links). The penalty is `Σ (aᵢ − ā − oᵢ)² / 2σ²` over attacks and the same over defences, with
/// `o` the offsets below, centred.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// Standard deviation of attacks about their expectation, in log-goals.
    pub attack_sd: f64,
    /// Standard deviation of defences about their expectation, in log-goals.
    pub defence_sd: f64,
    /// Teams expected away from the league's middle, such as promoted ones; others are expected
    /// at it.
    pub expected: BTreeMap<String, Offset>,
    /// What is expected of a team without any match in the set: the strength that
    /// [`super::Fit::newcomer`] carries.
    pub newcomer: Offset,
}

impl Default for Prior {
    /// Spreads of 0.3 log-goals, about those of Europe's first divisions, and a newcomer that
    /// scores a fifth less and concedes a fifth more than the league's middle, about what
    /// promoted sides do in their first season.
    fn default() -> Self {
        Self {
            attack_sd: 0.3,
            defence_sd: 0.3,
            expected: BTreeMap::new(),
            newcomer: Offset { attack: -0.2, defence: 0.2 },
        }
    }
}

impl Prior {
    fn check(&self) -> Result<(), FitError> {
        for (name, value) in [("attack_sd", self.attack_sd), ("defence_sd", self.defence_sd)] {
            if !(1e-4..=1e4).contains(&value) {
                let expected = "between 0.0001 and 10000 log-goals";
                return Err(FitError::Option { name, expected, value });
            }
        }
        let newcomer = std::iter::once(("a newcomer", &self.newcomer));
        let named = self.expected.iter().map(|(team, offset)| (team.as_str(), offset));
        for (team, offset) in newcomer.chain(named) {
            for value in [offset.attack, offset.defence] {
                if !(-20.0..=20.0).contains(&value) {
                    return Err(FitError::Offset { team: team.to_owned(), value });
                }
            }
        }
        Ok(())
    }
}
