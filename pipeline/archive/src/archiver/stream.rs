//! One stream into its files.

use std::collections::BTreeMap;
use std::time::Instant;

use marabet_schemas::{Body, EntryId};
use marabet_streams::backoff::Backoff;
use marabet_streams::group::{Delivery, Reader, ReaderOptions};
use marabet_streams::{Log, Shutdown, Stream};

use super::{ArchiverOptions, GROUP, blocking, resume};
use crate::archive::Archive;
use crate::error::ArchiveError;
use crate::file::FileWriter;
use crate::place::day_number;
use crate::schema::Holding;

/// Most frames of each partition in one reading.
const FRAMES_MAX: usize = 512;

/// Archives a stream until asked to end.
pub(super) async fn run(
    log: Log,
    archive: Archive,
    stream: Stream,
    options: ArchiverOptions,
    mut shutdown: Shutdown,
) -> Result<(), ArchiveError> {
    let mut waits = Backoff::reconnect();
    while !shutdown.is_asked() {
        let reading = ReaderOptions {
            frames_max: FRAMES_MAX,
            durable_only: true,
            ..ReaderOptions::default()
        };
        let mut work = Work {
            log: &log,
            archive: &archive,
            stream,
            options: &options,
            reader: Reader::new(&log, stream, GROUP, reading),
            tenure: 0,
            lanes: BTreeMap::new(),
        };
        let end = work.serve(&mut shutdown, &mut waits).await;
        match end {
            Ok(()) => {
                work.reader.close().await;
                break;
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%stream, "not archived: {error}; trying again");
                work.reader.close().await;
                shutdown.unless_asked(waits.wait()).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Work<'a> {
    log: &'a Log,
    archive: &'a Archive,
    stream: Stream,
    options: &'a ArchiverOptions,
    reader: Reader,
    /// The reader's tenure that the lanes are of.
    tenure: u64,
    lanes: BTreeMap<u16, Lane>,
}

/// One partition: what is read and not yet in a file.
pub(super) struct Lane {
    /// The last entry that was taken.
    pub(super) taken: EntryId,
    /// The last entry before the file in the making, and how many were added up to it.
    pub(super) after: EntryId,
    pub(super) ordinal: u64,
    file: Option<(FileWriter, Instant)>,
    /// What the file holds, to be acknowledged.
    held: Vec<Delivery>,
}

impl Lane {
    pub(super) fn after(taken: EntryId, after: EntryId, ordinal: u64) -> Self {
        Self { taken, after, ordinal, file: None, held: Vec::new() }
    }
}

impl Work<'_> {
    async fn serve(
        &mut self,
        shutdown: &mut Shutdown,
        waits: &mut Backoff,
    ) -> Result<(), ArchiveError> {
        loop {
            let Some(deliveries) = shutdown.unless_asked(self.reader.next()).await else {
                return self.end_files(|_, _| true).await;
            };
            let deliveries = deliveries?;
            if self.reader.tenures() != self.tenure {
                // Another may have read meanwhile. What was just handed out comes again.
                self.resume().await?;
                continue;
            }
            for delivery in deliveries {
                self.take(delivery).await?;
            }
            let (age_max, rows_max) = (self.options.age_max, self.options.rows_max);
            self.end_files(|file, since| file.rows() >= rows_max || since.elapsed() >= age_max)
                .await?;
            waits.reset();
        }
    }

    /// Goes on where the files end.
    async fn resume(&mut self) -> Result<(), ArchiveError> {
        self.lanes.clear();
        let lanes = resume::lanes(self.log, self.archive, self.stream).await?;
        let ends: Vec<_> = lanes.iter().map(|(&number, lane)| (number, lane.taken)).collect();
        for (partition, taken) in ends {
            // A new log behind old files ends before them: its group must not stand above it.
            let last = self.log.last_id(self.stream, partition).await?;
            self.reader.go_on_after(partition, taken.min(last)).await?;
        }
        self.lanes = lanes;
        self.tenure = self.reader.tenures();
        Ok(())
    }

    async fn take(&mut self, delivery: Delivery) -> Result<(), ArchiveError> {
        let id = delivery.frame.id;
        for event in delivery.frame.events.iter().flatten() {
            if let Body::ModelPublished(model) = &event.body {
                // The artefact is there before the file that names it.
                let (archive, hash) = (self.archive.clone(), model.hash);
                let bytes = self.log.get_artefact(&hash).await?;
                blocking(move || archive.put_artefact(&hash, &bytes)).await?;
            }
        }
        let Some(lane) = self.lanes.get_mut(&delivery.partition) else { return Ok(()) };
        if id <= lane.taken {
            return Ok(());
        }
        let another_day = lane.file.as_ref().and_then(|(file, _)| file.last());
        if another_day.is_some_and(|last| day_number(last) != day_number(id)) {
            let partition = delivery.partition;
            self.end_file(partition).await?;
        }
        let holding = Holding::Stream(self.stream);
        let Some(lane) = self.lanes.get_mut(&delivery.partition) else { return Ok(()) };
        let (file, _) = match &mut lane.file {
            Some(file) => file,
            none => {
                let (partition, level) = (delivery.partition, self.options.level);
                let file = FileWriter::new(&holding, partition, lane.after, level);
                none.insert((file, marabet_streams::clock::moment()))
            }
        };
        file.push(&delivery.frame, delivery.causes.as_deref())?;
        lane.taken = id;
        lane.ordinal += 1;
        file.set_ordinal(lane.ordinal);
        // The frame is in the file; its acknowledgement needs its place alone.
        let mut delivery = delivery;
        delivery.frame.events = Vec::new();
        lane.held.push(delivery);
        Ok(())
    }

    /// Ends the files for which this holds.
    async fn end_files(
        &mut self,
        ended: impl Fn(&FileWriter, Instant) -> bool,
    ) -> Result<(), ArchiveError> {
        let due = |lane: &Lane| lane.file.as_ref().is_some_and(|(file, since)| ended(file, *since));
        let due: Vec<u16> =
            self.lanes.iter().filter(|(_, lane)| due(lane)).map(|(&number, _)| number).collect();
        for partition in due {
            self.end_file(partition).await?;
        }
        Ok(())
    }

    /// Puts a partition's file in its place, and acknowledges what it holds.
    async fn end_file(&mut self, partition: u16) -> Result<(), ArchiveError> {
        let Some(lane) = self.lanes.get_mut(&partition) else { return Ok(()) };
        let Some((mut file, _)) = lane.file.take() else { return Ok(()) };
        let held = std::mem::take(&mut lane.held);
        lane.after = lane.taken;
        if !self.reader.keep().await? {
            // Another reads now, and writes this range itself.
            self.tenure = 0;
            self.lanes.clear();
            return Ok(());
        }
        let archive = self.archive.clone();
        blocking(move || {
            let Some(written) = file.finish()? else { return Ok(()) };
            archive.put(&written)
        })
        .await?;
        Ok(self.reader.acknowledge(&held).await?)
    }
}
