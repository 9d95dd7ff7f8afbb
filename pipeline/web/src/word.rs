//! What the user says of a bet, as a fact in the log: through the API, on the command line, in a
//! chat.

use std::time::Duration;

use marabet_quant::Odds;
use marabet_schemas::bets::{BetPlaced, BetSkipped, BetVoid, Grant};
use marabet_schemas::{BetId, Body, Book, Event, Instant, MatchKey, Money, Source};
use marabet_streams::{FeedOptions, FeedWriter, Log, LogError, Stream};
use marabet_views::readback::Pages;

/// How long the log knows who said something of a bet.
const KNOWN_FOR: Duration = Duration::from_secs(86_400);

/// What the user says of a bet.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// He placed it; what is left out is as it was alerted.
    Placed {
        /// At what odds.
        odds: Option<Odds>,
        /// With what stake.
        stake: Option<Money>,
        /// At which book.
        book: Option<Book>,
    },
    /// He let it go.
    Skipped {
        /// Why.
        reason: Option<String>,
    },
    /// The book made it void.
    Void {
        /// Why.
        reason: Option<String>,
    },
}

/// Why it cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum WordError {
    /// There is no such bet.
    #[error("no stake was granted to a bet {0}; `marabet bets list` has them all")]
    NoBet(BetId),
    /// A bet is placed with money.
    #[error("a placed bet has a stake above 0, got {0}")]
    NoStake(Money),
    /// The bet was alerted without money, so that its stake must be said.
    #[error("bet {0} was granted no stake; say what it was placed with")]
    NoneGranted(BetId),
    /// The log is away.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Writes what the user says of a bet into the log. Returns the fact, once it is on the server's
/// disk. To say it again changes nothing: the last word counts.
///
/// # Errors
/// [`WordError`].
pub async fn say(log: &Log, bet: BetId, word: &Word, at: Instant) -> Result<Event, WordError> {
    let (key, grant) = granted(log, bet).await?.ok_or(WordError::NoBet(bet))?;
    let body: Body = match word.clone() {
        Word::Placed { odds, stake, book } => {
            let alerted = &grant.value_bet;
            let stake = match stake {
                Some(stake) if stake <= Money::ZERO => return Err(WordError::NoStake(stake)),
                Some(stake) => stake,
                None if grant.stake <= Money::ZERO => return Err(WordError::NoneGranted(bet)),
                None => grant.stake,
            };
            let book = book.unwrap_or_else(|| alerted.book.clone());
            BetPlaced { bet, book, odds: odds.unwrap_or(alerted.odds), stake }.into()
        }
        Word::Skipped { reason } => BetSkipped { bet, reason }.into(),
        Word::Void { reason } => BetVoid { bet, reason }.into(),
    };
    let event = Event::of(key, at, body);
    // A source of its own, so that those who speak of other bets at once do not meet.
    let source = Source::new(format!("user:{bet}"));
    let writer = FeedWriter::open(log, &source, FeedOptions::default()).await?;
    let appended = async {
        writer.append(std::slice::from_ref(&event)).await?;
        writer.flush_durable().await
    };
    let appended: Result<(), LogError> = appended.await;
    let closed = writer.close().await;
    appended.and(closed)?;
    log.forget_source_after(&source, KNOWN_FOR).await?;
    Ok(event)
}

/// The grant of a bet.
async fn granted(log: &Log, wanted: BetId) -> Result<Option<(MatchKey, Grant)>, LogError> {
    let mut pages = Pages::of(log, Stream::Grants, 0);
    while let Some(frames) = pages.next().await? {
        for event in frames.into_iter().flat_map(|frame| frame.events).flatten() {
            if let (Body::Grant(grant), Some(key)) = (event.body, event.key)
                && grant.value_bet.bet == wanted
            {
                return Ok(Some((key, grant)));
            }
        }
    }
    Ok(None)
}
