//! `backtest`: the backtest program over the archive, its report into the ledger.

use std::path::PathBuf;

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::BacktestRun;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Desk, again};
use crate::config::Config;
use crate::line::open;

pub(super) struct Backtest(pub(super) Desk);

/// The backtest program: beside this one, or where `MARABET_BACKTEST` says.
pub(crate) fn program() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("MARABET_BACKTEST") {
        return Some(PathBuf::from(path)).filter(|path| path.exists());
    }
    let here = std::env::current_exe().ok()?;
    Some(here.with_file_name("marabet-backtest")).filter(|path| path.exists())
}

#[async_trait]
impl Job for Backtest {
    fn kind(&self) -> &'static str {
        "backtest"
    }

    fn about(&self) -> &'static str {
        "Backtest the strategies over the archive and compare them (arguments: args, a list; what \
         stands in for them: run --archive, with the configuration's strategies)"
    }

    fn rules(&self) -> JobRules {
        let timeout = std::time::Duration::from_secs(4 * 3_600);
        JobRules { timeout, attempts_max: 2, ..JobRules::of("backtest") }
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let program = program().ok_or_else(|| {
            JobError::Refused(
                "the program `marabet-backtest` is not beside this one; build it with \
                 `cargo build --release -p marabet-backtest`, or name it in MARABET_BACKTEST"
                    .to_owned(),
            )
        })?;
        let given: Option<Vec<String>> = run.args("args")?;
        let arguments = match given {
            Some(given) => given,
            None => over_the_archive(&self.0.config)?,
        };
        let mut command = Command::new(&program);
        command.args(&arguments).arg("--json").kill_on_drop(true);
        let output = command.output().await.map_err(again)?;
        let said = String::from_utf8_lossy(&output.stderr);
        for line in said.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev() {
            run.log(line).await;
        }
        if !output.status.success() {
            let last = said.lines().last().unwrap_or_default();
            return Err(JobError::Again(format!(
                "the backtest ended with {}: {last}",
                output.status
            )));
        }
        let result: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| again(format!("the backtest's answer cannot be read: {error}")))?;
        let number = |name: &str| result.get(name).and_then(Value::as_f64);
        let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
        let record = BacktestRun {
            id: run.id().to_owned(),
            name: if text("name").is_empty() {
                "weekly".to_owned()
            } else {
                text("name").to_owned()
            },
            at: open::now(),
            parameters: json!({ "args": arguments }).to_string(),
            bets: result.get("bets").and_then(Value::as_u64).unwrap_or_default(),
            yield_: number("yield"),
            clv: number("clv"),
            report: text("report").to_owned(),
        };
        self.0.ledger.put_backtest(&record).await.map_err(again)?;
        Ok(result)
    }
}

/// What is run where nothing else was asked for: the strategies of the configuration over the
/// archive, reported beside the log.
fn over_the_archive(config: &Config) -> Result<Vec<String>, JobError> {
    let folder = config.log.folder.join("backtest");
    let rules = folder.join("rules.toml");
    let text = toml::to_string(&config.rules()).map_err(again)?;
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&rules, text))
        .map_err(|error| again(format!("{}: {error}", rules.display())))?;
    let (rules, out) = (rules.display().to_string(), folder.join("weekly").display().to_string());
    let archive = config.archive_location();
    let words = ["run", "--archive", &archive, "--config", &rules, "--out", &out];
    Ok(words.map(str::to_owned).into())
}
