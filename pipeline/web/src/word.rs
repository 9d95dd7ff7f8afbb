//! What the user says of a bet, as a fact in the log: through the API, on the command line, in a
//! chat.

use std::time::Duration;

use marabet_ledger::Filed;
use marabet_quant::Odds;
use marabet_schemas::bets::{BetPlaced, BetSkipped, BetVoid, Grant};
use marabet_schemas::frame::Frame;
use marabet_schemas::{BetId, Body, Book, EntryId, Event, Instant, MatchKey, Money, Source};
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
    /// The log no longer has the bet, and where it is filed cannot be read.
    #[error("the log no longer has bet {bet}, and what it has dropped cannot be read: {reason}")]
    Filed {
        /// The bet.
        bet: BetId,
        /// Where it was looked for, and what is wrong there.
        reason: String,
    },
    /// The log is away.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Writes what the user says of a bet into the log. Returns the fact, once it is on the server's
/// disk. To say it again changes nothing: the last word counts. A bet that the log has dropped is
/// looked for where it is filed.
///
/// # Errors
/// [`WordError`].
pub async fn say(
    log: &Log,
    filed: &Filed,
    bet: BetId,
    word: &Word,
    at: Instant,
) -> Result<Event, WordError> {
    let granted = match granted(log, bet).await? {
        None if log.entries_gone(Stream::Grants, 0).await? > 0 => filed_grant(filed, bet).await?,
        found => found,
    };
    let (key, grant) = granted.ok_or(WordError::NoBet(bet))?;
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

/// The grant of a bet, where the log has it.
async fn granted(log: &Log, wanted: BetId) -> Result<Option<(MatchKey, Grant)>, LogError> {
    let mut pages = Pages::of(log, Stream::Grants, 0);
    while let Some(frames) = pages.next().await? {
        if let Some(found) = frames.into_iter().find_map(|frame| grant_in(frame, wanted)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The grant of a bet, where it is filed.
async fn filed_grant(filed: &Filed, bet: BetId) -> Result<Option<(MatchKey, Grant)>, WordError> {
    let Some(earlier) = filed.clone() else { return Ok(None) };
    let search = move || -> Result<Option<(MatchKey, Grant)>, String> {
        for frame in earlier.frames(Stream::Grants, 0, EntryId::default())? {
            if let Some(found) = grant_in(frame?, bet) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    let searched = tokio::task::spawn_blocking(search).await;
    let searched = searched.unwrap_or_else(|error| Err(error.to_string()));
    searched.map_err(|reason| WordError::Filed { bet, reason })
}

fn grant_in(frame: Frame, wanted: BetId) -> Option<(MatchKey, Grant)> {
    frame.events.into_iter().flatten().find_map(|event| match (event.body, event.key) {
        (Body::Grant(grant), Some(key)) if grant.value_bet.bet == wanted => Some((key, *grant)),
        _ => None,
    })
}
