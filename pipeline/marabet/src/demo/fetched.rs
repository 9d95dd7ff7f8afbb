//! The season's files from the site, where there is a network.

use std::path::PathBuf;

use marabet_ingest::football_data::fetch::{FetchSettings, Fetcher};
use marabet_ingest::seasons::{Choice, Wish};

use crate::line::open;

/// Fetches what the wish needs, or takes what was fetched before.
pub(super) async fn choose(wish: Wish) -> anyhow::Result<Choice> {
    let fetcher = Fetcher::new(FetchSettings::into_cache(cache()));
    // A season begins in August of its first year, and is named by it.
    let months_since_1970 = open::now().days() / 30.436_875;
    let newest_year = 1970 + ((months_since_1970 - 7.0) / 12.0).floor() as i16;
    let fetched = tokio::task::spawn_blocking(move || fetcher.choose(&wish, newest_year));
    Ok(fetched.await??)
}

/// Where fetched files stay: in the user's cache folder.
fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or_else(home).unwrap_or_else(std::env::temp_dir).join("marabet/football-data")
}
