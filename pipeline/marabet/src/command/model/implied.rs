//! `marabet model implied`

use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::Line;
use marabet_quant::devig::devig;
use marabet_quant::implied::{
    implied_means, implied_means_and_rho, implied_means_from_lines, implied_means_with_total,
};
use serde::Serialize;

use crate::cli::ImpliedArgs;
use crate::command::odds::typed;
use crate::output::Answer;

/// The expected goals that a market implies.
#[derive(Serialize)]
pub(super) struct ImpliedGoals {
    lambda: f64,
    mu: f64,
    rho: f64,
}

/// From 1X2 alone, with a total's probability of over beside it, or with ρ solved from both; or
/// from the lines of a handicap and a total.
pub(super) fn implied(arguments: &ImpliedArgs) -> anyhow::Result<ImpliedGoals> {
    let total = line(&arguments.total, "--total")?;
    let fixed = arguments.rho.unwrap_or(0.0);
    let (means, rho) = match (line(&arguments.handicap, "--handicap")?, total, arguments.rho) {
        (Some(handicap), Some(total), _) => {
            (implied_means_from_lines(handicap, total, fixed)?, fixed)
        }
        (_, None, _) => (implied_means(results(arguments)?, fixed)?, fixed),
        (None, Some(total), Some(rho)) => {
            (implied_means_with_total(results(arguments)?, total, rho)?, rho)
        }
        (None, Some(total), None) => {
            let implied = implied_means_and_rho(results(arguments)?, total)?;
            (implied.means, implied.rho)
        }
    };
    Ok(ImpliedGoals { lambda: means.lambda, mu: means.mu, rho })
}

/// The probabilities of home, draw and away.
fn results(arguments: &ImpliedArgs) -> anyhow::Result<[f64; 3]> {
    let p = if arguments.odds.is_empty() {
        arguments.p1x2.clone()
    } else {
        devig(arguments.method, &typed(&arguments.odds)?)?.probabilities
    };
    let got = p.len();
    p.try_into().map_err(|_| anyhow::anyhow!("home, draw and away are three, got {got}"))
}

fn line(pair: &[f64], name: &str) -> anyhow::Result<Option<(Line, f64)>> {
    let [line, p] = pair else { return Ok(None) };
    ensure!((0.0..=1.0).contains(p), "{name}: a probability must lie in 0..=1, got {p}");
    Ok(Some((Line::new(*line).with_context(|| name.to_owned())?, *p)))
}

impl Answer for ImpliedGoals {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "expected goals {:.6} – {:.6}, rho {}", self.lambda, self.mu, self.rho)
    }
}
