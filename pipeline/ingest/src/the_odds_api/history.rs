//! Snapshots of the past, one after the other: ten times as dear as today's.

use std::sync::Arc;

use async_trait::async_trait;
use marabet_schemas::{Competition, Instant, Source as SourceName};

use super::parse::{self, Wanted};
use super::source::{OddsApiSettings, Refusal, meaning, spend};
use super::{SOURCE, plan};
use crate::desk::{Desk, News};
use crate::polite::{Polite, Request};
use crate::polled::unkept;
use crate::source::{Batch, Source, SourceError};

/// The past of some competitions, at an interval.
#[derive(Debug)]
pub struct OddsApiHistory {
    name: SourceName,
    settings: Arc<OddsApiSettings>,
    client: Polite,
    desk: Desk,
    to: Instant,
    step_seconds: i64,
    /// Where each competition is, the earliest first.
    at: Vec<(Instant, Competition, String)>,
}

impl OddsApiHistory {
    /// Asks for snapshots from one instant to another, at least a step apart.
    ///
    /// # Errors
    /// A competition that the provider does not have.
    pub fn new(
        settings: OddsApiSettings,
        client: Polite,
        desk: Desk,
        (from, to): (Instant, Instant),
        step_seconds: i64,
    ) -> Result<Self, SourceError> {
        let mut at = Vec::new();
        for competition in &settings.competitions {
            let sport = desk.names().provider_name(SOURCE, competition).ok_or_else(|| {
                SourceError::permanent(format!("`{competition}` is no competition of {SOURCE}"))
            })?;
            at.push((from, competition.clone(), sport));
        }
        let name = SourceName::new(SOURCE);
        let (settings, step_seconds) = (Arc::new(settings), step_seconds.max(1));
        Ok(Self { name, settings, client, desk, to, step_seconds, at })
    }

    fn request(&self, sport: &str, at: Instant) -> Request {
        let OddsApiSettings { regions, books, markets, key, .. } = &*self.settings;
        let request = Request::get(format!("/v4/historical/sports/{sport}/odds"));
        let request = if books.is_empty() {
            request.with("regions", regions.join(","))
        } else {
            request.with("bookmakers", books.join(","))
        };
        let mut request = request
            .with("markets", markets.join(","))
            .with("date", at.to_string())
            .with("oddsFormat", "decimal");
        request.secret_query.push(("apiKey", key.clone()));
        request.cost = 10 * plan::cost(markets.len(), regions.len(), books.len());
        request
    }
}

#[async_trait]
impl Source for OddsApiHistory {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        self.at.sort();
        let Some((at, _, sport)) = self.at.first().cloned() else { return Ok(None) };
        if at > self.to {
            self.at.remove(0);
            return Ok(Some(Batch::default()));
        }
        let request = self.request(&sport, at);
        let reply = self.client.ask(&request).await.map_err(|error| match meaning(&error) {
            Refusal::Wait => error.into(),
            Refusal::Key(reason) | Refusal::Quota(reason) => SourceError::permanent(reason),
            Refusal::Request => SourceError::permanent(error.to_string()),
        })?;
        spend(&self.client, &request, &reply);
        let lay = self.settings.markets.iter().any(|market| market.ends_with("_lay"));
        let (snapshot, parsed) = parse::historical(&request.path, &reply.body, Wanted { lay });
        let step = at.plus_seconds(self.step_seconds);
        // Always forward: a reply without an instant must not be asked for again and again.
        let next = snapshot.and_then(|snapshot| snapshot.next).map_or(step, |next| next.max(step));
        self.at[0].0 = next;
        let mut batch = Batch { first: None, events: Vec::new(), rejects: parsed.rejects };
        if let Some(snapshot) = snapshot {
            let covers = |own: &crate::desk::Own| own.competition == sport;
            let looked = self.desk.look(snapshot.at, parsed.matches, covers);
            let News { events, rejects } = looked.map_err(|error| unkept(&error))?;
            batch.events = events;
            batch.rejects.extend(rejects);
        }
        Ok(Some(batch))
    }
}
