//! Several live sources as one: each runs by itself, and what any of them brings goes on.
//!
//! A source that fails is tried again, waiting longer each time; one that fails for good stops,
//! and the others go on. How each does is kept in a file for whoever looks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use marabet_schemas::{Instant, Source as SourceName};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::clock::{self, Clock};
use crate::names::Names;
use crate::precedence::Precedence;
use crate::source::{Batch, Source, SourceError};

/// Batches that wait to be taken, at most; a source that is faster waits.
const WAITING_MAX: usize = 16;
/// The first wait after a fault, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// How a source does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Events so far.
    pub events: u64,
    /// What could not be used so far.
    pub rejects: u64,
    /// When it last brought something.
    pub last_batch: Option<Instant>,
    /// When it last failed, and why.
    pub last_fault: Option<(Instant, String)>,
    /// It stopped for good.
    pub stopped: bool,
}

enum Brought {
    Batch(Batch),
    Fault(String),
    Stopped(String),
    Ended,
}

/// Several sources as one.
pub struct Merged {
    name: SourceName,
    clock: Arc<dyn Clock>,
    names: Names,
    precedence: Precedence,
    receive: mpsc::Receiver<(SourceName, Brought)>,
    tasks: JoinSet<()>,
    standings: BTreeMap<SourceName, Standing>,
    file: Option<PathBuf>,
    written: Option<Instant>,
}

impl std::fmt::Debug for Merged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Merged").field("standings", &self.standings).finish_non_exhaustive()
    }
}

impl Merged {
    /// Runs these sources. How they do is written to the file, where there is one.
    #[must_use]
    pub fn start(
        sources: Vec<Box<dyn Source>>,
        names: Names,
        precedence: Precedence,
        clock: Arc<dyn Clock>,
        file: Option<PathBuf>,
    ) -> Self {
        let (send, receive) = mpsc::channel(WAITING_MAX);
        let mut tasks = JoinSet::new();
        let mut standings = BTreeMap::new();
        for source in sources {
            standings.insert(source.name().clone(), Standing::default());
            tasks.spawn(run(source, send.clone()));
        }
        let name = SourceName::new("sources");
        Self { name, clock, names, precedence, receive, tasks, standings, file, written: None }
    }

    /// How each source does.
    #[must_use]
    pub fn standings(&self) -> &BTreeMap<SourceName, Standing> {
        &self.standings
    }

    fn write_standings(&mut self, now: Instant, at_once: bool) {
        let Some(file) = &self.file else { return };
        let recent = self.written.is_some_and(|last| now < last.plus_seconds(2));
        if recent && !at_once {
            return;
        }
        self.written = Some(now);
        if let Ok(text) = serde_json::to_vec_pretty(&self.standings) {
            let new = file.with_extension("new");
            // What is only looked at stops nothing where it cannot be written.
            let _ = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, file));
        }
    }
}

/// Runs one source until it ends or fails for good.
async fn run(mut source: Box<dyn Source>, send: mpsc::Sender<(SourceName, Brought)>) {
    let name = source.name().clone();
    let mut wait = WAITS.0;
    loop {
        let brought = match source.next().await {
            Ok(Some(batch)) => {
                wait = WAITS.0;
                Brought::Batch(batch)
            }
            Ok(None) => Brought::Ended,
            Err(SourceError::Permanent { reason }) => Brought::Stopped(reason),
            Err(SourceError::Transient { reason, retry_after_ms }) => {
                if send.send((name.clone(), Brought::Fault(reason))).await.is_err() {
                    return;
                }
                let jittered = wait.mul_f64(0.5 + clock::jitter());
                tokio::time::sleep(retry_after_ms.map_or(jittered, Duration::from_millis)).await;
                wait = (wait * 2).min(WAITS.1);
                continue;
            }
        };
        let ends = matches!(brought, Brought::Ended | Brought::Stopped(_));
        if send.send((name.clone(), brought)).await.is_err() || ends {
            return;
        }
    }
}

#[async_trait]
impl Source for Merged {
    fn name(&self) -> &SourceName {
        &self.name
    }

    async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
        loop {
            let received = self.receive.recv().await;
            let Some((name, brought)) = received else { return Ok(None) };
            let now = self.clock.now();
            let standing = self.standings.entry(name.clone()).or_default();
            let mut at_once = true;
            let batch = match brought {
                Brought::Batch(batch) => {
                    at_once = standing.last_batch.is_none();
                    standing.events += batch.events.len() as u64;
                    standing.rejects += batch.rejects.len() as u64;
                    standing.last_batch = Some(now);
                    Some(batch)
                }
                Brought::Fault(reason) => {
                    tracing::warn!(source = %name, "{reason}; trying again");
                    standing.last_fault = Some((now, reason));
                    None
                }
                Brought::Stopped(reason) => {
                    tracing::error!(source = %name, "{reason}; this source stops, the others go on");
                    standing.last_fault = Some((now, reason));
                    standing.stopped = true;
                    None
                }
                Brought::Ended => {
                    standing.stopped = true;
                    None
                }
            };
            self.write_standings(now, at_once);
            if let Some(mut batch) = batch {
                for event in &batch.events {
                    self.names.observe(event);
                }
                let events = std::mem::take(&mut batch.events).into_iter();
                batch.events = events.flat_map(|event| self.precedence.pass(event)).collect();
                return Ok(Some(batch));
            }
            if self.standings.values().all(|standing| standing.stopped) && self.tasks.is_empty() {
                return Ok(None);
            }
        }
    }
}
