//! Is what the log holds what the pure stages derive from its feed?

use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_schemas::{ArtefactHash, Body, Event};
use marabet_streams::{Log, Stream};

use crate::line::{pure, readback};
use crate::summary::Streams;

/// How many derived events of the log differ from those that the stages derive in process from
/// the log's feed, event by event.
pub(super) async fn replay_differences(log: &Log, live: &Streams) -> anyhow::Result<u64> {
    let mut feeds = BTreeMap::new();
    let mut artefacts: BTreeMap<ArtefactHash, Arc<[u8]>> = BTreeMap::new();
    for partition in 0..log.namespace().partitions() {
        let frames = readback::frames(log, Stream::Feed, partition).await?;
        for event in frames.iter().flat_map(|frame| frame.events.iter().flatten()) {
            if let Body::ModelPublished(model) = &event.body
                && !artefacts.contains_key(&model.hash)
            {
                artefacts.insert(model.hash, log.get_artefact(&model.hash).await?);
            }
        }
        feeds.insert(partition, frames);
    }
    let replayed = pure::derive(&feeds, &artefacts)?.streams;
    let differences = |live: &[Event], replayed: &[Event]| {
        let unequal = live.iter().zip(replayed).filter(|(live, replayed)| live != replayed);
        unequal.count() + live.len().abs_diff(replayed.len())
    };
    let all = differences(&live.priced, &replayed.priced) + differences(&live.bets, &replayed.bets);
    Ok(all as u64)
}

/// How many events of the log could not be processed.
pub(super) async fn dead(log: &Log) -> anyhow::Result<u64> {
    Ok(marabet_views::dead::letters(log).await?.len() as u64)
}
