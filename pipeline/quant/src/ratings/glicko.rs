use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Clock, Rated, RatingError, RatingSystem, check_constants};

/// Where a team stands in Glicko-2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Rating on Elo's scale.
    pub rating: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// How much the team's strength moves in a period, on the internal scale.
    pub volatility: f64,
}

impl Default for Standing {
    /// 1500, deviation 350, volatility 0.06.
    fn default() -> Self {
        Self { rating: 1500.0, deviation: 350.0, volatility: 0.06 }
    }
}

/// Rating points per unit of the internal scale.
const SCALE: f64 = 173.7178;
/// How near the volatility is found.
const TOLERANCE: f64 = 1e-6;
const STEPS_MAX: u32 = 200;

fn damping(phi: f64) -> f64 {
    let ratio = phi / std::f64::consts::PI;
    1.0 / (1.0 + 3.0 * ratio * ratio).sqrt()
}

/// What is expected against an opponent, as a share of the point.
fn expected(mu: f64, opponent_mu: f64, opponent_phi: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-damping(opponent_phi) * (mu - opponent_mu)))
}

/// A team's standing after a rating period in which it met `games`, each an opponent's standing
/// before the period with the share of the point taken from it (Glickman, 2013, "Example of the
/// Glicko-2 system", steps 2 to 8). `tau` limits how fast the volatility changes. Without games
/// only the deviation grows.
#[must_use]
pub fn glicko2_period(team: Standing, games: &[(Standing, f64)], tau: f64) -> Standing {
    let mu = (team.rating - 1500.0) / SCALE;
    let phi = team.deviation / SCALE;
    let (mut information, mut surprise) = (0.0, 0.0);
    for (opponent, share) in games {
        let (opponent_mu, opponent_phi) =
            ((opponent.rating - 1500.0) / SCALE, opponent.deviation / SCALE);
        let weight = damping(opponent_phi);
        let share_expected = expected(mu, opponent_mu, opponent_phi);
        information += weight * weight * share_expected * (1.0 - share_expected);
        surprise += weight * (share - share_expected);
    }
    let moved = |volatility: f64| (phi * phi + volatility * volatility).sqrt();
    if games.is_empty() || information <= 0.0 {
        return Standing { deviation: moved(team.volatility) * SCALE, ..team };
    }
    let variance = 1.0 / information;
    let volatility = new_volatility(team.volatility, phi, variance, variance * surprise, tau);
    let before = moved(volatility);
    let phi = 1.0 / (1.0 / (before * before) + information).sqrt();
    Standing {
        rating: 1500.0 + SCALE * (mu + phi * phi * surprise),
        deviation: phi * SCALE,
        volatility,
    }
}

/// The volatility at which the period's surprise is likeliest, by the Illinois algorithm (step 5).
fn new_volatility(sigma: f64, phi: f64, variance: f64, improvement: f64, tau: f64) -> f64 {
    let start = libm::log(sigma * sigma);
    let excess = improvement * improvement - phi * phi - variance;
    let f = |x: f64| {
        let exp = libm::exp(x);
        let total = phi * phi + variance + exp;
        exp * (excess - exp) / (2.0 * total * total) - (x - start) / (tau * tau)
    };
    let mut a = start;
    let mut b = if excess > 0.0 {
        libm::log(excess)
    } else {
        let mut steps = 1.0;
        while f(start - steps * tau) < 0.0 && steps < f64::from(STEPS_MAX) {
            steps += 1.0;
        }
        start - steps * tau
    };
    let (mut at_a, mut at_b) = (f(a), f(b));
    for _ in 0..STEPS_MAX {
        if (b - a).abs() <= TOLERANCE {
            break;
        }
        let c = a + (a - b) * at_a / (at_b - at_a);
        let at_c = f(c);
        if at_c * at_b <= 0.0 {
            (a, at_a) = (b, at_b);
        } else {
            at_a *= 0.5;
        }
        (b, at_b) = (c, at_c);
    }
    libm::exp(0.5 * a)
}

/// The constants of Glicko-2 ratings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Glicko {
    /// Where a team without results stands.
    pub start: Standing,
    /// How fast the volatility may change, 0.3 to 1.2.
    pub tau: f64,
    /// What playing at home is worth, in rating points.
    pub home_advantage: f64,
    /// Length of a rating period in days.
    pub period_days: f64,
}

impl Default for Glicko {
    /// Glickman's start, τ = 0.5, 60 points for the home side, periods of two weeks.
    fn default() -> Self {
        Self { start: Standing::default(), tau: 0.5, home_advantage: 60.0, period_days: 14.0 }
    }
}

/// Glicko-2 ratings of many teams. Results of one period count together when the next begins.
#[derive(Debug, Clone, PartialEq)]
pub struct GlickoTable {
    glicko: Glicko,
    standings: BTreeMap<String, Standing>,
    /// The number of the period under way.
    period: Option<f64>,
    /// Its games: opponent as it stood, ground counted in, and the share taken.
    games: BTreeMap<String, Vec<(Standing, f64)>>,
    clock: Clock,
}

impl GlickoTable {
    /// A table in which every team stands at the start.
    ///
    /// # Errors
    /// [`RatingError::Constant`] when a constant is out of range.
    pub fn new(glicko: Glicko) -> Result<Self, RatingError> {
        check_constants(&[
            ("tau", glicko.tau, 0.01..=10.0, "between 0.01 and 10"),
            ("home_advantage", glicko.home_advantage, -1e4..=1e4, "between -1e4 and 1e4"),
            ("period_days", glicko.period_days, 1e-3..=1e4, "between 0.001 and 10000 days"),
            ("rating", glicko.start.rating, -1e5..=1e5, "between -1e5 and 1e5"),
            ("deviation", glicko.start.deviation, 1.0..=1e4, "between 1 and 10000"),
            ("volatility", glicko.start.volatility, 1e-6..=1.0, "between 1e-6 and 1"),
        ])?;
        let (standings, games) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { glicko, standings, period: None, games, clock: Clock::default() })
    }

    /// Where a team stood when the period under way began.
    #[must_use]
    pub fn standing(&self, team: &str) -> Standing {
        self.standings.get(team).copied().unwrap_or(self.glicko.start)
    }

    /// Ends the period under way: its results move the standings.
    pub fn close_period(&mut self) {
        let games = std::mem::take(&mut self.games);
        for team in games.keys() {
            self.standings.entry(team.clone()).or_insert(self.glicko.start);
        }
        for (team, standing) in &mut self.standings {
            let played = games.get(team).map_or(&[][..], Vec::as_slice);
            *standing = glicko2_period(*standing, played, self.glicko.tau);
            // Idle teams would become ever less certain than one that was never seen.
            standing.deviation = standing.deviation.min(self.glicko.start.deviation);
        }
    }
}

/// An absent team's deviation has grown back to the start's within so many periods.
const IDLE_PERIODS_MAX: f64 = 500.0;

impl RatingSystem for GlickoTable {
    fn rate(&mut self, result: &Rated<'_>) -> Result<(), RatingError> {
        self.clock.advance(result)?;
        let period = libm::floor(result.day / self.glicko.period_days);
        let passed = self.period.map_or(0.0, |before| (period - before).min(IDLE_PERIODS_MAX));
        (0..passed as u32).for_each(|_| self.close_period());
        self.period = Some(period);
        let advantage = if result.neutral { 0.0 } else { self.glicko.home_advantage };
        let (home, away) = (self.standing(result.home), self.standing(result.away));
        let share = result.home_share();
        let seen_from =
            |side: Standing, ahead: f64| Standing { rating: side.rating + ahead, ..side };
        let mut add = |team: &str, opponent: Standing, share: f64| {
            self.games.entry(team.to_owned()).or_default().push((opponent, share));
        };
        add(result.home, seen_from(away, -advantage), share);
        add(result.away, seen_from(home, advantage), 1.0 - share);
        Ok(())
    }

    /// The rating points by which the home side is ahead, less as either is uncertain. Results of
    /// the period under way count as they will when it ends.
    fn gap(&self, home: &str, away: &str, neutral: bool) -> f64 {
        let advantage = if neutral { 0.0 } else { self.glicko.home_advantage };
        let now = |team: &str| {
            let played = self.games.get(team).map_or(&[][..], Vec::as_slice);
            glicko2_period(self.standing(team), played, self.glicko.tau)
        };
        let (home, away) = (now(home), now(away));
        let squares = home.deviation * home.deviation + away.deviation * away.deviation;
        damping(squares.sqrt() / SCALE) * (home.rating - away.rating + advantage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_glickmans_paper_comes_out() {
        let team = Standing { rating: 1500.0, deviation: 200.0, volatility: 0.06 };
        let opponent = |rating, deviation| Standing { rating, deviation, volatility: 0.06 };
        let games = [
            (opponent(1400.0, 30.0), 1.0),
            (opponent(1550.0, 100.0), 0.0),
            (opponent(1700.0, 300.0), 0.0),
        ];
        let after = glicko2_period(team, &games, 0.5);
        assert!((after.rating - 1464.06).abs() < 0.01, "{after:?}");
        assert!((after.deviation - 151.52).abs() < 0.01, "{after:?}");
        assert!((after.volatility - 0.05999).abs() < 1e-5, "{after:?}");
    }

    #[test]
    fn a_team_that_does_not_play_becomes_less_certain_and_never_less_than_a_new_one() {
        let settled = Standing { rating: 1600.0, deviation: 60.0, volatility: 0.06 };
        let idle = glicko2_period(settled, &[], 0.5);
        assert_eq!(idle.rating, settled.rating);
        assert!(idle.deviation > settled.deviation);
        let mut table = GlickoTable::new(Glicko::default()).unwrap();
        let (home, away) = ("Ash", "Birch");
        let drawn = |day| Rated { day, home, away, home_goals: 1, away_goals: 1, neutral: true };
        table.rate(&drawn(0.0)).unwrap();
        table.rate(&drawn(1e9)).unwrap();
        assert!(table.standing("Ash").deviation <= 350.0);
    }

    #[test]
    fn constants_out_of_range_are_refused() {
        for glicko in [
            Glicko { tau: 0.0, ..Glicko::default() },
            Glicko { period_days: f64::NAN, ..Glicko::default() },
        ] {
            assert!(matches!(GlickoTable::new(glicko), Err(RatingError::Constant { .. })));
        }
    }
}
