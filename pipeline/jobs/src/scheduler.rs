//! The scheduler: asks for the jobs that are due.
//!
//! Of all schedulers one leads. That a run is asked for once does not rest on that alone: its
//! identity follows from plan and instant, so that asking again changes nothing, and the last
//! instant of a plan moves only from where the leader saw it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use marabet_schemas::Instant;
use marabet_streams::Shutdown;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use crate::clock::{self, Clock};
use crate::error::JobsError;
use crate::new_job::NewJob;
use crate::plan::Plan;
use crate::queues::{Queues, ms};
use crate::registry::{Registry, Unknown};
use crate::script::{FIRE, LEAD};

/// How long a leader leads that gives no sign.
const LEAD_LENGTH: Duration = Duration::from_secs(5);

/// Asks for the jobs that are due.
pub struct Scheduler {
    queues: Queues,
    registry: Registry,
    plans: Vec<Plan>,
    clock: Arc<dyn Clock>,
    tick: Duration,
    nonce: String,
}

/// A plan, when it ran last, and when it comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Upcoming {
    /// The plan.
    pub name: String,
    /// The kind of job.
    pub kind: String,
    /// The line of cron.
    pub cron: String,
    /// Its time zone.
    pub zone: String,
    /// The last instant that was asked for.
    pub last: Option<Instant>,
    /// The next.
    pub next: Option<Instant>,
}

impl Scheduler {
    /// A scheduler of plans, by this clock.
    ///
    /// # Errors
    /// [`Unknown`] when a plan names a job that there is not.
    pub fn new(
        queues: &Queues,
        registry: Registry,
        plans: Vec<Plan>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unknown> {
        for plan in &plans {
            registry.get(&plan.kind)?;
        }
        let tick = Duration::from_millis(500);
        let (queues, nonce) = (queues.clone(), clock::identity());
        Ok(Self { queues, registry, plans, clock, tick, nonce })
    }

    /// The same, looking at its clock this often.
    #[must_use]
    pub fn looking_every(self, tick: Duration) -> Self {
        Self { tick, ..self }
    }

    /// Asks for what is due, until it is asked to end.
    ///
    /// # Errors
    /// What no waiting repairs: an answer that Redis should not give.
    pub async fn run(&self, mut shutdown: Shutdown) -> Result<(), JobsError> {
        let mut ticks = tokio::time::interval(self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.unless_asked(ticks.tick()).await.is_some() {
            match self.look().await {
                Ok(_) => {}
                Err(error) if error.is_transient() => tracing::warn!("{error}; trying again"),
                Err(error) => return Err(error),
            }
        }
        // A leader that does not say so is missed after its time.
        let _ = self.lead("leave").await;
        Ok(())
    }

    /// Asks for what is due now, if this scheduler leads. Returns the jobs asked for.
    ///
    /// # Errors
    /// [`JobsError::Log`] when Redis is away: what is due is asked for at the next look.
    pub async fn look(&self) -> Result<Vec<String>, JobsError> {
        let Some(now) = self.clock.now() else { return Ok(Vec::new()) };
        if !self.lead("keep").await? {
            return Ok(Vec::new());
        }
        let last = self.last().await?;
        let mut asked = Vec::new();
        for plan in &self.plans {
            let Some(since) = last.get(&plan.name) else {
                // A new plan begins now: it has missed nothing.
                self.fire(plan, now, None).await?;
                continue;
            };
            let Some(due) = plan.due(*since, now) else { continue };
            let Ok(job) = self.registry.get(&plan.kind) else { continue };
            let job = NewJob::of(&**job, plan.args.clone()).planned(&plan.name, due);
            asked.push(self.queues.enqueue(&job).await?);
            self.fire(plan, due, Some(*since)).await?;
        }
        Ok(asked)
    }

    /// Every plan, with its last time and its next.
    ///
    /// # Errors
    /// [`JobsError::Log`] when Redis is away.
    pub async fn upcoming(&self) -> Result<Vec<Upcoming>, JobsError> {
        let last = self.last().await?;
        let now = self.clock.now();
        let upcoming = |plan: &Plan| {
            let last = last.get(&plan.name).copied();
            let next = now.or(last).and_then(|now| plan.next(now));
            Upcoming {
                name: plan.name.clone(),
                kind: plan.kind.clone(),
                cron: plan.cron.clone(),
                zone: plan.zone.clone(),
                last,
                next,
            }
        };
        Ok(self.plans.iter().map(upcoming).collect())
    }

    async fn lead(&self, wish: &str) -> Result<bool, JobsError> {
        let mut command = LEAD.command([self.queues.prefix()]);
        command.arg(&self.nonce).arg(ms(LEAD_LENGTH)).arg(wish);
        Ok(self.queues.run::<u8>(&LEAD, &command).await? == 1)
    }

    async fn last(&self) -> Result<BTreeMap<String, Instant>, JobsError> {
        let key = self.queues.key("schedule");
        let last: BTreeMap<String, i64> = self.queues.query(redis::cmd("HGETALL").arg(key)).await?;
        let instant = |ms: i64| Instant::from_micros(ms.saturating_mul(1_000));
        Ok(last.into_iter().map(|(name, ms)| (name, instant(ms))).collect())
    }

    async fn fire(&self, plan: &Plan, at: Instant, last: Option<Instant>) -> Result<(), JobsError> {
        let whole_ms = |at: Instant| (at.micros() / 1_000).to_string();
        let mut command = FIRE.command([self.queues.prefix()]);
        command.arg(&self.nonce).arg(&plan.name).arg(whole_ms(at));
        command.arg(last.map(whole_ms).unwrap_or_default());
        // Whoever leads now sees where the plan stands.
        let _: String = self.queues.run(&FIRE, &command).await?;
        Ok(())
    }
}
