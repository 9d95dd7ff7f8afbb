//! Asking The Odds API, within its quota.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::{Competition, Event, Instant, Source as SourceName};

use super::parse::{self, Parsed, Wanted};
use super::{SOURCE, plan};
use crate::clock::Clock;
use crate::desk::{Desk, News};
use crate::polite::{Polite, PoliteError, Reply, Request, Secret};
use crate::polled::{self, Polled, unkept};
use crate::source::{Batch, Source, SourceError};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct OddsApiSettings {
    /// The key of the account.
    pub key: Secret,
    /// The competitions, by our codes.
    pub competitions: Vec<Competition>,
    /// Regions whose books are asked for: `uk`, `eu`, `us`, `us2`, `au`.
    pub regions: Vec<String>,
    /// Books by the provider's keys; where there are some, the regions do not count.
    pub books: Vec<String>,
    /// Markets by the provider's words: `h2h`, `spreads`, `totals`, `h2h_lay`, …
    pub markets: Vec<String>,
    /// Ask for scores of running matches and results, which cost credits too.
    pub scores: bool,
}

/// Between two looks at the list of events, which costs nothing.
const EVENTS_EVERY_SECONDS: i64 = 3_600;
/// Between two looks at the scores of a competition that plays.
const SCORES_EVERY_SECONDS: i64 = 15 * 60;
/// A match may be over this long after kick-off, and is looked for until so long after.
const OVER_AFTER_SECONDS: (i64, i64) = (105 * 60, 6 * 3_600);
/// Longest sleep between two looks at what is due.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// One competition as it is looked after.
#[derive(Debug, Clone)]
struct Watched {
    sport: String,
    kickoffs: Vec<Instant>,
    events_at: Option<Instant>,
    odds_at: Option<Instant>,
    scores_at: Option<Instant>,
    /// The provider refused it for good, with this reason.
    refused: bool,
}

/// The Odds API as a live source.
pub struct OddsApi {
    name: SourceName,
    settings: OddsApiSettings,
    client: Polite,
    desk: Desk,
    clock: Arc<dyn Clock>,
    watched: BTreeMap<Competition, Watched>,
}

impl std::fmt::Debug for OddsApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OddsApi").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Events,
    Odds,
    Scores,
}

impl OddsApi {
    /// Asks by these settings through this client, and reports through this desk.
    ///
    /// # Errors
    /// A competition that the provider does not have.
    pub fn new(
        settings: OddsApiSettings,
        client: Polite,
        desk: Desk,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let mut watched = BTreeMap::new();
        for competition in &settings.competitions {
            let sport = desk.names().provider_name(SOURCE, competition).ok_or_else(|| {
                SourceError::permanent(format!(
                    "`{competition}` is no competition of {SOURCE} that is known here; see \
                     `marabet sources list`"
                ))
            })?;
            let one = Watched {
                sport,
                kickoffs: Vec::new(),
                events_at: None,
                odds_at: None,
                scores_at: None,
                refused: false,
            };
            watched.insert(competition.clone(), one);
        }
        let name = SourceName::new(SOURCE);
        Ok(Self { name, settings, client, desk, clock, watched })
    }

    /// Takes in what the log holds, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &Event) {
        self.desk.observe(event);
    }

    fn cost(&self) -> u64 {
        let OddsApiSettings { markets, regions, books, .. } = &self.settings;
        plan::cost(markets.len(), regions.len(), books.len())
    }

    /// What is due now, the most urgent first: lists of events, which cost nothing, then scores,
    /// then prices where kick-off is nearest.
    fn most_urgent(&self, now: Instant) -> Option<(Competition, Due)> {
        let is_due = |last: Option<Instant>, every: i64| {
            last.is_none_or(|last| last.plus_seconds(every) <= now)
        };
        let open = || self.watched.iter().filter(|(_, one)| !one.refused);
        if let Some((c, _)) = open().find(|(_, one)| is_due(one.events_at, EVENTS_EVERY_SECONDS)) {
            return Some((c.clone(), Due::Events));
        }
        let may_be_over = |one: &Watched| {
            let (from, to) = OVER_AFTER_SECONDS;
            let window = now.plus_seconds(-to)..=now.plus_seconds(-from);
            one.kickoffs.iter().any(|kickoff| window.contains(kickoff))
        };
        if self.settings.scores
            && let Some((c, _)) = open()
                .find(|(_, one)| may_be_over(one) && is_due(one.scores_at, SCORES_EVERY_SECONDS))
        {
            return Some((c.clone(), Due::Scores));
        }
        let cost = self.cost();
        let stakes: Vec<plan::Stake> =
            open().map(|(_, one)| plan::Stake { kickoffs: one.kickoffs.clone(), cost }).collect();
        let end = now.plus_seconds(86_400 - (now.micros() / 1_000_000).rem_euclid(86_400));
        let stretch = plan::stretch(&stakes, now, end, self.client.rest_of_budget())?;
        let due = open().filter_map(|(competition, one)| {
            let due = plan::due(&one.kickoffs, one.odds_at, now, stretch)?;
            let next = one.kickoffs.iter().find(|kickoff| **kickoff > now)?;
            (due <= now).then_some((*next, competition))
        });
        due.min().map(|(_, competition)| (competition.clone(), Due::Odds))
    }

    fn request(&self, sport: &str, due: Due) -> Request {
        let mut request = match due {
            Due::Events => {
                Request { cost: 0, ..Request::get(format!("/v4/sports/{sport}/events")) }
            }
            Due::Scores => {
                let request = Request::get(format!("/v4/sports/{sport}/scores"));
                Request { cost: 2, ..request.with("daysFrom", "1") }
            }
            Due::Odds => {
                let request = Request::get(format!("/v4/sports/{sport}/odds"));
                let OddsApiSettings { regions, books, markets, .. } = &self.settings;
                let request = if books.is_empty() {
                    request.with("regions", regions.join(","))
                } else {
                    request.with("bookmakers", books.join(","))
                };
                let request =
                    request.with("markets", markets.join(",")).with("oddsFormat", "decimal");
                Request { cost: self.cost(), ..request }
            }
        };
        request.query.push(("dateFormat", "iso".to_owned()));
        request.secret_query.push(("apiKey", self.settings.key.clone()));
        request
    }

    async fn ask(&mut self, competition: &Competition, due: Due) -> Result<Batch, SourceError> {
        let now = self.clock.now();
        let Some(one) = self.watched.get_mut(competition) else { return Ok(Batch::default()) };
        let sport = one.sport.clone();
        // Set before asking: a fault must not make the looks come faster.
        match due {
            Due::Events => one.events_at = Some(now),
            Due::Odds => one.odds_at = Some(now),
            Due::Scores => one.scores_at = Some(now),
        }
        let request = self.request(&sport, due);
        let reply = match self.client.ask(&request).await {
            Ok(reply) => reply,
            Err(error) => return self.refused(competition, error),
        };
        spend(&self.client, &request, &reply);
        let now = self.clock.now();
        let parsed = self.parse(&request.path, &reply.body, due, now);
        if let (Due::Events, Some(one)) = (due, self.watched.get_mut(competition)) {
            one.kickoffs = parsed
                .matches
                .iter()
                .map(|shown| shown.kickoff)
                .chain(
                    // Matches that have begun leave the list; their scores are still of interest.
                    one.kickoffs.iter().copied().filter(|kickoff| *kickoff <= now),
                )
                .filter(|kickoff| kickoff.plus_seconds(OVER_AFTER_SECONDS.1) > now)
                .collect();
            one.kickoffs.sort_unstable();
            one.kickoffs.dedup();
            return Ok(Batch { first: None, events: Vec::new(), rejects: parsed.rejects });
        }
        // Of a look at the scores nothing is withdrawn.
        let covers = due == Due::Odds;
        let shown = parsed.matches;
        let looked = self.desk.look(now, shown, |own| covers && own.competition == sport);
        let News { events, mut rejects } = looked.map_err(|error| unkept(&error))?;
        rejects.extend(parsed.rejects);
        Ok(Batch { first: None, events, rejects })
    }

    fn parse(&self, file: &str, body: &[u8], due: Due, now: Instant) -> Parsed {
        let lay = self.settings.markets.iter().any(|market| market.ends_with("_lay"));
        match due {
            Due::Events => parse::events(file, body),
            Due::Odds => parse::odds(file, body, Wanted { lay }, now),
            Due::Scores => {
                let names = self.desk.names();
                let knockout = |sport: &str| {
                    let competition = names.competition(&self.name, sport);
                    competition.is_none_or(|competition| names.is_knockout(&competition))
                };
                parse::scores(file, body, knockout)
            }
        }
    }

    /// What a refusal means: for this competition, for a while, or for good.
    fn refused(
        &mut self,
        competition: &Competition,
        error: PoliteError,
    ) -> Result<Batch, SourceError> {
        match meaning(&error) {
            Refusal::Wait => Err(error.into()),
            Refusal::Key(what) => Err(SourceError::permanent(what)),
            Refusal::Quota(reason) => {
                let retry_after_ms = Some(6 * 3_600 * 1_000);
                Err(SourceError::Transient { reason, retry_after_ms })
            }
            Refusal::Request => {
                if let Some(one) = self.watched.get_mut(competition) {
                    one.refused = true;
                }
                let reason = format!("{error}; {competition} is left out until the next start");
                Err(SourceError::transient(reason))
            }
        }
    }
}

/// Takes down what a call cost, as the headers say.
pub(super) fn spend(client: &Polite, request: &Request, reply: &Reply) {
    let cost = reply.number("x-requests-last").unwrap_or(request.cost);
    client.spend(cost, reply.number("x-requests-remaining"));
}

/// What a refusal means.
pub(super) enum Refusal {
    /// It may be better soon.
    Wait,
    /// The key does not serve.
    Key(String),
    /// The credits are used up.
    Quota(String),
    /// What was asked for is none.
    Request,
}

pub(super) fn meaning(error: &PoliteError) -> Refusal {
    let PoliteError::Status { status, said, .. } = error else { return Refusal::Wait };
    let (code, message) = parse::refusal(said);
    match (*status, code.as_deref()) {
        (401, Some("OUT_OF_USAGE_CREDITS")) => Refusal::Quota(format!(
            "{SOURCE}: {message}; the credits of the account are used up, which a larger plan or \
             the next month mends"
        )),
        (401 | 403, _) => Refusal::Key(format!(
            "{SOURCE} refuses the key: {message}; set the one of your account in \
             MARABET_SOURCES__THE_ODDS_API__KEY"
        )),
        (404 | 422, _) => Refusal::Request,
        _ => Refusal::Wait,
    }
}

#[async_trait]
impl Source for OddsApi {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        polled::next(self).await.map(Some)
    }
}

#[async_trait]
impl Polled for OddsApi {
    type Due = (Competition, Due);

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn desk(&mut self) -> &mut Desk {
        &mut self.desk
    }

    fn due(&self, now: Instant) -> Option<Self::Due> {
        self.most_urgent(now)
    }

    fn idle(&self) -> Duration {
        self.client.idle().min(SLEEP_MAX)
    }

    async fn look(&mut self, (competition, due): Self::Due) -> Result<Batch, SourceError> {
        self.ask(&competition, due).await
    }
}
