//! The fault campaign: the line as processes under load, and everything that can happen to it.
//!
//! A [`Campaign`] runs in rounds. Each round starts a private Redis and the real program, one
//! process a stage or two, with a proxy between them and Redis; feeds a simulated league; and
//! lets the faults of a seeded [`schedule`] happen: processes killed or frozen, Redis killed, the
//! end of its file torn off, connections cut and delayed, its disk filled, its memory bound
//! lowered. When the line has come to rest it checks the [`invariants`]: the feed holds what the
//! source said once and in order, and every derived stream is what the pure stages make of the
//! stream before it, event by event.
//!
//! A seed gives the same facts and the same schedule. What each fault meets is up to the machine.

mod disk;
mod expected;
mod facts;
pub mod invariants;
mod processes;
mod proxy;
mod report;
mod round;
pub mod schedule;
mod server;
mod watch;

use std::path::PathBuf;

pub use report::Report;

/// Kills in one round: enough to meet one another, few enough for the log to fit into memory.
pub const KILLS_OF_ROUND: u32 = 60;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The program `marabet`.
    pub program: PathBuf,
    /// Where chance begins.
    pub seed: u64,
    /// How many processes are killed in all. Other faults come with them in proportion.
    pub kills: u32,
    /// Says what is going on, a line at a time.
    pub say: fn(&str),
}

impl Campaign {
    /// Runs all rounds, and adds up what they found. A round that finds something lost or doubled
    /// is the last one, and its folder is kept.
    ///
    /// # Errors
    /// What keeps a round from being carried out: a program that does not start, a line that does
    /// not come to rest.
    pub async fn run(&self) -> anyhow::Result<Report> {
        let mut report = Report::new(self.seed);
        let mut left = self.kills;
        let mut number = 0;
        while left > 0 {
            let kills = left.min(KILLS_OF_ROUND);
            let found = round::run(self, number, kills).await?;
            report.add(found);
            left -= kills;
            number += 1;
            if !report.is_clean() {
                break;
            }
        }
        Ok(report)
    }
}
