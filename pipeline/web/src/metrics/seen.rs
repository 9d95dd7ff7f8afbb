//! What the process that serves the dashboard sees of the log, and of the bets.

use std::collections::BTreeMap;

use marabet_jobs::Counts;
use marabet_schemas::Money;
use marabet_streams::Status;
use marabet_streams::status::{GroupStatus, StreamStatus};
use prometheus::proto::MetricFamily;

use super::families::Family;
use crate::app::Shared;

/// The app, and the state of the log and of the queues where Redis answers.
pub(crate) struct Seen<'a> {
    pub(crate) app: &'a Shared,
    pub(crate) status: Option<&'a Status>,
    pub(crate) jobs: Option<&'a Counts>,
}

impl Seen<'_> {
    /// The families of what is seen.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        let mut up = Family::gauge("marabet_redis_up", "1 while Redis answers.");
        up.number(&[], f64::from(u8::from(self.status.is_some())));
        let mut watchers = Family::gauge("marabet_live_watchers", "Those who watch for bets.");
        watchers.number(&[], self.app.live.watchers() as f64);
        families.extend([up, watchers].into_iter().filter_map(Family::done));
        if let Some(status) = self.status {
            families.extend(of_redis(status));
            families.extend(of_streams(status));
            families.extend(of_groups(status));
        }
        families.extend(self.jobs.into_iter().flat_map(of_jobs));
        families.extend(self.of_bets());
        families
    }

    fn of_bets(&self) -> impl Iterator<Item = MetricFamily> {
        let board = self.app.board();
        let mut facts = Family::counter("marabet_facts_total", "Facts that the board has taken.");
        facts.number(&[], board.counts().facts as f64);
        let mut matches = Family::gauge("marabet_matches", "Matches on the board.");
        matches.number(&[], board.matches() as f64);
        let mut latest = Family::gauge(
            "marabet_latest_fact_timestamp_seconds",
            "Event time of the latest fact, in seconds since 1970.",
        );
        latest.number(&[], board.latest().unwrap_or_default().micros() as f64 / 1e6);
        let mut models = Family::gauge("marabet_models", "Models that came into force.");
        models.number(&[], board.models().count() as f64);

        let mut sums: BTreeMap<&str, Sums> = BTreeMap::new();
        for bet in board.oldest_bets() {
            sums.entry(bet.alert.strategy.as_str()).or_default().take(bet);
        }
        let mut families = vec![facts, matches, latest, models];
        families.extend(of_strategies(&sums));
        let scores = board.scores();
        let mut loss = Family::gauge(
            "marabet_forecast_log_loss_nats",
            "Mean log-loss of the 1X2 forecasts, in nats: the model's and the closing odds'.",
        );
        for (source, value) in
            [("model", scores.log_loss.model), ("closing", scores.log_loss.closing)]
        {
            if let Some(value) = value {
                loss.number(&[("source", source)], value);
            }
        }
        families.push(loss);
        families.into_iter().filter_map(Family::done)
    }
}

/// Sums over the bets of a strategy.
#[derive(Default)]
struct Sums {
    bets: u64,
    open: u64,
    granted: f64,
    staked: f64,
    profit: f64,
    clv: f64,
    with_clv: u64,
}

impl Sums {
    fn take(&mut self, bet: &marabet_views::board::Bet) {
        self.bets += 1;
        self.granted += bet.grant.as_ref().map_or(0.0, |grant| Money::units(grant.stake));
        match &bet.settlement {
            None => self.open += 1,
            Some((_, end)) => {
                self.staked += end.stake.get();
                self.profit += end.stake.get() * end.profit;
                if let Some(clv) = &end.clv {
                    self.clv += clv.value;
                    self.with_clv += 1;
                }
            }
        }
    }
}

fn of_strategies(sums: &BTreeMap<&str, Sums>) -> [Family; 6] {
    let mut bets = Family::gauge("marabet_bets", "Bets found, on the board.");
    let mut open = Family::gauge("marabet_bets_open", "Bets not settled.");
    let mut granted = Family::gauge(
        "marabet_granted_stake",
        "Stakes granted, in units of the account's currency.",
    );
    let mut staked = Family::gauge("marabet_staked_bankrolls", "Settled stakes, in bankrolls.");
    let mut profit = Family::gauge("marabet_profit_bankrolls", "Profit, in bankrolls.");
    let mut clv = Family::gauge("marabet_clv_mean_ratio", "Mean closing-line value.");
    for (strategy, sum) in sums {
        let labels: &[_] = &[("strategy", *strategy)];
        bets.number(labels, sum.bets as f64);
        open.number(labels, sum.open as f64);
        granted.number(labels, sum.granted);
        staked.number(labels, sum.staked);
        profit.number(labels, sum.profit);
        if sum.with_clv > 0 {
            clv.number(labels, sum.clv / sum.with_clv as f64);
        }
    }
    [bets, open, granted, staked, profit, clv]
}

fn of_redis(status: &Status) -> impl Iterator<Item = MetricFamily> {
    let mut used = Family::gauge("marabet_redis_memory_used_bytes", "Memory that Redis uses.");
    used.number(&[], status.memory_used as f64);
    let mut most = Family::gauge(
        "marabet_redis_memory_max_bytes",
        "Memory that Redis may use; absent where it has no bound.",
    );
    if let Some(bytes) = status.memory_max {
        most.number(&[], bytes as f64);
    }
    let mut uptime = Family::gauge("marabet_redis_uptime_seconds", "Since Redis started.");
    uptime.number(&[], status.uptime_s as f64);
    [used, most, uptime].into_iter().filter_map(Family::done)
}

fn of_jobs(counts: &Counts) -> impl Iterator<Item = MetricFamily> {
    let mut queued = Family::gauge("marabet_jobs_queued", "Jobs in the queues.");
    for (queue, count) in &counts.queued {
        queued.number(&[("queue", queue)], *count as f64);
    }
    let mut jobs =
        Family::gauge("marabet_jobs", "Jobs that run, wait for a moment, or are given up.");
    for (state, count) in
        [("running", counts.running), ("waiting", counts.waiting), ("dead", counts.dead)]
    {
        jobs.number(&[("state", state)], count as f64);
    }
    [queued, jobs].into_iter().filter_map(Family::done)
}

fn place(stream: &StreamStatus) -> String {
    stream.partition.map_or_else(|| "account".to_owned(), |partition| partition.to_string())
}

fn of_streams(status: &Status) -> impl Iterator<Item = MetricFamily> {
    let mut length = Family::gauge("marabet_stream_frames", "Frames in a stream.");
    let mut memory = Family::gauge("marabet_stream_memory_bytes", "Memory of a stream, about.");
    for stream in &status.streams {
        let partition = place(stream);
        let labels: &[_] = &[("stream", stream.stream), ("partition", &*partition)];
        length.number(labels, stream.length as f64);
        memory.number(labels, stream.memory as f64);
    }
    [length, memory].into_iter().filter_map(Family::done)
}

fn of_groups(status: &Status) -> impl Iterator<Item = MetricFamily> {
    let mut lag = Family::gauge("marabet_group_lag_frames", "Frames not handed out yet.");
    let mut pending =
        Family::gauge("marabet_group_pending_frames", "Frames handed out, not acknowledged.");
    let mut owned = Family::gauge("marabet_group_owned", "1 where a process owns the partition.");
    let mut dead = Family::gauge("marabet_dead_letters", "Dead letters, dealt with or not.");
    for stream in &status.streams {
        let partition = place(stream);
        for group in &stream.groups {
            let labels: &[_] =
                &[("stream", stream.stream), ("partition", &*partition), ("group", &*group.group)];
            lag.number(labels, group.lag as f64);
            pending.number(labels, group.pending as f64);
            dead.number(labels, group.dead as f64);
            if is_stage(group) {
                owned.number(labels, f64::from(u8::from(is_owned(group))));
            }
        }
    }
    [lag, pending, owned, dead].into_iter().filter_map(Family::done)
}

/// Whether a process owns it: one that died is named until another takes over, but its lease ends.
fn is_owned(group: &GroupStatus) -> bool {
    group.owner.is_some() && group.lease_left_ms.is_none_or(|left| left > 0)
}

/// Whether the group is a stage's, which one process owns; others read side by side.
fn is_stage(group: &GroupStatus) -> bool {
    marabet_views::dead::STAGES.contains(&&*group.group)
}
