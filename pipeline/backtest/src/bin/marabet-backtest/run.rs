//! `marabet-backtest run`: the replay, its report, and the paper's strategy beside it.

use std::collections::BTreeMap;

use anyhow::Context;
use marabet_backtest::history::{History, Origin, Unread};
use marabet_backtest::measure::Summary;
use marabet_backtest::paper::{self, Collector, PaperMatch, Prices};
use marabet_backtest::played::PlayedBet;
use marabet_backtest::replay::{Replayed, replay};
use marabet_backtest::report::{self, Report, StrategyReport};
use marabet_backtest::setup::Setup;
use marabet_backtest::{clock, digest, measure, table};
use marabet_schemas::StrategyName;
use serde::Serialize;

use crate::cli::RunArgs;
use crate::{facts, text};

/// What a run comes to, as one JSON object.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Book prices gone through.
    pub(crate) quotes: u64,
    /// How long it took, from the files to the bets.
    pub(crate) seconds: f64,
    /// Book prices a second.
    pub(crate) quotes_per_s: f64,
    /// Alerts of all strategies.
    pub(crate) bets: u64,
    /// Hash of all of them.
    pub(crate) bets_digest: String,
    /// Yield of all stakes of all strategies.
    pub(crate) r#yield: Option<f64>,
    /// Its 95 % interval.
    pub(crate) yield_ci95: Option<[f64; 2]>,
    /// Mean closing-line value.
    pub(crate) clv_mean: Option<f64>,
    /// The deepest of the strategies' drawdowns.
    pub(crate) max_drawdown: f64,
    /// Bets that the sweep's way finds otherwise; none where nobody looked.
    pub(crate) differences: Option<u64>,
    /// `files`, `fetched` or `simulated`.
    pub(crate) origin: Option<Origin>,
    /// Matches with a result.
    pub(crate) matches: u64,
    /// Each strategy.
    pub(crate) strategies: BTreeMap<StrategyName, Summary>,
    /// The report.
    pub(crate) report: String,
    /// SHA-256 of the set-up.
    pub(crate) setup_hash: String,
}

/// Runs, reports and answers.
pub(crate) fn execute(arguments: &RunArgs, mut setup: Setup, json: bool) -> anyhow::Result<()> {
    setup.keep(&arguments.strategies)?;
    setup.frictions.delay_s = arguments.delay.unwrap_or(setup.frictions.delay_s);
    setup.frictions.rejected = arguments.rejected.unwrap_or(setup.frictions.rejected);
    setup.check()?;
    let history = facts::find(&arguments.facts)?;
    let threads = crate::threads(&arguments.facts);
    let began = clock::moment();
    let replayed = replay(&history, &setup, threads)?;
    history.see_some(replayed.walked)?;
    let seconds = began.elapsed().as_secs_f64();
    let differences = differences(arguments, &history, &setup, &replayed, threads)?;
    let mut report = of_replay(&replayed, &history, setup, seconds);
    if !arguments.no_paper && history.origin != Origin::Simulated {
        add_paper(&mut report, &history, threads)?;
    }
    let written = report::write(&report, &arguments.out)?;
    table::bets::write(&replayed.booked.bets, &arguments.out.join("bets.parquet"))?;
    let answer = answer(&replayed, &report, differences, written.html.display().to_string());
    text::say(&answer, &report, json)
}

fn differences(
    arguments: &RunArgs,
    history: &History,
    setup: &Setup,
    replayed: &Replayed,
    threads: usize,
) -> anyhow::Result<Option<u64>> {
    if !arguments.verify {
        return Ok(None);
    }
    crate::verify::count(history, setup, replayed, threads).map(Some)
}

fn of_replay(replayed: &Replayed, history: &History, setup: Setup, seconds: f64) -> Report {
    let strategies = setup
        .strategies
        .keys()
        .map(|name| {
            let about = report::about(name, &setup);
            let refusals = replayed.refusals.get(name).cloned().unwrap_or_default();
            StrategyReport { refusals, ..StrategyReport::of(name, about, &replayed.booked) }
        })
        .collect();
    Report {
        title: "MaraBet backtest".to_owned(),
        origin: Some(history.origin),
        walked: replayed.walked,
        unread: replayed.unread.total(),
        seconds,
        setup_hash: setup.hash(),
        bets_digest: digest::of_bets(&replayed.booked.bets),
        setup,
        strategies,
        sweep: None,
        paper: None,
    }
}

fn add_paper(report: &mut Report, history: &History, threads: usize) -> anyhow::Result<()> {
    let matches = history.each(threads, |strand| -> anyhow::Result<Vec<PaperMatch>> {
        let mut collector = Collector::default();
        let mut facts = strand.facts(&mut Unread::default())?;
        facts.by_ref().for_each(|fact| collector.observe(&fact));
        facts.finish()?;
        Ok(collector.finish())
    })?;
    let matches = matches.concat();
    report.paper = Some(paper::report(&matches));
    for (name, prices, about) in [
        (
            paper::BOOKS,
            Prices::Books,
            "the paper's rule at the best of the books named in the files",
        ),
        (paper::MAXIMA, Prices::Maxima, "the paper's rule at the files' maxima over books"),
    ] {
        let booked = paper::play(&matches, prices, &report.setup)
            .map_err(anyhow::Error::new)
            .context("the paper's bets")?;
        report.strategies.push(StrategyReport::of(&name.into(), about.to_owned(), &booked));
    }
    Ok(())
}

fn answer(replayed: &Replayed, report: &Report, differences: Option<u64>, path: String) -> Answer {
    let all: Vec<&PlayedBet> = replayed.booked.bets.iter().collect();
    let total = measure::summarise(&all, &[]);
    let walked = replayed.walked;
    let drawdowns = replayed.booked.equity.values().map(|equity| measure::max_drawdown(equity));
    Answer {
        quotes: walked.quotes,
        seconds: report.seconds,
        quotes_per_s: walked.quotes as f64 / report.seconds.max(1e-9),
        bets: total.bets,
        bets_digest: report.bets_digest.clone(),
        r#yield: total.r#yield,
        yield_ci95: total.yield_ci95,
        clv_mean: total.clv_mean,
        max_drawdown: drawdowns.fold(0.0, f64::max),
        differences,
        origin: report.origin,
        matches: walked.matches,
        strategies: report
            .strategies
            .iter()
            .map(|one| (one.name.clone(), one.summary.clone()))
            .collect(),
        report: path,
        setup_hash: report.setup_hash.clone(),
    }
}
