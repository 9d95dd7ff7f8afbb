//! `marabet events …`

use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use marabet_schemas::{Address, EntryId};
use marabet_streams::{Log, Stream};
use serde::Serialize;
use serde_json::Value;

use super::asked_to_end;
use crate::cli::EventsCommand;
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::{Answer, say};

/// How often the log is asked for what has come.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Events of a stream, where they stand.
#[derive(Serialize)]
struct Tail {
    stream: &'static str,
    events: Vec<Placed>,
}

#[derive(Serialize)]
struct Placed {
    address: Address,
    /// The event as it stands in the log.
    event: Value,
}

pub(super) async fn execute(
    command: &EventsCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    let EventsCommand::Tail { stream, count, follow } = command;
    let Some(stream) = Stream::from_name(stream) else {
        let known = Stream::ALL.map(Stream::name).join(", ");
        return Err(NotThere(format!("there is no stream `{stream}`; there are {known}")).into());
    };
    let opened = open::log(config).await?;
    let shown = tail(&opened.log, stream, *count, *follow, json).await;
    opened.close().await?;
    shown
}

async fn tail(
    log: &Log,
    stream: Stream,
    count: usize,
    follow: bool,
    json: bool,
) -> anyhow::Result<()> {
    let partitions = if stream.is_of_account() { 1 } else { log.namespace().partitions() };
    let mut last: Vec<EntryId> = Vec::new();
    let mut events = Vec::new();
    for partition in 0..partitions {
        // Each frame holds at least one event, so the last `count` frames hold the last events.
        let frames = log.last(stream, partition, count).await?;
        last.push(frames.last().map_or(EntryId::default(), |frame| frame.id));
        frames.into_iter().for_each(|frame| events.extend(placed(partition, frame)));
    }
    events.sort_by_key(|event| (event.address.entry, event.address.partition, event.address.index));
    let events = events.split_off(events.len().saturating_sub(count));
    say(&Tail { stream: stream.name(), events }, json)?;
    if !follow {
        return Ok(());
    }
    // Listened to all the while: what comes while events are read and said is heard too.
    let mut asked = pin!(asked_to_end());
    loop {
        tokio::select! {
            asked = &mut asked => return asked,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
        for (partition, last) in (0..).zip(&mut last) {
            let from = EntryId { seq: last.seq + 1, ..*last };
            let frames = log.range(stream, partition, Some(from), None, 100).await?;
            let Some(newest) = frames.last() else { continue };
            *last = newest.id;
            let events = frames.into_iter().flat_map(|frame| placed(partition, frame)).collect();
            say(&Tail { stream: stream.name(), events }, json)?;
        }
    }
}

fn placed(partition: u16, frame: marabet_schemas::frame::Frame) -> Vec<Placed> {
    let entry = frame.id;
    let event = |(index, event): (u32, Result<marabet_schemas::Event, _>)| {
        let address = Address { partition, entry, index };
        let line = match event {
            Ok(event) => event.to_line(),
            Err(marabet_schemas::frame::BadLine { line, .. }) => line,
        };
        Placed { address, event: serde_json::from_str(&line).unwrap_or(Value::String(line)) }
    };
    (0..).zip(frame.events).map(event).collect()
}

impl Answer for Tail {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for placed in &self.events {
            writeln!(out, "{}  {}", placed.address, placed.event)?;
        }
        Ok(())
    }
}
