//! `marabet why BET`

mod text;

use marabet_schemas::BetId;
use marabet_views::why::chain_of;

use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::say;

pub(super) async fn execute(bet: BetId, config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let chain = chain_of(&opened.log, bet, None).await;
    opened.close().await?;
    let Some(chain) = chain? else {
        let message =
            format!("bet {bet} is not in the log; `marabet bets list` shows those that are");
        return Err(NotThere(message).into());
    };
    say(&chain, json)
}
