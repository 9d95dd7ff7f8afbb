//! Saying that runs are alive, and looking after jobs that nobody runs.

use std::time::Duration;

use marabet_streams::Shutdown;
use tokio::time::MissedTickBehavior;

use super::{Say, Worker};
use crate::error::JobsError;
use crate::queues::ms;
use crate::script::{BEAT, TEND};

/// How often waiting jobs and missed leases are looked for.
const TEND_EVERY: Duration = Duration::from_millis(200);
/// Most jobs of each kind that one look deals with.
const TEND_MAX: usize = 200;

impl Worker {
    /// Pushes the deadlines of all runs on, three times within a lease.
    pub(super) async fn beat(&self) {
        let mut ticks = tokio::time::interval(self.options.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut command = BEAT.command([self.queues.prefix()]);
            command.arg(ms(self.options.lease));
            let mut runs = Vec::new();
            for (id, running) in self.lock().iter() {
                let progress = running.progress.get().map_or_else(String::new, |p| p.to_string());
                command.arg(id).arg(running.fence).arg(progress);
                runs.push((id.clone(), running.fence));
            }
            if runs.is_empty() {
                continue;
            }
            match self.queues.run::<Vec<String>>(&BEAT, &command).await {
                Ok(answers) => self.tell(&runs, &answers),
                Err(error) => tracing::warn!("no sign of life was given: {error}"),
            }
        }
    }

    fn tell(&self, runs: &[(String, u64)], answers: &[String]) {
        let running = self.lock();
        for ((id, fence), answer) in runs.iter().zip(answers) {
            let say = match &**answer {
                "cancel" => Say::Cancel,
                "lost" => Say::Lost,
                _ => continue,
            };
            // One that has ended meanwhile has said so itself.
            if let Some(run) = running.get(id).filter(|run| run.fence == *fence) {
                run.say.send_replace(say);
            }
        }
    }

    /// Queues what waited long enough, and takes runs from workers that went away.
    pub(super) async fn tend(&self, mut shutdown: Shutdown) -> Result<(), JobsError> {
        let mut ticks = tokio::time::interval(TEND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.unless_asked(ticks.tick()).await.is_some() {
            let mut command = TEND.command([self.queues.prefix()]);
            command.arg(TEND_MAX);
            match self.queues.run::<(u64, u64, u64)>(&TEND, &command).await {
                Ok((_, 0, _)) => {}
                Ok((_, lost, dead)) => {
                    tracing::warn!(
                        "{lost} jobs were left by a worker; {dead} of them are given up"
                    );
                }
                Err(error) if error.is_transient() => tracing::warn!("{error}; trying again"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
