//! Asking API-Football: the calendar now and then, running matches often, odds as they are
//! renewed, statistics once a match is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::{Body, Competition, Event, Instant, Source as SourceName};
use serde_json::Value;
use smol_str::SmolStr;

use super::envelope::{self, Envelope, NoItems, Refusal};
use super::{SOURCE, details, fixtures, odds};
use crate::changes::Known;
use crate::clock::Clock;
use crate::desk::{Desk, Own, ShownMatch};
use crate::polite::{Polite, PoliteError, Request, Secret};
use crate::polled::{self, Polled, unkept};
use crate::prices::Whole;
use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiFootballSettings {
    /// The key of the account.
    pub key: Secret,
    /// The competitions, by our codes.
    pub competitions: Vec<Competition>,
    /// Ask for odds before the match.
    pub odds: bool,
    /// Ask for live odds while matches run, as often as for these.
    pub live_odds: bool,
    /// Ask for statistics when a match is over.
    pub statistics: bool,
    /// Between two looks at running matches, in seconds.
    pub live_every_s: u32,
    /// Between two looks at the odds of a competition, in seconds; the provider renews them every
    /// three hours.
    pub odds_every_s: u32,
}

/// Between two looks at the calendar of a competition.
const CALENDAR_EVERY_SECONDS: i64 = 6 * 3_600;
/// How many days ahead the calendar is asked for.
const DAYS_AHEAD: i64 = 14;
/// A match may still run so long after its kick-off.
const RUNS_SECONDS: i64 = 4 * 3_600;
/// Pages of one list, at most: a page that never ends is left.
const PAGES_MAX: u64 = 200;
/// Longest sleep between two looks at what is due.
const SLEEP_MAX: Duration = Duration::from_secs(10);
/// Matches whose statistics were asked for, remembered at most.
const ASKED_MAX: usize = 10_000;

#[derive(Debug, Clone, Default)]
struct Watched {
    league: SmolStr,
    calendar_at: Option<Instant>,
    odds_at: Option<Instant>,
    refused: bool,
}

/// API-Football as a live source.
pub struct ApiFootball {
    name: SourceName,
    settings: ApiFootballSettings,
    client: Polite,
    desk: Desk,
    clock: Arc<dyn Clock>,
    watched: BTreeMap<Competition, Watched>,
    live_at: Option<Instant>,
    live_odds_at: Option<Instant>,
    /// The matches that were shown, by the provider's number.
    known: BTreeMap<SmolStr, ShownMatch>,
    over: BTreeSet<SmolStr>,
    asked: BTreeSet<SmolStr>,
}

impl std::fmt::Debug for ApiFootball {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiFootball").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    Calendar(Competition),
    Live,
    LiveOdds,
    Odds(Competition),
    Statistics(SmolStr),
}

impl ApiFootball {
    /// Asks by these settings through this client, and reports through this desk.
    ///
    /// # Errors
    /// A competition that the provider does not have.
    pub fn new(
        settings: ApiFootballSettings,
        client: Polite,
        desk: Desk,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let mut watched = BTreeMap::new();
        for competition in &settings.competitions {
            let league = desk.names().provider_name(SOURCE, competition).ok_or_else(|| {
                SourceError::permanent(format!("`{competition}` is no competition of {SOURCE}"))
            })?;
            let one = Watched { league: league.into(), ..Watched::default() };
            watched.insert(competition.clone(), one);
        }
        Ok(Self {
            name: SourceName::new(SOURCE),
            settings,
            client,
            desk,
            clock,
            watched,
            live_at: None,
            live_odds_at: None,
            known: BTreeMap::new(),
            over: BTreeSet::new(),
            asked: BTreeSet::new(),
        })
    }

    /// Takes in what the log holds, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &Event) {
        self.desk.observe(event);
    }

    fn most_urgent(&self, now: Instant) -> Option<Due> {
        let is_due = |last: Option<Instant>, every: i64| {
            last.is_none_or(|last| last.plus_seconds(every) <= now)
        };
        let open = || self.watched.iter().filter(|(_, one)| !one.refused);
        if let Some((c, _)) = open().find(|(_, o)| is_due(o.calendar_at, CALENDAR_EVERY_SECONDS)) {
            return Some(Due::Calendar(c.clone()));
        }
        let runs = |shown: &ShownMatch| {
            shown.kickoff <= now && now < shown.kickoff.plus_seconds(RUNS_SECONDS)
        };
        let plays = self.known.iter().any(|(id, shown)| !self.over.contains(id) && runs(shown));
        if plays && is_due(self.live_at, i64::from(self.settings.live_every_s)) {
            return Some(Due::Live);
        }
        let live_every = i64::from(self.settings.live_every_s);
        if plays && self.settings.live_odds && is_due(self.live_odds_at, live_every) {
            return Some(Due::LiveOdds);
        }
        if self.settings.statistics
            && let Some(id) = self.over.iter().find(|id| !self.asked.contains(*id))
        {
            return Some(Due::Statistics(id.clone()));
        }
        let every = i64::from(self.settings.odds_every_s);
        let odds = || open().find(|(_, one)| is_due(one.odds_at, every));
        if self.settings.odds { odds().map(|(c, _)| Due::Odds(c.clone())) } else { None }
    }

    async fn ask(&self, request: Request) -> Result<Envelope, Asked> {
        let mut request = request;
        request.secret_headers.push(("x-apisports-key", self.settings.key.clone()));
        let reply = self.client.ask(&request).await.map_err(Asked::Away)?;
        self.client.spend(1, reply.number("x-ratelimit-requests-remaining"));
        match envelope::unwrap(&request.path, &reply.body) {
            Ok(envelope) => Ok(envelope),
            Err(NoItems::Refused(refusal)) => Err(Asked::Refused(refusal)),
            Err(NoItems::Malformed(reject)) => Err(Asked::Malformed(reject)),
        }
    }

    /// All pages of a list.
    async fn all(&self, request: Request) -> Result<Vec<Value>, Asked> {
        let mut items = Vec::new();
        for page in 1..=PAGES_MAX {
            let paged = if page == 1 {
                request.clone()
            } else {
                request.clone().with("page", page.to_string())
            };
            let envelope = self.ask(paged).await?;
            let last = envelope.items.is_empty() || page >= envelope.pages || envelope.page != page;
            items.extend(envelope.items);
            if last {
                break;
            }
        }
        Ok(items)
    }

    async fn calendar(&mut self, competition: &Competition) -> Result<Batch, Asked> {
        let now = self.clock.now();
        let Some(one) = self.watched.get_mut(competition) else { return Ok(Batch::default()) };
        one.calendar_at = Some(now);
        let league = one.league.clone();
        let season = self.desk.names().season(competition, now);
        let request = Request::get("/fixtures")
            .with("league", league.as_str())
            .with("season", season.get(..4).unwrap_or_default())
            .with("from", now.plus_seconds(-2 * 86_400).day())
            .with("to", now.plus_seconds(DAYS_AHEAD * 86_400).day());
        let items = self.all(request).await?;
        self.fixtures("/fixtures", &items)
    }

    async fn live(&mut self) -> Result<Batch, Asked> {
        self.live_at = Some(self.clock.now());
        let leagues: Vec<&str> = self.watched.values().map(|one| one.league.as_str()).collect();
        let items = self.all(Request::get("/fixtures").with("live", leagues.join("-"))).await?;
        let mut batch = self.fixtures("/fixtures?live", &items)?;
        // What runs no more is no longer shown here: the calendar says how it ended.
        let shown: BTreeSet<SmolStr> = items
            .iter()
            .filter_map(|item| {
                item["fixture"]["id"].as_u64().map(|id| SmolStr::from(id.to_string()))
            })
            .collect();
        let now = self.clock.now();
        let begun = |shown: &ShownMatch| {
            shown.kickoff.plus_seconds(5_400) <= now
                && now < shown.kickoff.plus_seconds(RUNS_SECONDS)
        };
        let missing: Vec<SmolStr> = self
            .known
            .iter()
            .filter(|(id, known)| !self.over.contains(*id) && !shown.contains(*id) && begun(known))
            .map(|(id, _)| id.clone())
            .take(20)
            .collect();
        if !missing.is_empty() {
            let items = self.all(Request::get("/fixtures").with("ids", missing.join("-"))).await?;
            let ended = self.fixtures("/fixtures?ids", &items)?;
            batch.events.extend(ended.events);
            batch.rejects.extend(ended.rejects);
        }
        Ok(batch)
    }

    fn fixtures(&mut self, file: &str, items: &[Value]) -> Result<Batch, Asked> {
        let mut rejects = Vec::new();
        let shown = fixtures::read(file, items, &mut rejects);
        for one in &shown {
            let id = one.named.id.clone();
            if one.facts.iter().any(|(_, body)| matches!(body, Body::Result(_))) {
                self.over.insert(id.clone());
            }
            self.known.insert(id, ShownMatch { facts: Vec::new(), ..one.clone() });
        }
        self.report(shown, rejects, |_| false)
    }

    fn report(
        &mut self,
        shown: Vec<ShownMatch>,
        rejects: Vec<Reject>,
        covers: impl Fn(&Own) -> bool,
    ) -> Result<Batch, Asked> {
        let news = self.desk.look(self.clock.now(), shown, covers).map_err(Asked::Unkept)?;
        let mut rejects = rejects;
        rejects.extend(news.rejects);
        Ok(Batch { first: None, events: news.events, rejects })
    }

    async fn odds(&mut self, competition: &Competition) -> Result<Batch, Asked> {
        let now = self.clock.now();
        let Some(one) = self.watched.get_mut(competition) else { return Ok(Batch::default()) };
        one.odds_at = Some(now);
        let league = one.league.clone();
        let season = self.desk.names().season(competition, now);
        let request = Request::get("/odds")
            .with("league", league.as_str())
            .with("season", season.get(..4).unwrap_or_default());
        let items = self.all(request).await?;
        let (shown, rejects) = self.priced("/odds", &items, now);
        self.report(shown, rejects, |own| own.competition == league)
    }

    async fn live_odds(&mut self) -> Result<Batch, Asked> {
        let now = self.clock.now();
        self.live_odds_at = Some(now);
        let items = self.all(Request::get("/odds/live")).await?;
        let (shown, rejects) = self.priced("/odds/live", &items, now);
        self.report(shown, rejects, |_| false)
    }

    /// The matches with these prices, and what could not be used.
    fn priced(&self, file: &str, items: &[Value], now: Instant) -> (Vec<ShownMatch>, Vec<Reject>) {
        let mut rejects = Vec::new();
        let mut shown = Vec::new();
        for of_fixture in odds::read(file, items, &mut rejects) {
            // Odds of a fixture outside of the calendar have no sides.
            let Some(known) = self.known.get(&of_fixture.id) else { continue };
            let whole = of_fixture.prices.whole(&self.name, known.kickoff, now);
            let facts = whole.into_iter().filter_map(|whole| match whole {
                Whole::Quote { quote, stated } => {
                    Some((stated.map_or(Known::Seen, Known::Stated), quote.into()))
                }
                Whole::Incomplete { .. } => None,
            });
            shown.push(ShownMatch { facts: facts.collect(), ..known.clone() });
        }
        (shown, rejects)
    }

    async fn statistics(&mut self, id: &SmolStr) -> Result<Batch, Asked> {
        if self.asked.len() >= ASKED_MAX {
            self.asked.clear();
            self.over.clear();
        }
        self.asked.insert(id.clone());
        let request = Request::get("/fixtures/statistics").with("fixture", id.as_str());
        let items = self.all(request).await?;
        let mut rejects = Vec::new();
        let stats = details::statistics("/fixtures/statistics", &items, &mut rejects);
        let shown = stats.zip(self.known.get(id)).map(|(stats, known)| ShownMatch {
            facts: vec![(Known::Seen, stats.into())],
            ..known.clone()
        });
        self.report(shown.into_iter().collect(), rejects, |_| false)
    }

    fn failed(&mut self, due: &Due, asked: Asked) -> Result<Batch, SourceError> {
        let wait = |reason: String, seconds: u64| {
            Err(SourceError::Transient { reason, retry_after_ms: Some(seconds * 1000) })
        };
        match asked {
            Asked::Away(error) => Err(error.into()),
            Asked::Unkept(error) => Err(unkept(&error)),
            Asked::Malformed(reject) => {
                Ok(Batch { first: None, events: Vec::new(), rejects: vec![*reject] })
            }
            Asked::Refused(Refusal::Minute(said)) => wait(format!("{SOURCE}: {said}"), 60),
            Asked::Refused(Refusal::Day(said)) => {
                let seconds = 86_400 - (self.clock.now().micros() / 1_000_000).rem_euclid(86_400);
                wait(
                    format!("{SOURCE}: {said}; it begins anew at 00:00 UTC"),
                    seconds.unsigned_abs(),
                )
            }
            Asked::Refused(Refusal::Key(said)) => Err(SourceError::permanent(format!(
                "{SOURCE} refuses the key: {said}; set the one of your account in \
                 MARABET_SOURCES__API_FOOTBALL__KEY"
            ))),
            Asked::Refused(Refusal::Request(said)) => {
                if let Due::Calendar(competition) | Due::Odds(competition) = due
                    && let Some(one) = self.watched.get_mut(competition)
                {
                    one.refused = true;
                    let reason =
                        format!("{SOURCE}: {said}; {competition} is left out until the next start");
                    return Err(SourceError::transient(reason));
                }
                Err(SourceError::transient(format!("{SOURCE}: {said}")))
            }
        }
    }
}

/// Why there is nothing to read.
enum Asked {
    Away(PoliteError),
    Refused(Refusal),
    Malformed(Box<Reject>),
    Unkept(std::io::Error),
}

#[async_trait]
impl Source for ApiFootball {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        polled::next(self).await.map(Some)
    }
}

#[async_trait]
impl Polled for ApiFootball {
    type Due = Due;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    fn due(&self, now: Instant) -> Option<Due> {
        self.most_urgent(now)
    }

    fn idle(&self) -> Duration {
        self.client.idle().min(SLEEP_MAX)
    }

    async fn look(&mut self, due: Due) -> Result<Batch, SourceError> {
        let outcome = match &due {
            Due::Calendar(competition) => self.calendar(competition).await,
            Due::Live => self.live().await,
            Due::LiveOdds => self.live_odds().await,
            Due::Odds(competition) => self.odds(competition).await,
            Due::Statistics(id) => self.statistics(id).await,
        };
        outcome.or_else(|asked| self.failed(&due, asked))
    }
}
