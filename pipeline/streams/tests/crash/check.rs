//! What is left: the streams beside what the stages make of the feed without Redis.

use std::collections::BTreeMap;

use marabet_schemas::frame::Frame;
use marabet_schemas::{EntryId, Event};
use marabet_stage::{Driver, FrameOutput};
use marabet_streams::{EmbeddedRedis, Log, Stream};

use crate::process::PARTITIONS;
use crate::stages::Chain;

/// Compares everything, and says how much there was.
pub(crate) async fn everything(log: &Log, redis: &EmbeddedRedis, facts: &[Event]) -> String {
    let mut feed_by_match: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    let (mut derived, mut letters) = (0, 0);
    let mut bets = BTreeMap::new();
    for partition in 0..PARTITIONS {
        let feed = frames(log, Stream::Feed, partition).await;
        for event in feed.iter().flat_map(|frame| &frame.events) {
            let event = event.as_ref().unwrap().clone();
            feed_by_match.entry(event.key.clone()).or_default().push(event);
        }
        for (stage, input, output) in
            [("first", Stream::Feed, Stream::Priced), ("second", Stream::Priced, Stream::Bets)]
        {
            let expected = apply(stage, partition, &frames(log, input, partition).await);
            let found = frames(log, output, partition).await;
            derived += compare(stage, partition, &expected, &found);
            letters += expected.iter().map(|output| output.dead.len()).sum::<usize>();
        }
        for frame in frames(log, Stream::Bets, partition).await {
            bets.insert(format!("{partition}/{}", frame.id), frame);
        }
    }
    let mut told: BTreeMap<_, Vec<Event>> = BTreeMap::new();
    for fact in facts {
        told.entry(fact.key.clone()).or_default().push(fact.clone());
    }
    assert!(feed_by_match == told, "the feed does not hold each fact once, in order");
    let grants = account(log, redis, bets).await;
    let mut dead = 0;
    for stage in ["first", "second"] {
        dead += log.dead_letters(stage, true, 1_000_000).await.unwrap().len();
    }
    assert_eq!(dead, letters, "dead letters");
    format!(
        "{} facts, {derived} derived events, {grants} of the account, {dead} dead letters",
        facts.len()
    )
}

async fn frames(log: &Log, stream: Stream, partition: u16) -> Vec<Frame> {
    let mut all: Vec<Frame> = Vec::new();
    loop {
        let from = all.last().map(|last| EntryId { seq: last.id.seq + 1, ..last.id });
        let some = log.range(stream, partition, from, None, 1000).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

fn apply(stage: &'static str, partition: u16, frames: &[Frame]) -> Vec<FrameOutput> {
    let mut driver = Driver::new(Chain::new(stage), partition);
    let outputs = frames.iter().flat_map(|frame| {
        let outputs = driver.apply(std::slice::from_ref(frame), &BTreeMap::new()).unwrap();
        driver.keep();
        outputs
    });
    outputs.collect()
}

/// Compares frame by frame, under their IDs; returns how many events there are.
fn compare(stage: &str, partition: u16, expected: &[FrameOutput], found: &[Frame]) -> usize {
    let expected: Vec<_> = expected.iter().filter(|output| !output.events.is_empty()).collect();
    for (expected, found) in expected.iter().zip(found) {
        let frame = Frame::new(expected.id, expected.events.clone());
        assert!(frame == *found, "{stage} of partition {partition} differs at {}", found.id);
    }
    assert_eq!(expected.len(), found.len(), "frames of {stage} in partition {partition}");
    expected.iter().map(|output| output.events.len()).sum()
}

/// Replays the account in the order that it wrote down; returns how many events there are.
async fn account(log: &Log, redis: &EmbeddedRedis, mut bets: BTreeMap<String, Frame>) -> usize {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut command = redis::cmd("XRANGE");
    command.arg("crash:{account}:grants").arg("-").arg("+");
    let entries: Vec<(String, BTreeMap<String, String>)> =
        command.query_async(&mut connection).await.unwrap();
    let mut driver = Driver::new(Chain::new("account"), 0);
    let mut expected = Vec::new();
    for (_, fields) in &entries {
        for address in fields["c"].split(' ') {
            let frame = bets.remove(address).unwrap_or_else(|| panic!("{address} was taken twice"));
            let outputs = driver.apply(&[frame], &BTreeMap::new()).unwrap();
            driver.keep();
            expected.extend(outputs.into_iter().flat_map(|output| output.events));
        }
    }
    assert!(bets.is_empty(), "{} frames of bets were passed over", bets.len());
    let found = frames(log, Stream::Grants, 0).await;
    let found: Vec<Event> =
        found.into_iter().flat_map(|frame| frame.events).map(Result::unwrap).collect();
    assert!(found == expected, "the account differs");
    found.len()
}
