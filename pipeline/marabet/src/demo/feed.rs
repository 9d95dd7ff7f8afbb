//! The season's facts into the feed.

use marabet_streams::Log;

use super::screen::Screen;
use super::season::Season;
use crate::config::Config;
use crate::line::feeder::{Feeder, demo_source};

/// Feeds the season.
pub(super) async fn feed(
    log: &Log,
    config: &Config,
    season: &Season,
    screen: &Screen,
) -> anyhow::Result<()> {
    let mut feeder = Feeder::open(log, &demo_source(), config).await?;
    feeder.learn(&season.before);
    if let Some(first) = season.facts.first() {
        feeder.publish_rules(&config.rules(), first.at, &[]).await?;
    }
    screen.begin(season.facts.len());
    for fact in &season.facts {
        screen.fed(fact.at);
        feeder.fact(fact.clone()).await?;
    }
    feeder.flush().await?;
    for skipped in &feeder.skipped {
        let (competition, at) = (&skipped.competition, skipped.boundary);
        tracing::info!(%competition, %at, "{}", skipped.reason);
    }
    Ok(())
}
