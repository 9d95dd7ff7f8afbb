//! Following the log: every frame of `priced`, `bets` and `grants` onto the board, in order.
//!
//! A bet has the entry ID of the facts that it follows from. So the two streams of a partition are
//! taken merged by it, facts first: then the board knows where a bet's quote stands when the bet
//! comes.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::try_join_all;
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

/// Follows the log until asked to end. Redis being away passes.
///
/// # Errors
/// An answer that Redis should not give.
pub(crate) async fn follow(app: App, mut shutdown: Shutdown) -> Result<(), LogError> {
    let mut following = Following::of(app.log.namespace().partitions());
    loop {
        let wait = match following.round(&app).await {
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

/// How far each stream was taken.
struct Following {
    priced: Vec<Place>,
    bets: Vec<Place>,
    grants: Place,
}

/// One partition of a stream: how far it was read, and what of it was not taken yet.
struct Place {
    stream: Stream,
    partition: u16,
    read_to: Option<EntryId>,
    waiting: VecDeque<Frame>,
    /// The stream may hold more than what was read.
    more: bool,
}

impl Following {
    fn of(partitions: u16) -> Self {
        let places = |stream| (0..partitions).map(|one| Place::new(stream, one)).collect();
        Self {
            priced: places(Stream::Priced),
            bets: places(Stream::Bets),
            grants: Place::new(Stream::Grants, 0),
        }
    }

    /// Reads on in every place, and takes what can be taken in order; whether there is more.
    async fn round(&mut self, app: &App) -> Result<bool, LogError> {
        // Reads share one connection, over which the commands go out together. The facts of a bet
        // that was read are in the log, so that they are read after it.
        let decided = self.bets.iter_mut().chain([&mut self.grants]);
        try_join_all(decided.map(|place| place.read(app))).await?;
        try_join_all(self.priced.iter_mut().map(|place| place.read(app))).await?;
        for (priced, bets) in self.priced.iter_mut().zip(&mut self.bets) {
            let known_to = priced.known_to().min(bets.known_to());
            loop {
                let (fact, bet) = (priced.first(known_to), bets.first(known_to));
                let first = match (fact, bet) {
                    (Some(fact), Some(bet)) if fact > bet => &mut *bets,
                    (Some(_), _) => &mut *priced,
                    (None, Some(_)) => &mut *bets,
                    (None, None) => break,
                };
                first.take(app);
            }
        }
        // A grant finds its bet, where that was read.
        while !self.grants.waiting.is_empty() {
            self.grants.take(app);
        }
        let places = self.priced.iter().chain(&self.bets).chain([&self.grants]);
        Ok(places.into_iter().any(|place| place.more))
    }
}

impl Place {
    fn new(stream: Stream, partition: u16) -> Self {
        Self { stream, partition, read_to: None, waiting: VecDeque::new(), more: true }
    }

    async fn read(&mut self, app: &App) -> Result<(), LogError> {
        if !self.waiting.is_empty() {
            self.more = true;
            return Ok(());
        }
        let from = self.read_to.map(|id| EntryId { seq: id.seq + 1, ..id });
        let frames = app.log.range(self.stream, self.partition, from, None, PAGE).await?;
        self.more = frames.len() == PAGE;
        self.read_to = frames.last().map(|frame| frame.id).or(self.read_to);
        self.waiting = frames.into();
        Ok(())
    }

    /// Up to which entry it is known what the stream holds.
    fn known_to(&self) -> EntryId {
        const END: EntryId = EntryId { ms: u64::MAX, seq: u64::MAX };
        self.waiting.back().filter(|_| self.more).map_or(END, |last| last.id)
    }

    /// The first frame that was not taken, up to an entry.
    fn first(&self, to: EntryId) -> Option<EntryId> {
        self.waiting.front().map(|frame| frame.id).filter(|id| *id <= to)
    }

    fn take(&mut self, app: &App) {
        if let Some(frame) = self.waiting.pop_front() {
            take(app, self.stream, self.partition, &frame);
        }
    }
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
            Ok(json) => app.live.tell(kind, &json),
            Err(error) => tracing::error!("a bet that is no JSON: {error}"),
        }
    }
}
