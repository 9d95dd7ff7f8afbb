//! Asking API-Football for what is due by the [`Agenda`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::news::{Absence, Absences, Standing};
use marabet_schemas::{Body, Competition, Event, Instant, Source as SourceName};
use serde_json::Value;
use smol_str::SmolStr;

use super::agenda::{ABSENCES_EVERY_S, Agenda, DAYS_AHEAD, Due};
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
    /// Ask for what happened when a match is over; of a running one it comes with the score.
    pub incidents: bool,
    /// Ask for line-ups in the last hour before kick-off.
    pub line_ups: bool,
    /// Ask once a day who does not play.
    pub absences: bool,
    /// Ask once a week for the names of all sides.
    pub teams: bool,
    /// Ask once a week for the tables.
    pub tables: bool,
    /// Between two looks at running matches, in seconds.
    pub live_every_s: u32,
    /// Between two looks at the odds of a competition, in seconds; the provider renews them every
    /// three hours.
    pub odds_every_s: u32,
    /// Where it is remembered when was last asked what is asked seldom.
    pub asked_file: Option<PathBuf>,
}

/// Pages of one list, at most: a page that never ends is left.
const PAGES_MAX: u64 = 200;
/// Longest sleep between two looks at what is due.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// API-Football as a live source.
pub struct ApiFootball {
    name: SourceName,
    settings: ApiFootballSettings,
    client: Polite,
    desk: Desk,
    clock: Arc<dyn Clock>,
    agenda: Agenda,
}

impl std::fmt::Debug for ApiFootball {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiFootball").field("settings", &self.settings).finish_non_exhaustive()
    }
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
        let mut leagues = BTreeMap::new();
        for competition in &settings.competitions {
            let league = desk.names().provider_name(SOURCE, competition).ok_or_else(|| {
                SourceError::permanent(format!("`{competition}` is no competition of {SOURCE}"))
            })?;
            leagues.insert(competition.clone(), league.into());
        }
        let agenda = Agenda::new(settings.clone(), leagues);
        Ok(Self { name: SourceName::new(SOURCE), settings, client, desk, clock, agenda })
    }

    /// Takes in what the log holds, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &Event) {
        self.desk.observe(event);
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

    /// A request about a competition in the season that is played.
    fn of_season(&self, path: &str, competition: &Competition, league: &str) -> Request {
        let season = self.desk.names().season(competition, self.clock.now());
        Request::get(path)
            .with("league", league)
            .with("season", season.get(..4).unwrap_or_default())
    }

    async fn calendar(&mut self, competition: &Competition, league: &str) -> Result<Batch, Asked> {
        let now = self.clock.now();
        let request = self
            .of_season("/fixtures", competition, league)
            .with("from", now.plus_seconds(-2 * 86_400).day())
            .with("to", now.plus_seconds(DAYS_AHEAD * 86_400).day());
        let items = self.all(request).await?;
        self.fixtures("/fixtures", &items)
    }

    async fn live(&mut self) -> Result<Batch, Asked> {
        let leagues = self.agenda.leagues().join("-");
        let items = self.all(Request::get("/fixtures").with("live", leagues)).await?;
        let mut batch = self.fixtures("/fixtures?live", &items)?;
        // What runs no more is no longer shown here: asked for by its number it says how it ended.
        let shown: BTreeSet<SmolStr> = items.iter().filter_map(id_of).collect();
        let missing = self.agenda.missing(&shown, self.clock.now());
        if !missing.is_empty() {
            add(&mut batch, self.by_id(&missing).await?.1);
        }
        Ok(batch)
    }

    /// These matches, with all that the provider knows of each; and the items themselves.
    async fn by_id(&mut self, ids: &[SmolStr]) -> Result<(Vec<Value>, Batch), Asked> {
        let items = self.all(Request::get("/fixtures").with("ids", ids.join("-"))).await?;
        let batch = self.fixtures("/fixtures?ids", &items)?;
        Ok((items, batch))
    }

    async fn line_ups(&mut self, ids: &[SmolStr]) -> Result<Batch, Asked> {
        let (items, mut batch) = self.by_id(ids).await?;
        // Of a match that comes without its parts each part is asked for by itself.
        let partless = items.iter().filter(|item| item["lineups"].is_null());
        let partless: Vec<SmolStr> = partless.filter_map(id_of).collect();
        for id in partless {
            let path = "/fixtures/lineups";
            let items = self.all(Request::get(path).with("fixture", id.as_str())).await?;
            let told = self.told_of(&id, |sides, rejects| {
                details::line_ups(path, &items, sides, rejects).map(Body::from)
            })?;
            add(&mut batch, told);
        }
        Ok(batch)
    }

    /// How a match went, part by part.
    async fn single(&mut self, id: &SmolStr) -> Result<Batch, Asked> {
        let mut batch = Batch::default();
        if self.settings.statistics {
            let path = "/fixtures/statistics";
            let items = self.all(Request::get(path).with("fixture", id.as_str())).await?;
            batch = self.told_of(id, |sides, rejects| {
                details::statistics(path, &items, sides, rejects).map(Body::from)
            })?;
        }
        if self.settings.incidents {
            let path = "/fixtures/events";
            let items = self.all(Request::get(path).with("fixture", id.as_str())).await?;
            let told = self
                .told_of(id, |sides, rejects| details::incidents(path, &items, sides, rejects))?;
            add(&mut batch, told);
        }
        Ok(batch)
    }

    /// Reports a fact about a match that was shown.
    fn told_of(
        &mut self,
        id: &SmolStr,
        read: impl FnOnce(details::Sides<'_>, &mut Vec<Reject>) -> Option<Body>,
    ) -> Result<Batch, Asked> {
        let Some(known) = self.agenda.known(id) else { return Ok(Batch::default()) };
        let mut rejects = Vec::new();
        let sides = [known.named.home.as_str(), known.named.away.as_str()];
        let fact = read(sides, &mut rejects);
        let facts = fact.map(|body| (Known::Seen, body)).into_iter().collect();
        let shown = ShownMatch { facts, ..known.clone() };
        self.agenda.show(&shown);
        self.report(vec![shown], rejects, |_| false)
    }

    fn fixtures(&mut self, file: &str, items: &[Value]) -> Result<Batch, Asked> {
        let mut rejects = Vec::new();
        let shown = fixtures::read(file, items, &mut rejects);
        shown.iter().for_each(|one| self.agenda.show(one));
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

    async fn odds(&mut self, competition: &Competition, league: &SmolStr) -> Result<Batch, Asked> {
        let now = self.clock.now();
        let items = self.all(self.of_season("/odds", competition, league)).await?;
        let (shown, rejects) = self.priced("/odds", &items, now);
        self.report(shown, rejects, |own| own.competition == *league)
    }

    async fn live_odds(&mut self) -> Result<Batch, Asked> {
        let now = self.clock.now();
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
            let Some(known) = self.agenda.known(&of_fixture.id) else { continue };
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

    /// The names of all sides, so that those that are sure need no match to be known.
    async fn teams(&mut self, competition: &Competition, league: &str) -> Result<Batch, Asked> {
        let items = self.all(self.of_season("/teams", competition, league)).await?;
        let mut rejects = Vec::new();
        let teams = details::teams("/teams", &items, &mut rejects);
        let names: Vec<SmolStr> = teams.into_iter().map(|team| team.name).collect();
        let now = self.clock.now();
        let met = self.desk.names().introduce(&self.name, league, &names, now);
        met.map_err(Asked::Unkept)?;
        Ok(Batch { first: None, events: Vec::new(), rejects })
    }

    /// Who does not play in the matches of the coming day.
    async fn absences(&mut self, competition: &Competition, league: &str) -> Result<Batch, Asked> {
        let now = self.clock.now();
        let coming: Vec<ShownMatch> =
            self.agenda.coming(competition, now, ABSENCES_EVERY_S).into_iter().cloned().collect();
        let days: BTreeSet<String> = coming.iter().map(|shown| shown.kickoff.day()).collect();
        let (mut missing, mut rejects) = (Vec::new(), Vec::new());
        for day in days {
            let request = self.of_season("/injuries", competition, league).with("date", day);
            let items = self.all(request).await?;
            missing.extend(details::injuries("/injuries", &items, &mut rejects));
        }
        let of = |shown: &ShownMatch, side: &SmolStr| -> Vec<Absence> {
            let of_side =
                missing.iter().filter(|one| one.fixture == shown.named.id && one.team == *side);
            of_side.map(|one| one.absence.clone()).collect()
        };
        let told = coming.into_iter().filter_map(|shown| {
            let (home, away) = (of(&shown, &shown.named.home), of(&shown, &shown.named.away));
            // That nobody is listed does not say that all can play.
            let is_told = !(home.is_empty() && away.is_empty());
            let fact = Absences { src: self.name.clone(), home, away };
            is_told.then(|| ShownMatch { facts: vec![(Known::Seen, fact.into())], ..shown })
        });
        let told = told.collect();
        self.report(told, rejects, |_| false)
    }

    /// Where the sides of the coming matches stand.
    async fn table(&mut self, competition: &Competition, league: &str) -> Result<Batch, Asked> {
        let items = self.all(self.of_season("/standings", competition, league)).await?;
        let mut rejects = Vec::new();
        let places = details::standings("/standings", &items, &mut rejects);
        let place =
            |side: &SmolStr| places.iter().find(|(name, _)| name == side).map(|(_, place)| *place);
        let coming = self.agenda.coming(competition, self.clock.now(), DAYS_AHEAD * 86_400);
        let told = coming.into_iter().filter_map(|shown| {
            let (home, away) = (place(&shown.named.home)?, place(&shown.named.away)?);
            let fact = Standing { src: self.name.clone(), home, away };
            Some(ShownMatch { facts: vec![(Known::Seen, fact.into())], ..shown.clone() })
        });
        let told = told.collect();
        self.report(told, rejects, |_| false)
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
                if let Due::Calendar(competition) | Due::Odds(competition) = due {
                    self.agenda.refuse(competition);
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
        self.agenda.due(now, self.client.rest_of_budget())
    }

    fn idle(&self) -> Duration {
        self.client.idle().min(SLEEP_MAX)
    }

    async fn look(&mut self, due: Due) -> Result<Batch, SourceError> {
        self.agenda.ask(&due, self.clock.now());
        let league = match &due {
            Due::Calendar(of)
            | Due::Teams(of)
            | Due::Odds(of)
            | Due::Absences(of)
            | Due::Table(of) => self.agenda.league(of).unwrap_or_default(),
            _ => SmolStr::default(),
        };
        let outcome = match &due {
            Due::Calendar(competition) => self.calendar(competition, &league).await,
            Due::Teams(competition) => self.teams(competition, &league).await,
            Due::Live => self.live().await,
            Due::LiveOdds => self.live_odds().await,
            Due::LineUps(ids) => self.line_ups(ids).await,
            Due::Details(ids) => self.by_id(ids).await.map(|(_, batch)| batch),
            Due::Single(id) => self.single(id).await,
            Due::Odds(competition) => self.odds(competition, &league).await,
            Due::Absences(competition) => self.absences(competition, &league).await,
            Due::Table(competition) => self.table(competition, &league).await,
        };
        outcome.or_else(|asked| self.failed(&due, asked))
    }
}

fn add(batch: &mut Batch, more: Batch) {
    batch.events.extend(more.events);
    batch.rejects.extend(more.rejects);
}

fn id_of(item: &Value) -> Option<SmolStr> {
    item["fixture"]["id"].as_u64().map(|id| SmolStr::from(id.to_string()))
}
