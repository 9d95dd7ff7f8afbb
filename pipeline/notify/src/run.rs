//! A channel's loop: read grants, tell them, acknowledge them.

use std::pin::pin;
use std::time::Duration;

use marabet_schemas::frame::BadLine;
use marabet_schemas::{Body, Event};
use marabet_streams::backoff::Backoff;
use marabet_streams::group::{Delivery, Reader, ReaderOptions};
use marabet_streams::trace::TARGET;
use marabet_streams::{Log, LogError, Shutdown, Stream};
use tokio::time::MissedTickBehavior;
use tracing::{Instrument, Span};

use crate::Notifier;
use crate::outbox::OutboxError;

/// How often a reader that is busy telling says that it is alive, well below a lease's length.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long a message that is on its way is waited for when the loop is asked to end: broken off,
/// nobody would know whether it arrived, and the next process would tell it again.
const FINISH_WITHIN: Duration = Duration::from_millis(800);
/// How long a loop waits before it tries again to read what a newer program wrote.
const NEWER_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The consumer group of a channel. Each channel has its own: a slow one holds up no other.
#[must_use]
pub fn group(channel: &str) -> String {
    format!("notify.{channel}")
}

/// The consumer group on `bets` of a channel that tells how bets ended.
#[must_use]
pub fn settled_group(channel: &str) -> String {
    format!("notify.{channel}.settled")
}

/// Tells what is granted on a channel, until it is asked to end.
///
/// A grant is acknowledged when it was dealt with, so that it comes at least once; the outbox
/// keeps a second coming from being a second telling. It runs ahead of the durable horizon: what
/// a crash of Redis takes back within its last second may have been told.
///
/// # Errors
/// What no waiting repairs: [`LogError::Rollback`] when the stream ends below what was read from
/// it, and an answer that Redis should not give.
pub async fn run(log: &Log, notifier: &Notifier, shutdown: Shutdown) -> Result<(), LogError> {
    follow(log, notifier, Stream::Grants, &group(notifier.channel()), shutdown).await
}

/// Tells on a channel how the bets ended that were told there, until it is asked to end.
///
/// # Errors
/// As [`run`].
pub async fn run_settled(
    log: &Log,
    notifier: &Notifier,
    shutdown: Shutdown,
) -> Result<(), LogError> {
    follow(log, notifier, Stream::Bets, &settled_group(notifier.channel()), shutdown).await
}

async fn follow(
    log: &Log,
    notifier: &Notifier,
    stream: Stream,
    group: &str,
    mut shutdown: Shutdown,
) -> Result<(), LogError> {
    let mut newer = Backoff::new(NEWER_WAITS.0, NEWER_WAITS.1);
    while !shutdown.is_asked() {
        let options = ReaderOptions { durable_only: false, ..ReaderOptions::default() };
        let mut reader = Reader::new(log, stream, group, options);
        // One loop of a channel looks after the messages that stand.
        let looks_around = stream == Stream::Grants;
        if looks_around {
            notifier.watch_anew();
        }
        match serve(&mut reader, notifier, looks_around, &mut shutdown).await? {
            End::Asked => {
                reader.close().await;
                break;
            }
            End::Lost => {}
            End::Newer(line) => {
                reader.close().await;
                tracing::warn!(group, "{}; waiting", line.reason);
                shutdown.unless_asked(tokio::time::sleep(newer.advance())).await;
            }
        }
    }
    Ok(())
}

/// Why a reader was given up.
enum End {
    /// The loop is to end.
    Asked,
    /// Another process reads for the group now.
    Lost,
    /// A newer program wrote the next frame.
    Newer(BadLine),
}

async fn serve(
    reader: &mut Reader,
    notifier: &Notifier,
    looks_around: bool,
    shutdown: &mut Shutdown,
) -> Result<End, LogError> {
    loop {
        let Some(deliveries) = shutdown.unless_asked(reader.next()).await else {
            return Ok(End::Asked);
        };
        let mut deliveries = deliveries?;
        let newer = deliveries.iter().find_map(|one| one.frame.newer().cloned());
        if newer.is_some() {
            let read = deliveries.iter().take_while(|one| one.frame.newer().is_none()).count();
            deliveries.truncate(read);
        }
        let span = span(notifier.channel(), &deliveries);
        let telling = tell(notifier, &deliveries, looks_around, shutdown.clone()).instrument(span);
        match finished(while_kept(reader, telling), shutdown).await {
            Some(Ok(Some(Extent::Whole))) => {}
            Some(Ok(Some(Extent::Part))) | None => return Ok(End::Asked),
            Some(Ok(None)) => return Ok(End::Lost),
            Some(Err(error)) => return Err(error),
        }
        match reader.acknowledge(&deliveries).await {
            Ok(()) => {}
            // It comes again, and the outbox knows it.
            Err(error) if error.is_transient() => return Ok(End::Lost),
            Err(error) => return Err(error),
        }
        if let Some(newer) = newer {
            return Ok(End::Newer(newer));
        }
    }
}

/// The span of telling what came at once, linked to the frames that it follows from.
fn span(channel: &str, deliveries: &[Delivery]) -> Span {
    let Some(first) = deliveries.first() else { return Span::none() };
    let links = || {
        let causes = deliveries.iter().filter_map(|one| one.causes.as_deref());
        causes.collect::<Vec<_>>().join(" ")
    };
    tracing::debug_span!(
        target: TARGET,
        parent: None,
        "tell",
        otel.name = "tell",
        otel.kind = "consumer",
        trace.links = links(),
        channel,
        entry = %first.frame.id,
        frames = deliveries.len(),
    )
}

/// What the future yields; nothing when it takes longer than a message may once the loop is asked
/// to end.
async fn finished<T>(work: impl Future<Output = T>, shutdown: &mut Shutdown) -> Option<T> {
    let mut work = pin!(work);
    match shutdown.unless_asked(work.as_mut()).await {
        None => tokio::time::timeout(FINISH_WITHIN, work).await.ok(),
        done => done,
    }
}

/// How much of what came was told.
enum Extent {
    Whole,
    /// The loop was asked to end before the next message.
    Part,
}

/// Does something, and keeps the right to read meanwhile, which a slow channel would outlast.
/// Nothing when it was lost: what was being told is left for whoever has it now.
async fn while_kept<T>(
    reader: &mut Reader,
    work: impl Future<Output = T>,
) -> Result<Option<T>, LogError> {
    let mut work = pin!(work);
    let mut beat = tokio::time::interval(KEEP_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Some(done)),
            _ = beat.tick() => match reader.keep().await {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) if error.is_transient() => return Ok(None),
                Err(error) => return Err(error),
            },
        }
    }
}

/// Tells what came at once, then looks after the messages that stand.
async fn tell(
    notifier: &Notifier,
    deliveries: &[Delivery],
    looks_around: bool,
    shutdown: Shutdown,
) -> Extent {
    let mut events = Vec::new();
    for event in deliveries.iter().flat_map(|one| &one.frame.events) {
        match event {
            Ok(event) => events.push(event),
            Err(bad) => {
                tracing::warn!(channel = notifier.channel(), "not told: {}", bad.reason);
            }
        }
    }
    let mut waits = Backoff::reconnect();
    loop {
        match tell_events(notifier, &events, looks_around, &shutdown).await {
            Ok(extent) => return extent,
            Err(error) => {
                tracing::warn!(channel = notifier.channel(), "{error}; trying again");
                waits.wait().await;
            }
        }
    }
}

async fn tell_events(
    notifier: &Notifier,
    events: &[&Event],
    looks_around: bool,
    shutdown: &Shutdown,
) -> Result<Extent, OutboxError> {
    for event in events {
        if matches!(event.body, Body::Settlement(_)) {
            notifier.handle_settled(event).await?;
        }
        if shutdown.is_asked() {
            return Ok(Extent::Part);
        }
    }
    for parcel in notifier.parcels(events) {
        notifier.deal_with(&parcel).await?;
        if shutdown.is_asked() {
            return Ok(Extent::Part);
        }
    }
    if looks_around {
        notifier.look_around().await?;
    }
    Ok(Extent::Whole)
}
