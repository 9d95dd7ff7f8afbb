//! `backtest`: the backtest program with the strategies in force, and what each came to beside the
//! others, into the ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::Context;
use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::BacktestRun;
use marabet_schemas::Instant;
use marabet_schemas::strategy::Rules;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Desk, again};
use crate::command::backtest_program;
use crate::config::{Config, TrainingConfig};
use crate::line::open;

/// Lines of what the program says on its way that are kept.
const SAID_MAX: usize = 20;
/// Strategies of a sweep that are kept, the best first.
const BEST_MAX: usize = 10;

pub(super) struct Backtest(pub(super) Desk);

/// What `marabet-backtest … --json` answers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Run(Tested),
    Sweep(Swept),
}

/// The answer of `marabet-backtest run`.
#[derive(Debug, Deserialize)]
struct Tested {
    strategies: BTreeMap<String, Summary>,
    /// `files`, `fetched` or `simulated`.
    origin: Option<String>,
    report: String,
    setup_hash: String,
    bets_digest: String,
}

/// What one strategy's bets came to.
#[derive(Debug, Clone, Deserialize)]
struct Summary {
    bets: u64,
    r#yield: Option<f64>,
    yield_ci95: Option<[f64; 2]>,
    clv_mean: Option<f64>,
}

/// The answer of `marabet-backtest sweep`.
#[derive(Debug, Deserialize)]
struct Swept {
    tried: u64,
    /// Matches from this day on were not looked at for the ranking.
    split: String,
    reality_p: Option<f64>,
    best: Vec<Ranked>,
    report: String,
}

/// A strategy of a sweep. What it came to after the split counts; before it, it was chosen for
/// what it came to.
#[derive(Debug, Deserialize)]
struct Ranked {
    name: String,
    about: String,
    after: Period,
}

#[derive(Debug, Deserialize)]
struct Period {
    bets: u64,
    r#yield: Option<f64>,
    clv: Option<f64>,
}

/// One strategy beside the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Compared {
    strategy: String,
    bets: u64,
    r#yield: Option<f64>,
    yield_ci95: Option<[f64; 2]>,
    clv: Option<f64>,
}

#[async_trait]
impl Job for Backtest {
    fn kind(&self) -> &'static str {
        "backtest"
    }

    fn about(&self) -> &'static str {
        "Backtest the strategies in force over the archive and compare them (arguments: args, such \
         as [\"sweep\"])"
    }

    fn rules(&self) -> JobRules {
        let timeout = std::time::Duration::from_secs(4 * 3_600);
        JobRules { timeout, attempts_max: 2, ..JobRules::of("backtest") }
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let given: Vec<String> = run.args::<Option<_>>("args")?.unwrap_or_default();
        let folder = self.0.config.log.folder.join("backtests").join(run.id());
        let arguments = arguments(&given, &folder, &self.0.config).map_err(again)?;
        let output = self.ask(run, &arguments).await?;
        let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|error| {
            JobError::Refused(format!(
                "the answer of the backtest program is none that is known ({error}); take both \
                 programs from one version"
            ))
        })?;
        let at = open::now();
        let (compared, parameters, report) = read(answer, &given);
        if parameters["origin"] == "simulated" {
            let text = "these matches are simulated: name a folder of football-data.co.uk files \
                        in MARABET_DATA";
            run.log(text).await;
        }
        for one in &compared {
            run.log(one.line()).await;
            let record = record(run.id(), at, one, &parameters, &report);
            self.0.ledger.put_backtest(&record).await.map_err(again)?;
        }
        Ok(json!({ "strategies": compared, "parameters": parameters, "report": report }))
    }
}

impl Backtest {
    /// Runs the program, and keeps what it says on its way.
    async fn ask(&self, run: &Run, arguments: &[String]) -> Result<Output, JobError> {
        let program = backtest_program();
        let mut command = Command::new(&program);
        command.args(arguments).arg("--json").env_remove("MARABET_CONFIG").kill_on_drop(true);
        let output = command.output().await.map_err(|error| {
            JobError::Refused(format!(
                "cannot run {}: {error}; build it with `cargo build --release -p \
                 marabet-backtest`, so that it lies beside this program or on the PATH, or name \
                 it in MARABET_BACKTEST",
                program.display()
            ))
        })?;
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        for line in &lines[lines.len().saturating_sub(SAID_MAX)..] {
            run.log(line).await;
        }
        if output.status.success() {
            return Ok(output);
        }
        let last = lines.last().copied().unwrap_or("it said nothing");
        let text = format!("the backtest ended with {}: {last}", output.status);
        // Wrong usage and a wrong configuration stay wrong.
        Err(match output.status.code() {
            Some(2 | 3) => JobError::Refused(text),
            _ => JobError::Again(text),
        })
    }
}

/// The arguments: what was given, else a run over the archive where there is one; over the rules
/// in force, into a folder of its own, where it does not say otherwise.
fn arguments(given: &[String], folder: &Path, config: &Config) -> anyhow::Result<Vec<String>> {
    let mut arguments = given.to_vec();
    if given.is_empty() {
        arguments.push("run".to_owned());
        let archive = config.archive_location();
        if archive.contains("://") || Path::new(&archive).exists() {
            arguments.extend(["--archive".to_owned(), archive]);
        }
    }
    let says = |flag: &str| {
        let with_value = format!("{flag}=");
        given.iter().any(|one| one == flag || one.starts_with(&with_value))
    };
    if !says("--out") {
        arguments.extend(["--out".to_owned(), folder.display().to_string()]);
    }
    if !says("--config") {
        let file = setup(folder, config)?;
        arguments.extend(["--config".to_owned(), file.display().to_string()]);
    }
    Ok(arguments)
}

/// Writes what bets follow from, as it is in force here with all that the environment overrides.
fn setup(folder: &Path, config: &Config) -> anyhow::Result<PathBuf> {
    #[derive(Serialize)]
    struct Setup<'a> {
        #[serde(flatten)]
        rules: Rules,
        training: &'a TrainingConfig,
    }
    let setup = Setup { rules: config.rules(), training: &config.training };
    let file = folder.join("setup.toml");
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    std::fs::write(&file, toml::to_string(&setup)?).with_context(|| file.display().to_string())?;
    Ok(file)
}

/// The strategies, the best closing-line value first: it tells luck from skill sooner than what
/// was won does. With what they follow from, and where the report is.
fn read(answer: Answer, given: &[String]) -> (Vec<Compared>, Value, String) {
    match answer {
        Answer::Run(tested) => {
            let compared = |(strategy, summary): (String, Summary)| Compared {
                strategy,
                bets: summary.bets,
                r#yield: summary.r#yield,
                yield_ci95: summary.yield_ci95,
                clv: summary.clv_mean,
            };
            let mut all: Vec<Compared> = tested.strategies.into_iter().map(compared).collect();
            let clv = |one: &Compared| one.clv.unwrap_or(f64::NEG_INFINITY);
            all.sort_by(|one, other| clv(other).total_cmp(&clv(one)));
            let parameters = json!({
                "args": given, "origin": tested.origin, "setup_hash": tested.setup_hash,
                "bets_digest": tested.bets_digest,
            });
            (all, parameters, tested.report)
        }
        Answer::Sweep(swept) => {
            let compared = |one: Ranked| Compared {
                strategy: format!("{}: {}", one.name, one.about),
                bets: one.after.bets,
                r#yield: one.after.r#yield,
                yield_ci95: None,
                clv: one.after.clv,
            };
            let all = swept.best.into_iter().take(BEST_MAX).map(compared).collect();
            let parameters = json!({
                "args": given, "tried": swept.tried, "from": swept.split,
                "reality_p": swept.reality_p,
            });
            (all, parameters, swept.report)
        }
    }
}

impl Compared {
    fn line(&self) -> String {
        let share = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{:+.2} %", share * 100.0))
        };
        let [least, most] = self.yield_ci95.map_or([None; 2], |ends| ends.map(Some));
        format!(
            "{}: {} bets, closing-line value {}, yield {} ({} … {})",
            self.strategy,
            self.bets,
            share(self.clv),
            share(self.r#yield),
            share(least),
            share(most)
        )
    }
}

fn record(job: &str, at: Instant, one: &Compared, parameters: &Value, report: &str) -> BacktestRun {
    BacktestRun {
        id: format!("{job}/{}", one.strategy),
        name: one.strategy.clone(),
        at,
        parameters: parameters.to_string(),
        bets: one.bets,
        yield_: one.r#yield,
        clv: one.clv,
        report: report.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_and_a_sweep_are_told_apart_and_the_strategies_stand_best_first() {
        let run = r#"{"quotes":9,"bets":12,"yield":-0.05,"clv_mean":-0.02,"origin":"simulated",
            "strategies":{"model":{"bets":9,"decided":9,"yield":-0.07,"yield_ci95":[-0.2,0.1],
            "clv_mean":-0.05,"staked":12.5},"none":{"bets":0,"yield":null,"yield_ci95":null,
            "clv_mean":null},"sharp":{"bets":3,"yield":0.01,"yield_ci95":null,"clv_mean":0.02}},
            "report":"r/report.html","setup_hash":"ab","bets_digest":"cd"}"#;
        let (compared, parameters, report) = read(serde_json::from_str(run).unwrap(), &[]);
        let names: Vec<&str> = compared.iter().map(|one| &*one.strategy).collect();
        assert_eq!(names, ["sharp", "model", "none"]);
        assert_eq!((compared[1].bets, compared[1].clv), (9, Some(-0.05)));
        assert_eq!((&parameters["origin"], &*report), (&json!("simulated"), "r/report.html"));
        assert!(compared[1].line().contains("-5.00 %"), "{}", compared[1].line());

        let sweep = r#"{"tried":200,"distinct":150,"seconds":1.0,"split":"2019-07-01",
            "reality_p":0.4,"best":[{"name":"s12","about":"sharp, value from 3 %",
            "aggregates":false,"before":{"bets":90,"yield":0.2,"clv":0.03},
            "after":{"bets":40,"yield":-0.01,"claimed_ev":0.04,"clv":0.01,"sharpe":0.1},
            "deflated":0.3}],"report":"s/report.html"}"#;
        let (compared, parameters, _) = read(serde_json::from_str(sweep).unwrap(), &[]);
        assert_eq!((compared[0].bets, compared[0].r#yield), (40, Some(-0.01)));
        assert_eq!(parameters["from"], "2019-07-01");
        assert!(serde_json::from_str::<Answer>(r#"{"error":"x"}"#).is_err());
    }
}
