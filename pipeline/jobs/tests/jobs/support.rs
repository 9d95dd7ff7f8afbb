//! A server, and jobs that do what the tests ask.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use marabet_jobs::{
    Job, JobError, JobRules, JobState, JobView, Queues, Registry, Run, Worker, WorkerOptions,
};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, Shutdown, ShutdownTrigger,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(crate) struct Server {
    pub(crate) redis: EmbeddedRedis,
    pub(crate) queues: Queues,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        let queues = queues(&redis, "one").await;
        Self { redis, queues, _folder: folder }
    }
}

/// The queues as another process sees them.
pub(crate) async fn queues(redis: &EmbeddedRedis, owner: &str) -> Queues {
    let options = LogOptions { owner: Some(owner.to_owned()), ..LogOptions::default() };
    let namespace = Namespace::new("mb", 1).unwrap();
    Queues::of(&Log::open(&redis.url(), namespace, options).await.unwrap())
}

/// What the jobs of a test did, in order.
pub(crate) type Done = Arc<Mutex<Vec<String>>>;

/// Does what its argument `do` says.
pub(crate) struct Does {
    pub(crate) done: Done,
    pub(crate) rules: JobRules,
}

#[async_trait]
impl Job for Does {
    fn kind(&self) -> &'static str {
        "does"
    }

    fn about(&self) -> &'static str {
        "Does as it is told"
    }

    fn rules(&self) -> JobRules {
        self.rules
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let what: String = run.args("do")?;
        self.done.lock().unwrap().push(what.clone());
        match &*what {
            "fail" => Err(JobError::again("as asked")),
            "fail once" if run.attempt() == 1 => Err(JobError::again("as asked")),
            "refuse" => Err(JobError::refused("as asked")),
            "panic" => panic!("as asked"),
            "hang" => std::future::pending().await,
            "watch" => {
                while !run.is_cancelled() {
                    run.progress(0.25);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(JobError::again("it saw that it should end"))
            }
            "talk" => {
                run.log("first").await;
                run.log("second").await;
                Ok(json!({ "said": 2 }))
            }
            "sleep" => {
                tokio::time::sleep(Duration::from_millis(150)).await;
                Ok(Value::Null)
            }
            _ => Ok(json!({ "did": what })),
        }
    }
}

/// Rules for quick tests.
pub(crate) fn rules() -> JobRules {
    JobRules {
        queue: "data",
        attempts_max: 3,
        timeout: Duration::from_secs(30),
        pause: Duration::from_millis(20),
        unique: false,
    }
}

pub(crate) fn does(rules: JobRules) -> (Does, Done) {
    let done = Done::default();
    (Does { done: Arc::clone(&done), rules }, done)
}

/// A worker with a short lease; dropping the trigger ends it.
pub(crate) fn work(
    queues: &Queues,
    job: Does,
    at_once: usize,
) -> (ShutdownTrigger, JoinHandle<()>) {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let worker = worker(queues, job, at_once);
    (trigger, tokio::spawn(async move { worker.run(shutdown).await.unwrap() }))
}

/// As `work`, in a runtime of its own that can be ended at once, as a process is killed.
pub(crate) fn work_apart(queues: &Queues, job: Does, at_once: usize) -> tokio::runtime::Runtime {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let worker = worker(queues, job, at_once);
    runtime.spawn(async move { worker.run(Shutdown::never()).await });
    runtime
}

fn worker(queues: &Queues, job: Does, at_once: usize) -> Worker {
    let options = WorkerOptions {
        queues: vec![("data".to_owned(), at_once)],
        lease: Duration::from_millis(600),
        grace: Duration::from_millis(300),
    };
    Worker::new(queues, Registry::new().with(job), options)
}

/// The job once it is in a state, for ten seconds at most.
pub(crate) async fn once(queues: &Queues, id: &str, state: JobState) -> JobView {
    let mut last = None;
    for _ in 0..1_000 {
        let job = queues.job(id).await.unwrap();
        if job.state == state {
            return job;
        }
        last = Some(job);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("job {id} is not {state}: {last:?}");
}
