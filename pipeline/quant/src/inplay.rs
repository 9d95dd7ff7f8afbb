//! The final score of a match under way, from the score matrix before it, the score now, the time
//! left and the players sent off.
//!
//! Given how many goals a side will have scored in the end, the instants of its goals are taken to
//! be independent draws from the [`Tempo`] of the match. A final score of x–y then follows a score
//! of h–a, with the share `s` of the match's scoring still to come, in proportion to
//!
//! ```text
//! P(x,y) · C(x,h) s^(x−h) · C(y,a) s^(y−a) · r_home^(x−h) · r_away^(y−a)
//! ```
//!
//! with `P` the matrix before the match and `r` what red cards make of the rates. For independent
//! Poisson goals this is the Poisson process with what is left of both means; at kick-off it is the
//! matrix before the match, at the final whistle the score as it stands.
//!
//! This module knows no odds and no clock: the minute is given.

use serde::{Deserialize, Serialize};

use crate::matrix::{MatrixError, ScoreMatrix};

/// Which part of the match is being played.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The first half, so many minutes after kick-off.
    FirstHalf(f64),
    /// The break.
    HalfTime,
    /// The second half, so many minutes after it began.
    SecondHalf(f64),
    /// The final whistle has gone.
    Over,
}

impl Phase {
    /// The phase at a minute of the running clock, as scoreboards show it: 0 to 45 the first half,
    /// above 45 the second, whose stoppage time runs past 90.
    #[must_use]
    pub fn at_minute(minute: f64) -> Self {
        if minute <= 45.0 { Self::FirstHalf(minute) } else { Self::SecondHalf(minute - 45.0) }
    }
}

/// A match under way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MatchState {
    /// Where the match stands in time.
    pub phase: Phase,
    /// Goals of the home side so far.
    pub home_goals: u8,
    /// Goals of the away side so far.
    pub away_goals: u8,
    /// Players of the home side sent off.
    pub home_reds: u8,
    /// Players of the away side sent off.
    pub away_reds: u8,
}

/// How scoring spreads over a match.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tempo {
    /// Minutes of the first half, stoppage time included.
    pub first_half_minutes: f64,
    /// Minutes of the second half, stoppage time included: the announced time once it is known.
    pub second_half_minutes: f64,
    /// The share of goals that fall in the first half.
    pub first_half_share: f64,
    /// By how much scoring is above its mean at the end of a half and below it at its beginning,
    /// as a part of the mean; it rises evenly in between.
    pub rise: f64,
    /// What a player less makes of a side's own rate.
    pub own_rate_per_red: f64,
    /// What a player less makes of the opponent's rate.
    pub opponent_rate_per_red: f64,
}

impl Default for Tempo {
    /// Two halves of 46.5 and 49.5 minutes, 44.5 % of goals in the first, a rise of 15 %; a side a
    /// man down scores 2/3 as often and concedes 5/4 as often (Vecer, Kopriva and Ichiba, 2009).
    fn default() -> Self {
        Self {
            first_half_minutes: 46.5,
            second_half_minutes: 49.5,
            first_half_share: 0.445,
            rise: 0.15,
            own_rate_per_red: 2.0 / 3.0,
            opponent_rate_per_red: 5.0 / 4.0,
        }
    }
}

/// Why a match under way has no forecast.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InPlayError {
    /// The minute is no time of a match.
    #[error("the minute of a half must be finite and not negative, got {0}")]
    Minute(f64),
    /// A constant of the tempo is out of range.
    #[error("`{name}` must be {expected}, got {value}")]
    Tempo {
        /// The constant's name.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// The value as given.
        value: f64,
    },
    /// More players sent off than a match goes on with.
    #[error("a match ends with five of a side sent off, got {0}")]
    Reds(u8),
    /// The final scores are beyond what a score matrix holds.
    #[error(transparent)]
    Matrix(#[from] MatrixError),
}

impl Tempo {
    /// The share of the match's scoring that is still to come, from one at kick-off to zero at the
    /// end.
    ///
    /// A half that runs longer than it should keeps what is left at zero (its second half's at the
    /// whole second half): give it its announced length.
    ///
    /// # Errors
    /// [`InPlayError`] when the minute or a constant is out of range.
    pub fn remaining(&self, phase: Phase) -> Result<f64, InPlayError> {
        self.check()?;
        let left_of_half = |minute: f64, length: f64| {
            if !(minute.is_finite() && minute >= 0.0) {
                return Err(InPlayError::Minute(minute));
            }
            let done = (minute / length).min(1.0);
            // The density 1 + rise (2u − 1), summed from `done` to one.
            Ok((1.0 - done) * (1.0 + self.rise * done))
        };
        let second_half_share = 1.0 - self.first_half_share;
        Ok(match phase {
            Phase::FirstHalf(minute) => {
                let left = left_of_half(minute, self.first_half_minutes)?;
                second_half_share + self.first_half_share * left
            }
            Phase::HalfTime => second_half_share,
            Phase::SecondHalf(minute) => {
                second_half_share * left_of_half(minute, self.second_half_minutes)?
            }
            Phase::Over => 0.0,
        })
    }

    fn check(&self) -> Result<(), InPlayError> {
        let minutes = "between 1 and 150 minutes";
        let factor = "between 0.05 and 20";
        for (name, value, range, expected) in [
            ("first_half_minutes", self.first_half_minutes, 1.0..=150.0, minutes),
            ("second_half_minutes", self.second_half_minutes, 1.0..=150.0, minutes),
            ("first_half_share", self.first_half_share, 0.0..=1.0, "between 0 and 1"),
            ("rise", self.rise, -1.0..=1.0, "between -1 and 1"),
            ("own_rate_per_red", self.own_rate_per_red, 0.05..=20.0, factor),
            ("opponent_rate_per_red", self.opponent_rate_per_red, 0.05..=20.0, factor),
        ] {
            if !range.contains(&value) {
                return Err(InPlayError::Tempo { name, expected, value });
            }
        }
        Ok(())
    }

    /// What red cards make of the rates of home and away side.
    fn factors(&self, state: &MatchState) -> Result<[f64; 2], InPlayError> {
        let (home, away) = (state.home_reds, state.away_reds);
        if home.max(away) > 4 {
            return Err(InPlayError::Reds(home.max(away)));
        }
        let factor = |own: u8, opponent: u8| {
            libm::pow(self.own_rate_per_red, own.into())
                * libm::pow(self.opponent_rate_per_red, opponent.into())
        };
        Ok([factor(home, away), factor(away, home)])
    }
}

/// The matrix of final scores of a match under way, from the matrix before it.
///
/// Every market is priced from it as before the match, and its three results are the win
/// probabilities.
///
/// # Errors
/// [`InPlayError`] when the minute, a constant or the number of red cards is out of range, or the
/// final scores are beyond what a matrix holds.
pub fn final_scores(
    before: &ScoreMatrix,
    state: &MatchState,
    tempo: &Tempo,
) -> Result<ScoreMatrix, InPlayError> {
    let share = tempo.remaining(state.phase)?;
    let factors = tempo.factors(state)?;
    let (home_now, away_now) = (state.home_goals, state.away_goals);
    let (home, away) = (
        growth(before.goals_max(), home_now, share * factors[0]),
        growth(before.goals_max(), away_now, share * factors[1]),
    );
    let weight = |x: u8, y: u8| before.get(x, y) * home[usize::from(x)] * away[usize::from(y)];
    let scores =
        || (0..=before.goals_max()).flat_map(|x| (0..=before.goals_max()).map(move |y| (x, y)));
    let mass: f64 = scores().map(|(x, y)| weight(x, y)).sum();
    if mass > 0.0 && mass.is_finite() {
        return Ok(ScoreMatrix::from_fn(before.goals_max(), |x, y| weight(x, y) / mass)?);
    }
    // A score that the matrix before the match held for impossible: its means go on.
    let (lambda, mu) = before.means();
    let to_come = ScoreMatrix::independent(lambda * share * factors[0], mu * share * factors[1])?;
    Ok(to_come.shifted(home_now, away_now)?)
}

/// `C(x, now) rate^(x − now)` for every final count `x` up to `goals_max`; zero below `now`.
fn growth(goals_max: u8, now: u8, rate: f64) -> Vec<f64> {
    let mut weights = vec![0.0; usize::from(goals_max) + 1];
    let mut weight = 1.0;
    for count in now..=goals_max {
        weights[usize::from(count)] = weight;
        weight *= rate * (f64::from(count) + 1.0) / (f64::from(count - now) + 1.0);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(phase: Phase, home_goals: u8, away_goals: u8) -> MatchState {
        MatchState { phase, home_goals, away_goals, home_reds: 0, away_reds: 0 }
    }

    fn before() -> ScoreMatrix {
        ScoreMatrix::dixon_coles(1.6, 1.1, -0.08).unwrap()
    }

    fn forecast(state: &MatchState) -> ScoreMatrix {
        final_scores(&before(), state, &Tempo::default()).unwrap()
    }

    #[test]
    fn at_kick_off_it_is_the_matrix_before_the_match() {
        let at_start = forecast(&state(Phase::FirstHalf(0.0), 0, 0));
        for (home, away, p) in before().iter() {
            assert!((at_start.get(home, away) - p).abs() < 1e-14, "{home}-{away}");
        }
    }

    #[test]
    fn for_poisson_goals_it_is_what_is_left_of_the_means_on_top_of_the_score() {
        let tempo = Tempo::default();
        let before = ScoreMatrix::independent(1.6, 1.1).unwrap();
        let now = state(Phase::SecondHalf(17.0), 1, 2);
        let share = tempo.remaining(now.phase).unwrap();
        let wanted =
            ScoreMatrix::independent(1.6 * share, 1.1 * share).unwrap().shifted(1, 2).unwrap();
        let got = final_scores(&before, &now, &tempo).unwrap();
        for (home, away, p) in wanted.iter() {
            assert!((got.get(home, away) - p).abs() < 1e-9, "{home}-{away}");
        }
    }

    #[test]
    fn a_player_sent_off_helps_the_other_side() {
        let level = state(Phase::HalfTime, 1, 1);
        let [home, _, away] = forecast(&level).match_odds();
        let [fewer_home, _, fewer_away] =
            forecast(&MatchState { home_reds: 1, ..level }).match_odds();
        assert!(fewer_home < home && fewer_away > away);
        let (before, tempo) = (ScoreMatrix::independent(1.6, 1.1).unwrap(), Tempo::default());
        let short = MatchState { home_reds: 1, ..level };
        let (lambda, mu) = final_scores(&before, &short, &tempo).unwrap().means();
        assert!((lambda - (1.0 + 1.6 * 0.555 * 2.0 / 3.0)).abs() < 1e-8, "{lambda}");
        assert!((mu - (1.0 + 1.1 * 0.555 * 1.25)).abs() < 1e-8, "{mu}");
    }

    #[test]
    fn a_score_beyond_the_matrix_goes_on_from_there() {
        let narrow = ScoreMatrix::from_grid(&[[0.4, 0.2], [0.3, 0.1]]).unwrap();
        let now = state(Phase::HalfTime, 5, 0);
        let forecast = final_scores(&narrow, &now, &Tempo::default()).unwrap();
        assert!(forecast.get(5, 0) > 0.3 && forecast.match_odds()[0] > 0.99);
    }

    #[test]
    fn what_is_no_time_of_a_match_is_refused() {
        let refused = |phase| final_scores(&before(), &state(phase, 0, 0), &Tempo::default());
        for minute in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(refused(Phase::FirstHalf(minute)), Err(InPlayError::Minute(_))));
            let phase = Phase::SecondHalf(minute);
            assert!(matches!(refused(phase), Err(InPlayError::Minute(_))));
        }
        let five = MatchState { away_reds: 5, ..state(Phase::HalfTime, 0, 0) };
        assert_eq!(final_scores(&before(), &five, &Tempo::default()), Err(InPlayError::Reds(5)));
        let tempo = Tempo { first_half_share: 1.5, ..Tempo::default() };
        assert!(matches!(tempo.remaining(Phase::Over), Err(InPlayError::Tempo { .. })));
    }

    proptest! {
        #[test]
        fn it_tends_to_the_result_as_the_minute_tends_to_the_end(
            home in 0_u8..6, away in 0_u8..6, reds in 0_u8..3, lambda in 0.2..3.5_f64, mu in 0.2..3.5_f64,
        ) {
            let before = ScoreMatrix::independent(lambda, mu).unwrap();
            let tempo = Tempo::default();
            let mut certain = 0.0;
            for minute in [0.0, 20.0, 40.0, 48.0, 49.4, 49.499] {
                let now = MatchState { home_reds: reds, ..state(Phase::SecondHalf(minute), home, away) };
                let p = final_scores(&before, &now, &tempo).unwrap().get(home, away);
                prop_assert!(p > certain, "{p} at {minute}, {certain} before");
                certain = p;
            }
            prop_assert!(certain > 0.999, "{certain}");
            let over = final_scores(&before, &state(Phase::Over, home, away), &tempo).unwrap();
            prop_assert!((over.get(home, away) - 1.0).abs() < 1e-15);
        }

        #[test]
        fn what_is_left_falls_from_one_to_zero_without_a_jump(minute in 0.0..95.5_f64) {
            let tempo = Tempo::default();
            let left = |minute: f64| {
                let first = tempo.first_half_minutes;
                let phase = if minute < first { Phase::FirstHalf(minute) } else { Phase::SecondHalf(minute - first) };
                tempo.remaining(phase).unwrap()
            };
            let fall = left(minute) - left(minute + 0.5);
            prop_assert!(fall > 0.0 && fall < 0.01, "{fall}");
            prop_assert!((left(0.0) - 1.0).abs() < 1e-15 && left(96.0).abs() < 1e-15);
        }

        #[test]
        fn any_state_gives_probabilities_or_a_refusal(
            minute in -5.0..120.0_f64, home in 0_u8..=255, away in 0_u8..=255, reds in 0_u8..7,
        ) {
            let now = MatchState { away_reds: reds, ..state(Phase::at_minute(minute), home, away) };
            if let Ok(matrix) = final_scores(&before(), &now, &Tempo::default()) {
                let sum: f64 = matrix.match_odds().iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-9);
            }
        }
    }
}
