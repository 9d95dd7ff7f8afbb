//! `marabet model implied`

use std::io::{self, Write};

use anyhow::ensure;
use marabet_quant::Line;
use marabet_quant::implied::{implied_means, implied_means_and_rho, implied_means_with_total};
use serde::Serialize;

use crate::output::Answer;

/// The expected goals that a market implies.
#[derive(Serialize)]
pub(super) struct ImpliedGoals {
    lambda: f64,
    mu: f64,
    rho: f64,
}

/// From 1X2 alone, with a total's probability of over beside it, or with ρ solved from both.
pub(super) fn implied(
    p1x2: &[f64],
    total: Option<(f64, f64)>,
    rho: Option<f64>,
) -> anyhow::Result<ImpliedGoals> {
    ensure!(p1x2.len() == 3, "home, draw and away: three probabilities, got {}", p1x2.len());
    let p1x2 = [p1x2[0], p1x2[1], p1x2[2]];
    let total = total.map(|(line, over)| Ok::<_, anyhow::Error>((Line::new(line)?, over)));
    let (means, rho) = match (total.transpose()?, rho) {
        (None, rho) => (implied_means(p1x2, rho.unwrap_or(0.0))?, rho.unwrap_or(0.0)),
        (Some(total), Some(rho)) => (implied_means_with_total(p1x2, total, rho)?, rho),
        (Some(total), None) => {
            let implied = implied_means_and_rho(p1x2, total)?;
            (implied.means, implied.rho)
        }
    };
    Ok(ImpliedGoals { lambda: means.lambda, mu: means.mu, rho })
}

impl Answer for ImpliedGoals {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "expected goals {:.6} – {:.6}, rho {}", self.lambda, self.mu, self.rho)
    }
}
