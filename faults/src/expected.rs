//! What the pure stages make of a log that is at rest, stream by stream.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use marabet_portfolio::Portfolio;
use marabet_schemas::dead::DeadLetter;
use marabet_schemas::frame::Frame;
use marabet_schemas::{Address, EntryId};
use marabet_stage::{Driver, FrameError, FrameOutput, Stage};
use marabet_streams::{Log, Slot, Stream};
use redis::aio::MultiplexedConnection;
use redis::streams::StreamRangeReply;

/// Frames read at once.
const PAGE: usize = 1_000;

/// All frames of a partition of a stream.
pub(crate) async fn frames(
    log: &Log,
    stream: Stream,
    partition: u16,
) -> anyhow::Result<Vec<Frame>> {
    let mut all: Vec<Frame> = Vec::new();
    loop {
        let from = all.last().map(|last| EntryId { seq: last.id.seq + 1, ..last.id });
        let page = log.range(stream, partition, from, None, PAGE).await?;
        let is_last = page.len() < PAGE;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// What a stage makes of these frames. What it passes over since it ended its process too often
/// becomes dead letters, as it does live.
pub(crate) async fn derive<S: Stage>(
    log: &Log,
    stage: S,
    partition: u16,
    frames: &[Frame],
    quarantined: &BTreeSet<EntryId>,
) -> anyhow::Result<Vec<FrameOutput>> {
    let name = stage.name();
    let mut driver = Driver::new(stage, partition).without_views();
    let mut outputs = Vec::with_capacity(frames.len());
    for frame in frames {
        if quarantined.contains(&frame.id) {
            outputs.push(passed_over(name, partition, frame));
        } else {
            let mut output = apply(log, &mut driver, std::slice::from_ref(frame)).await?;
            outputs.append(&mut output);
        }
    }
    Ok(outputs)
}

/// Applies frames, fetching the models that they name.
async fn apply<S: Stage>(
    log: &Log,
    driver: &mut Driver<S>,
    frames: &[Frame],
) -> anyhow::Result<Vec<FrameOutput>> {
    loop {
        match driver.apply(frames, log.artefacts()) {
            Ok(outputs) => {
                driver.keep();
                return Ok(outputs);
            }
            Err(FrameError::Missing { hash, .. }) => {
                log.get_artefact(&hash).await?;
            }
            Err(error @ FrameError::Newer { .. }) => return Err(error.into()),
        }
    }
}

fn passed_over(stage: &str, partition: u16, frame: &Frame) -> FrameOutput {
    let letter = |index| DeadLetter {
        stage: stage.to_owned(),
        address: Address { partition, entry: frame.id, index },
        reason: String::new(),
        line: String::new(),
    };
    let dead = (0..frame.events.len() as u32).map(letter).collect();
    FrameOutput { id: frame.id, dead, ..FrameOutput::default() }
}

/// An entry of the grants, with the frames of bets that it answers, in the order in which they
/// were taken.
pub(crate) struct Answer {
    taken: Vec<(u16, EntryId)>,
    pub(crate) lines: Vec<String>,
}

/// The grants as they stand.
pub(crate) async fn answers(
    log: &Log,
    connection: &mut MultiplexedConnection,
) -> anyhow::Result<Vec<Answer>> {
    let key = log.namespace().stream(Stream::Grants, 0);
    let entries: StreamRangeReply =
        redis::cmd("XRANGE").arg(key).arg("-").arg("+").query_async(connection).await?;
    entries.ids.iter().map(|entry| answer(&entry.map)).collect()
}

fn answer(fields: &std::collections::HashMap<String, redis::Value>) -> anyhow::Result<Answer> {
    let text = |field: &str| -> anyhow::Result<String> {
        let value = fields.get(field).with_context(|| format!("a grant without `{field}`"))?;
        Ok(redis::from_redis_value(value.clone())?)
    };
    let taken = text("c")?;
    let taken = taken.split_whitespace().map(|address| {
        let (partition, id) = address.split_once('/').context("an address is partition/ID")?;
        Ok((partition.parse()?, id.parse()?))
    });
    Ok(Answer {
        taken: taken.collect::<anyhow::Result<_>>()?,
        lines: text("d")?.lines().map(str::to_owned).collect(),
    })
}

/// What the portfolio makes of the bets in the order in which it has taken them: the lines of
/// each answer. Also the frames that it has not taken.
pub(crate) async fn granted(
    log: &Log,
    answers: &[Answer],
    bets: &BTreeMap<u16, Vec<Frame>>,
) -> anyhow::Result<(Vec<Vec<String>>, usize)> {
    let mut left: BTreeMap<(u16, EntryId), &Frame> = BTreeMap::new();
    for (partition, frames) in bets {
        left.extend(frames.iter().map(|frame| ((*partition, frame.id), frame)));
    }
    let mut driver = Driver::new(Portfolio::new(), 0).without_views();
    let mut lines = Vec::with_capacity(answers.len());
    for answer in answers {
        let taken = answer.taken.iter().filter_map(|place| left.remove(place)).cloned();
        let outputs = apply(log, &mut driver, &taken.collect::<Vec<_>>()).await?;
        let events = outputs.iter().flat_map(|output| &output.events);
        lines.push(events.map(marabet_schemas::Event::to_line).collect());
    }
    Ok((lines, left.len()))
}

/// The frames that a stage passes over.
pub(crate) async fn quarantined(
    log: &Log,
    connection: &mut MultiplexedConnection,
    partition: u16,
    stage: &str,
) -> anyhow::Result<BTreeSet<EntryId>> {
    let key = log.namespace().quarantine(Slot::Partition(partition), stage);
    let ids: Vec<String> = redis::cmd("HKEYS").arg(key).query_async(connection).await?;
    ids.iter().map(|id| Ok(id.parse()?)).collect()
}
