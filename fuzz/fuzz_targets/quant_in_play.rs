//! A match under way of any bits: final scores at or above the score now, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::inplay::{MatchState, Phase, Tempo, final_scores};
use marabet_quant::matrix::ScoreMatrix;

fuzz_target!(|input: ([f64; 3], f64, u8, [u8; 4], [f64; 6])| {
    let ([lambda, mu, rho], minute, phase, [home_goals, away_goals, home_reds, away_reds], t) =
        input;
    let Ok(before) = ScoreMatrix::dixon_coles(lambda, mu, rho) else { return };
    let phase = [
        Phase::FirstHalf(minute),
        Phase::HalfTime,
        Phase::SecondHalf(minute),
        Phase::Over,
        Phase::at_minute(minute),
    ][usize::from(phase) % 5];
    let state = MatchState { phase, home_goals, away_goals, home_reds, away_reds };
    let any = Tempo {
        first_half_minutes: t[0],
        second_half_minutes: t[1],
        first_half_share: t[2],
        rise: t[3],
        own_rate_per_red: t[4],
        opponent_rate_per_red: t[5],
    };
    for tempo in [Tempo::default(), any] {
        let Ok(matrix) = final_scores(&before, &state, &tempo) else { continue };
        for (home, away, p) in matrix.iter() {
            let possible = home >= home_goals && away >= away_goals;
            assert!(p >= 0.0 && (possible || p == 0.0), "{home}-{away}: {p}");
        }
    }
});
