//! A channel's loop: read grants, tell them, acknowledge them.

use std::pin::pin;
use std::time::Duration;

use marabet_schemas::Event;
use marabet_schemas::frame::{BadLine, Frame};
use marabet_streams::backoff::Backoff;
use marabet_streams::group::{Reader, ReaderOptions};
use marabet_streams::{Log, LogError, Shutdown, Stream};
use tokio::time::MissedTickBehavior;

use crate::Notifier;

/// How often a reader that is busy telling says that it is alive, well below a lease's length.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// How long a loop waits before it tries again to read what a newer program wrote.
const NEWER_WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The consumer group of a channel. Each channel has its own: a slow one holds up no other.
#[must_use]
pub fn group(channel: &str) -> String {
    format!("notify.{channel}")
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
pub async fn run(log: &Log, notifier: &Notifier, mut shutdown: Shutdown) -> Result<(), LogError> {
    let group = group(notifier.channel());
    let mut newer = Backoff::new(NEWER_WAITS.0, NEWER_WAITS.1);
    while !shutdown.is_asked() {
        let options = ReaderOptions { durable_only: false, ..ReaderOptions::default() };
        let mut reader = Reader::new(log, Stream::Grants, &group, options);
        match serve(&mut reader, notifier, &mut shutdown).await? {
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
    shutdown: &mut Shutdown,
) -> Result<End, LogError> {
    loop {
        let Some(deliveries) = shutdown.unless_asked(reader.next()).await else {
            return Ok(End::Asked);
        };
        for delivery in deliveries? {
            if let Some(newer) = delivery.frame.newer() {
                return Ok(End::Newer(newer.clone()));
            }
            let telling = tell_while_kept(reader, notifier, &delivery.frame);
            let Some(kept) = shutdown.unless_asked(telling).await else {
                return Ok(End::Asked);
            };
            if !kept? {
                return Ok(End::Lost);
            }
            match reader.acknowledge(std::slice::from_ref(&delivery)).await {
                Ok(()) => {}
                // It comes again, and the outbox knows it.
                Err(error) if error.is_transient() => return Ok(End::Lost),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Tells what a frame holds, and keeps the right to read meanwhile, which a slow channel would
/// outlast. False when it was lost: what was being told is left for whoever has it now.
async fn tell_while_kept(
    reader: &mut Reader,
    notifier: &Notifier,
    frame: &Frame,
) -> Result<bool, LogError> {
    let mut telling = pin!(tell(notifier, frame));
    let mut beat = tokio::time::interval(KEEP_EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut telling => return Ok(true),
            _ = beat.tick() => match reader.keep().await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if error.is_transient() => return Ok(false),
                Err(error) => return Err(error),
            },
        }
    }
}

async fn tell(notifier: &Notifier, frame: &Frame) {
    for event in &frame.events {
        match event {
            Ok(event) => tell_event(notifier, event).await,
            Err(bad) => {
                tracing::warn!(channel = notifier.channel(), "not told: {}", bad.reason);
            }
        }
    }
}

/// Tells an event, as often as it takes until the outbox has it.
async fn tell_event(notifier: &Notifier, event: &Event) {
    let mut waits = Backoff::reconnect();
    while let Err(error) = notifier.handle(event).await {
        tracing::warn!(channel = notifier.channel(), "{error}; trying again");
        waits.wait().await;
    }
}
