//! The site as a live source: coming matches with their prices, and results as they come in.
//!
//! The site lists coming matches in `fixtures.csv`, in the columns of its season files without
//! the results, and brings the season files up to date some days a week. Both are polled; what
//! changed is reported at the instant at which it was seen. The season files also say which
//! meeting of two sides a coming match is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::facts::{Fixture, FixtureStatus, MatchClosed, Phase};
use marabet_schemas::{Body, Competition, Event, Instant, Source as SourceName};
use tokio::time::Instant as Moment;

use super::fetch::{BASE_URL, BYTES_MAX, check, season_code};
use super::instants::{self, Timing};
use super::record::Standing;
use super::timeline::{Loader, Match};
use super::{SOURCE, competitions};
use crate::changes::{Changes, Known, Shown};
use crate::clock::Clock;
use crate::http::{Client, HttpError, Reply, Validators};
use crate::reject::Reject;
use crate::source::{Batch, Source, SourceError};

/// What is polled, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpcomingSettings {
    /// The site, without a slash at its end.
    pub base_url: String,
    /// The competitions that are of interest; all that the list has where none is named.
    pub competitions: BTreeSet<Competition>,
    /// Between two looks.
    pub every: Duration,
    /// How often a book whose prices stand is reported as seen.
    pub seen_every: Duration,
    /// How long one request may take.
    pub time_max: Duration,
    /// The spans of a match's life.
    pub timing: Timing,
}

impl Default for UpcomingSettings {
    /// The site itself, all competitions, every half hour.
    fn default() -> Self {
        Self {
            base_url: BASE_URL.to_owned(),
            competitions: BTreeSet::new(),
            every: Duration::from_secs(1800),
            seen_every: Duration::from_secs(3600),
            time_max: Duration::from_secs(10),
            timing: Timing::default(),
        }
    }
}

/// How far back a result is news.
const RESULT_DAYS_MAX: i64 = 14;

/// How many rejects are remembered, so that each is reported once.
const REPORTED_MAX: usize = 10_000;

/// The site as a live source.
pub struct Upcoming {
    name: SourceName,
    settings: UpcomingSettings,
    client: Client,
    clock: Arc<dyn Clock>,
    /// The last whole reply to each address.
    replies: BTreeMap<String, (Validators, Vec<u8>)>,
    changes: Changes,
    /// Rejects that were reported; the same file is looked at many times.
    reported: BTreeSet<String>,
    /// When the next look is due.
    due: Option<Moment>,
}

impl std::fmt::Debug for Upcoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upcoming").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Upcoming {
    /// Polls by these settings.
    #[must_use]
    pub fn new(settings: UpcomingSettings, clock: Arc<dyn Clock>) -> Self {
        let seconds = i64::try_from(settings.seen_every.as_secs()).unwrap_or(i64::MAX);
        let name = SourceName::new(SOURCE);
        Self {
            changes: Changes::new(name.clone(), seconds),
            name,
            settings,
            client: Client::new(BYTES_MAX),
            clock,
            replies: BTreeMap::new(),
            reported: BTreeSet::new(),
            due: None,
        }
    }

    /// Takes in what the log holds of this source, so that a restart reports only what changed.
    pub fn observe(&mut self, event: &Event) {
        self.changes.observe(event);
    }

    /// Asks for a file, unless it is as it was.
    async fn refresh(&mut self, url: &str) -> Result<(), SourceError> {
        let known = self.replies.get(url).map(|reply| reply.0.clone()).unwrap_or_default();
        let (client, time_max) = (self.client.clone(), self.settings.time_max);
        let asked = url.to_owned();
        let reply = tokio::task::spawn_blocking(move || client.get(&asked, &known, time_max)).await;
        match reply {
            Ok(Ok(Reply::NotModified)) => Ok(()),
            Ok(Ok(Reply::Body { bytes, validators })) => {
                check(url, &bytes).map_err(|error| SourceError::transient(error.to_string()))?;
                self.replies.insert(url.to_owned(), (validators, bytes));
                Ok(())
            }
            // The file of a season that has not begun is not there.
            Ok(Err(HttpError::Status { status: 404, .. })) if self.is_season(url) => Ok(()),
            Ok(Err(HttpError::Status { url, status, retry_after_ms })) => {
                let reason = format!("{url} answered {status}");
                Err(SourceError::Transient { reason, retry_after_ms })
            }
            Ok(Err(error)) => Err(SourceError::transient(error.to_string())),
            Err(error) => Err(SourceError::transient(format!("the request broke off: {error}"))),
        }
    }

    fn list_url(&self) -> String {
        format!("{}/fixtures.csv", self.settings.base_url)
    }

    fn is_season(&self, url: &str) -> bool {
        url != self.list_url()
    }

    /// The season files of the competitions of interest, at this instant.
    fn season_urls(&self, now: Instant) -> Vec<String> {
        let Some(today) = instants::on_london_clock(now) else { return Vec::new() };
        let listed = self.listed();
        let all = self.settings.competitions.is_empty();
        let of_interest = if all { &listed } else { &self.settings.competitions };
        of_interest
            .iter()
            .filter(|competition| competitions::is_main(competition))
            .filter_map(|competition| {
                let season = competitions::season(competition, today.date());
                let year: i16 = season.get(..4)?.parse().ok()?;
                let folder = season_code(year);
                Some(format!("{}/mmz4281/{folder}/{competition}.csv", self.settings.base_url))
            })
            .collect()
    }

    /// The competitions in the list of coming matches.
    fn listed(&self) -> BTreeSet<Competition> {
        let Some((_, bytes)) = self.replies.get(&self.list_url()) else { return BTreeSet::new() };
        let mut loader = Loader::new(self.settings.timing);
        let mut rejects: Vec<Reject> = Vec::new();
        let _ = loader.bytes("fixtures.csv", bytes, &mut rejects);
        loader.finish(&mut rejects).competitions().into_keys().collect()
    }

    /// What the site shows now, and what of it cannot be used.
    fn look(&self, now: Instant) -> (Vec<Shown>, Vec<Reject>) {
        let mut rejects = Vec::new();
        let mut loader = Loader::new(self.settings.timing);
        for (url, (_, bytes)) in &self.replies {
            // What was checked when it came can be read again.
            let _ = loader.bytes(url, bytes, &mut rejects);
        }
        let timeline = loader.finish(&mut rejects);
        let interest = &self.settings.competitions;
        let shown = timeline
            .matches()
            .iter()
            .filter(|m| interest.is_empty() || interest.contains(&m.record.competition))
            .flat_map(|a_match| facts(a_match, now))
            .collect();
        (shown, rejects)
    }
}

/// What a match's row says that is news at `now`.
fn facts(a_match: &Match, now: Instant) -> Vec<Shown> {
    let (instants, record) = (a_match.instants, &a_match.record);
    let src = SourceName::new(SOURCE);
    let fixture = |status| Fixture {
        src: SourceName::new(SOURCE),
        status,
        kickoff: instants.kickoff,
        neutral: false,
        minute: None,
        score: None,
    };
    let is_recent = now < instants.kickoff.plus_seconds(RESULT_DAYS_MAX * 86_400);
    let mut bodies: Vec<Body> = Vec::new();
    match record.standing {
        Standing::ToCome if now < instants.kickoff => {
            bodies.push(fixture(FixtureStatus::Scheduled).into());
            bodies.extend(record.prices_at(Phase::Pre));
        }
        // A result before its match is played is a slip of the keys in the date.
        Standing::Over { .. } if is_recent && instants.kickoff < now => {
            bodies.push(fixture(FixtureStatus::Finished).into());
            bodies.extend(record.result().map(Into::into));
            bodies.extend(record.stats().map(Into::into));
            if instants.closed <= now {
                bodies.push(MatchClosed { src }.into());
            }
        }
        _ => {}
    }
    // Closing prices were the last before kick-off, whenever the file came.
    let closing = record.prices_at(Phase::Closing).filter(|_| !bodies.is_empty()).map(|body| {
        Shown { key: a_match.key.clone(), body, known: Known::Assumed(instants.closing) }
    });
    let closing: Vec<Shown> = closing.collect();
    let others = bodies.into_iter().map(|body| Shown::now(a_match.key.clone(), body));
    closing.into_iter().chain(others).collect()
}

#[async_trait]
impl Source for Upcoming {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        loop {
            if let Some(due) = self.due {
                tokio::time::sleep_until(due).await;
            }
            // Set before asking: a fault must not make the looks come faster.
            self.due = Some(Moment::now() + self.settings.every);
            let list = self.list_url();
            self.refresh(&list).await?;
            for url in self.season_urls(self.clock.now()) {
                self.refresh(&url).await?;
            }
            let now = self.clock.now();
            let (shown, rejects) = self.look(now);
            if self.reported.len() > REPORTED_MAX {
                self.reported.clear();
            }
            let rejects: Vec<Reject> = rejects
                .into_iter()
                .filter(|reject| self.reported.insert(format!("{reject} {}", reject.row)))
                .collect();
            let events = self.changes.since(now, shown);
            if !events.is_empty() || !rejects.is_empty() {
                return Ok(Some(Batch { first: None, events, rejects }));
            }
        }
    }
}
