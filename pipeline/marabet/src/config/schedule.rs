//! `[ledger]` and `[jobs]`: where the ledger is, what runs in the background, and when.

use std::collections::BTreeMap;
use std::path::PathBuf;

use marabet_jobs::{Plan, PlanError, QUEUES};
use serde::{Deserialize, Serialize};

/// Where the ledger is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LedgerConfig {
    /// `sqlite:path` or `postgres://user@host/database`; without one
    /// `ledger.<prefix>.db` in the log's folder.
    pub(crate) url: Option<String>,
}

/// What runs in the background, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct JobsConfig {
    /// How many jobs of each queue run at once in one process.
    pub(crate) queues: BTreeMap<String, usize>,
    /// By whose clock plans are due, an IANA name.
    pub(crate) zone: String,
    /// Plans by name. Those of the program are changed by naming them; an empty `cron` takes one
    /// away.
    pub(crate) plans: BTreeMap<String, PlanConfig>,
    /// Where backups go; without it `backups` in the log's folder.
    pub(crate) backups: Option<PathBuf>,
    /// How many backups are kept.
    pub(crate) backups_kept: usize,
}

/// When a job is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanConfig {
    /// Five fields: minute, hour, day, month, weekday.
    pub(crate) cron: String,
    /// The kind of job; the plan's name where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    pub(crate) args: toml::Table,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            queues: QUEUES.map(|(queue, at_once)| (queue.to_owned(), at_once)).into(),
            zone: "UTC".to_owned(),
            plans: BTreeMap::new(),
            backups: None,
            backups_kept: 7,
        }
    }
}

/// The plans of the program: name, which is the job's, and line of cron.
const PLANS: [(&str, &str); 13] = [
    ("clean", "0 1 * * *"),
    ("optimise", "30 1 * * *"),
    ("train", "0 2 * * *"),
    ("predict", "30 2 * * *"),
    ("evaluate", "45 2 * * *"),
    ("backup", "15 3 * * *"),
    ("backtest", "0 3 * * 1"),
    ("weekly_report", "0 9 * * 1"),
    ("daily_report", "0 8 * * *"),
    ("cache_advice", "50 8 * * 1"),
    ("collect", "*/15 * * * *"),
    ("names", "*/10 * * * *"),
    ("health", "* * * * *"),
];

impl JobsConfig {
    /// The plans in force.
    pub(crate) fn plans(&self) -> Result<Vec<Plan>, PlanError> {
        let mut plans: BTreeMap<&str, PlanConfig> = PLANS
            .iter()
            .map(|(name, cron)| {
                let plan =
                    PlanConfig { cron: (*cron).to_owned(), job: None, args: toml::Table::new() };
                (*name, plan)
            })
            .collect();
        for (name, plan) in &self.plans {
            plans.insert(name, plan.clone());
        }
        plans
            .into_iter()
            .filter(|(_, plan)| !plan.cron.trim().is_empty())
            .map(|(name, plan)| {
                let args = serde_json::to_value(&plan.args).unwrap_or_default();
                let kind = plan.job.as_deref().unwrap_or(name);
                Plan::new(name, kind, args, &plan.cron, &self.zone)
            })
            .collect()
    }
}
