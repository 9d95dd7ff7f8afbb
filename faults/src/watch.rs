//! Watching the line while it is disturbed: how often partitions change hands, and how long
//! nothing moves although there is something to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use marabet_streams::{Namespace, Slot, Stream};
use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The stages that take leases.
const STAGES: [&str; 2] = ["predict", "detect"];

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Leases taken after the first one of each partition and stage.
    pub(crate) takeovers: u64,
    /// The longest time in which a group was behind and no stream grew.
    pub(crate) pause: Duration,
}

/// Watches until it is dropped.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    looking: JoinHandle<()>,
}

impl Watch {
    /// Watches the log of this namespace.
    pub(crate) fn over(client: redis::Client, namespace: Namespace) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let to = Arc::clone(&seen);
        let looking = tokio::spawn(async move { look(&client, &namespace, &to).await });
        Self { seen, looking }
    }

    pub(crate) fn seen(&self) -> Seen {
        *lock(&self.seen)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(client: &redis::Client, namespace: &Namespace, to: &Mutex<Seen>) {
    let mut counters: BTreeMap<String, u64> = BTreeMap::new();
    let (mut grown, mut since, mut was_behind) = (0, Instant::now(), false);
    let mut connection = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if connection.is_none() {
            connection = client.get_multiplexed_async_connection().await.ok();
        }
        let Some(open) = &mut connection else { continue };
        let Ok(looked) = ask(open, namespace).await else {
            connection = None;
            continue;
        };
        let mut seen = lock(to);
        for (key, counter) in looked.counters {
            let known = counters.insert(key, counter).unwrap_or(1);
            // A rollback of the server may lower it.
            seen.takeovers += counter.saturating_sub(known.max(1));
        }
        // Whoever has nothing to do does not pause.
        if was_behind {
            seen.pause = seen.pause.max(since.elapsed());
        }
        if looked.entries != grown || !looked.is_behind {
            (grown, since) = (looked.entries, Instant::now());
        }
        was_behind = looked.is_behind;
    }
}

/// The log at one moment.
#[derive(Default)]
struct Looked {
    /// How many entries the streams ever had.
    entries: u64,
    /// A group has not acknowledged everything.
    is_behind: bool,
    /// The counters of the fences.
    counters: Vec<(String, u64)>,
}

async fn ask(
    connection: &mut MultiplexedConnection,
    namespace: &Namespace,
) -> redis::RedisResult<Looked> {
    let mut looked = Looked::default();
    for stream in Stream::ALL {
        let partitions = if stream.is_of_account() { 1 } else { namespace.partitions() };
        for partition in 0..partitions {
            let key = namespace.stream(stream, partition);
            let mut command = redis::cmd("XINFO");
            command.arg("STREAM").arg(&key);
            match command.query_async::<BTreeMap<String, Value>>(connection).await {
                Ok(info) => {
                    if let Some(Value::Int(added)) = info.get("entries-added") {
                        looked.entries += u64::try_from(*added).unwrap_or(0);
                    }
                }
                // Not there yet.
                Err(error) if error.code() == Some("ERR") => continue,
                Err(error) => return Err(error),
            }
            let mut command = redis::cmd("XINFO");
            command.arg("GROUPS").arg(&key);
            let groups: Vec<BTreeMap<String, Value>> = command.query_async(connection).await?;
            let none = Value::Int(0);
            let is_idle = |group: &BTreeMap<String, Value>| {
                group.get("lag") == Some(&none) && group.get("pending") == Some(&none)
            };
            looked.is_behind |= !groups.iter().all(is_idle);
        }
    }
    let partitions = namespace.slots();
    let mut keys: Vec<String> =
        partitions.flat_map(|slot| STAGES.map(|stage| namespace.fence(slot, stage))).collect();
    keys.push(namespace.fence(Slot::Account, "portfolio"));
    for key in keys {
        let counter: Option<u64> =
            redis::cmd("HGET").arg(&key).arg("counter").query_async(connection).await?;
        looked.counters.extend(counter.map(|counter| (key, counter)));
    }
    Ok(looked)
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    // A panic while it was held leaves counts that are true as far as they go.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
