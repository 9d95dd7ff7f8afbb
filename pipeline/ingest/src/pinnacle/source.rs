//! Asking a feed of Pinnacle's form: first for the whole, then for what changed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use marabet_schemas::{Book, Competition, Event, Instant, Source as SourceName};
use tokio::time::Instant as Moment;

use super::board::{Board, is_wanted};
use super::{SOURCE, parse};
use crate::clock::{self, Clock};
use crate::desk::Desk;
use crate::polite::{Polite, PoliteError, Request, Secret};
use crate::polled::unkept;
use crate::source::{Batch, Source, SourceError};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PinnacleSettings {
    /// The account's name.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// The competitions, by our codes; all that are known where none is named.
    pub competitions: Vec<Competition>,
    /// The book under which the prices go.
    pub book: Book,
    /// Between two looks.
    pub every: Duration,
    /// Alternate lines too.
    pub alternates: bool,
}

/// Football.
const SPORT: &str = "29";
/// So often the whole is asked for again, lest something was missed.
const WHOLE_EVERY_SECONDS: i64 = 3_600;

/// A feed of Pinnacle's form as a live source.
pub struct Pinnacle {
    name: SourceName,
    settings: PinnacleSettings,
    client: Polite,
    desk: Desk,
    clock: Arc<dyn Clock>,
    board: Board,
    fixtures_last: Option<u64>,
    odds_last: Option<u64>,
    whole_at: Option<Instant>,
    due: Option<Moment>,
}

impl std::fmt::Debug for Pinnacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pinnacle").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Pinnacle {
    /// Asks by these settings through this client, and reports through this desk.
    #[must_use]
    pub fn new(
        settings: PinnacleSettings,
        client: Polite,
        desk: Desk,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            name: SourceName::new(SOURCE),
            settings,
            client,
            desk,
            clock,
            board: Board::default(),
            fixtures_last: None,
            odds_last: None,
            whole_at: None,
            due: None,
        }
    }

    /// Takes in what the log holds, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &Event) {
        self.desk.observe(event);
    }

    fn request(&self, path: &str, since: Option<u64>) -> Request {
        let mut request = Request::get(path).with("sportId", SPORT);
        if let Some(since) = since {
            request = request.with("since", since.to_string());
        }
        let PinnacleSettings { username, password, .. } = &self.settings;
        let pair = format!("{username}:{}", password.reveal());
        let basic = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair));
        request.secret_headers.push(("authorization", Secret::new(basic)));
        request
    }

    async fn ask(&self, request: &Request) -> Result<Vec<u8>, SourceError> {
        let reply = self.client.ask(request).await.map_err(|error| match &error {
            PoliteError::Status { status: 401 | 403, said, .. } => SourceError::permanent(format!(
                "{SOURCE} refuses the account: {said}; check `username` and the password in \
                 MARABET_SOURCES__PINNACLE__PASSWORD"
            )),
            _ => error.into(),
        })?;
        self.client.spend(request.cost, None);
        Ok(reply.body)
    }

    async fn look(&mut self) -> Result<Batch, SourceError> {
        let now = self.clock.now();
        let whole = self.whole_at.is_none_or(|at| at.plus_seconds(WHOLE_EVERY_SECONDS) <= now);
        let (fixtures_since, odds_since) =
            if whole { (None, None) } else { (self.fixtures_last, self.odds_last) };
        let mut rejects = Vec::new();
        let request = self.request("/v3/fixtures", fixtures_since);
        let fixtures = parse::fixtures(&request.path, &self.ask(&request).await?, &mut rejects);
        let request = self.request("/v3/odds", odds_since).with("oddsFormat", "Decimal");
        let alternates = self.settings.alternates;
        let odds = parse::odds(&request.path, &self.ask(&request).await?, alternates, &mut rejects);
        // Both are there: a look is taken in whole, or asked for again.
        self.fixtures_last = fixtures.last.or(self.fixtures_last);
        self.odds_last = odds.last.or(self.odds_last);
        let names = self.desk.names().clone();
        let wanted = &self.settings.competitions;
        let is_wanted = |league: &str| is_wanted(names.competition(&self.name, league), wanted);
        self.board.list(fixtures, is_wanted);
        self.board.price(odds, whole);
        if whole {
            self.whole_at = Some(now);
        }
        let now = self.clock.now();
        self.board.forget(now);
        let shown = self.board.shown(&self.settings.book, now);
        let news = self.desk.look(now, shown, |_| true).map_err(|error| unkept(&error))?;
        rejects.extend(news.rejects);
        Ok(Batch { first: None, events: news.events, rejects })
    }
}

#[async_trait]
impl Source for Pinnacle {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        loop {
            if let Some(due) = self.due {
                tokio::time::sleep_until(due).await;
            }
            // Set before asking: a fault must not make the looks come faster.
            self.due = Some(Moment::from_std(clock::moment()) + self.settings.every);
            let batch = self.look().await?;
            if !batch.events.is_empty() || !batch.rejects.is_empty() {
                return Ok(Some(batch));
            }
        }
    }
}
