//! `marabet model …`: the calculators for goal models.

mod fit;
mod implied;
mod price;

use crate::cli::ModelCommand;
use crate::output::say;

pub(super) fn execute(command: &ModelCommand, json: bool) -> anyhow::Result<()> {
    match command {
        ModelCommand::Fit { model, xi, files } => say(&fit::fitted(model, *xi, files)?, json),
        ModelCommand::Price { lambda, mu, rho } => say(&price::priced(*lambda, *mu, *rho)?, json),
        ModelCommand::Implied { p1x2, total, rho } => {
            let total = if let [line, over] = total[..] { Some((line, over)) } else { None };
            say(&implied::implied(p1x2, total, *rho)?, json)
        }
    }
}
