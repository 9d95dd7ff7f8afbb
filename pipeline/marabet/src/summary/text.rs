//! The summary as a person reads it: what was claimed stands beside what came of it.

use std::io::{self, Write};

use super::{StrategySummary, Summary, by_frequency};
use crate::output::{Answer, grouped, or_dash, percent};

impl Answer for Summary {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "  {} facts; {} book prices, {} prices over books apart",
            grouped(self.facts),
            grouped(self.quotes),
            grouped(self.aggregates)
        )?;
        writeln!(
            out,
            "  {} quotes priced, {} models came into force",
            grouped(self.predictions),
            self.models
        )?;
        write_strategies(self, out)?;
        write_scores(self, out)?;
        writeln!(out, "\nbets digest {}", self.bets_digest)
    }
}

fn write_strategies(all: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let strategies = &all.strategies;
    let row = |out: &mut dyn Write, name: &str, cell: &dyn Fn(&StrategySummary) -> String| {
        write!(out, "  {name:<22}")?;
        for strategy in strategies.values() {
            write!(out, " {:>22}", cell(strategy))?;
        }
        writeln!(out)
    };
    write!(out, "\n  {:<22}", "strategy")?;
    for name in strategies.keys() {
        write!(out, " {name:>22}")?;
    }
    writeln!(out)?;
    let share = |value: Option<f64>| or_dash(value.map(percent));
    row(out, "bets", &|one| grouped(one.bets))?;
    for family in families(all) {
        row(out, &format!("  {family}"), &|one| {
            grouped(one.bets_by_market.get(family).copied().unwrap_or(0))
        })?;
    }
    row(out, "settled (void)", &|one| format!("{} ({})", grouped(one.settled), one.void))?;
    row(out, "claimed EV", &|one| share(one.claimed_ev))?;
    row(out, "realised yield", &|one| share(one.r#yield))?;
    row(out, "  95 % interval", &|one| {
        or_dash(one.yield_ci95.map(|[low, high]| format!("{} … {}", percent(low), percent(high))))
    })?;
    row(out, "mean CLV", &|one| share(one.clv_mean))?;
    row(out, "  coverage", &|one| {
        or_dash(one.clv_coverage.map(|share| format!("{:.1} %", share * 100.0)))
    })?;
    writeln!(out, "\n  not bet at, by reason")?;
    for (name, strategy) in strategies {
        let reasons: Vec<String> = by_frequency(&strategy.refusals)
            .into_iter()
            .map(|(reason, count)| format!("{} {}", reason.as_str(), grouped(count)))
            .collect();
        writeln!(out, "  {name:<8} {}", reasons.join(", "))?;
    }
    Ok(())
}

fn families(all: &Summary) -> Vec<&str> {
    let all = all.strategies.values().flat_map(|one| one.bets_by_market.keys());
    let mut families: Vec<&str> = all.map(String::as_str).collect();
    families.sort_unstable();
    families.dedup();
    families
}

fn write_scores(all: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let score = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.5}")));
    writeln!(
        out,
        "\n  {:<22} {:>22} {:>22}",
        format!("1x2, {} matches", all.scored_matches),
        "model",
        "closing odds"
    )?;
    for (name, both) in [("RPS", all.rps), ("log-loss", all.log_loss)] {
        let (model, closing) = (score(both.model), score(both.closing));
        writeln!(out, "  {name:<22} {model:>22} {closing:>22}")?;
    }
    Ok(())
}
