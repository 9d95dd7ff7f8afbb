//! Sharing a stage's partitions among the processes that run it.
//!
//! Every process says that it is alive and sees who else is. Each holds its even share: one that
//! has fewer takes what is free, one that has more gives back. Nobody decides for all; the leases
//! keep two from running the same partition, and the fences keep that from doing harm.

use std::collections::BTreeMap;
use std::time::Duration;

use marabet_stage::Stage;
use redis::Value;
use tokio::task::JoinHandle;

use crate::commit::Line;
use crate::error::LogError;
use crate::horizon::server_ms;
use crate::lease::LEASE_LENGTH;
use crate::log::Log;
use crate::metrics::Condition;
use crate::namespace::{Slot, Stream};
use crate::runner::{RunOptions, StageRun, run_stage};
use crate::script::MEMBERS;
use crate::shutdown::{Shutdown, ShutdownTrigger};
use crate::wire;

/// How often a process looks who else is alive.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// A partition that this process runs, or tries to.
struct Running {
    trigger: ShutdownTrigger,
    task: JoinHandle<Result<(), LogError>>,
    giving_back: bool,
}

/// Runs a stage over this process' even share of the partitions, until asked to end. A process
/// alone has all of them. `make` makes a stage with empty state, one for each partition.
///
/// When it is asked to end, or gives a partition to a process that has come, it finishes the
/// batch at hand and gives the lease back. What a dead process held is taken over when its
/// leases have run out.
///
/// # Errors
/// That of the first partition whose runner failed; the others go on until it is asked to end.
pub async fn run_shared<S, F>(
    log: &Log,
    input: Stream,
    output: Stream,
    options: &RunOptions,
    make: F,
    mut shutdown: Shutdown,
) -> Result<(), LogError>
where
    S: Stage + 'static,
    F: Fn() -> S,
{
    let stage = make().name();
    let line = Line { stage, partition: 0, input, output };
    let mut share = Share { log, line, options, running: BTreeMap::new(), failed: BTreeMap::new() };
    while !shutdown.is_asked() {
        match share.look().await {
            Ok(wanted) => share.settle(&wanted, &make),
            // The runners wait for the server by themselves.
            Err(error) if error.is_transient() => tracing::debug!("{error}"),
            Err(error) => {
                share.end().await;
                return Err(error);
            }
        }
        shutdown.unless_asked(tokio::time::sleep(LOOK_EVERY)).await;
    }
    share.end().await;
    share.failed.into_values().next().map_or(Ok(()), Err)
}

struct Share<'a> {
    log: &'a Log,
    line: Line<'a>,
    options: &'a RunOptions,
    running: BTreeMap<u16, Running>,
    failed: BTreeMap<u16, LogError>,
}

/// What a look around has shown.
struct Look {
    /// How many partitions this process is to hold.
    share: usize,
    /// Partitions that nobody holds.
    free: Vec<u16>,
}

impl Share<'_> {
    /// Says that this process is alive, sees who else is, and which partitions are free.
    async fn look(&mut self) -> Result<Look, LogError> {
        let alive = members(self.log, self.line.stage, LEASE_LENGTH).await?;
        let partitions = usize::from(self.log.namespace().partitions());
        let rank = alive.iter().position(|name| name == self.log.owner()).unwrap_or(0);
        let share = share_of(partitions, alive.len(), rank);
        let mut free = Vec::new();
        if self.running.len() < share {
            // Each process begins elsewhere, so that not all try the same partition.
            for step in 0..partitions {
                let partition = ((rank * partitions / alive.len().max(1)) + step) % partitions;
                let partition = partition as u16;
                if self.running.contains_key(&partition) || self.failed.contains_key(&partition) {
                    continue;
                }
                let fence = self.log.namespace().fence(Slot::Partition(partition), self.line.stage);
                let mut command = redis::cmd("HMGET");
                command.arg(&fence).arg("owner").arg("deadline");
                let (owner, deadline): (Option<String>, Option<u64>) =
                    self.log.query(&command).await?;
                // By the clock of the server that has the lease: another's may differ.
                let now_ms = server_ms(&mut self.log.shared(&fence).await?).await?;
                let held =
                    owner.is_some_and(|owner| !owner.is_empty() && owner != self.log.owner());
                if !held || deadline.unwrap_or(0) <= now_ms {
                    free.push(partition);
                }
            }
        }
        Ok(Look { share, free })
    }

    /// Takes what is free up to the share, and gives back what is above it.
    fn settle<S: Stage + 'static>(&mut self, look: &Look, make: &impl Fn() -> S) {
        self.collect();
        let metrics = self.log.metrics().stage(self.line.stage);
        let conditions = metrics.conditions();
        for (partition, running) in &mut self.running {
            // Another was faster: there is no use in standing by for this one.
            if matches!(conditions.get(partition), Some(Condition::Elsewhere { .. })) {
                running.give_back();
            }
        }
        let kept = self.running.values().filter(|running| !running.giving_back).count();
        let above = self.running.values_mut().rev().filter(|running| !running.giving_back);
        above.take(kept.saturating_sub(look.share)).for_each(Running::give_back);
        for &partition in look.free.iter().take(look.share.saturating_sub(kept)) {
            self.start(partition, make());
        }
    }

    fn start<S: Stage + 'static>(&mut self, partition: u16, stage: S) {
        let (trigger, shutdown) = ShutdownTrigger::new();
        let run = StageRun {
            partition,
            input: self.line.input,
            output: self.line.output,
            options: self.options.clone(),
        };
        let log = self.log.clone();
        let task = tokio::spawn(async move { run_stage(&log, &run, stage, shutdown).await });
        self.running.insert(partition, Running { trigger, task, giving_back: false });
    }

    /// Forgets runners that have ended.
    fn collect(&mut self) {
        use futures::FutureExt;
        let failed = &mut self.failed;
        self.running.retain(|&partition, running| {
            if !running.task.is_finished() {
                return true;
            }
            // It is finished, so that its value is there at once.
            if let Some(Ok(Err(error))) = (&mut running.task).now_or_never() {
                failed.insert(partition, error);
            }
            false
        });
    }

    /// Gives everything back and leaves.
    async fn end(&mut self) {
        // The others count it out before they find what it gives back, and take all of that at
        // once. One that does not leave is taken for dead a little later.
        let _ = members(self.log, self.line.stage, Duration::ZERO).await;
        for running in self.running.values_mut() {
            running.give_back();
        }
        for (partition, mut running) in std::mem::take(&mut self.running) {
            if let Ok(Err(error)) = (&mut running.task).await {
                self.failed.insert(partition, error);
            }
        }
    }
}

impl Running {
    fn give_back(&mut self) {
        self.giving_back = true;
        self.trigger.ask();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A runner must not outlive whoever knows of it.
        self.task.abort();
    }
}

/// How many of the partitions the process of this rank is to hold among so many.
fn share_of(partitions: usize, processes: usize, rank: usize) -> usize {
    let processes = processes.max(1);
    partitions / processes + usize::from(rank < partitions % processes)
}

/// Says for how long this process is alive, and returns the names of all that are.
async fn members(log: &Log, stage: &str, lasting: Duration) -> Result<Vec<String>, LogError> {
    let key = log.namespace().members(stage);
    let mut command = MEMBERS.command([&*key]);
    command.arg(log.owner()).arg(lasting.as_millis() as u64);
    let answer = log.run(&MEMBERS, &command).await?;
    let names = wire::array(answer).ok_or_else(|| LogError::unexpected("members", &Value::Nil))?;
    Ok(names.iter().filter_map(wire::text).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_leave_no_partition_out() {
        for partitions in 1..40 {
            for processes in 1..10 {
                let shares: Vec<_> =
                    (0..processes).map(|rank| share_of(partitions, processes, rank)).collect();
                assert_eq!(shares.iter().sum::<usize>(), partitions);
                assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
            }
        }
    }
}
