//! Opening the sources that are set up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use marabet_ingest::api_football::source::{ApiFootball, ApiFootballSettings};
use marabet_ingest::betfair::live::{BetfairLive, LiveSettings};
use marabet_ingest::betfair::replay::BetfairFiles;
use marabet_ingest::betfair::session::Login;
use marabet_ingest::betfair::tape::TapeSettings;
use marabet_ingest::clock::{Clock, WallClock};
use marabet_ingest::desk::Desk;
use marabet_ingest::football_data::replay::{ReplaySettings, replay};
use marabet_ingest::football_data::upcoming::{Upcoming, UpcomingSettings};
use marabet_ingest::merged::Merged;
use marabet_ingest::names::Names;
use marabet_ingest::names::store::FileStore;
use marabet_ingest::openfootball::Openfootball;
use marabet_ingest::pinnacle::source::{Pinnacle, PinnacleSettings};
use marabet_ingest::polite::{self, Polite, PoliteSettings, Secret};
use marabet_ingest::precedence::Precedence;
use marabet_ingest::prices_file::{Mapping, PricesFiles};
use marabet_ingest::the_odds_api::history::OddsApiHistory;
use marabet_ingest::the_odds_api::source::{OddsApi, OddsApiSettings};
use marabet_ingest::{Source, api_football, betfair, openfootball, pinnacle, the_odds_api};
use marabet_schemas::{Book, Event, Source as SourceName};

use super::{is_recorded, kept, set_up_tables, standings_file};
use crate::config::{
    ApiFootballConfig, BetfairConfig, Config, FootballDataFilesConfig, OddsApiConfig,
    PinnacleConfig, PricesConfig,
};

/// Prices that stand are reported as seen at least so often.
const SEEN_EVERY_SECONDS: i64 = 120;
/// A source that says nothing of a book for so long is passed over for another.
const SILENT_SECONDS: i64 = 900;

/// How sources are opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Only these tables; all live ones where none is named.
    pub(crate) tables: Vec<String>,
    /// Keep exchanges with providers here.
    pub(crate) record: Option<PathBuf>,
    /// Play exchanges with providers back from here.
    pub(crate) replay: Option<PathBuf>,
}

/// A source, opened.
pub(crate) struct Opening {
    /// The source.
    pub(crate) source: Box<dyn Source>,
    /// It is read from its beginning to its end.
    pub(crate) recorded: bool,
}

/// The names, with the record that lies in this folder.
pub(crate) fn names(folder: &Path) -> anyhow::Result<Names> {
    let kept = kept(folder);
    std::fs::create_dir_all(&kept).with_context(|| kept.display().to_string())?;
    let path = kept.join("names.ndjson");
    let store = FileStore::open(&path).with_context(|| path.display().to_string())?;
    Ok(Names::open(Box::new(store))?)
}

/// The sources that the configuration sets up, as one. None where it sets up none.
pub(crate) fn open(
    config: &Config,
    setup: &Setup,
    history: &[Event],
) -> anyhow::Result<Option<Opening>> {
    let all = set_up_tables(&config.sources);
    for table in &setup.tables {
        if !all.contains(table) {
            bail!(
                "no source `{table}` is set up; there are {}: see `marabet sources list`",
                all.join(", ")
            );
        }
    }
    let sources = &config.sources;
    let chosen: Vec<String> = if setup.tables.is_empty() {
        all.into_iter().filter(|table| !is_recorded(table, sources)).collect()
    } else {
        setup.tables.clone()
    };
    if chosen.is_empty() {
        return Ok(None);
    }
    let names = names(&config.log.folder)?;
    history.iter().for_each(|event| names.observe(event));
    if let [table] = chosen.as_slice()
        && is_recorded(table, sources)
    {
        let source = set_up(table, config, setup, &names, history)?;
        return Ok(Some(Opening { source, recorded: true }));
    }
    if let Some(table) = chosen.iter().find(|table| is_recorded(table, sources)) {
        bail!(
            "`{table}` is read from its beginning to its end and runs by itself: --source {table}"
        );
    }
    let mut opened = Vec::with_capacity(chosen.len());
    for table in &chosen {
        opened.push(set_up(table, config, setup, &names, history)?);
    }
    let file = Some(standings_file(&config.log.folder));
    let merged = Merged::start(opened, names, precedence(config), Arc::new(WallClock), file);
    Ok(Some(Opening { source: Box::new(merged), recorded: false }))
}

/// Which source is believed where several tell of one book.
pub(crate) fn precedence(config: &Config) -> Precedence {
    Precedence::new(config.sources.precedence.clone(), SILENT_SECONDS)
}

/// Opens one source.
pub(crate) fn set_up(
    table: &str,
    config: &Config,
    setup: &Setup,
    names: &Names,
    history: &[Event],
) -> anyhow::Result<Box<dyn Source>> {
    let sources = &config.sources;
    let references = config.strategies.values().flat_map(|strategy| &strategy.references);
    let references = references.cloned().collect();
    let parts = Parts { folder: &config.log.folder, setup, names, history, references };
    let missing = || format!("[sources.{table}] is not set up");
    Ok(match table {
        "the_odds_api" => {
            parts.the_odds_api(sources.the_odds_api.as_ref().with_context(missing)?)?
        }
        "api_football" => {
            parts.api_football(sources.api_football.as_ref().with_context(missing)?)?
        }
        "betfair" => parts.betfair(sources.betfair.as_ref().with_context(missing)?)?,
        "pinnacle" => parts.pinnacle(sources.pinnacle.as_ref().with_context(missing)?)?,
        "betfair_files" => {
            let one = sources.betfair_files.as_ref().with_context(missing)?;
            let competition = one.competition.as_ref().map(|c| c.as_str().into());
            let settings = TapeSettings { competition, ..TapeSettings::default() };
            Box::new(BetfairFiles::open(&one.files, settings, parts.fresh_desk(betfair::SOURCE)?)?)
        }
        "football_data" => {
            let one = sources.football_data.as_ref().with_context(missing)?;
            let competitions = one.competitions.iter().cloned().collect();
            let settings = UpcomingSettings { competitions, ..UpcomingSettings::default() };
            let mut upcoming = Upcoming::new(settings, parts.clock());
            history.iter().for_each(|event| upcoming.observe(event));
            Box::new(upcoming)
        }
        "football_data_files" => {
            let one = sources.football_data_files.as_ref().with_context(missing)?;
            let FootballDataFilesConfig { competitions, from, to, prices, .. } = one.clone();
            let competitions = competitions.into_iter().collect();
            let settings = ReplaySettings { competitions, from, to, prices };
            Box::new(replay(&one.files, &settings)?)
        }
        "openfootball" => {
            let one = sources.openfootball.as_ref().with_context(missing)?;
            Box::new(Openfootball::new(one.files.clone(), parts.fresh_desk(openfootball::SOURCE)?))
        }
        prices => {
            let name = prices.strip_prefix("prices.").unwrap_or(prices);
            parts.prices(name, sources.prices.get(name).with_context(missing)?)?
        }
    })
}

/// What each source is made of.
struct Parts<'a> {
    folder: &'a Path,
    setup: &'a Setup,
    names: &'a Names,
    history: &'a [Event],
    /// The books that strategies hold others against.
    references: Vec<Book>,
}

impl Parts<'_> {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(WallClock)
    }

    /// A desk that knows what the log holds.
    fn desk(&self, name: &str) -> anyhow::Result<Desk> {
        let kept = kept(self.folder);
        std::fs::create_dir_all(&kept)?;
        let file = kept.join(format!("{name}.waiting.ndjson"));
        let mut desk = self.open_desk(name, Some(file))?;
        self.history.iter().for_each(|event| desk.observe(event));
        Ok(desk)
    }

    /// A desk for what is read from its beginning each time.
    fn fresh_desk(&self, name: &str) -> anyhow::Result<Desk> {
        self.open_desk(name, None)
    }

    fn open_desk(&self, name: &str, file: Option<PathBuf>) -> anyhow::Result<Desk> {
        let desk = Desk::open(name.into(), self.names.clone(), SEEN_EVERY_SECONDS, file)?;
        Ok(desk.with_references(self.references.clone()))
    }

    fn client(&self, name: &str, settings: PoliteSettings) -> anyhow::Result<Polite> {
        let kept = kept(self.folder);
        std::fs::create_dir_all(&kept)?;
        let below = |folder: &PathBuf| folder.join(name);
        let settings = PoliteSettings {
            record: self.setup.record.as_ref().map(below),
            replay: self.setup.replay.as_ref().map(below),
            budget_file: Some(kept.join(format!("{name}.budget.json"))),
            ..settings
        };
        let client = Polite::new(settings, self.clock())?;
        polite::asks(name, &client);
        Ok(client)
    }

    fn the_odds_api(&self, one: &OddsApiConfig) -> anyhow::Result<Box<dyn Source>> {
        let name = the_odds_api::SOURCE;
        let settings = odds_api_settings(one)?;
        let client = self.client(name, one.client.settings("https://api.the-odds-api.com"))?;
        if let Some(from) = one.from {
            let to = one.to.unwrap_or_else(|| self.clock().now());
            let desk = self.fresh_desk(name)?;
            let step = i64::from(one.step_s);
            return Ok(Box::new(OddsApiHistory::new(settings, client, desk, (from, to), step)?));
        }
        Ok(Box::new(OddsApi::new(settings, client, self.desk(name)?, self.clock())?))
    }

    fn api_football(&self, one: &ApiFootballConfig) -> anyhow::Result<Box<dyn Source>> {
        let name = api_football::SOURCE;
        let asked_file = Some(kept(self.folder).join(format!("{name}.asked.json")));
        let key = needed(one.key.secret(one.key_file.as_deref())?, "api_football", "key")?;
        let settings = ApiFootballSettings { key, asked_file, ..api_football_settings(one) };
        let client = self.client(name, one.client.settings("https://v3.football.api-sports.io"))?;
        Ok(Box::new(ApiFootball::new(settings, client, self.desk(name)?, self.clock())?))
    }

    fn betfair(&self, one: &BetfairConfig) -> anyhow::Result<Box<dyn Source>> {
        let name = betfair::SOURCE;
        let kept = |folder: &PathBuf| folder.join("betfair_stream");
        if let Some(folder) = &self.setup.replay {
            let (files, desk) = ([kept(folder)], self.fresh_desk(name)?);
            return Ok(Box::new(BetfairFiles::open(&files, TapeSettings::default(), desk)?));
        }
        let session = one.session.secret(None)?;
        let login = if session.is_empty() {
            let password = one.password.secret(one.password_file.as_deref())?;
            Login::Password {
                username: one.username.clone(),
                password: needed(password, "betfair", "session` or a `username` and `password")?,
            }
        } else {
            Login::Session(session)
        };
        let app_key = one.app_key.secret(one.app_key_file.as_deref())?;
        let settings = LiveSettings {
            address: one.stream.clone(),
            trust: one.trust.clone(),
            app_key: needed(app_key, "betfair", "app_key")?,
            login,
            competitions: one.competitions.clone(),
            market_types: one.market_types.clone(),
            markets_max: one.markets_max,
            depth: one.depth,
            conflate_ms: one.conflate_ms,
            heartbeat_ms: one.heartbeat_ms,
            seen_every: Duration::from_secs(u64::from(one.seen_every_s)),
            catalogue_every: Duration::from_secs(3_600),
            record: self.setup.record.as_ref().map(kept),
        };
        let identity = one.identity.settings("https://identitysso.betfair.com");
        let api = one.client.settings("https://api.betfair.com");
        let clients = (self.client("betfair-identity", identity)?, self.client(name, api)?);
        Ok(Box::new(BetfairLive::new(settings, clients, self.desk(name)?, self.clock())?))
    }

    fn pinnacle(&self, one: &PinnacleConfig) -> anyhow::Result<Box<dyn Source>> {
        let name = pinnacle::SOURCE;
        let password = one.password.secret(one.password_file.as_deref())?;
        let settings = PinnacleSettings {
            username: one.username.clone(),
            password: needed(password, "pinnacle", "password")?,
            competitions: one.competitions.clone(),
            book: Book::new(&one.book),
            every: Duration::from_secs(u64::from(one.every_s.max(1))),
            alternates: one.alternates,
        };
        let client = self.client(name, one.client.settings("https://api.ps3838.com"))?;
        Ok(Box::new(Pinnacle::new(settings, client, self.desk(name)?, self.clock())))
    }

    fn prices(&self, name: &str, one: &PricesConfig) -> anyhow::Result<Box<dyn Source>> {
        let at = format!("[sources.prices.{name}.columns]");
        let mapping = Mapping::new(one.columns.clone()).map_err(anyhow::Error::msg).context(at)?;
        let provider = one.provider.as_deref().unwrap_or(the_odds_api::SOURCE);
        let desk = self.fresh_desk(provider)?;
        Ok(Box::new(PricesFiles::new(SourceName::new(provider), one.files.clone(), mapping, desk)))
    }
}

/// The settings, without a key.
pub(super) fn api_football_settings(one: &ApiFootballConfig) -> ApiFootballSettings {
    ApiFootballSettings {
        key: Secret::new(""),
        competitions: one.competitions.clone(),
        odds: one.odds,
        live_odds: one.live_odds,
        statistics: one.statistics,
        incidents: one.incidents,
        line_ups: one.line_ups,
        absences: one.absences,
        teams: one.teams,
        tables: one.tables,
        live_every_s: one.live_every_s,
        odds_every_s: one.odds_every_s,
        asked_file: None,
    }
}

pub(super) fn odds_api_settings(one: &OddsApiConfig) -> anyhow::Result<OddsApiSettings> {
    Ok(OddsApiSettings {
        key: needed(one.key.secret(one.key_file.as_deref())?, "the_odds_api", "key")?,
        competitions: one.competitions.clone(),
        regions: one.regions.clone(),
        books: one.books.clone(),
        markets: one.markets.clone(),
        scores: one.scores,
    })
}

/// A secret that must be there.
pub(super) fn needed(secret: Secret, table: &str, key: &str) -> anyhow::Result<Secret> {
    if secret.is_empty() {
        let first = key.split('`').next().unwrap_or(key);
        let variable =
            format!("MARABET_SOURCES__{}__{}", table.to_uppercase(), first.to_uppercase());
        bail!(
            "[sources.{table}] needs a `{key}`: set the environment variable {variable}, or name \
             a file that holds it with {first}_file"
        );
    }
    Ok(secret)
}
