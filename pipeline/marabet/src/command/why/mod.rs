//! `marabet why BET`

mod text;

use marabet_schemas::BetId;
use marabet_streams::{Log, LogError};
use marabet_views::why::{Chain, search};

use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::say;

pub(super) async fn execute(bet: BetId, config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let chain = chain(&opened.log, bet).await;
    opened.close().await?;
    let Some(chain) = chain? else {
        let message =
            format!("bet {bet} is not in the log; `marabet bets list` shows those that are");
        return Err(NotThere(message).into());
    };
    say(&chain, json)
}

async fn chain(log: &Log, bet: BetId) -> Result<Option<Chain>, LogError> {
    match search(log, bet).await? {
        Some(trail) => trail.read(log).await.map(Some),
        None => Ok(None),
    }
}
