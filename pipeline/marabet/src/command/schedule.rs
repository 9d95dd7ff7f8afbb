//! `marabet schedule`

use std::io::{self, Write};
use std::sync::Arc;

use marabet_jobs::Upcoming;
use marabet_jobs::clock::WallClock;
use serde::Serialize;

use crate::config::Config;
use crate::line::open;
use crate::output::{Answer, or_dash, say};
use crate::work::Desk;

pub(super) async fn execute(config: &Config, json: bool) -> anyhow::Result<()> {
    let ledger = open::ledger(config).await?;
    let opened = open::log(config).await?;
    let desk = Desk::new(&opened.log, ledger, config, Vec::new(), Arc::new(WallClock));
    let upcoming = async { anyhow::Ok(desk.scheduler()?.upcoming().await?) }.await;
    drop(desk);
    opened.close().await?;
    say(&Shown(upcoming?), json)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Vec<Upcoming>);

impl Answer for Shown {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<15} {:<15} {:<14} {:<8} {:<22} next",
            "plan", "job", "cron", "zone", "last"
        )?;
        for one in &self.0 {
            let (last, next) =
                (one.last.map(|at| at.to_string()), one.next.map(|at| at.to_string()));
            writeln!(
                out,
                "{:<15} {:<15} {:<14} {:<8} {:<22} {}",
                one.name,
                one.kind,
                one.cron,
                one.zone,
                or_dash(last),
                or_dash(next)
            )?;
        }
        Ok(())
    }
}
