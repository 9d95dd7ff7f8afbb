//! What a process tells of itself: its stages, its writers, the views that it asked for.

use std::sync::Arc;

use marabet_ingest::polite;
use marabet_notify::Notifier;
use marabet_streams::{Condition, Log, StageMetrics};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::CACHE_CLASSES;
use super::families::Family;

/// Collects what the log's handle, and those who tell of bets, count in this process.
pub(super) struct Own {
    log: Log,
    notifiers: Vec<Arc<Notifier>>,
}

impl Own {
    pub(super) fn new(log: &Log, notifiers: Vec<Arc<Notifier>>) -> Self {
        Self { log: log.clone(), notifiers }
    }
}

/// A number of a stage.
type Number = (&'static str, &'static str, fn(&StageMetrics) -> u64);

const STAGE_COUNTS: [Number; 7] = [
    ("marabet_stage_events_total", "Events applied, bad ones included.", |one| one.events.get()),
    ("marabet_stage_frames_total", "Frames committed.", |one| one.frames.get()),
    ("marabet_stage_commits_total", "Commits.", |one| one.commits.get()),
    (
        "marabet_stage_commits_along_total",
        "Commits in which the stage was taken along by the one before.",
        |one| one.commits_along.get(),
    ),
    ("marabet_stage_derived_total", "Events derived.", |one| one.derived.get()),
    ("marabet_stage_dead_letters_total", "Dead letters written.", |one| one.dead.get()),
    ("marabet_stage_reloads_total", "Times that memory was dropped and loaded again.", |one| {
        one.reloads.get()
    }),
];

impl Collector for Own {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.stages();
        families.extend(self.feed());
        families.extend(self.cache());
        families.extend(sources());
        families.extend(self.told());
        let mut build = Family::gauge("marabet_build_info", "The version of the program.");
        build.number(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        families.extend(build.done());
        families
    }
}

impl Own {
    fn stages(&self) -> Vec<MetricFamily> {
        let stages = self.log.metrics().stages();
        let mut families = Vec::new();
        for (name, help, number) in STAGE_COUNTS {
            let mut family = Family::counter(name, help);
            for (stage, metrics) in &stages {
                family.number(&[("stage", stage)], number(metrics) as f64);
            }
            families.extend(family.done());
        }
        let mut commit = Family::histogram(
            "marabet_stage_commit_seconds",
            "From sending a commit to its answer.",
        );
        let mut latency = Family::histogram(
            "marabet_stage_latency_seconds",
            "From appending a frame to the feed to the commit of what followed from it.",
        );
        let mut running = Family::gauge(
            "marabet_stage_partitions_running",
            "Partitions that this process runs the stage of.",
        );
        let mut troubled = Family::gauge(
            "marabet_stage_partitions_troubled",
            "Partitions whose stage here waits for Redis, an artefact or a newer program, or failed.",
        );
        for (stage, metrics) in &stages {
            let labels: &[_] = &[("stage", &**stage)];
            commit.durations(labels, &metrics.commit_time);
            latency.durations(labels, &metrics.latency);
            let conditions = metrics.conditions();
            let count = |wanted: fn(&Condition) -> bool| {
                conditions.values().filter(|one| wanted(one)).count() as f64
            };
            running.number(labels, count(|one| *one == Condition::Running));
            troubled.number(labels, count(is_trouble));
        }
        families.extend([commit, latency, running, troubled].into_iter().filter_map(Family::done));
        families
    }

    fn feed(&self) -> impl Iterator<Item = MetricFamily> {
        let feed = &self.log.metrics().feed;
        let mut families = Vec::new();
        for (name, help, count) in [
            ("marabet_feed_events_total", "Events appended to the feed.", &feed.events),
            ("marabet_feed_frames_total", "Frames appended to the feed.", &feed.frames),
            ("marabet_feed_bytes_total", "Bytes of lines appended to the feed.", &feed.bytes),
        ] {
            let mut family = Family::counter(name, help);
            family.number(&[], count.get() as f64);
            families.push(family);
        }
        let mut append = Family::histogram(
            "marabet_feed_append_seconds",
            "From sending an append to its answer.",
        );
        append.durations(&[], &feed.append_time);
        let mut held_up = Family::gauge(
            "marabet_feed_held_up",
            "1 while the writer waits: for a slow group, for memory, or for Redis.",
        );
        held_up.number(&[], f64::from(u8::from(feed.waits_for().is_some())));
        families.extend([append, held_up]);
        families.into_iter().filter_map(Family::done)
    }

    /// What became of what was to be told. Channels are those of the configuration.
    fn told(&self) -> Option<MetricFamily> {
        let mut ended = Family::counter(
            "marabet_notifications_total",
            "Bets and other messages that came to an end on a channel, by how.",
        );
        for notifier in &self.notifiers {
            for (state, count) in notifier.ended() {
                let labels: &[_] = &[("channel", notifier.channel()), ("state", state.as_str())];
                ended.number(labels, count as f64);
            }
        }
        ended.done()
    }

    fn cache(&self) -> impl Iterator<Item = MetricFamily> {
        let stats = self.log.cache_stats();
        let mut hits = Family::counter("marabet_cache_hits_total", "Views that were there.");
        let mut misses =
            Family::counter("marabet_cache_misses_total", "Views that were made again.");
        for (name, class) in CACHE_CLASSES {
            hits.number(&[("class", name)], stats.hits(class) as f64);
            misses.number(&[("class", name)], stats.misses(class) as f64);
        }
        [hits, misses].into_iter().filter_map(Family::done)
    }
}

/// The providers that sources of this process ask.
fn sources() -> impl Iterator<Item = MetricFamily> {
    let mut requests = Family::counter("marabet_source_requests_total", "Requests to a provider.");
    let mut faults = Family::counter(
        "marabet_source_faults_total",
        "Requests that failed, or that the provider refused.",
    );
    let mut left = Family::gauge(
        "marabet_source_quota_left",
        "What may still be asked today, as the provider counts; absent where nothing bounds it.",
    );
    let mut answered = Family::gauge(
        "marabet_source_answer_timestamp_seconds",
        "When the provider last answered, in seconds since 1970.",
    );
    for (source, (health, rest)) in polite::providers() {
        let labels: &[_] = &[("source", &*source)];
        requests.number(labels, health.requests as f64);
        faults.number(labels, health.faults as f64);
        if let Some(rest) = rest {
            left.number(labels, rest as f64);
        }
        if let Some(at) = health.last_answer {
            answered.number(labels, at.micros() as f64 / 1e6);
        }
    }
    [requests, faults, left, answered].into_iter().filter_map(Family::done)
}

fn is_trouble(condition: &Condition) -> bool {
    !matches!(
        condition,
        Condition::Running | Condition::Loading | Condition::Elsewhere { .. } | Condition::Ended
    )
}
