//! Where live facts come from: one table a source, `[sources.NAME]`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use marabet_ingest::polite::{PoliteSettings, Secret};
use marabet_schemas::{Competition, Instant, Source};
use serde::{Deserialize, Serialize};

/// The sources that are set up; none of them is asked for anything unless its table is there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourcesConfig {
    /// Which source is believed first where several tell of one book.
    pub(crate) precedence: Vec<Source>,
    /// The Odds API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) the_odds_api: Option<OddsApiConfig>,
    /// API-Football.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_football: Option<ApiFootballConfig>,
    /// The Betfair Exchange, live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) betfair: Option<BetfairConfig>,
    /// Historical files of the Betfair Exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) betfair_files: Option<BetfairFilesConfig>,
    /// Pinnacle, or a feed of its form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pinnacle: Option<PinnacleConfig>,
    /// football-data.co.uk, polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) football_data: Option<FootballDataConfig>,
    /// football-data.co.uk's past seasons, from files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) football_data_files: Option<FootballDataFilesConfig>,
    /// openfootball's fixtures and results, from files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openfootball: Option<OpenfootballConfig>,
    /// Files of prices, each with what its columns mean.
    pub(crate) prices: BTreeMap<String, PricesConfig>,
}

impl SourcesConfig {
    /// The same, to be shown: keys and passwords are left out.
    pub(crate) fn hide(&mut self) {
        if let Some(one) = &mut self.the_odds_api {
            one.key.hide();
        }
        if let Some(one) = &mut self.api_football {
            one.key.hide();
        }
        if let Some(one) = &mut self.betfair {
            [&mut one.app_key, &mut one.session, &mut one.password].into_iter().for_each(Key::hide);
        }
        if let Some(one) = &mut self.pinnacle {
            one.password.hide();
        }
    }

    /// Whether nothing is set up.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self { precedence: self.precedence.clone(), ..Self::default() }
    }
}

/// An instant as people write it: `2026-04-16T19:00:00Z`.
mod written {
    use marabet_schemas::Instant;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Option<Instant>, to: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Instant>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// A key, by itself (better in the environment) or in a file.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Key {
    /// The secret, where there is one: the key itself, or what the file holds.
    pub(crate) fn secret(&self, file: Option<&Path>) -> std::io::Result<Secret> {
        match file {
            Some(file) if self.0.is_empty() => {
                let named = |error: std::io::Error| {
                    std::io::Error::new(error.kind(), format!("{}: {error}", file.display()))
                };
                Ok(Secret::new(std::fs::read_to_string(file).map_err(named)?.trim()))
            }
            _ => Ok(Secret::new(&self.0)),
        }
    }

    /// The same, to be shown.
    pub(crate) fn hide(&mut self) {
        if !self.0.is_empty() {
            "…".clone_into(&mut self.0);
        }
    }
}

/// How a provider is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClientConfig {
    /// Another address than the provider's own: a mirror, or a test.
    pub(crate) base_url: Option<String>,
    /// Longest that a request may take, in seconds.
    pub(crate) timeout_s: u32,
    /// `http://host:port` or `socks5://host:port`.
    pub(crate) proxy: Option<String>,
    /// How often a failed request is tried again.
    pub(crate) retries: u8,
    /// Most requests a minute.
    pub(crate) requests_per_minute: u32,
    /// Most credits (or requests, as the provider counts) a day.
    pub(crate) budget_per_day: Option<u64>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            base_url: None,
            timeout_s: 20,
            proxy: None,
            retries: 3,
            requests_per_minute: 30,
            budget_per_day: None,
        }
    }
}

impl ClientConfig {
    /// The client's settings for a provider at this address.
    pub(crate) fn settings(&self, base_url: &str) -> PoliteSettings {
        PoliteSettings {
            timeout: Duration::from_secs(u64::from(self.timeout_s.max(1))),
            proxy: self.proxy.clone(),
            retries: self.retries,
            per_minute: self.requests_per_minute,
            budget_per_day: self.budget_per_day,
            ..PoliteSettings::at(self.base_url.as_deref().unwrap_or(base_url))
        }
    }
}

/// `[sources.the_odds_api]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OddsApiConfig {
    pub(crate) key: Key,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) competitions: Vec<Competition>,
    /// `uk`, `eu`, `us`, `us2`, `au`.
    pub(crate) regions: Vec<String>,
    /// Books by the provider's keys; then the regions do not count.
    pub(crate) books: Vec<String>,
    /// `h2h`, `spreads`, `totals`, `h2h_lay`, `btts`, `draw_no_bet`, `alternate_…`.
    pub(crate) markets: Vec<String>,
    pub(crate) scores: bool,
    /// Snapshots of the past from here to `to`, instead of today's prices.
    #[serde(with = "written")]
    pub(crate) from: Option<Instant>,
    #[serde(with = "written")]
    pub(crate) to: Option<Instant>,
    /// Between two snapshots of the past, in seconds.
    pub(crate) step_s: u32,
    pub(crate) client: ClientConfig,
}

impl Default for OddsApiConfig {
    fn default() -> Self {
        Self {
            key: Key::default(),
            key_file: None,
            competitions: Vec::new(),
            regions: vec!["eu".to_owned(), "uk".to_owned()],
            books: Vec::new(),
            markets: ["h2h", "spreads", "totals"].map(str::to_owned).to_vec(),
            scores: true,
            from: None,
            to: None,
            step_s: 3_600,
            client: ClientConfig::default(),
        }
    }
}

/// `[sources.api_football]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApiFootballConfig {
    pub(crate) key: Key,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) competitions: Vec<Competition>,
    pub(crate) odds: bool,
    /// Prices of running matches, of no named book: kept and priced; bet at by none, as nobody
    /// offers them.
    pub(crate) live_odds: bool,
    pub(crate) statistics: bool,
    /// What happened: goals, cards, substitutions.
    pub(crate) incidents: bool,
    pub(crate) line_ups: bool,
    /// Who is injured, suspended or in doubt.
    pub(crate) absences: bool,
    /// The names of all sides, so that they are known before their matches.
    pub(crate) teams: bool,
    pub(crate) tables: bool,
    pub(crate) live_every_s: u32,
    pub(crate) odds_every_s: u32,
    pub(crate) client: ClientConfig,
}

impl Default for ApiFootballConfig {
    fn default() -> Self {
        Self {
            key: Key::default(),
            key_file: None,
            competitions: Vec::new(),
            odds: true,
            live_odds: false,
            statistics: true,
            incidents: true,
            line_ups: true,
            absences: true,
            teams: true,
            tables: true,
            live_every_s: 60,
            odds_every_s: 3 * 3_600,
            client: ClientConfig { requests_per_minute: 10, ..ClientConfig::default() },
        }
    }
}

/// `[sources.betfair]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BetfairConfig {
    /// The application's key.
    pub(crate) app_key: Key,
    pub(crate) app_key_file: Option<PathBuf>,
    /// A session token; else name and password.
    pub(crate) session: Key,
    pub(crate) username: String,
    pub(crate) password: Key,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) competitions: Vec<Competition>,
    pub(crate) market_types: Vec<String>,
    pub(crate) markets_max: usize,
    /// Levels of the ladder; 0 takes them all.
    pub(crate) depth: u8,
    pub(crate) conflate_ms: u32,
    pub(crate) heartbeat_ms: u32,
    pub(crate) seen_every_s: u32,
    /// `host:port` of the stream.
    pub(crate) stream: String,
    /// Certificates to trust instead of those of the web.
    pub(crate) trust: Option<PathBuf>,
    /// Where sessions are asked for.
    pub(crate) identity: ClientConfig,
    /// Where the catalogue is asked for.
    pub(crate) client: ClientConfig,
}

impl Default for BetfairConfig {
    fn default() -> Self {
        Self {
            app_key: Key::default(),
            app_key_file: None,
            session: Key::default(),
            username: String::new(),
            password: Key::default(),
            password_file: None,
            competitions: Vec::new(),
            market_types: [
                "MATCH_ODDS",
                "OVER_UNDER_25",
                "ASIAN_HANDICAP",
                "BOTH_TEAMS_TO_SCORE",
                "CORRECT_SCORE",
            ]
            .map(str::to_owned)
            .to_vec(),
            markets_max: 200,
            depth: 3,
            conflate_ms: 0,
            heartbeat_ms: 5_000,
            seen_every_s: 60,
            stream: "stream-api.betfair.com:443".to_owned(),
            trust: None,
            identity: ClientConfig::default(),
            client: ClientConfig::default(),
        }
    }
}

/// `[sources.betfair_files]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BetfairFilesConfig {
    /// Files and folders; replies of the catalogue among them give names.
    pub(crate) files: Vec<PathBuf>,
    /// The competition of matches of which no catalogue says it.
    pub(crate) competition: Option<Competition>,
}

/// `[sources.pinnacle]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PinnacleConfig {
    pub(crate) username: String,
    pub(crate) password: Key,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) competitions: Vec<Competition>,
    /// The book under which its prices go.
    pub(crate) book: String,
    /// Between two looks, in seconds.
    pub(crate) every_s: u32,
    /// Alternate lines too.
    pub(crate) alternates: bool,
    pub(crate) client: ClientConfig,
}

impl Default for PinnacleConfig {
    fn default() -> Self {
        Self {
            username: String::new(),
            password: Key::default(),
            password_file: None,
            competitions: Vec::new(),
            book: "pinnacle".to_owned(),
            every_s: 60,
            alternates: true,
            client: ClientConfig::default(),
        }
    }
}

/// `[sources.football_data]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FootballDataConfig {
    pub(crate) competitions: Vec<Competition>,
}

/// `[sources.football_data_files]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FootballDataFilesConfig {
    /// Files of the site and folders of them.
    pub(crate) files: Vec<PathBuf>,
    /// All of them where none is named.
    pub(crate) competitions: Vec<Competition>,
    /// Only matches that kick off from here on.
    #[serde(with = "written")]
    pub(crate) from: Option<Instant>,
    /// Only matches that kick off before this.
    #[serde(with = "written")]
    pub(crate) to: Option<Instant>,
    /// The prices before the match too, at instants that a rule sets.
    pub(crate) prices: bool,
}

/// `[sources.openfootball]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OpenfootballConfig {
    /// Files of football.json, such as `2025-26/en.1.json`.
    pub(crate) files: Vec<PathBuf>,
}

/// `[sources.prices.NAME]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PricesConfig {
    /// CSV files, compressed with gzip or not.
    pub(crate) files: Vec<PathBuf>,
    /// Whose codes of competitions, books and markets the columns hold.
    pub(crate) provider: Option<String>,
    /// What each column means: `match`, `competition`, `home`, `away`, `kickoff`, `at`, `book`,
    /// `market`, `outcome`, `odds`, `point`, `size` to the column's name.
    pub(crate) columns: BTreeMap<String, String>,
}
