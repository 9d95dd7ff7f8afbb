//! `marabet model …`: the calculators for goal models.

mod evaluate;
mod fit;
mod implied;
mod in_play;
mod learn;
mod price;
mod rate;

use crate::cli::ModelCommand;
use crate::output::say;

pub(super) fn execute(command: &ModelCommand, json: bool) -> anyhow::Result<()> {
    match command {
        ModelCommand::Fit(arguments) => say(&fit::fitted(arguments)?, json),
        ModelCommand::Price(arguments) => say(&price::priced(arguments)?, json),
        ModelCommand::Implied(arguments) => say(&implied::implied(arguments)?, json),
        ModelCommand::InPlay(arguments) => say(&in_play::in_play(arguments)?, json),
        ModelCommand::Rate(arguments) => say(&rate::rated(arguments)?, json),
        ModelCommand::Calibrate(arguments) => say(&learn::calibrated(arguments)?, json),
        ModelCommand::Pool { forecasts, with, weights } => {
            say(&learn::pooled(forecasts, with, *weights)?, json)
        }
        ModelCommand::Evaluate(arguments) => evaluate::execute(arguments, json),
    }
}
