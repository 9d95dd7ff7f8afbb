//! `marabet model in-play`

use std::io::{self, Write};

use anyhow::Context;
use marabet_quant::inplay::{MatchState, Phase, Tempo, final_scores};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::prices;
use serde::Serialize;

use super::price::Markets;
use crate::cli::InPlayArgs;
use crate::output::Answer;

/// A match under way: win probabilities, and every market on its final score.
#[derive(Serialize)]
pub(super) struct InPlay {
    /// Of home win, draw, away win.
    probabilities: [f64; 3],
    /// Share of the match's scoring that is still to come.
    remaining: f64,
    /// Expected final goals, home and away.
    expected_final_goals: (f64, f64),
    #[serde(flatten)]
    list: Markets,
}

pub(super) fn in_play(arguments: &InPlayArgs) -> anyhow::Result<InPlay> {
    let before = ScoreMatrix::dixon_coles(arguments.lambda, arguments.mu, arguments.rho)?;
    let phase = match arguments.minute {
        _ if arguments.over => Phase::Over,
        _ if arguments.half_time => Phase::HalfTime,
        Some(minute) => Phase::at_minute(minute),
        None => anyhow::bail!("name the minute, or say that it is half-time or over"),
    };
    let usual = Tempo::default();
    let tempo = Tempo {
        first_half_minutes: arguments.first_half_minutes.unwrap_or(usual.first_half_minutes),
        second_half_minutes: arguments.second_half_minutes.unwrap_or(usual.second_half_minutes),
        first_half_share: arguments.first_half_share.unwrap_or(usual.first_half_share),
        ..usual
    };
    let [home_goals, away_goals] = pair(&arguments.score).context("--score")?;
    let [home_reds, away_reds] = pair(&arguments.reds).context("--reds")?;
    let state = MatchState { phase, home_goals, away_goals, home_reds, away_reds };
    let matrix = final_scores(&before, &state, &tempo)?;
    Ok(InPlay {
        probabilities: matrix.match_odds(),
        remaining: tempo.remaining(phase)?,
        expected_final_goals: matrix.means(),
        list: Markets::of(&prices::all(&matrix))?,
    })
}

/// Two counts with a hyphen or a colon between them.
fn pair(text: &str) -> anyhow::Result<[u8; 2]> {
    let counts = text.split_once(['-', ':', '–']);
    let counts = counts
        .and_then(|(home, away)| Some([home.trim().parse().ok()?, away.trim().parse().ok()?]));
    counts.with_context(|| format!("`{text}` are no two counts; write them as 1-0"))
}

impl Answer for InPlay {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [home, draw, away] = self.probabilities;
        writeln!(out, "home {home:.5}, draw {draw:.5}, away {away:.5}")?;
        writeln!(out, "{:.1} % of the scoring is still to come\n", 100.0 * self.remaining)?;
        self.list.write_text(out)
    }
}
