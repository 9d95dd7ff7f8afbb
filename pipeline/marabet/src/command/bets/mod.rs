//! `marabet bets …`

mod books;
mod list;
mod today;

use marabet_schemas::strategy::ClosingRules;
use marabet_streams::Log;

use crate::cli::BetsCommand;
use crate::config::Config;
use crate::line::{open, readback};
use crate::output::say;
use crate::summary::summarise;

pub(super) async fn execute(
    command: &BetsCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let answered = answer(&opened.log, command, &config.closing, json).await;
    opened.close().await?;
    answered
}

async fn answer(
    log: &Log,
    command: &BetsCommand,
    closing: &ClosingRules,
    json: bool,
) -> anyhow::Result<()> {
    let streams = readback::streams(log).await?;
    match command {
        BetsCommand::Today { at } => {
            let grants = readback::events(log, marabet_streams::Stream::Grants).await?;
            let now = at.unwrap_or_else(open::now);
            say(&today::today(&streams, &grants, now), json)
        }
        BetsCommand::List { strategy } => say(&list::list(&streams, strategy.as_deref()), json),
        BetsCommand::Books { strategy } => say(&books::books(&streams, strategy.as_deref()), json),
        BetsCommand::Summary => say(&summarise(&streams, closing), json),
    }
}
