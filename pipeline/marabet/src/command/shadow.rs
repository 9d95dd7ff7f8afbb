//! `marabet shadow`: this version's stages beside those that run, over the same feed.
//!
//! The gate of a rollout. `predict` and `detect` of this program run in memory over the live feed,
//! write nothing, and what they derive is compared with what the running version wrote under the
//! same entries. Their state begins where the log does: a match whose first facts are no longer in
//! it may differ for that alone, so that a log that was trimmed is shadowed from a restored one.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, bail};
use marabet_detect::Detect;
use marabet_predict::Predict;
use marabet_schemas::frame::Frame;
use marabet_schemas::{Body, EntryId, Event};
use marabet_stage::Driver;
use marabet_streams::{Log, Status, Stream};
use serde::Serialize;

use super::asked_to_end;
use crate::config::Config;
use crate::line::open;
use crate::output::{Answer, say};
use crate::replay::choice::Choice;
use crate::replay::difference::{Difference, Differences};

/// How often the feed is asked for what has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Frames compared at once.
const PAGE: usize = 256;

pub(super) async fn execute(until_done: bool, config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = open::log(config).await?;
    let shadowed = tokio::select! {
        shadowed = shadow(&opened.log, until_done) => shadowed,
        asked = asked_to_end() => asked.map(|()| None),
    };
    opened.close().await?;
    let Some(report) = shadowed? else { return Ok(()) };
    say(&report, json)?;
    if report.differences > 0 {
        bail!(
            "this version decides otherwise in {} events; do not roll it out unseen",
            report.differences
        );
    }
    Ok(())
}

/// What was compared, and what differs.
#[derive(Serialize)]
struct Report {
    /// This program.
    version: &'static str,
    /// Frames of the feed that went through.
    frames: u64,
    /// Events of the running version that were compared.
    compared: u64,
    /// Events that only one of both derived, or that differ.
    differences: u64,
    /// The first difference of each stream, in event time.
    first: Vec<First>,
}

#[derive(Serialize)]
struct First {
    stream: &'static str,
    address: String,
    /// What the running version wrote.
    running: Option<String>,
    /// What this version would have written.
    shadow: Option<String>,
}

/// Follows the feed. Ends at its end where that is asked for, and at once where something differs.
async fn shadow(log: &Log, until_done: bool) -> anyhow::Result<Option<Report>> {
    let mut lanes: Vec<Lane> = (0..log.namespace().partitions()).map(Lane::new).collect();
    let choice = Choice::default();
    let mut differences = Differences::default();
    loop {
        let status = log.status().await?;
        let mut at_end = true;
        for lane in &mut lanes {
            lane.follow(log, &status, &choice, &mut differences).await?;
            at_end &= lane.is_at_end(&status);
        }
        let frames = lanes.iter().map(|lane| lane.frames).sum();
        if differences.total() > 0 || (until_done && at_end) {
            return Ok(Some(Report::of(frames, &differences)));
        }
        tracing::info!(frames, compared = differences.compared, "no difference so far");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One partition's line, in memory.
struct Lane {
    partition: u16,
    predict: Driver<Predict>,
    detect: Driver<Detect>,
    read_to: Option<EntryId>,
    frames: u64,
}

impl Lane {
    fn new(partition: u16) -> Self {
        Self {
            partition,
            predict: Driver::new(Predict::new(), partition).without_views(),
            detect: Driver::new(Detect::new(), partition).without_views(),
            read_to: None,
            frames: 0,
        }
    }

    /// Takes what the running stages have committed.
    async fn follow(
        &mut self,
        log: &Log,
        status: &Status,
        choice: &Choice,
        differences: &mut Differences,
    ) -> anyhow::Result<()> {
        let (Some(priced), Some(bets)) = (
            committed_to(status, Stream::Feed, self.partition, "predict"),
            committed_to(status, Stream::Priced, self.partition, "detect"),
        ) else {
            return Ok(());
        };
        let to = Some(priced.min(bets));
        loop {
            let from = self.read_to.map(|id| EntryId { seq: id.seq + 1, ..id });
            if from > to {
                return Ok(());
            }
            let frames = log.range(Stream::Feed, self.partition, from, to, PAGE).await?;
            let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Ok(()) };
            let (first, last) = (first.id, last.id);
            let live = Live {
                priced: log
                    .range(Stream::Priced, self.partition, Some(first), Some(last), PAGE)
                    .await?,
                bets: log
                    .range(Stream::Bets, self.partition, Some(first), Some(last), PAGE)
                    .await?,
            };
            for frame in &frames {
                self.compare(log, frame, &live, choice, differences).await?;
            }
            self.read_to = Some(last);
        }
    }

    async fn compare(
        &mut self,
        log: &Log,
        frame: &Frame,
        live: &Live,
        choice: &Choice,
        differences: &mut Differences,
    ) -> anyhow::Result<()> {
        for event in frame.events.iter().flatten() {
            if let Body::ModelPublished(model) = &event.body {
                log.get_artefact(&model.hash).await?;
            }
        }
        self.frames += 1;
        let place = (self.partition, frame.id);
        let priced = step(&mut self.predict, frame, log)?;
        differences.frame(
            Stream::Priced,
            place,
            &Live::of(&live.priced, frame.id),
            &priced,
            choice,
        );
        let bets = if priced.is_empty() {
            Vec::new()
        } else {
            step(&mut self.detect, &Frame::new(frame.id, priced), log)?
        };
        differences.frame(Stream::Bets, place, &Live::of(&live.bets, frame.id), &bets, choice);
        Ok(())
    }

    fn is_at_end(&self, status: &Status) -> bool {
        let feed = status.streams.iter().find(|stream| {
            stream.stream == Stream::Feed.name() && stream.partition == Some(self.partition)
        });
        feed.is_none_or(|feed| feed.length == 0 || self.read_to >= Some(feed.last))
    }
}

/// What the running version wrote of some frames.
struct Live {
    priced: Vec<Frame>,
    bets: Vec<Frame>,
}

impl Live {
    fn of(frames: &[Frame], id: EntryId) -> Vec<Event> {
        let found = frames.iter().find(|frame| frame.id == id);
        found.map_or_else(Vec::new, |frame| frame.events.iter().flatten().cloned().collect())
    }
}

fn step<S: marabet_stage::Stage>(
    driver: &mut Driver<S>,
    frame: &Frame,
    log: &Log,
) -> anyhow::Result<Vec<Event>> {
    let outputs = driver.apply(std::slice::from_ref(frame), log.artefacts());
    let mut outputs = outputs.with_context(|| format!("frame {}", frame.id))?;
    driver.keep();
    Ok(outputs.pop().unwrap_or_default().events)
}

/// How far a stage has committed; none where it has not begun, or is at work.
fn committed_to(status: &Status, stream: Stream, partition: u16, stage: &str) -> Option<EntryId> {
    let stream = status
        .streams
        .iter()
        .find(|one| one.stream == stream.name() && one.partition == Some(partition))?;
    let group = stream.groups.iter().find(|group| group.group == stage)?;
    (group.pending == 0).then_some(group.read_to)
}

impl Report {
    fn of(frames: u64, differences: &Differences) -> Self {
        let line = |event: &Option<Event>| event.as_ref().map(Event::to_line);
        let first = |one: &Difference| First {
            stream: one.stream.name(),
            address: one.address.to_string(),
            running: line(&one.live),
            shadow: line(&one.replayed),
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            frames,
            compared: differences.compared,
            differences: differences.total(),
            first: differences.first.values().map(first).collect(),
        }
    }
}

impl Answer for Report {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "version {} over {} frames: {} events compared, {} differ",
            self.version, self.frames, self.compared, self.differences
        )?;
        let shown = |line: &Option<String>| line.clone().unwrap_or_else(|| "nothing".to_owned());
        for one in &self.first {
            writeln!(out, "first in {} at {}", one.stream, one.address)?;
            writeln!(out, "  running  {}\n  shadow   {}", shown(&one.running), shown(&one.shadow))?;
        }
        Ok(())
    }
}
