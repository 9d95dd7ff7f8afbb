//! `daily_report`, `weekly_report`: what the last day or week brought, told with its picture.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::report::{StrategyReport, Sums};
use marabet_notify::report::{Period, StrategyPeriod, Sums as Told};
use marabet_schemas::Instant;
use serde_json::{Value, json};

use super::{Desk, again};

const DAY_S: i64 = 86_400;

pub(super) struct Report {
    desk: Desk,
    kind: &'static str,
    days: i64,
}

impl Report {
    pub(super) fn weekly(desk: &Desk) -> Self {
        Self { desk: desk.clone(), kind: "weekly_report", days: 7 }
    }

    pub(super) fn daily(desk: &Desk) -> Self {
        Self { desk: desk.clone(), kind: "daily_report", days: 1 }
    }
}

#[async_trait]
impl Job for Report {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn about(&self) -> &'static str {
        "Tell what the last days brought: alerted bets apart from placed ones, with a picture"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("notify")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        // Whole days, up to the midnight before the planned instant: whenever it runs, and
        // however often, it is the same report.
        let at = run.planned().unwrap_or_else(|| self.desk.now());
        let to = midnight(at);
        let from = to.plus_seconds(-self.days * DAY_S);
        let strategies = self.desk.ledger.report(from, to).await.map_err(again)?;
        let strategies = strategies.into_iter().map(|(name, one)| told(name, one)).collect();
        let period = Period { name: format!("{}:{}", self.kind, to.day()), from, to, strategies };
        let picture = period.picture();
        let mut ends = serde_json::Map::new();
        for notifier in self.desk.notifiers.iter().filter(|one| one.audience().reports) {
            let message = period.message(&notifier.audience().voice());
            let subject = format!("report:{}", period.name);
            let end = notifier.announce(&subject, &message, picture.as_ref()).await;
            let end = end.map_err(again)?;
            ends.insert(notifier.channel().to_owned(), format!("{end:?}").into());
        }
        let text = period.message(&marabet_notify::voice::Voice::default()).text;
        run.log(&text).await;
        Ok(json!({ "from": from.to_string(), "to": to.to_string(), "told": ends, "text": text }))
    }
}

fn midnight(at: Instant) -> Instant {
    let day = DAY_S * 1_000_000;
    Instant::from_micros(at.micros() - at.micros().rem_euclid(day))
}

fn told(strategy: String, report: StrategyReport) -> StrategyPeriod {
    let sums = |sums: Sums| Told {
        bets: sums.bets,
        staked: sums.staked,
        profit: sums.profit,
        claimed_ev: sums.claimed_ev,
        with_clv: sums.with_clv,
        clv: sums.clv,
    };
    StrategyPeriod {
        strategy,
        alerted: sums(report.alerted),
        placed: sums(report.placed),
        bankroll: report.bankroll,
        currency: report.currency,
        equity: report.equity,
    }
}
