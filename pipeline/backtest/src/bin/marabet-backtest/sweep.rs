//! `marabet-backtest sweep`: many strategies, ranked against luck.

use anyhow::Context;
use marabet_backtest::clock;
use marabet_backtest::digest;
use marabet_backtest::report::numbers::{chance, grouped, or_none, percent, signed_percent};
use marabet_backtest::report::{self, Ranked, Report, StrategyReport, SweepReport};
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::run::{one, sweep};
use marabet_backtest::sweep::{Trial, grid, rank, view};
use marabet_backtest::table::{Table, build};
use marabet_schemas::Instant;
use serde::Serialize;
use std::io::Write as _;

use crate::cli::SweepArgs;
use crate::{facts, text};

/// Strategies of the search that get a section of their own.
const TOLD: usize = 5;

/// What a sweep comes to, as one JSON object.
#[derive(Serialize)]
struct Answer<'a> {
    tried: usize,
    distinct: usize,
    seconds: f64,
    strategies_per_s: f64,
    table_seconds: f64,
    rows: u64,
    quotes: u64,
    split: &'a str,
    reality_p: Option<f64>,
    best: &'a [Ranked],
    report: String,
}

pub(crate) fn execute(arguments: &SweepArgs, setup: &Setup, json: bool) -> anyhow::Result<()> {
    let trials = trials(arguments);
    let history = facts::find(&arguments.facts)?;
    let threads = crate::threads(&arguments.facts);
    let rules = setup.rules();
    let folder = arguments.table.clone().unwrap_or_else(|| arguments.out.join("table"));
    let whole = grid::all(!arguments.no_models, arguments.aggregates);
    let table = build(&history, setup, &view::all(&whole, &rules), &folder, threads)?;
    facts::see_some(table.manifest.walked)?;
    let split_day = arguments.split.clone().unwrap_or_else(|| two_thirds(&table));
    let split: Instant = format!("{split_day}T00:00:00Z")
        .parse()
        .with_context(|| format!("--split {split_day}: write a day as 2019-07-01"))?;

    let began = clock::moment();
    let tested = sweep(&table, &trials, &rules, split, threads)?;
    let ranking = rank::rank(tested);
    let seconds = began.elapsed().as_secs_f64();

    let told = ranking.ranked.iter().take(TOLD);
    let mut strategies = Vec::new();
    for best in told {
        let Some(trial) = trials.iter().find(|trial| trial.name.as_str() == best.name) else {
            continue;
        };
        let booked = one(&table, trial, &rules)?;
        strategies.push(StrategyReport::of(&trial.name, trial.about.clone(), &booked));
    }
    let sweep = SweepReport {
        tried: trials.len(),
        distinct: ranking.distinct,
        split: split_day,
        seconds,
        table_seconds: Some(table.manifest.seconds),
        rows: table.manifest.rows,
        reality_p: ranking.reality_p,
        expected_best_sharpe: ranking.expected_best_sharpe,
        ranked: ranking.ranked,
    };
    let report = Report {
        title: "MaraBet sweep".to_owned(),
        origin: Some(history.origin),
        walked: table.manifest.walked,
        unread: table.manifest.unread,
        seconds,
        setup_hash: setup.hash(),
        bets_digest: digest::of_bytes(
            strategies.iter().map(|one| one.bets_digest.as_str()).collect::<String>().as_bytes(),
        ),
        setup: setup.clone(),
        strategies,
        sweep: Some(sweep),
        paper: None,
    };
    let written = report::write(&report, &arguments.out)?;
    say(&report, &table, written.html.display().to_string(), json)
}

fn trials(arguments: &SweepArgs) -> Vec<Trial> {
    let all = grid::all(!arguments.no_models, arguments.aggregates);
    match arguments.trials {
        Some(count) => grid::draw(all, count, arguments.draw),
        None => all,
    }
}

/// The first of July after two thirds of the seasons.
fn two_thirds(table: &Table) -> String {
    let years = || {
        let seasons = table.catalogue.matches.all().iter().map(|key| key.season().get(..4));
        seasons.filter_map(|year| year?.parse::<i32>().ok())
    };
    let (first, last) = (years().min().unwrap_or(2000), years().max().unwrap_or(2000));
    format!("{}-07-01", first + ((last - first + 1) * 2) / 3)
}

fn say(report: &Report, table: &Table, path: String, json: bool) -> anyhow::Result<()> {
    let Some(sweep) = &report.sweep else { return Ok(()) };
    let best = &sweep.ranked[..sweep.ranked.len().min(10)];
    if json {
        return text::say_json(&Answer {
            tried: sweep.tried,
            distinct: sweep.distinct,
            seconds: sweep.seconds,
            strategies_per_s: sweep.tried as f64 / sweep.seconds.max(1e-9),
            table_seconds: table.manifest.seconds,
            rows: sweep.rows,
            quotes: table.manifest.walked.quotes,
            split: &sweep.split,
            reality_p: sweep.reality_p,
            best,
            report: path,
        });
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "  {:>7} {:>9} {:>9} {:>9} | {:>7} {:>9} {:>9}   strategy",
        "bets", "yield", "CLV", "deflated", "after", "yield", "CLV"
    )?;
    let share = |value: Option<f64>| or_none(value, |value| signed_percent(value, 2));
    for one in best {
        writeln!(
            out,
            "  {:>7} {:>9} {:>9} {:>9} | {:>7} {:>9} {:>9}   {}",
            grouped(one.before.bets as u64),
            share(one.before.r#yield),
            share(one.before.clv),
            or_none(one.deflated, |p| percent(p, 1)),
            grouped(one.after.bets as u64),
            share(one.after.r#yield),
            share(one.after.clv),
            one.about
        )?;
    }
    writeln!(out, "\nreport {path}")?;
    writeln!(
        out,
        "{} strategies, {} distinct in their bets, ranked before {}; reality check p {}",
        grouped(sweep.tried as u64),
        grouped(sweep.distinct as u64),
        sweep.split,
        or_none(sweep.reality_p, chance)
    )?;
    Ok(writeln!(
        out,
        "{:.1} s for the sweep, {:.1} s for the table of {} rows, models included",
        sweep.seconds,
        table.manifest.seconds,
        grouped(sweep.rows)
    )?)
}
