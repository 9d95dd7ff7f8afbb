//! Why there is a bet: from it back to the quote, the prediction, the model and its training.

mod chain;

use marabet_schemas::bets::{Grant, Priced, Settlement, ValueBet};
use marabet_schemas::control::ModelPublished;
use marabet_schemas::facts::Quote;
use marabet_schemas::frame::Frame;
use marabet_schemas::{Address, BetId, Body, Event, MatchKey};
use marabet_streams::{Log, LogError, Stream};

use crate::readback::{self, Pages};

pub use chain::{Arithmetic, Chain, ConfigInForce, Found, Prediction};

/// The alert of a bet, and where it stands.
struct Alert {
    at: Address,
    event: Event,
    bet: ValueBet,
    key: MatchKey,
}

/// The chain of a bet; none where the log does not hold the bet. `near` is where its alert
/// stands, where that is known; without it the log is searched.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn chain_of(
    log: &Log,
    bet: BetId,
    near: Option<Address>,
) -> Result<Option<Chain>, LogError> {
    let alert = match near {
        Some(at) => alert_at(log, bet, at).await?,
        None => None,
    };
    let alert = match alert {
        Some(alert) => Some(alert),
        None => alert_of(log, bet).await?,
    };
    let Some(alert) = alert else { return Ok(None) };
    let partition = alert.at.partition;
    let prediction = predicted(log, &alert).await?;
    let Origins { quote, model, config } = origins(log, &alert, prediction.as_ref()).await?;
    let (grant, settlements) = end_of(log, bet, partition).await?;
    Ok(Some(Chain {
        r#match: alert.key.clone(),
        decided_at: alert.event.at,
        arithmetic: Arithmetic::of(&alert.bet),
        bet: Found { stream: Stream::Bets.name(), address: alert.at, event: alert.bet },
        quote,
        prediction,
        model,
        config,
        grant,
        settlements,
    }))
}

async fn alert_of(log: &Log, wanted: BetId) -> Result<Option<Alert>, LogError> {
    for partition in 0..log.namespace().partitions() {
        let mut pages = Pages::of(log, Stream::Bets, partition);
        while let Some(frames) = pages.next().await? {
            let found = frames.iter().find_map(|frame| alert_in(frame, wanted, partition));
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// The alert of a bet in the frame where it is known to stand.
async fn alert_at(log: &Log, wanted: BetId, at: Address) -> Result<Option<Alert>, LogError> {
    let frame = log.frame(Stream::Bets, at.partition, at.entry).await?;
    Ok(frame.and_then(|frame| alert_in(&frame, wanted, at.partition)))
}

fn alert_in(frame: &Frame, wanted: BetId, partition: u16) -> Option<Alert> {
    numbered(frame).find_map(|(index, event)| match &event.body {
        Body::ValueBet(bet) if bet.bet == wanted && bet.revision == 0 => {
            let at = Address { partition, entry: frame.id, index };
            let key = event.key.clone()?;
            Some(Alert { at, event: event.clone(), bet: bet.clone(), key })
        }
        _ => None,
    })
}

fn numbered(frame: &Frame) -> impl Iterator<Item = (u32, &Event)> {
    (0..).zip(&frame.events).filter_map(|(index, event)| Some((index, event.as_ref().ok()?)))
}

/// The events of a stream's partition up to the alert's entry, in order.
async fn up_to_alert(
    log: &Log,
    stream: Stream,
    alert: &Alert,
    mut visit: impl FnMut(Address, &Event),
) -> Result<(), LogError> {
    let Address { partition, entry: end, .. } = alert.at;
    let mut pages = Pages::of(log, stream, partition);
    while let Some(frames) = pages.next().await? {
        for frame in frames.iter().take_while(|frame| frame.id <= end) {
            for (index, event) in numbered(frame) {
                visit(Address { partition, entry: frame.id, index }, event);
            }
        }
        if frames.last().is_some_and(|frame| frame.id > end) {
            break;
        }
    }
    Ok(())
}

/// Whether this is the quote whose price the alert is about.
fn is_own(event: &Event, quote: &Quote, alert: &Alert) -> bool {
    event.key.as_ref() == Some(&alert.key)
        && event.at == alert.bet.quoted_at
        && quote.book == alert.bet.book
        && quote.market == alert.bet.market
}

async fn predicted(log: &Log, alert: &Alert) -> Result<Option<Found<Prediction>>, LogError> {
    let stream = Stream::Priced;
    let mut found = None;
    up_to_alert(log, stream, alert, |address, event| {
        if let Body::Priced(priced) = &event.body
            && is_own(event, &priced.quote, alert)
        {
            found = prediction(priced, &alert.bet).map(|event| Found {
                stream: stream.name(),
                address,
                event,
            });
        }
    })
    .await?;
    Ok(found)
}

fn prediction(priced: &Priced, bet: &ValueBet) -> Option<Prediction> {
    let model = priced.model.as_ref()?;
    let selections = bet.market.selections();
    let place = selections.iter().position(|selection| *selection == bet.selection)?;
    Some(Prediction {
        number: model.number,
        lambda: model.lambda,
        mu: model.mu,
        rho: model.rho,
        outcomes: *priced.outcomes.get(place)?,
    })
}

/// The facts that a bet comes from.
#[derive(Default)]
struct Origins {
    quote: Option<Found<Quote>>,
    model: Option<Found<ModelPublished>>,
    config: Option<Found<ConfigInForce>>,
}

async fn origins(
    log: &Log,
    alert: &Alert,
    prediction: Option<&Found<Prediction>>,
) -> Result<Origins, LogError> {
    let competition = alert.key.competition();
    let number = prediction.map(|found| found.event.number);
    let mut origins = Origins::default();
    up_to_alert(log, Stream::Feed, alert, |address, event| {
        let stream = Stream::Feed.name();
        match &event.body {
            Body::Quote(quote) if is_own(event, quote, alert) => {
                origins.quote = Some(Found { stream, address, event: quote.clone() });
            }
            Body::ModelPublished(one)
                if one.competition == competition && Some(one.number) == number =>
            {
                origins.model = Some(Found { stream, address, event: one.clone() });
            }
            Body::ConfigPublished(one) if one.number == alert.bet.config => {
                origins.config = ConfigInForce::of(one, &alert.bet).map(|event| Found {
                    stream,
                    address,
                    event,
                });
            }
            _ => {}
        }
    })
    .await?;
    Ok(origins)
}

/// What became of a bet.
async fn end_of(
    log: &Log,
    bet: BetId,
    partition: u16,
) -> Result<(Option<Grant>, Vec<Settlement>), LogError> {
    let mut settlements = Vec::new();
    for frame in readback::frames(log, Stream::Bets, partition).await? {
        for event in frame.events.into_iter().flatten() {
            if let Body::Settlement(one) = event.body
                && one.bet == bet
            {
                settlements.push(one);
            }
        }
    }
    let grants = readback::events(log, Stream::Grants).await?;
    let grant = grants.into_iter().find_map(|event| match event.body {
        Body::Grant(grant) if grant.value_bet.bet == bet => Some(grant),
        _ => None,
    });
    Ok((grant, settlements))
}
