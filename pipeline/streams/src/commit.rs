//! The commit: outputs, state, views and acknowledgement of a batch, at once or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;
use std::time::{Duration, Instant};

use marabet_schemas::dead::DeadLetter;
use marabet_schemas::{EntryId, frame};
use marabet_stage::{CacheEntry, Change, FrameOutput, Json, ViewName};
use redis::{Cmd, RedisWrite, Value};
use rustc_hash::FxBuildHasher;

use crate::cache::CacheTtl;
use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::lease::Fence;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::script::COMMIT;
use crate::wire;

/// Between which streams a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The stage's name, which is its group's too.
    pub stage: &'a str,
    /// The partition.
    pub partition: u16,
    /// What it reads.
    pub input: Stream,
    /// What it writes.
    pub output: Stream,
}

/// What is to be written of a batch of frames.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// What follows from each frame, in the order of their IDs: the head of what is pending.
    pub outputs: &'a [FrameOutput],
    /// The state's changes.
    pub changes: &'a [Change],
    /// Frames that are passed over from now on, with the reason.
    pub quarantined: &'a [(EntryId, String)],
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// Everything was written.
    Done,
    /// Nothing was: the stage has another owner.
    Fenced,
    /// Nothing was: the batch is not the head of what is pending.
    NotHead {
        /// The frame that should have been there.
        expected: String,
        /// What is.
        found: String,
    },
}

impl Log {
    /// Commits a batch: appends the outputs under their inputs' IDs, writes state, views and
    /// dead letters, and acknowledges the frames.
    ///
    /// # Errors
    /// [`LogError::Alarm`] when a stream has a higher ID already, with nothing written;
    /// [`LogError::Away`] when Redis is, and then it is not known whether the commit took place.
    pub async fn commit(
        &self,
        line: Line<'_>,
        fence: &Fence,
        batch: Batch<'_>,
    ) -> Result<Committed, LogError> {
        let fence_key = self.namespace().fence(Slot::Partition(line.partition), line.stage);
        let mut connection = self.connector().open(fence_key).await?;
        let command = self.commit_command(line, fence, batch, &mut Lives::default());
        send(&mut connection, &command).await
    }

    /// The command that [`Self::commit`] sends, for whoever measures what Redis alone makes of it.
    /// The server must know the script: a commit of any stage has seen to that.
    #[must_use]
    pub fn commit_command(
        &self,
        line: Line<'_>,
        fence: &Fence,
        batch: Batch<'_>,
        lives: &mut Lives,
    ) -> Cmd {
        command(self, line, fence, batch, lives).0
    }
}

/// Sends a commit's command.
pub(crate) async fn send(
    connection: &mut Connection,
    command: &Cmd,
) -> Result<Committed, LogError> {
    answered(connection.run(&COMMIT, command).await?)
}

/// The command of a commit, and the lines of each output.
pub(crate) fn command(
    log: &Log,
    line: Line<'_>,
    fence: &Fence,
    batch: Batch<'_>,
    lives: &mut Lives,
) -> (Cmd, Vec<Vec<u8>>) {
    let names = log.namespace();
    let slot = Slot::Partition(line.partition);
    let views = views(batch.outputs.iter().flat_map(|output| &output.cache), log.cache_ttl());
    let mut keys = vec![
        names.stream(line.input, line.partition),
        names.stream(line.output, line.partition),
        names.dead(slot, line.stage),
        names.fence(slot, line.stage),
        names.state(slot, line.stage),
        names.attempts(slot, line.stage),
        names.quarantine(slot, line.stage),
    ];
    keys.extend(views.names().map(|name| names.cache(slot, name)));

    let mut command = COMMIT.command(keys.iter().map(String::as_str));
    command.arg(line.stage).arg(fence.counter).arg(&fence.nonce).arg(batch.outputs.len());
    let lines: Vec<Vec<u8>> =
        batch.outputs.iter().map(|output| frame::encode(&output.events)).collect();
    // All but the numbers, for which there is some room; it grows by doubling otherwise.
    let changed = batch.changes.iter();
    let changed = changed.map(|one| one.field.len() + one.value.as_ref().map_or(0, Vec::len) + 8);
    command.reserve_space_for_args(lines.iter().map(Vec::len).chain(changed).chain(views.lens()));
    for (output, lines) in batch.outputs.iter().zip(&lines) {
        command.arg(output.id.to_string());
        command.arg(output.events.len()).arg(&**lines);
        command.arg(output.dead.len()).arg(letter_lines(&output.dead));
    }
    add_changes(&mut command, batch.changes);
    add_views(&mut command, &views, lives);
    command.arg(batch.quarantined.len());
    for (id, reason) in batch.quarantined {
        command.arg(id.to_string()).arg(reason);
    }
    (command, lines)
}

fn answered(answer: Value) -> Result<Committed, LogError> {
    let unexpected = || LogError::unexpected("commit", &Value::Nil);
    let parts = wire::array(answer).ok_or_else(unexpected)?;
    let part = |index: usize| {
        parts.get(index).and_then(wire::text).map(str::to_owned).ok_or_else(unexpected)
    };
    match &*part(0)? {
        "ok" => Ok(Committed::Done),
        "fenced" => Ok(Committed::Fenced),
        "not_head" => Ok(Committed::NotHead { expected: part(1)?, found: part(2)? }),
        "refused" => Err(LogError::Alarm { stream: part(1)?, id: part(2)?, reason: part(3)? }),
        _ => Err(unexpected()),
    }
}

/// The lines of an entry of dead letters.
pub(crate) fn letter_lines(letters: &[DeadLetter]) -> String {
    let lines: Vec<String> = letters
        .iter()
        .map(|letter| serde_json::to_string(letter).expect("a letter is text, which JSON can say"))
        .collect();
    lines.join("\n")
}

/// When a connection last let the life of each view begin anew, which need not be at every
/// write: a view that is written lives for seven eighths of its time at least. Goes with the
/// connection: a server that came back may have lost the last of it.
#[derive(Debug, Default)]
pub struct Lives(HashMap<ViewName, Instant, FxBuildHasher>);

impl Lives {
    /// Most views that are remembered; all are forgotten beyond, and begin anew.
    const VIEWS_MAX: usize = 1 << 16;

    fn begin_anew(&mut self, view: &ViewName, kept: Duration, now: Instant) -> bool {
        if self.0.get(view).is_some_and(|begun| now.duration_since(*begun) < kept / 8) {
            return false;
        }
        if self.0.len() >= Self::VIEWS_MAX {
            self.0.clear();
        }
        self.0.insert(view.clone(), now);
        true
    }
}

/// The last value of each field of each view, in the order in which they first came.
#[derive(Default)]
pub(crate) struct Views<'a> {
    views: Vec<View<'a>>,
    places: HashMap<&'a ViewName, usize, FxBuildHasher>,
    fields: HashMap<(usize, &'a str), usize, FxBuildHasher>,
}

struct View<'a> {
    name: &'a ViewName,
    kept: Duration,
    /// The value of each field; none for one that goes.
    values: Vec<(&'a str, Option<&'a Json>)>,
}

impl<'a> Views<'a> {
    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a ViewName> {
        self.views.iter().map(|view| view.name)
    }

    /// About how many bytes each value takes.
    fn lens(&self) -> impl Iterator<Item = usize> {
        let values = self.views.iter().flat_map(|view| &view.values);
        values.map(|(field, json)| field.len() + json.map_or(0, Json::len) + 8)
    }

    fn add(&mut self, entry: &'a CacheEntry, kept: Duration) {
        let views = &mut self.views;
        let place = *self.places.entry(&entry.name).or_insert_with(|| {
            views.push(View { name: &entry.name, kept, values: Vec::new() });
            views.len() - 1
        });
        let View { values, kept: last, .. } = &mut views[place];
        *last = kept;
        let value = (&*entry.field, entry.json.as_ref());
        match self.fields.entry((place, &entry.field)) {
            Entry::Occupied(field) => values[*field.get()] = value,
            Entry::Vacant(field) => {
                field.insert(values.len());
                values.push(value);
            }
        }
    }
}

/// Gathers the entries of a batch by view; of one field's values the last stands.
pub(crate) fn views<'a>(
    entries: impl Iterator<Item = &'a CacheEntry>,
    ttl: &CacheTtl,
) -> Views<'a> {
    let mut views = Views::default();
    for entry in entries {
        views.add(entry, ttl.of(entry.class));
    }
    views
}

/// Adds the state's changes as the scripts read them.
pub(crate) fn add_changes(command: &mut Cmd, changes: &[Change]) {
    let values = changes.iter().filter_map(|change| Some((&change.field, change.value.as_ref()?)));
    command.arg(values.clone().count());
    for (field, value) in values {
        command.arg(field).arg(value);
    }
    let gone = changes.iter().filter(|change| change.value.is_none());
    command.arg(gone.clone().count());
    for change in gone {
        command.arg(&change.field);
    }
}

/// Adds views as the scripts read them.
pub(crate) fn add_views(command: &mut Cmd, views: &Views<'_>, lives: &mut Lives) {
    let now = clock::moment();
    for View { name, kept, values: fields } in &views.views {
        command.arg(kept.as_secs().max(1)).arg(u8::from(lives.begin_anew(name, *kept, now)));
        let values = fields.iter().filter_map(|&(field, json)| Some((field, json?)));
        command.arg(values.clone().count());
        for (field, json) in values {
            command.arg(field);
            if let Some(text) = json.text() {
                command.arg(text);
            } else {
                write!(command.writer_for_next_arg(), "{json}").expect("memory takes any text");
            }
        }
        let gone = fields.iter().filter(|(_, json)| json.is_none());
        command.arg(gone.clone().count());
        for (field, _) in gone {
            command.arg(*field);
        }
    }
}
