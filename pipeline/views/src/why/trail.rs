//! Where in the log each step of a bet stands, and the reading of it.

use futures::future::{try_join, try_join_all, try_join5};
use marabet_schemas::bets::{Grant, Settlement, ValueBet};
use marabet_schemas::control::ModelPublished;
use marabet_schemas::facts::Quote;
use marabet_schemas::{Address, Body, Event, Instant, MatchKey};
use marabet_streams::{Log, LogError, Stream};

use super::chain::{Arithmetic, Chain, ConfigInForce, Found, Prediction};

/// Where the steps of a bet stand. A step that is not known has no address.
///
/// Facts are named by their place in `priced`, which carries every fact on under the entry that
/// it has in the feed; there it stands at the same place of its frame, or behind it where events
/// of the frame were dead-lettered.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The match.
    pub key: MatchKey,
    /// When the bet was decided, in event time.
    pub decided_at: Instant,
    /// Where the alert stands.
    pub at: Address,
    /// The alert.
    pub alert: ValueBet,
    /// The quote that it is about.
    pub quote: Option<Address>,
    /// How the model that priced the quote came into force.
    pub model: Option<Address>,
    /// How the rules in force came so.
    pub config: Option<Address>,
    /// What the portfolio granted.
    pub grant: Option<Address>,
    /// How the bet ended, every revision.
    pub settlements: Vec<Address>,
}

impl Trail {
    /// Reads what stands along the trail: one read a step, all of them at once. A step that the
    /// log does not hold any more is left out.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn read(self, log: &Log) -> Result<Chain, LogError> {
        let steps = try_join5(
            event(log, Stream::Priced, self.quote),
            fact(log, self.quote, |event| self.own_quote(event)),
            fact(log, self.model, model),
            fact(log, self.config, |event| self.rules(event)),
            event(log, Stream::Grants, self.grant),
        );
        let revisions = self.settlements.iter().map(|at| event(log, Stream::Bets, Some(*at)));
        let (steps, settlements) = try_join(steps, try_join_all(revisions)).await?;
        let (priced, quote, model, config, grant) = steps;
        let prediction = priced.as_ref().and_then(|priced| self.prediction(priced));
        Ok(Chain {
            r#match: self.key,
            decided_at: self.decided_at,
            arithmetic: Arithmetic::of(&self.alert),
            bet: Found { stream: Stream::Bets.name(), address: self.at, event: self.alert },
            quote,
            prediction,
            model,
            config,
            grant: grant.and_then(granted),
            settlements: settlements.into_iter().flatten().filter_map(settled).collect(),
        })
    }

    fn own_quote(&self, event: &Event) -> Option<Quote> {
        let Body::Quote(quote) = &event.body else { return None };
        let is_own = event.key.as_ref() == Some(&self.key)
            && event.at == self.alert.quoted_at
            && quote.book == self.alert.book
            && quote.market == self.alert.market;
        is_own.then(|| quote.clone())
    }

    fn rules(&self, event: &Event) -> Option<ConfigInForce> {
        match &event.body {
            Body::ConfigPublished(one) if one.number == self.alert.config => {
                ConfigInForce::of(one, &self.alert)
            }
            _ => None,
        }
    }

    fn prediction(&self, event: &Event) -> Option<Found<Prediction>> {
        let Body::Priced(priced) = &event.body else { return None };
        let model = priced.model()?;
        let selections = self.alert.market.selections();
        let place = selections.iter().position(|one| *one == self.alert.selection)?;
        let event = Prediction {
            number: model.number,
            lambda: model.lambda,
            mu: model.mu,
            rho: model.rho,
            outcomes: *priced.outcomes().get(place)?,
        };
        Some(Found { stream: Stream::Priced.name(), address: self.quote?, event })
    }
}

fn model(event: &Event) -> Option<ModelPublished> {
    match &event.body {
        Body::ModelPublished(model) => Some((**model).clone()),
        _ => None,
    }
}

fn granted(event: Event) -> Option<Grant> {
    match event.body {
        Body::Grant(grant) => Some(*grant),
        _ => None,
    }
}

fn settled(event: Event) -> Option<Settlement> {
    match event.body {
        Body::Settlement(settlement) => Some(*settlement),
        _ => None,
    }
}

/// The event at an address. Of its frame this one line alone is read.
async fn event(log: &Log, stream: Stream, at: Option<Address>) -> Result<Option<Event>, LogError> {
    let Some(Address { partition, entry, index }) = at else { return Ok(None) };
    let lines = log.lines(stream, partition, entry).await?;
    Ok(lines
        .and_then(|lines| Event::from_line(lines.split_terminator('\n').nth(index as usize)?).ok()))
}

/// The fact of the feed that `priced` carries at an address: the first that is the one, from the
/// same place of the frame on.
async fn fact<T>(
    log: &Log,
    at: Option<Address>,
    is_it: impl Fn(&Event) -> Option<T>,
) -> Result<Option<Found<T>>, LogError> {
    let Some(Address { partition, entry, index }) = at else { return Ok(None) };
    let Some(lines) = log.lines(Stream::Feed, partition, entry).await? else { return Ok(None) };
    let places = (0..).zip(lines.split_terminator('\n')).skip(index as usize);
    let found = places.into_iter().find_map(|(index, line)| {
        let event = is_it(&Event::from_line(line).ok()?)?;
        let address = Address { partition, entry, index };
        Some(Found { stream: Stream::Feed.name(), address, event })
    });
    Ok(found)
}
