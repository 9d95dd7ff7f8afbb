//! `marabet-backtest sweep`: many strategies, ranked against luck.

use anyhow::Context;
use marabet_backtest::clock;
use marabet_backtest::digest;
use marabet_backtest::report::numbers::{chance, grouped, or_none, percent, signed_percent};
use marabet_backtest::report::{self, Ranked, Report, StrategyReport, SweepReport, WorthReport};
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::run::{one, sweep};
use marabet_backtest::sweep::worth::worth;
use marabet_backtest::sweep::{SweepError, Trial, grid, rank, view};
use marabet_backtest::table::{Table, build};
use marabet_schemas::Instant;
use serde::Serialize;
use std::io::Write as _;

use crate::cli::SweepArgs;
use crate::{facts, text, verify};

/// Strategies of the search that get a section of their own.
const TOLD: usize = 5;
/// Strategies that are listed on the screen.
const LISTED: usize = 10;

/// What a sweep comes to, as one JSON object: what is said of bets is said of the strategy that
/// ranks first, over both periods.
#[derive(Serialize)]
struct Answer<'a> {
    /// Book prices gone through.
    quotes: u64,
    /// How long the sweep took, the table apart.
    seconds: f64,
    /// Book prices a second, the table's time counted.
    quotes_per_s: f64,
    bets: u64,
    bets_digest: &'a str,
    r#yield: Option<f64>,
    yield_ci95: Option<[f64; 2]>,
    clv_mean: Option<f64>,
    max_drawdown: f64,
    /// Bets of the best ones that a replay makes otherwise; none where nobody looked.
    differences: Option<u64>,
    tried: usize,
    distinct: usize,
    strategies_per_s: f64,
    table_seconds: f64,
    rows: u64,
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
    let split_day = arguments.split.clone().unwrap_or_else(|| two_thirds(&table));
    let split: Instant = format!("{split_day}T00:00:00Z")
        .parse()
        .with_context(|| format!("--split {split_day}: write a day as 2019-07-01"))?;

    let began = clock::moment();
    let tested = sweep(&table, &trials, &rules, split, threads)?;
    let ranking = rank::rank(tested);
    let seconds = began.elapsed().as_secs_f64();
    let bets = |of: fn(&Ranked) -> usize| ranking.ranked.iter().map(of).sum::<usize>();
    if bets(|one| one.before.bets) == 0 && bets(|one| one.after.bets) > 0 {
        let [first, last] = seasons(&table);
        anyhow::bail!(
            "no strategy bets before {split_day}, and by those bets they are ranked; the seasons \
             begin in {first} to {last}: name a day between them with --split, or leave it out"
        );
    }

    let of_name = |best: &Ranked| trials.iter().find(|trial| trial.name.as_str() == best.name);
    let told: Vec<&Trial> = ranking.ranked.iter().take(TOLD).filter_map(of_name).collect();
    let (mut strategies, mut bets) = (Vec::new(), Vec::new());
    for trial in &told {
        let booked = one(&table, trial, &rules)?;
        strategies.push(StrategyReport::of(&trial.name, trial.about.clone(), &booked));
        bets.extend(booked.bets);
    }
    let differences = if arguments.verify {
        Some(verify::of_trials(&history, setup, &told, &bets, threads)?)
    } else {
        None
    };
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
        worth: told.first().map(|best| worth_by(&table, best, split)).transpose()?,
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
    say(&report, &table, differences, written.html.display().to_string(), json)
}

/// What the prices were worth that a strategy chose among.
fn worth_by(table: &Table, trial: &Trial, until: Instant) -> anyhow::Result<WorthReport> {
    let (name, _) = view::of(&trial.rules);
    let view = table.view(name.as_str()).ok_or_else(|| SweepError::NoView(trial.name.clone()))?;
    Ok(WorthReport { view: name.to_string(), groups: worth(&view, &table.catalogue, until)? })
}

fn trials(arguments: &SweepArgs) -> Vec<Trial> {
    let all = grid::all(!arguments.no_models, arguments.aggregates);
    match arguments.trials {
        Some(count) => grid::draw(all, count, arguments.draw),
        None => all,
    }
}

/// The first of July after two thirds of the seasons; of a single one the day about two thirds into
/// it, whether it ends in May or in November.
fn two_thirds(table: &Table) -> String {
    let [first, last] = seasons(table);
    let ends_next_year = || table.catalogue.matches.all().iter().any(|key| key.season().len() > 4);
    match last - first + 1 {
        1 if ends_next_year() => format!("{}-02-15", first + 1),
        1 => format!("{first}-09-01"),
        count => format!("{}-07-01", first + (count * 2) / 3),
    }
}

/// The years in which the first and the last season begin.
fn seasons(table: &Table) -> [i32; 2] {
    let years = || {
        let seasons = table.catalogue.matches.all().iter().map(|key| key.season().get(..4));
        seasons.filter_map(|year| year?.parse::<i32>().ok())
    };
    [years().min(), years().max()].map(|year| year.unwrap_or(2000))
}

fn answer<'a>(
    report: &'a Report,
    sweep: &'a SweepReport,
    differences: Option<u64>,
    path: String,
) -> Answer<'a> {
    let first = report.strategies.first();
    let summary = first.map(|one| one.summary.clone()).unwrap_or_default();
    let table_seconds = sweep.table_seconds.unwrap_or_default();
    Answer {
        quotes: report.walked.quotes,
        seconds: sweep.seconds,
        quotes_per_s: report.walked.quotes as f64 / (table_seconds + sweep.seconds).max(1e-9),
        bets: summary.bets,
        bets_digest: first.map_or("", |one| one.bets_digest.as_str()),
        r#yield: summary.r#yield,
        yield_ci95: summary.yield_ci95,
        clv_mean: summary.clv_mean,
        max_drawdown: summary.max_drawdown,
        differences,
        tried: sweep.tried,
        distinct: sweep.distinct,
        strategies_per_s: sweep.tried as f64 / sweep.seconds.max(1e-9),
        table_seconds,
        rows: sweep.rows,
        split: &sweep.split,
        reality_p: sweep.reality_p,
        best: &sweep.ranked[..sweep.ranked.len().min(LISTED)],
        report: path,
    }
}

fn say(
    report: &Report,
    table: &Table,
    differences: Option<u64>,
    path: String,
    json: bool,
) -> anyhow::Result<()> {
    let Some(sweep) = &report.sweep else { return Ok(()) };
    if json {
        return text::say_json(&answer(report, sweep, differences, path));
    }
    let best = &sweep.ranked[..sweep.ranked.len().min(LISTED)];
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
    writeln!(
        out,
        "{:.1} s for the sweep, {:.1} s for the table of {} rows, models included",
        sweep.seconds,
        table.manifest.seconds,
        grouped(sweep.rows)
    )?;
    Ok(text::say_differences(&mut out, differences)?)
}
