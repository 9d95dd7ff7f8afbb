//! The live stream as a source: it authenticates, subscribes, takes up again where it was after
//! a lost connection (`initialClk`, `clk`), and notices a line that has gone silent.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::{Competition, Instant, Source as SourceName};
use serde_json::{Value, json};
use smol_str::SmolStr;
use tokio::time::Instant as Moment;
use tokio_rustls::TlsConnector;

use super::SOURCE;
use super::catalogue::Catalogue;
use super::keep::Keeper;
use super::line::{self, Line};
use super::replay::batch;
use super::session::{self, Login};
use super::tape::{News, Tape, TapeSettings};
use super::wire::{ChangeType, Op, Segment};
use crate::clock::{self, Clock};
use crate::desk::Desk;
use crate::polite::{Polite, Secret};
use crate::source::{Batch, Source, SourceError};

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// `host:port` of the stream.
    pub address: String,
    /// Certificates to trust instead of those of the web.
    pub trust: Option<PathBuf>,
    /// The application's key.
    pub app_key: Secret,
    /// How one gets a session.
    pub login: Login,
    /// Competitions, by our codes; all that are known where none is named.
    pub competitions: Vec<Competition>,
    /// Market types by Betfair's words.
    pub market_types: Vec<String>,
    /// Markets that are subscribed to, at most; an account is allowed 200 unless it has more.
    pub markets_max: usize,
    /// Depth of the ladders, from the best price; 0 takes the whole.
    pub depth: u8,
    /// Changes within so many milliseconds come as one.
    pub conflate_ms: u32,
    /// How often the server says that it is alive.
    pub heartbeat_ms: u32,
    /// How often prices that stand are reported as seen.
    pub seen_every: Duration,
    /// How often the catalogue is asked for new markets.
    pub catalogue_every: Duration,
    /// Keep what the stream and the catalogue say in this folder.
    pub record: Option<PathBuf>,
}

/// The beginning of waits between two connections, and their bound.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// Messages that are taken together, at most.
const MESSAGES_MAX: usize = 64;

/// The live stream.
pub struct BetfairLive {
    name: SourceName,
    settings: LiveSettings,
    trust: TlsConnector,
    /// Asks for sessions.
    identity: Polite,
    /// Asks for names.
    api: Polite,
    desk: Desk,
    clock: Arc<dyn Clock>,
    tape: Tape,
    session: Option<Secret>,
    markets: Vec<SmolStr>,
    line: Option<Line>,
    clocks: Option<(String, String)>,
    silence_max: Duration,
    wait: Duration,
    seen_at: Option<Moment>,
    catalogue_at: Option<Moment>,
    /// The markets of the image that is coming.
    image: Option<BTreeSet<SmolStr>>,
    asked: u64,
    keeper: Option<Keeper>,
}

impl std::fmt::Debug for BetfairLive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BetfairLive").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl BetfairLive {
    /// A stream by these settings; `identity` and `api` ask at their own addresses.
    ///
    /// # Errors
    /// Certificates that cannot be read, or a folder that cannot be written to.
    pub fn new(
        settings: LiveSettings,
        (identity, api): (Polite, Polite),
        desk: Desk,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let trust = line::trust(settings.trust.as_deref())
            .map_err(|error| SourceError::permanent(error.to_string()))?;
        let keeper = settings.record.as_deref().map(Keeper::open).transpose();
        let keeper = keeper.map_err(|error| SourceError::permanent(error.to_string()))?;
        let tape = TapeSettings { competition: None, ..TapeSettings::default() };
        Ok(Self {
            name: SourceName::new(SOURCE),
            silence_max: Duration::from_millis(u64::from(settings.heartbeat_ms) * 2 + 1000),
            settings,
            trust,
            identity,
            api,
            desk,
            clock,
            tape: Tape::new(tape, Catalogue::default()),
            session: None,
            markets: Vec::new(),
            line: None,
            clocks: None,
            wait: WAITS.0,
            seen_at: None,
            catalogue_at: None,
            image: None,
            asked: 0,
            keeper,
        })
    }

    /// Takes in what the log holds, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &marabet_schemas::Event) {
        self.desk.observe(event);
    }

    /// A connection that is subscribed.
    async fn connected(&mut self) -> Result<(), SourceError> {
        if self.line.is_some() {
            return Ok(());
        }
        let app_key = self.settings.app_key.clone();
        let session = match &self.session {
            Some(session) => session.clone(),
            None => session::token(&self.identity, &app_key, &self.settings.login).await?,
        };
        self.session = Some(session.clone());
        if self.markets.is_empty() {
            self.read_catalogue().await?;
        }
        let lost =
            |error: std::io::Error| SourceError::transient(format!("{SOURCE} stream: {error}"));
        let mut line = Line::connect(&self.settings.address, &self.trust).await.map_err(lost)?;
        let greeting = line.next(self.silence_max).await.map_err(lost)?;
        let greeting: Value = serde_json::from_slice(greeting).unwrap_or_default();
        if greeting["op"] != "connection" {
            return Err(SourceError::transient(format!(
                "{SOURCE} stream: no greeting but {greeting}"
            )));
        }
        self.asked += 1;
        let authentication = json!({
            "op": "authentication", "id": self.asked,
            "appKey": app_key.reveal(), "session": session.reveal(),
        });
        line.send(&authentication.to_string()).await.map_err(lost)?;
        let answer = line.next(self.silence_max).await.map_err(lost)?.to_vec();
        self.accepted(&answer)?;
        self.asked += 1;
        let subscription = self.subscription();
        line.send(&subscription.to_string()).await.map_err(lost)?;
        self.line = Some(line);
        self.seen_at.get_or_insert(Moment::from_std(clock::moment()));
        Ok(())
    }

    async fn read_catalogue(&mut self) -> Result<(), SourceError> {
        let Some(session) = self.session.clone() else { return Ok(()) };
        let keys = (&self.settings.app_key, &session);
        let wanted = &self.settings.competitions;
        let found = session::competitions(&self.api, keys, self.desk.names(), wanted).await?;
        let mut rejects = Vec::new();
        let types = &self.settings.market_types;
        let into = self.tape.catalogue_mut();
        let (markets, reply) =
            session::catalogue(&self.api, keys, found.values(), types, into, &mut rejects).await?;
        if let Some(keeper) = &mut self.keeper {
            keeper.catalogue(&reply).map_err(|error| unrecorded(&error))?;
        }
        for reject in rejects {
            tracing::warn!("{reject}");
        }
        self.catalogue_at = Some(Moment::from_std(clock::moment()));
        let markets: Vec<SmolStr> = markets.into_iter().take(self.settings.markets_max).collect();
        if markets.is_empty() {
            let reason = format!("{SOURCE}: no markets of these competitions are listed now");
            return Err(SourceError::Transient { reason, retry_after_ms: Some(300_000) });
        }
        if markets != self.markets {
            self.markets = markets;
            // Other markets are another subscription: it cannot be taken up where the last was.
            self.clocks = None;
            self.line = None;
        }
        Ok(())
    }

    fn subscription(&self) -> Value {
        let LiveSettings { depth, conflate_ms, heartbeat_ms, .. } = self.settings;
        let prices = if depth == 0 { "EX_ALL_OFFERS" } else { "EX_BEST_OFFERS" };
        let mut data = json!({"fields": [prices, "EX_LTP", "EX_MARKET_DEF"]});
        if depth > 0 {
            data["ladderLevels"] = json!(depth.min(10));
        }
        let mut subscription = json!({
            "op": "marketSubscription", "id": self.asked,
            "marketFilter": {"marketIds": self.markets},
            "marketDataFilter": data,
            "conflateMs": conflate_ms, "heartbeatMs": heartbeat_ms, "segmentationEnabled": true,
        });
        if let Some((initial, clk)) = &self.clocks {
            subscription["initialClk"] = json!(initial);
            subscription["clk"] = json!(clk);
        }
        subscription
    }

    /// What a status says: good, or why not, and whether that mends itself.
    fn accepted(&mut self, line: &[u8]) -> Result<(), SourceError> {
        let status: Value = serde_json::from_slice(line).unwrap_or_default();
        if status["statusCode"] == "SUCCESS" {
            return Ok(());
        }
        let code = status["errorCode"].as_str().unwrap_or("no status");
        let message = status["errorMessage"].as_str().unwrap_or_default();
        Err(self.refused(code, message))
    }

    fn refused(&mut self, code: &str, message: &str) -> SourceError {
        self.line = None;
        let reason = format!("{SOURCE} stream: {code}: {message}");
        match code {
            "INVALID_APP_KEY"
            | "NO_APP_KEY"
            | "NOT_AUTHORIZED"
            | "SUBSCRIPTION_LIMIT_EXCEEDED"
            | "INVALID_INPUT" => SourceError::permanent(format!("{reason}; check the settings")),
            "INVALID_SESSION_INFORMATION" | "NO_SESSION" => {
                self.session = None;
                match self.settings.login {
                    Login::Session(_) => SourceError::permanent(format!(
                        "{reason}; the session has ended: give a new one, or name and password"
                    )),
                    Login::Password { .. } => SourceError::transient(reason),
                }
            }
            "INVALID_CLOCK" => {
                self.clocks = None;
                SourceError::transient(reason)
            }
            _ => SourceError::transient(reason),
        }
    }

    /// Takes in the message that the tape has just read.
    fn after(&mut self, at: Instant, news: &mut Vec<News>) -> Result<(), SourceError> {
        let message = self.tape.message();
        if message.op == Op::Status && message.status_code == "FAILURE" {
            let (code, said) = (message.error_code.clone(), message.error_message.clone());
            return Err(self.refused(&code, &said));
        }
        if message.op != Op::MarketChange {
            return Ok(());
        }
        self.wait = WAITS.0;
        let (initial, clk) = self.clocks.get_or_insert_default();
        if !message.initial_clk.is_empty() {
            initial.clone_from(&message.initial_clk);
        }
        if !message.clk.is_empty() {
            clk.clone_from(&message.clk);
        }
        if let Some(ms) = message.heartbeat_ms {
            self.silence_max = Duration::from_millis(u64::from(ms) * 2 + 1000);
        }
        if message.change == ChangeType::SubImage {
            let begins = matches!(message.segment, Segment::None | Segment::Start);
            let image = self.image.get_or_insert_default();
            if begins {
                image.clear();
            }
            image.extend(message.markets.iter().map(|market| market.id.clone()));
            if matches!(message.segment, Segment::None | Segment::End)
                && let Some(image) = self.image.take()
            {
                self.tape.keep_only(&image, at, news);
            }
        }
        Ok(())
    }

    /// Reads what is there, waiting for the first message alone.
    async fn read(&mut self) -> Result<Batch, SourceError> {
        let (mut news, mut rejects) = (Vec::new(), Vec::new());
        let mut refused = None;
        for count in 0..MESSAGES_MAX {
            let patience = if count == 0 { self.silence_max } else { Duration::from_millis(1) };
            let Some(line) = &mut self.line else { break };
            let bytes = match line.next(patience).await {
                Ok(bytes) => bytes,
                Err(_) if count > 0 => break,
                Err(error) => {
                    self.line = None;
                    return Err(SourceError::transient(format!("{SOURCE} stream: {error}")));
                }
            };
            if let Some(keeper) = &mut self.keeper {
                keeper.line(bytes).map_err(|error| unrecorded(&error))?;
            }
            self.tape.read("stream", 1, bytes, &mut news, &mut rejects);
            // A clock that is off, theirs or ours, puts no fact into the future.
            let now = self.clock.now();
            for told in &mut news {
                told.at = told.at.min(now);
            }
            if let Err(error) = self.after(now, &mut news) {
                refused = Some(error);
                break;
            }
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.flush().map_err(|error| unrecorded(&error))?;
        }
        let moment = Moment::from_std(clock::moment());
        if self.seen_at.is_none_or(|last| last + self.settings.seen_every <= moment) {
            self.seen_at = Some(moment);
            self.tape.seen(self.clock.now(), &mut news);
        }
        let batch = batch(&mut self.desk, news, rejects)?;
        match refused {
            Some(error) if batch.events.is_empty() => Err(error),
            _ => Ok(batch),
        }
    }
}

fn unrecorded(error: &std::io::Error) -> SourceError {
    SourceError::permanent(format!("{SOURCE}: the stream cannot be recorded: {error}"))
}

#[async_trait]
impl Source for BetfairLive {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        loop {
            let moment = Moment::from_std(clock::moment());
            if self.line.is_some()
                && self.catalogue_at.is_some_and(|at| at + self.settings.catalogue_every <= moment)
            {
                // A catalogue that is away now is asked for again later; the stream goes on.
                self.catalogue_at = Some(moment);
                if let Err(error) = self.read_catalogue().await {
                    tracing::warn!("{error}");
                }
            }
            if let Err(error) = self.connected().await {
                let wait = self.wait.mul_f64(0.5 + clock::jitter());
                self.wait = (self.wait * 2).min(WAITS.1);
                return Err(match error {
                    SourceError::Transient { reason, retry_after_ms } => {
                        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                        let retry_after_ms = Some(retry_after_ms.unwrap_or(ms));
                        SourceError::Transient { reason, retry_after_ms }
                    }
                    permanent => permanent,
                });
            }
            let answered = self.desk.answered(self.clock.now());
            let answered = answered.map_err(|error| SourceError::transient(error.to_string()))?;
            let mut batch = self.read().await?;
            if !answered.events.is_empty() {
                batch.events.splice(0..0, answered.events);
                batch.rejects.extend(answered.rejects);
            }
            if !batch.events.is_empty() || !batch.rejects.is_empty() {
                return Ok(Some(batch));
            }
        }
    }
}
