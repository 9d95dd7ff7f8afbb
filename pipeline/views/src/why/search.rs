//! The trail of a bet where no board has followed the log: found by reading it.

use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::ClosingRules;
use marabet_schemas::{Address, BetId, Body, EntryId, Event, MatchKey};
use marabet_streams::{Log, LogError, Stream};

use super::trail::Trail;
use crate::board::{Board, Bounds};
use crate::readback::Pages;

/// Looks for a bet and for what led to it. None where the log does not hold the bet. Takes the
/// longer the longer the log is: it reads the bet's partition, and the grants.
///
/// # Errors
/// [`LogError::Away`] when Redis is.
pub async fn search(log: &Log, bet: BetId) -> Result<Option<Trail>, LogError> {
    let Some((partition, decided, key)) = alert(log, bet).await? else { return Ok(None) };
    let mut board = Board::new(Bounds::default(), ClosingRules::default());
    // Facts up to the decision, then what came of it: as the board of a dashboard takes them.
    for (stream, partition, to) in [
        (Stream::Priced, partition, Some(decided)),
        (Stream::Bets, partition, None),
        (Stream::Grants, 0, None),
    ] {
        let mut pages = Pages::of(log, stream, partition);
        while let Some(frames) = pages.next().await? {
            let within = |frame: &&Frame| to.is_none_or(|to| frame.id <= to);
            for frame in frames.iter().take_while(within) {
                for (address, event) in numbered(frame, partition) {
                    if event.key.as_ref().is_none_or(|one| *one == key) {
                        board.apply(stream, address, event);
                    }
                }
            }
            if frames.last().is_some_and(|last| to.is_some_and(|to| last.id >= to)) {
                break;
            }
        }
    }
    Ok(board.trail(&bet))
}

/// The partition and the entry of a bet's alert, and its match.
async fn alert(log: &Log, wanted: BetId) -> Result<Option<(u16, EntryId, MatchKey)>, LogError> {
    for partition in 0..log.namespace().partitions() {
        let mut pages = Pages::of(log, Stream::Bets, partition);
        while let Some(frames) = pages.next().await? {
            for (at, event) in frames.iter().flat_map(|frame| numbered(frame, partition)) {
                if let (Body::ValueBet(bet), Some(key)) = (&event.body, &event.key)
                    && bet.bet == wanted
                {
                    return Ok(Some((partition, at.entry, key.clone())));
                }
            }
        }
    }
    Ok(None)
}

/// The events of a frame that can be read, with their addresses.
fn numbered(frame: &Frame, partition: u16) -> impl Iterator<Item = (Address, &Event)> {
    let place = move |index| Address { partition, entry: frame.id, index };
    (0..)
        .zip(&frame.events)
        .filter_map(move |(index, event)| Some((place(index), event.as_ref().ok()?)))
}
