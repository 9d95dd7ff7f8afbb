//! The worker: takes jobs out of the queues, runs them, and says what came of it.
//!
//! A queue has a taker, which reads and begins jobs while there are places free; each job has a
//! task; what they end with is written in batches. One task says for all runs that they are
//! alive, and one puts back what waited long enough or was left by a worker that went away.

mod alive;
mod ending;
mod job_task;
mod taking;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use marabet_streams::Shutdown;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::error::JobsError;
use crate::queues::Queues;
use crate::registry::Registry;
use crate::run::Progress;
use ending::Ended;

/// The queues, and how many jobs of each run at once in one process.
pub const QUEUES: [(&str, usize); 5] =
    [("ml", 2), ("data", 3), ("backtest", 1), ("notify", 2), ("maintenance", 1)];

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Which queues, and how many jobs of each at once.
    pub queues: Vec<(String, usize)>,
    /// How long a run may give no sign of life. A worker that went away is missed after it.
    pub lease: Duration,
    /// How long running jobs are waited for when the worker is asked to end; then they are put
    /// back.
    pub grace: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            queues: QUEUES.map(|(queue, at_once)| (queue.to_owned(), at_once)).to_vec(),
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(5),
        }
    }
}

/// Runs jobs.
#[derive(Clone)]
pub struct Worker {
    queues: Queues,
    registry: Registry,
    options: WorkerOptions,
    running: Arc<Mutex<BTreeMap<String, Running>>>,
}

/// A run of this worker.
struct Running {
    fence: u64,
    progress: Arc<Progress>,
    say: watch::Sender<Say>,
}

/// What a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Say {
    /// Nothing.
    GoOn,
    /// Someone asks it to end.
    Cancel,
    /// The worker is to end: the job is put back.
    Return,
    /// Another run has begun: nothing that this one says counts.
    Lost,
}

impl Worker {
    /// A worker that knows these kinds of jobs.
    #[must_use]
    pub fn new(queues: &Queues, registry: Registry, options: WorkerOptions) -> Self {
        Self { queues: queues.clone(), registry, options, running: Arc::default() }
    }

    /// Runs jobs until it is asked to end. While Redis is away it waits.
    ///
    /// # Errors
    /// What no waiting repairs: an answer that Redis should not give.
    pub async fn run(&self, mut shutdown: Shutdown) -> Result<(), JobsError> {
        let (to, from) = mpsc::channel::<Ended>(1_024);
        let mut tasks: JoinSet<Result<(), JobsError>> = JoinSet::new();
        let mut places = Vec::new();
        for (queue, at_once) in &self.options.queues {
            let free = Arc::new(Semaphore::new((*at_once).max(1)));
            places.push((Arc::clone(&free), (*at_once).max(1)));
            let (worker, queue, to) = (self.clone(), queue.clone(), to.clone());
            let stop = shutdown.clone();
            tasks.spawn(async move { worker.take(&queue, &free, &to, stop).await });
        }
        drop(to);
        let (worker, stop) = (self.clone(), shutdown.clone());
        tasks.spawn(async move { worker.tend(stop).await });
        let worker = self.clone();
        let ending = tokio::spawn(async move { worker.write_ends(from).await });
        let worker = self.clone();
        let beating = tokio::spawn(async move { worker.beat().await });

        let failed = tokio::select! {
            () = shutdown.asked() => Ok(()),
            failed = first_failure(&mut tasks) => failed,
        };
        self.wind_up(&places).await;
        tasks.abort_all();
        // The takers' ends of the channel go with them, and so the writing ends.
        while tasks.join_next().await.is_some() {}
        let _ = ending.await;
        beating.abort();
        failed
    }

    /// Waits for the runs, asks those that take too long to give up, and waits for that.
    async fn wind_up(&self, places: &[(Arc<Semaphore>, usize)]) {
        let all_free = async {
            for (free, at_once) in places {
                let all = u32::try_from(*at_once).unwrap_or(u32::MAX);
                // An error says that the semaphore is closed, and with that nothing runs.
                let _ = free.acquire_many(all).await;
            }
        };
        let mut all_free = std::pin::pin!(all_free);
        if tokio::time::timeout(self.options.grace, &mut all_free).await.is_err() {
            for running in self.lock().values() {
                running.say.send_replace(Say::Return);
            }
            let _ = tokio::time::timeout(self.options.grace, &mut all_free).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first failure of a task; never when all end well.
async fn first_failure(tasks: &mut JoinSet<Result<(), JobsError>>) -> Result<(), JobsError> {
    while let Some(ended) = tasks.join_next().await {
        if let Ok(Err(error)) = ended {
            return Err(error);
        }
    }
    std::future::pending().await
}
