//! Taking jobs out of a queue, the first priority first, while there are places free.

use std::sync::Arc;
use std::time::Duration;

use marabet_streams::backoff::Backoff;
use marabet_streams::{Connection, LogError, Shutdown};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Worker;
use super::ending::Ended;
use super::job_task::Begun;
use crate::error::JobsError;
use crate::new_job::Priority;
use crate::queues::ms;
use crate::script::START;

/// The group, and the one consumer of all workers: what a worker holds stands in its leases.
const GROUP: &str = "workers";
const CONSUMER: &str = "worker";
/// How long a taker waits for a job before it looks around.
const BLOCK: Duration = Duration::from_millis(500);
/// Most jobs that are begun at once.
const BATCH_MAX: usize = 128;

/// Entries of a stream: identity of the entry, and fields.
type Entries = Vec<(String, Vec<String>)>;

/// A job that was handed out.
struct Taken {
    stream: String,
    entry: String,
    job: String,
}

impl Worker {
    pub(super) async fn take(
        &self,
        queue: &str,
        free: &Arc<Semaphore>,
        to: &mpsc::Sender<Ended>,
        mut shutdown: Shutdown,
    ) -> Result<(), JobsError> {
        let mut waits = Backoff::reconnect();
        while !shutdown.is_asked() {
            match self.take_on(queue, free, to, &mut shutdown, &mut waits).await {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    tracing::warn!(queue, "{error}; trying again");
                    shutdown.unless_asked(waits.wait()).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes over one connection, until it fails or the worker is to end.
    async fn take_on(
        &self,
        queue: &str,
        free: &Arc<Semaphore>,
        to: &mpsc::Sender<Ended>,
        shutdown: &mut Shutdown,
        waits: &mut Backoff,
    ) -> Result<(), JobsError> {
        let mut reading = self.queues.log.open_connection(self.queues.prefix(), BLOCK).await?;
        let streams = Priority::ALL.map(|priority| self.queues.stream(queue, priority));
        for stream in &streams {
            ensure(&mut reading, stream).await?;
        }
        let mut left_behind = tokio::time::interval(self.options.lease * 2);
        loop {
            let Some(places) = shutdown.unless_asked(places(free)).await else { return Ok(()) };
            let abandoned = futures_ready(&mut left_behind);
            let taken = if abandoned {
                self.left_behind(&mut reading, &streams, places.len()).await?
            } else {
                // A reading is never given up half-way: what it was handed would be forgotten.
                read(&mut reading, &streams, places.len()).await?
            };
            waits.reset();
            if !taken.is_empty() {
                self.begin(taken, places, free, to).await?;
            }
            if shutdown.is_asked() {
                return Ok(());
            }
        }
    }

    /// Begins what was taken, each with a place of its own.
    async fn begin(
        &self,
        taken: Vec<Taken>,
        mut places: Vec<OwnedSemaphorePermit>,
        free: &Arc<Semaphore>,
        to: &mpsc::Sender<Ended>,
    ) -> Result<(), JobsError> {
        let mut command = START.command([self.queues.prefix()]);
        command.arg(self.queues.log.owner()).arg(ms(self.options.lease));
        for one in &taken {
            command.arg(&one.job).arg(&one.stream).arg(&one.entry);
        }
        let begun: Vec<Begun> = self.queues.run(&START, &command).await?;
        for begun in begun {
            let place = match places.pop() {
                Some(place) => place,
                None => Arc::clone(free).acquire_owned().await.expect("it is never closed"),
            };
            self.spawn(begun, place, to.clone());
        }
        Ok(())
    }

    /// Jobs that were handed out and never begun, by a worker that went away between the two.
    async fn left_behind(
        &self,
        connection: &mut Connection,
        streams: &[String],
        count: usize,
    ) -> Result<Vec<Taken>, LogError> {
        let mut taken = Vec::new();
        for stream in streams {
            let mut command = redis::cmd("XAUTOCLAIM");
            command.arg(stream).arg(GROUP).arg(CONSUMER).arg(ms(self.options.lease));
            command.arg("0-0").arg("COUNT").arg(count);
            let (_, entries, _): (String, Entries, Vec<String>) =
                connection.query(&command).await?;
            taken.extend(of_stream(stream, entries));
        }
        Ok(taken)
    }
}

/// Whether a tick has come.
fn futures_ready(ticks: &mut tokio::time::Interval) -> bool {
    let waker = std::task::Waker::noop();
    ticks.poll_tick(&mut std::task::Context::from_waker(waker)).is_ready()
}

/// At least one place, and as many more as are free.
async fn places(free: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let first = Arc::clone(free).acquire_owned().await.expect("it is never closed");
    let mut places = vec![first];
    while places.len() < BATCH_MAX
        && let Ok(place) = Arc::clone(free).try_acquire_owned()
    {
        places.push(place);
    }
    places
}

/// Makes the group of a stream, which reads it from its beginning.
async fn ensure(connection: &mut Connection, stream: &str) -> Result<(), LogError> {
    let mut command = redis::cmd("XGROUP");
    command.arg("CREATE").arg(stream).arg(GROUP).arg("0").arg("MKSTREAM");
    match connection.query::<redis::Value>(&command).await {
        Err(LogError::Reply { reason, .. }) if reason.contains("BUSYGROUP") => Ok(()),
        answer => answer.map(|_| ()),
    }
}

/// The next jobs: at most `count`, the first priority first; where there are none, those that
/// come within a while.
async fn read(
    connection: &mut Connection,
    streams: &[String],
    count: usize,
) -> Result<Vec<Taken>, LogError> {
    let mut taken = Vec::new();
    for stream in streams {
        let left = count - taken.len();
        if left == 0 {
            return Ok(taken);
        }
        taken.extend(read_from(connection, std::slice::from_ref(stream), left, None).await?);
    }
    if taken.is_empty() {
        taken = read_from(connection, streams, 1, Some(BLOCK)).await?;
    }
    Ok(taken)
}

async fn read_from(
    connection: &mut Connection,
    streams: &[String],
    count: usize,
    block: Option<Duration>,
) -> Result<Vec<Taken>, LogError> {
    let mut command = redis::cmd("XREADGROUP");
    command.arg("GROUP").arg(GROUP).arg(CONSUMER).arg("COUNT").arg(count);
    if let Some(block) = block {
        command.arg("BLOCK").arg(ms(block));
    }
    command.arg("STREAMS").arg(streams);
    for _ in streams {
        command.arg(">");
    }
    let read: Option<Vec<(String, Entries)>> = connection.query(&command).await?;
    let read = read.unwrap_or_default();
    Ok(read.into_iter().flat_map(|(stream, entries)| of_stream(&stream, entries)).collect())
}

fn of_stream(stream: &str, entries: Entries) -> Vec<Taken> {
    let taken = |(entry, fields): (String, Vec<String>)| {
        Some(Taken { stream: stream.to_owned(), entry, job: fields.into_iter().nth(1)? })
    };
    entries.into_iter().filter_map(taken).collect()
}
