//! What a person reads on the screen: a table, and where the report is.

use std::io::{self, Write};

use marabet_backtest::report::Report;
use marabet_backtest::report::numbers::{
    chance, grouped, interval, or_none, percent, signed_percent,
};
use serde::Serialize;

use crate::run::Answer;

/// Prints the answer: as one JSON object, or as a table.
pub(crate) fn say(answer: &Answer, report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        return say_json(answer);
    }
    let mut out = io::stdout().lock();
    Ok(table(&mut out, answer, report)?)
}

/// Prints one JSON object.
pub(crate) fn say_json(answer: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, answer)?;
    Ok(writeln!(out)?)
}

fn table(out: &mut impl Write, answer: &Answer, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "  {:<13} {:>7} {:>9} {:>9} {:>21} {:>9} {:>9} {:>9} {:>8}",
        "strategy",
        "bets",
        "claimed",
        "yield",
        "95 % interval",
        "CLV",
        "coverage",
        "drawdown",
        "luck"
    )?;
    for one in &report.strategies {
        let s = &one.summary;
        let share = |value: Option<f64>| or_none(value, |value| signed_percent(value, 2));
        writeln!(
            out,
            "  {:<13} {:>7} {:>9} {:>9} {:>21} {:>9} {:>9} {:>9} {:>8}{}",
            one.name.as_str(),
            grouped(s.decided),
            share(s.claimed_ev),
            share(s.r#yield),
            interval(s.yield_ci95, 1),
            share(s.clv_mean),
            or_none(s.clv_coverage, |share| percent(share, 0)),
            percent(s.max_drawdown, 1),
            or_none(s.luck, chance),
            if s.aggregates > 0 { "  at maxima over books, which nobody offers" } else { "" }
        )?;
    }
    writeln!(out, "\nreport {}", answer.report)?;
    writeln!(
        out,
        "{} matches, {} book prices, {} models; {} rows and cells could not be read",
        grouped(answer.matches),
        grouped(answer.quotes),
        grouped(report.walked.models),
        grouped(report.unread)
    )?;
    writeln!(
        out,
        "{:.1} s, {} book prices/s; set-up {}; bets {}",
        answer.seconds,
        grouped(answer.quotes_per_s as u64),
        &answer.setup_hash[..12],
        &answer.bets_digest[..12]
    )?;
    say_differences(out, answer.differences)
}

/// How many bets differ between the two ways, where somebody looked.
pub(crate) fn say_differences(out: &mut impl Write, differences: Option<u64>) -> io::Result<()> {
    match differences {
        None => Ok(()),
        Some(differences) => writeln!(out, "{differences} differences between replay and sweep"),
    }
}
