//! `marabet ledger …`

use std::io::{self, Write};

use marabet_archive::Archive;
use marabet_ledger::{Ledger, Pending, Rebuilt, Status, rebuild};
use marabet_streams::Log;
use serde::Serialize;

use crate::cli::LedgerCommand;
use crate::config::Config;
use crate::line::{open, past};
use crate::output::{Answer, say};

pub(super) async fn execute(
    command: &LedgerCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    if let LedgerCommand::Migrate { dry_run } = command {
        return migrate(config, *dry_run, json).await;
    }
    let ledger = open::ledger(config).await?;
    let opened = open::log(config).await?;
    let answered = match command {
        LedgerCommand::Rebuild => match rebuilt(&opened.log, &ledger, config).await {
            Ok(rebuilt) => say(&Done(rebuilt), json),
            Err(error) => Err(error),
        },
        _ => match ledger.status(&opened.log).await {
            Ok(status) => say(&Shown(status), json),
            Err(error) => Err(error.into()),
        },
    };
    opened.close().await?;
    ledger.close().await;
    answered
}

async fn rebuilt(log: &Log, ledger: &Ledger, config: &Config) -> anyhow::Result<Rebuilt> {
    let archive = Archive::at(&config.archive_location())?;
    Ok(rebuild(log, ledger, &past::filed(&archive)).await?)
}

async fn migrate(config: &Config, dry_run: bool, json: bool) -> anyhow::Result<()> {
    let ledger = Ledger::connect(&open::ledger_url(config)).await?;
    let pending = if dry_run { ledger.pending().await? } else { ledger.migrate().await? };
    let at = ledger.at().to_owned();
    let Pending { version, missing } = pending;
    let missing: Vec<Step> =
        missing.iter().map(|step| Step { version: step.version, name: step.name }).collect();
    ledger.close().await;
    say(&Migrated { at, dry_run, version_before: version, missing }, json)
}

#[derive(Serialize)]
struct Migrated {
    at: String,
    dry_run: bool,
    version_before: i64,
    missing: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    version: i64,
    name: &'static str,
}

impl Answer for Migrated {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.missing.is_empty() {
            return writeln!(out, "{}: the schema is at version {}", self.at, self.version_before);
        }
        let verb = if self.dry_run { "would be applied" } else { "applied" };
        for step in &self.missing {
            writeln!(out, "{}: {:04} {} {verb}", self.at, step.version, step.name)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Done(Rebuilt);

impl Answer for Done {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "rebuilt: {} bets, {} settlements", self.0.bets, self.0.settlements)
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Status);

impl Answer for Shown {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Status { at, schema, streams, rows } = &self.0;
        writeln!(out, "{at}, schema {schema}")?;
        for one in streams {
            let behind = if one.taken == one.last { "" } else { "  behind" };
            writeln!(
                out,
                "{:<7} {:>3}  {} of {}{behind}",
                one.stream, one.partition, one.taken, one.last
            )?;
        }
        for (table, count) in rows {
            writeln!(out, "{table:<18} {count:>8}")?;
        }
        Ok(())
    }
}
