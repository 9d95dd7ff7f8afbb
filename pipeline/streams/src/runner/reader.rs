//! Reading a stage's frames: what is pending first, then what is new.
//!
//! The reader has a connection and a task of its own, so that frames are fetched and decoded
//! while the batch before them is applied. Every owner of a stage reads as the same consumer:
//! what was handed to an owner before is then simply what is pending.

use std::time::Duration;

use marabet_schemas::EntryId;
use marabet_schemas::frame::Frame;
use tokio::sync::mpsc;

use super::RunOptions;
use crate::commit::Line;
use crate::connect::Connection;
use crate::error::LogError;
use crate::handed::{Handed, Receiver};
use crate::log::Log;
use crate::wire;

/// The consumer that all owners of a stage read as.
pub(crate) const CONSUMER: &str = "owner";

/// Frames in order, possibly none when nothing came for a while.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) frames: Vec<Frame>,
    /// They were handed out before, to an owner that did not commit them.
    pub(crate) again: bool,
}

/// What reads one stream for one stage.
pub(crate) struct Reader {
    connection: Connection,
    key: String,
    stage: String,
    options: RunOptions,
    handed: Receiver,
    /// Mean number of events in a frame, lately.
    frame_events: f64,
}

impl Reader {
    pub(crate) async fn open(
        log: &Log,
        line: Line<'_>,
        options: &RunOptions,
    ) -> Result<Self, LogError> {
        let key = log.namespace().stream(line.input, line.partition);
        Ok(Self {
            connection: log.connector().open_blocking(&key, options.block).await?,
            key,
            stage: line.stage.to_owned(),
            options: options.clone(),
            handed: Handed::read_by(log.handed(), line.input, line.partition),
            frame_events: 1.0,
        })
    }

    /// Reads until the receiver is gone or something fails, which is the last thing sent.
    pub(crate) async fn run(mut self, to: mpsc::Sender<Result<Read, LogError>>) {
        let mut pending_after = Some(EntryId::default());
        loop {
            let read = match pending_after {
                Some(after) => self.read(Some(after)).await,
                None => self.read(None).await,
            };
            let failed = read.is_err();
            if let (Some(after), Ok(read)) = (&mut pending_after, &read) {
                match read.frames.last() {
                    Some(last) => *after = last.id,
                    None => {
                        pending_after = None;
                        continue;
                    }
                }
            }
            if to.send(read).await.is_err() || failed {
                return;
            }
        }
    }

    async fn read(&mut self, pending_after: Option<EntryId>) -> Result<Read, LogError> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.stage).arg(CONSUMER).arg("COUNT").arg(self.count());
        match pending_after {
            Some(after) => command.arg("STREAMS").arg(&self.key).arg(after.to_string()),
            None => {
                command.arg("BLOCK").arg(block_ms(self.options.block));
                command.arg("STREAMS").arg(&self.key).arg(">")
            }
        };
        let entries = wire::read_one(self.connection.ask(&command).await?)?;
        let read = |id, lines: &str| {
            let frame = self.handed.frame(id, lines);
            Frame { lines: Some(lines.into()), ..frame }
        };
        let frames: Vec<Frame> =
            entries.into_iter().map(|entry| entry.into_frame_by(read)).collect();
        if !frames.is_empty() {
            let events: usize = frames.iter().map(|frame| frame.events.len()).sum();
            let mean = events as f64 / frames.len() as f64;
            self.frame_events += (mean - self.frame_events) / 4.0;
        }
        Ok(Read { frames, again: pending_after.is_some() })
    }

    /// How many frames to ask for: as many as hold the events wanted, by those of late.
    fn count(&self) -> usize {
        let frames = self.options.batch_events as f64 / self.frame_events.max(1.0);
        (frames as usize).clamp(1, self.options.batch_frames_max)
    }
}

/// Redis takes a block of zero for one without end.
fn block_ms(block: Duration) -> u64 {
    u64::try_from(block.as_millis()).unwrap_or(u64::MAX).max(1)
}
