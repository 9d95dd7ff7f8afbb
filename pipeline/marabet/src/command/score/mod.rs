//! `marabet score`

pub(super) mod forecasts;

use std::io::{self, Write};

use anyhow::ensure;
use marabet_quant::score::{
    self, Bins, Calibration, Comparison, Murphy, calibration_curve, compare, murphy, sharpness,
};
use serde::Serialize;

use crate::cli::ScoreArgs;
use crate::output::{Answer, say};
use forecasts::Told;

/// Mean scores of forecasts, lower is better, and what they are made of.
#[derive(Serialize)]
struct Scored {
    #[serde(flatten)]
    scores: score::Scores,
    /// Mean entropy of the forecasts in nats: how far they commit themselves.
    sharpness: f64,
    /// Over every result of every event: how often what was forecast came true.
    calibration: Calibration,
    /// The Brier score of these yes-or-no forecasts, in its parts.
    murphy: Murphy,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
}

/// The forecasts' losses less another forecaster's: positive where they are worse.
#[derive(Serialize)]
struct Against {
    rps: Comparison,
    log_loss: Comparison,
    brier: Comparison,
}

pub(super) fn execute(arguments: &ScoreArgs, json: bool) -> anyhow::Result<()> {
    let told = forecasts::read(&arguments.forecasts)?;
    let scores = score::mean_scores(&told.probabilities, &told.outcomes)?;
    let (said, happened) = told.yes_or_no();
    let bins = Bins::Width(arguments.bins);
    let against = arguments.against.as_ref().map(|file| {
        let other = forecasts::read(file)?;
        ensure!(
            other.outcomes == told.outcomes,
            "{} and {} tell of different events: their outcomes differ",
            arguments.forecasts.display(),
            file.display()
        );
        against(&told, &other, arguments.level)
    });
    let scored = Scored {
        scores,
        sharpness: sharpness(&told.probabilities)?,
        calibration: calibration_curve(&said, &happened, bins, arguments.level)?,
        murphy: murphy(&said, &happened, bins)?,
        against: against.transpose()?,
    };
    say(&scored, json)
}

fn against(told: &Told, other: &Told, level: f64) -> anyhow::Result<Against> {
    type Loss = fn(&[f64], usize) -> Result<f64, score::ScoreError>;
    let compared = |loss: Loss| -> anyhow::Result<Comparison> {
        let losses = |of: &Told| -> Result<Vec<f64>, score::ScoreError> {
            of.probabilities.iter().zip(&of.outcomes).map(|(p, &at)| loss(p, at)).collect()
        };
        Ok(compare(&losses(told)?, &losses(other)?, level)?)
    };
    Ok(Against {
        rps: compared(score::rps)?,
        log_loss: compared(score::log_loss)?,
        brier: compared(score::brier)?,
    })
}

impl Answer for Scored {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let scores = &self.scores;
        writeln!(out, "{} forecasts", scores.forecasts)?;
        writeln!(out, "RPS        {:.6}", scores.rps)?;
        writeln!(out, "Brier      {:.6}", scores.brier)?;
        writeln!(out, "log-loss   {:.6} nats", scores.log_loss)?;
        writeln!(out, "ignorance  {:.6} bits", scores.ignorance)?;
        writeln!(out, "sharpness  {:.6} nats", self.sharpness)?;
        let Murphy { reliability, resolution, uncertainty, .. } = self.murphy;
        writeln!(
            out,
            "reliability {reliability:.6}, resolution {resolution:.6}, uncertainty {uncertainty:.6}"
        )?;
        writeln!(out, "\n{:>9} {:>9} {:>19} {:>7}", "forecast", "came true", "interval", "count")?;
        for bin in &self.calibration.bins {
            let interval = format!("{:.4} … {:.4}", bin.low, bin.high);
            let (forecast, frequency) = (bin.forecast, bin.frequency);
            writeln!(out, "{forecast:>9.4} {frequency:>9.4} {interval:>19} {:>7}", bin.count)?;
        }
        writeln!(out, "calibration error {:.6}", self.calibration.error)?;
        let Some(against) = &self.against else { return Ok(()) };
        writeln!(out)?;
        for (name, one) in
            [("RPS", &against.rps), ("log-loss", &against.log_loss), ("Brier", &against.brier)]
        {
            writeln!(
                out,
                "{name:<9} {:+.6} against the other ({:+.6} … {:+.6}), p = {:.4}",
                one.difference, one.low, one.high, one.p_value
            )?;
        }
        Ok(())
    }
}
