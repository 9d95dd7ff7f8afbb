//! The queues: asking for jobs, and looking at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_streams::{Connection, Log, LogError, Script};
use redis::FromRedisValue;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::JobsError;
use crate::new_job::{NewJob, Priority};
use crate::script::{AGAIN, CANCEL, ENQUEUE};
use crate::state::{JobState, JobView};

/// How long a job that ended well is remembered.
pub(crate) const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// Most lines of a job's log that are kept.
const LOG_LINES_MAX: usize = 500;
/// Most jobs that one listing shows.
const LIST_MAX: usize = 1_000;

/// The job queues of a log. Clones share a connection.
#[derive(Clone)]
pub struct Queues {
    pub(crate) log: Log,
    prefix: Arc<str>,
    shared: Arc<tokio::sync::Mutex<Option<Connection>>>,
}

/// How many jobs stand where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Counts {
    /// In the queues, by queue.
    pub queued: BTreeMap<String, u64>,
    /// Being run.
    pub running: u64,
    /// Until a moment comes.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
}

impl Queues {
    /// The queues beside a log.
    #[must_use]
    pub fn of(log: &Log) -> Self {
        let prefix = log.namespace().jobs().into();
        Self { log: log.clone(), prefix, shared: Arc::default() }
    }

    /// Puts a job into its queue. Returns the identity of the job that stands: this one, or the
    /// one of the same unique key that is in the queues already.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is; to ask for the same [`NewJob`] again is right then.
    pub async fn enqueue(&self, job: &NewJob) -> Result<String, JobsError> {
        let stand = self.enqueue_all(std::slice::from_ref(job)).await?;
        Ok(stand.into_iter().next().unwrap_or_default())
    }

    /// Puts jobs into their queues at once. As [`Self::enqueue`].
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn enqueue_all(&self, jobs: &[NewJob]) -> Result<Vec<String>, JobsError> {
        let mut stand = Vec::with_capacity(jobs.len());
        // A script's arguments are unpacked onto a stack that has an end.
        for jobs in jobs.chunks(256) {
            let mut command = ENQUEUE.command([&*self.prefix]);
            for job in jobs {
                let planned =
                    job.planned.map_or_else(String::new, |at| (at.micros() / 1000).to_string());
                command.arg(&job.id).arg(&job.kind).arg(job.rules.queue);
                command.arg(job.priority.as_str()).arg(job.args.to_string());
                command.arg(job.unique.as_deref().unwrap_or_default());
                command.arg(ms(job.wait)).arg(job.rules.attempts_max.max(1));
                command.arg(ms(job.rules.timeout)).arg(ms(job.rules.pause)).arg(planned);
            }
            stand.extend(self.run::<Vec<String>>(&ENQUEUE, &command).await?);
        }
        Ok(stand)
    }

    /// A job as it stands.
    ///
    /// # Errors
    /// [`JobsError::NoJob`]; [`LogError::Away`] when Redis is.
    pub async fn job(&self, id: &str) -> Result<JobView, JobsError> {
        let hash = self.query(redis::cmd("HGETALL").arg(self.key(&format!("job:{id}")))).await?;
        JobView::read(id, hash)
    }

    /// The lines that a job wrote into its log.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn log_of(&self, id: &str) -> Result<Vec<String>, JobsError> {
        let key = self.key(&format!("log:{id}"));
        Ok(self.query(redis::cmd("LRANGE").arg(key).arg(0).arg(-1)).await?)
    }

    pub(crate) async fn write_log(&self, id: &str, line: &str) -> Result<(), JobsError> {
        let key = self.key(&format!("log:{id}"));
        let () = self.query(redis::cmd("RPUSH").arg(&key).arg(line)).await?;
        let newest = -(LOG_LINES_MAX as i64);
        let () = self.query(redis::cmd("LTRIM").arg(&key).arg(newest).arg(-1)).await?;
        Ok(self.query(redis::cmd("PEXPIRE").arg(&key).arg(ms(KEPT))).await?)
    }

    /// The jobs in a state, the last first, of one queue or of all; at most a thousand are
    /// looked at.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn list(
        &self,
        state: JobState,
        queue: Option<&str>,
    ) -> Result<Vec<JobView>, JobsError> {
        let newest = |set: &str| {
            let mut command = redis::cmd("ZREVRANGE");
            command.arg(self.key(set)).arg(0).arg(LIST_MAX - 1);
            command
        };
        let ids: Vec<String> = match state {
            JobState::Queued => self.queued_ids().await?,
            JobState::Waiting => self.query(&newest("waiting")).await?,
            JobState::Running => self.query(&newest("running")).await?,
            JobState::Dead => self.query(&newest("dead")).await?,
            JobState::Done | JobState::Cancelled => {
                let ended = self.ended(None, LIST_MAX).await?;
                ended.into_iter().rev().map(|(_, id)| id).collect()
            }
        };
        let mut jobs = Vec::new();
        for id in ids {
            match self.job(&id).await {
                Ok(job) if job.state == state => jobs.push(job),
                // It went on meanwhile, or is forgotten.
                Ok(_) | Err(JobsError::NoJob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        jobs.retain(|job| queue.is_none_or(|queue| job.queue == queue));
        jobs.dedup_by(|a, b| a.id == b.id);
        Ok(jobs)
    }

    async fn queued_ids(&self) -> Result<Vec<String>, JobsError> {
        let mut ids = Vec::new();
        for key in self.streams().await? {
            let mut command = redis::cmd("XREVRANGE");
            command.arg(key).arg("+").arg("-").arg("COUNT").arg(LIST_MAX);
            let entries: Vec<(String, Vec<String>)> = self.query(&command).await?;
            ids.extend(entries.into_iter().filter_map(|(_, fields)| fields.into_iter().nth(1)));
        }
        Ok(ids)
    }

    /// The streams of all queues that there are.
    async fn streams(&self) -> Result<Vec<String>, JobsError> {
        let names: Vec<String> = self.query(redis::cmd("SMEMBERS").arg(self.key("queues"))).await?;
        let mut names = names;
        names.sort();
        Ok(names
            .iter()
            .flat_map(|queue| Priority::ALL.map(|priority| self.stream(queue, priority)))
            .collect())
    }

    /// Jobs that ended after an entry of the list of those that did, in order: the entry and the
    /// job's identity. The list holds about the last ten thousand.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn ended(
        &self,
        after: Option<EntryId>,
        count: usize,
    ) -> Result<Vec<(EntryId, String)>, JobsError> {
        let key = self.key("ended");
        let entries: Vec<(String, Vec<String>)> = match after {
            Some(after) => {
                let mut command = redis::cmd("XRANGE");
                command.arg(key).arg(format!("({after}")).arg("+").arg("COUNT").arg(count);
                self.query(&command).await?
            }
            None => {
                let mut command = redis::cmd("XREVRANGE");
                command.arg(key).arg("+").arg("-").arg("COUNT").arg(count);
                let mut entries: Vec<(String, Vec<String>)> = self.query(&command).await?;
                entries.reverse();
                entries
            }
        };
        let read = |(entry, fields): (String, Vec<String>)| {
            Some((entry.parse().ok()?, fields.into_iter().nth(1)?))
        };
        Ok(entries.into_iter().filter_map(read).collect())
    }

    /// How many jobs stand where.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn counts(&self) -> Result<Counts, JobsError> {
        let mut counts = Counts::default();
        for key in self.streams().await? {
            let length: u64 = self.query(redis::cmd("XLEN").arg(&key)).await?;
            let name = key.strip_prefix(&*self.prefix).unwrap_or(&key);
            let queue = name.split(':').nth(1).unwrap_or(name);
            *counts.queued.entry(queue.to_owned()).or_default() += length;
        }
        let size = |set: &str| {
            let mut command = redis::cmd("ZCARD");
            command.arg(self.key(set));
            command
        };
        counts.running = self.query(&size("running")).await?;
        counts.waiting = self.query(&size("waiting")).await?;
        counts.dead = self.query(&size("dead")).await?;
        Ok(counts)
    }

    /// Cancels a job. One that runs ends at its next sign of life.
    ///
    /// # Errors
    /// [`JobsError::NoJob`]; [`JobsError::State`] for one that has ended.
    pub async fn cancel(&self, id: &str) -> Result<(), JobsError> {
        let mut command = CANCEL.command([&*self.prefix]);
        command.arg(id).arg(ms(KEPT));
        match self.state_before(id, &CANCEL, &command).await? {
            state if state.is_end() => Err(JobsError::State {
                id: id.to_owned(),
                state: state.to_string(),
                reason: "it has ended; there is nothing to cancel",
            }),
            _ => Ok(()),
        }
    }

    /// Puts a job that ended into its queue again, with all its attempts.
    ///
    /// # Errors
    /// [`JobsError::NoJob`]; [`JobsError::State`] for one that has not ended.
    pub async fn retry(&self, id: &str) -> Result<(), JobsError> {
        let mut command = AGAIN.command([&*self.prefix]);
        command.arg(id);
        match self.state_before(id, &AGAIN, &command).await? {
            state if state.is_end() => Ok(()),
            state => Err(JobsError::State {
                id: id.to_owned(),
                state: state.to_string(),
                reason: "it has not ended; it needs no retry",
            }),
        }
    }

    async fn state_before(
        &self,
        id: &str,
        script: &Script,
        command: &redis::Cmd,
    ) -> Result<JobState, JobsError> {
        let state: Option<String> = self.run(script, command).await?;
        let state = state.ok_or_else(|| JobsError::NoJob(id.to_owned()))?;
        state.parse().map_err(|error: crate::state::NoState| JobsError::Unreadable {
            id: id.to_owned(),
            reason: error.to_string(),
        })
    }

    /// Forgets the jobs in a state: cancels those that are queued or wait, and deletes those that
    /// are dead. Returns how many. Running ones are not purged.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn purge(&self, state: JobState, queue: Option<&str>) -> Result<u64, JobsError> {
        let mut purged = 0;
        loop {
            let jobs = self.list(state, queue).await?;
            let found = jobs.len();
            for job in jobs {
                match state {
                    JobState::Queued | JobState::Waiting => match self.cancel(&job.id).await {
                        Ok(()) => purged += 1,
                        Err(JobsError::State { .. }) => {}
                        Err(error) => return Err(error),
                    },
                    JobState::Dead => {
                        self.forget(&job.id).await?;
                        purged += 1;
                    }
                    _ => {}
                }
            }
            if found == 0 || !matches!(state, JobState::Queued | JobState::Waiting | JobState::Dead)
            {
                return Ok(purged);
            }
        }
    }

    async fn forget(&self, id: &str) -> Result<(), JobsError> {
        let dead = self.key("dead");
        let () = self.query(redis::cmd("ZREM").arg(dead).arg(id)).await?;
        let mut command = redis::cmd("DEL");
        command.arg(self.key(&format!("job:{id}"))).arg(self.key(&format!("log:{id}")));
        Ok(self.query(&command).await?)
    }

    /// What every key begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.prefix)
    }

    /// The stream of a queue's jobs of a priority.
    pub(crate) fn stream(&self, queue: &str, priority: Priority) -> String {
        self.key(&format!("queue:{queue}:{}", priority.as_str()))
    }

    async fn connection(&self) -> Result<Connection, LogError> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = &*shared {
            return Ok(connection.clone());
        }
        let connection = self.log.open_connection(&self.prefix, Duration::ZERO).await?;
        Ok(shared.insert(connection).clone())
    }

    /// Sends a command that may be sent again.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        command: &redis::Cmd,
    ) -> Result<T, LogError> {
        for last in [false, true] {
            match self.connection().await?.query(command).await {
                Err(LogError::Away { .. }) if !last => *self.shared.lock().await = None,
                answer => return answer,
            }
        }
        unreachable!("the last round returns")
    }

    /// Runs a script that may be run again.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        command: &redis::Cmd,
    ) -> Result<T, LogError> {
        for last in [false, true] {
            match self.connection().await?.run(script, command).await {
                Err(LogError::Away { .. }) if !last => *self.shared.lock().await = None,
                answer => {
                    return T::from_redis_value(answer?).map_err(|error| LogError::Reply {
                        at: "a script of the queues".to_owned(),
                        reason: error.to_string(),
                    });
                }
            }
        }
        unreachable!("the last round returns")
    }
}

/// Whole milliseconds, as the scripts take them.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
