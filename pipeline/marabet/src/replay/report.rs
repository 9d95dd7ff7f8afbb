//! What a replay says at its end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use marabet_schemas::{Event, StrategyName};
use serde::Serialize;

use super::cause;
use super::drive::{Plan, Replayed};
use crate::output::{Answer, grouped, or_dash, percent};
use crate::summary::{Bets, StrategySummary};

/// The summary of a replay.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Facts that went through the stages.
    pub(super) facts: u64,
    /// Book prices: one for each selection of each quote.
    pub(super) quotes: u64,
    /// From the first file to the last decision, in seconds.
    pub(super) seconds: f64,
    /// Book prices through all stages, per second.
    pub(super) quotes_per_s: f64,
    /// Alerts of all strategies.
    pub(super) bets: u64,
    /// Hash of all alerts in canonical order.
    pub(super) bets_digest: String,
    /// What one unit staked earned, over all strategies.
    pub(super) r#yield: Option<f64>,
    /// Its 95 % interval: bootstrap over match-days.
    pub(super) yield_ci95: Option<[f64; 2]>,
    /// Mean closing-line value of the bets that have one.
    pub(super) clv_mean: Option<f64>,
    /// The largest fall of the strategies' bankrolls below their peak, as a share of the peak.
    pub(super) max_drawdown: Option<f64>,
    /// Events that differ from those archived live; none where they were not compared.
    pub(super) differences: Option<u64>,
    /// Live events that were compared.
    pub(super) compared: u64,
    /// Differences by stream.
    pub(super) differences_by_stream: BTreeMap<&'static str, u64>,
    /// The first that differs, in event time, a bet where one does; and why.
    pub(super) first_difference: Option<First>,
    /// Events that could not be processed.
    pub(super) dead: u64,
    /// Stakes granted; none where the order in which bets arrived is not known.
    pub(super) grants: Option<u64>,
    /// History without rules was replayed under those of the configuration.
    pub(super) rules_of_configuration: bool,
    /// Each strategy.
    pub(super) strategies: BTreeMap<StrategyName, StrategySummary>,
}

/// The first event that differs.
#[derive(Debug, Serialize)]
pub(super) struct First {
    /// The stream.
    stream: &'static str,
    /// Where it stands in the log.
    address: String,
    /// What was archived live.
    live: Option<serde_json::Value>,
    /// What is derived now.
    replayed: Option<serde_json::Value>,
    /// Why, as far as it is known.
    cause: String,
}

impl Report {
    pub(super) fn of(replayed: &Replayed, plan: &Plan<'_>, seconds: f64) -> Self {
        let counted = |event: &&Event| plan.choice.counts(event);
        let bets: Vec<Event> = replayed.bets.iter().filter(counted).cloned().collect();
        let summary = Bets::of(&bets);
        let differences = &replayed.differences;
        Self {
            facts: replayed.facts,
            quotes: replayed.quotes,
            seconds,
            quotes_per_s: replayed.quotes as f64 / seconds,
            bets: summary.strategies.values().map(|strategy| strategy.bets).sum(),
            bets_digest: summary.digest,
            r#yield: summary.all.r#yield,
            yield_ci95: summary.all.yield_ci95,
            clv_mean: summary.all.clv_mean,
            max_drawdown: summary.max_drawdown,
            differences: plan.verify.then(|| differences.total()),
            compared: differences.compared,
            differences_by_stream: differences
                .counts
                .iter()
                .map(|(stream, &count)| (stream.name(), count))
                .collect(),
            first_difference: first(replayed, plan),
            dead: replayed.dead,
            grants: replayed.grants.as_ref().map(|grants| grants.len() as u64),
            rules_of_configuration: replayed.rules_added,
            strategies: summary.strategies,
        }
    }
}

/// The first differing bet; where no bet differs, what does first along the line.
fn first(replayed: &Replayed, plan: &Plan<'_>) -> Option<First> {
    use marabet_streams::Stream::{Bets, Feed, Grants, Priced};
    let all = &replayed.differences;
    let along_the_line = || [Bets, Priced, Grants, Feed].iter().find_map(|one| all.first.get(one));
    let first = all.first_bet.as_ref().or_else(along_the_line)?;
    let json = |event: &Option<Event>| {
        event.as_ref().and_then(|event| serde_json::from_str(&event.to_line()).ok())
    };
    Some(First {
        stream: first.stream.name(),
        address: first.address.to_string(),
        live: json(&first.live),
        replayed: json(&first.replayed),
        cause: cause::of(first, all, plan.overrides, replayed.rules.as_ref()),
    })
}

impl Answer for Report {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{} facts, {} book prices in {:.2} s: {} book prices/s",
            grouped(self.facts),
            grouped(self.quotes),
            self.seconds,
            grouped(self.quotes_per_s as u64)
        )?;
        if self.rules_of_configuration {
            writeln!(
                out,
                "  the archive holds no rules: those of the configuration were in force"
            )?;
        }
        if self.dead > 0 {
            writeln!(out, "  {} events could not be processed", grouped(self.dead))?;
        }
        for (name, strategy) in &self.strategies {
            writeln!(
                out,
                "  {name:<10} {:>7} bets, yield {}, mean CLV {}",
                grouped(strategy.bets),
                or_dash(strategy.r#yield.map(percent)),
                or_dash(strategy.clv_mean.map(percent))
            )?;
        }
        writeln!(out, "bets digest {}", self.bets_digest)?;
        let Some(differences) = self.differences else { return Ok(()) };
        writeln!(
            out,
            "{} differences among {} events derived live",
            grouped(differences),
            grouped(self.compared)
        )?;
        for (stream, count) in &self.differences_by_stream {
            writeln!(out, "  {stream:<8} {}", grouped(*count))?;
        }
        let Some(first) = &self.first_difference else { return Ok(()) };
        writeln!(out, "the first, in {} at {}:", first.stream, first.address)?;
        for (name, event) in [("live", &first.live), ("now", &first.replayed)] {
            let text = event.as_ref().map(ToString::to_string);
            writeln!(out, "  {name:<5} {}", or_dash(text))?;
        }
        writeln!(out, "  why   {}", first.cause)
    }
}
