//! Following the log: every frame of `priced`, `bets` and `grants` onto the board, in order.

use std::time::Duration;

use marabet_schemas::frame::Frame;
use marabet_schemas::{Address, EntryId};
use marabet_streams::{LogError, Shutdown, Stream};
use marabet_views::board::{BetRow, Change};

use crate::app::App;

/// How often the log is asked for what has come.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// How long to wait where Redis is away.
const AWAY_WAIT: Duration = Duration::from_secs(1);
/// Frames read at once.
const PAGE: usize = 256;

/// One partition of a stream, and how far it was read.
struct Place {
    stream: Stream,
    partition: u16,
    read_to: Option<EntryId>,
}

/// Follows the log until asked to end. Redis being away passes.
///
/// # Errors
/// An answer that Redis should not give.
pub(crate) async fn follow(app: App, mut shutdown: Shutdown) -> Result<(), LogError> {
    let partitions = app.log.namespace().partitions();
    let of = |stream| move |partition| Place { stream, partition, read_to: None };
    // Bets before their grants, so that a grant finds its bet.
    let mut places: Vec<Place> = (0..partitions).map(of(Stream::Priced)).collect();
    places.extend((0..partitions).map(of(Stream::Bets)));
    places.push(of(Stream::Grants)(0));
    loop {
        let wait = match round(&app, &mut places).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => {
                app.set_caught_up();
                FOLLOW_EVERY
            }
            Err(error) if error.is_transient() => {
                tracing::warn!("the board waits: {error}");
                AWAY_WAIT
            }
            Err(error) => return Err(error),
        };
        if shutdown.unless_asked(tokio::time::sleep(wait)).await.is_none() {
            return Ok(());
        }
    }
}

/// Reads on in every place; whether any of them had more than a page.
async fn round(app: &App, places: &mut [Place]) -> Result<bool, LogError> {
    let reads = places.iter().map(|place| {
        let from = place.read_to.map(|id| EntryId { seq: id.seq + 1, ..id });
        app.log.range(place.stream, place.partition, from, None, PAGE)
    });
    // They share one connection, over which the commands go out together.
    let pages = futures::future::try_join_all(reads).await?;
    let mut more = false;
    for (place, frames) in places.iter_mut().zip(pages) {
        more |= frames.len() == PAGE;
        for frame in &frames {
            take(app, place.stream, place.partition, frame);
            place.read_to = Some(frame.id);
        }
    }
    Ok(more)
}

fn take(app: &App, stream: Stream, partition: u16, frame: &Frame) {
    let told = app.has_caught_up();
    let rows: Vec<(&'static str, BetRow)> = app.change_board(|board| {
        let mut rows = Vec::new();
        // A line that cannot be read is a matter of the stage that reads it, which reports it.
        for (index, event) in (0..).zip(&frame.events) {
            let Ok(event) = event else { continue };
            let address = Address { partition, entry: frame.id, index };
            let (kind, id) = match board.apply(stream, address, event) {
                Some(Change::Found(id)) => ("bet", id),
                Some(Change::Granted(id)) => ("grant", id),
                Some(Change::Settled(id)) => ("settlement", id),
                None => continue,
            };
            if told && let Some(bet) = board.bet(&id) {
                rows.push((kind, BetRow::of(bet, app.now(board))));
            }
        }
        rows
    });
    for (kind, row) in rows {
        match serde_json::to_string(&row) {
            Ok(json) => app.live.tell(kind, json),
            Err(error) => tracing::error!("a bet that is no JSON: {error}"),
        }
    }
}
