//! The commit: outputs, state, views and acknowledgement of a batch, at once or not at all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;
use std::time::{Duration, Instant};

use marabet_schemas::EntryId;
use marabet_schemas::dead::DeadLetter;
use marabet_schemas::frame::{self, Frame};
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

/// What is written of one frame, its events as lines.
#[derive(Debug)]
pub struct Written {
    id: EntryId,
    events: usize,
    lines: Vec<u8>,
    cache: Vec<CacheEntry>,
    dead: Vec<DeadLetter>,
}

impl Written {
    /// What is written of these, and the frames that the next stage reads: of those that led to
    /// events.
    #[must_use]
    pub fn of_all(outputs: Vec<FrameOutput>) -> (Vec<Self>, Vec<Frame>) {
        let mut frames = Vec::with_capacity(outputs.len());
        let of = |FrameOutput { id, events, cache, dead }: FrameOutput| {
            let (lines, count) = (frame::encode(&events), events.len());
            if count > 0 {
                let frame = Frame::new(id, events);
                debug_assert_eq!(
                    Ok(&frame),
                    std::str::from_utf8(&lines).map(|lines| Frame::decode(id, lines)).as_ref(),
                    "events read back as they are"
                );
                frames.push(frame);
            }
            Self { id, events: count, lines, cache, dead }
        };
        let written = outputs.into_iter().map(of).collect();
        (written, frames)
    }

    /// The lines of its events, which need them no more.
    pub(crate) fn into_lines(self) -> Vec<u8> {
        self.lines
    }
}

/// What is to be written of a batch of frames.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// What follows from each frame, in the order of their IDs: the head of what is pending.
    pub written: &'a [Written],
    /// The state's changes.
    pub changes: &'a [Change],
    /// Frames that are passed over from now on, with the reason.
    pub quarantined: &'a [(EntryId, String)],
}

/// What one stage writes in a commit.
#[derive(Debug)]
pub struct Part<'a> {
    /// Where the stage stands.
    pub line: Line<'a>,
    /// What says that it is ours.
    pub fence: &'a Fence,
    /// What is written.
    pub batch: Batch<'a>,
    /// When the views' lives last began anew.
    pub lives: &'a mut Lives,
    /// Up to where the stage has taken its input, as far as it knows: a second part is not written
    /// by who does not know how far the log says it is.
    pub after: EntryId,
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// Everything was written.
    Done,
    /// The first part was, and the second was not: its stage had not taken everything before, or
    /// has another owner.
    Apart,
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
        let (lives, after) = (&mut Lives::default(), EntryId::default());
        let part = Part { line, fence, batch, lives, after };
        self.commit_parts(part, None).await
    }

    /// Commits a batch as [`Self::commit`], and along with it what the next stage makes of the
    /// frames that it writes, where that stage has taken everything before them.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn commit_parts(
        &self,
        first: Part<'_>,
        second: Option<Part<'_>>,
    ) -> Result<Committed, LogError> {
        let slot = Slot::Partition(first.line.partition);
        let fence_key = self.namespace().fence(slot, first.line.stage);
        let mut connection = self.connector().open(fence_key).await?;
        send(&mut connection, &self.commit_command(first, second)).await
    }

    /// The command that [`Self::commit_parts`] sends, for whoever measures what Redis alone makes
    /// of it. The server must know the script: a commit of any stage has seen to that.
    #[must_use]
    pub fn commit_command(&self, first: Part<'_>, second: Option<Part<'_>>) -> Cmd {
        command(self, first, second)
    }
}

/// Sends a commit's command.
pub(crate) async fn send(
    connection: &mut Connection,
    command: &Cmd,
) -> Result<Committed, LogError> {
    answered(connection.run(&COMMIT, command).await?)
}

/// The command of a commit.
pub(crate) fn command(log: &Log, first: Part<'_>, second: Option<Part<'_>>) -> Cmd {
    let first_views = views_of(log, &first);
    let second_views = second.as_ref().map(|second| views_of(log, second));
    let mut keys = keys_of(log, first.line, &first_views);
    let second_key = keys.len() + 1;
    if let (Some(second), Some(views)) = (&second, &second_views) {
        keys.extend(keys_of(log, second.line, views));
    }
    let mut command = COMMIT.command(keys.iter().map(String::as_str));
    let before = command.args_iter().count();
    add_part(&mut command, first, &first_views);
    let mut second_at = (0, 0);
    let after = second.as_ref().map(|second| second.after.to_string()).unwrap_or_default();
    if let (Some(second), Some(views)) = (second, &second_views) {
        second_at = (second_key, command.args_iter().count() - before + 1);
        add_part(&mut command, second, views);
    }
    command.arg(after).arg(second_at.0).arg(second_at.1);
    command
}

fn views_of<'a>(log: &Log, part: &Part<'a>) -> Views<'a> {
    views(part.batch.written.iter().flat_map(|written| &written.cache), log.cache_ttl())
}

/// The keys of a part, in the script's order.
fn keys_of(log: &Log, line: Line<'_>, views: &Views<'_>) -> Vec<String> {
    let names = log.namespace();
    let slot = Slot::Partition(line.partition);
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
    keys
}

/// Adds a part's arguments, in the script's order.
fn add_part(command: &mut Cmd, part: Part<'_>, views: &Views<'_>) {
    let Part { line, fence, batch, lives, .. } = part;
    command.arg(line.stage).arg(fence.counter).arg(&fence.nonce).arg(batch.written.len());
    // All but the numbers, for which there is some room; it grows by doubling otherwise.
    let lines = batch.written.iter().map(|written| written.lines.len());
    let changed = batch.changes.iter();
    let changed = changed.map(|one| one.field.len() + one.value.as_ref().map_or(0, Vec::len) + 8);
    command.reserve_space_for_args(lines.chain(changed).chain(views.lens()));
    for written in batch.written {
        command.arg(written.id.to_string());
        command.arg(written.events).arg(&*written.lines);
        command.arg(written.dead.len()).arg(letter_lines(&written.dead));
    }
    add_changes(command, batch.changes);
    add_views(command, views, lives);
    command.arg(batch.quarantined.len());
    for (id, reason) in batch.quarantined {
        command.arg(id.to_string()).arg(reason);
    }
}

fn answered(answer: Value) -> Result<Committed, LogError> {
    let unexpected = || LogError::unexpected("commit", &Value::Nil);
    let parts = wire::array(answer).ok_or_else(unexpected)?;
    let part = |index: usize| {
        parts.get(index).and_then(wire::text).map(str::to_owned).ok_or_else(unexpected)
    };
    match &*part(0)? {
        "ok" => Ok(Committed::Done),
        "apart" => Ok(Committed::Apart),
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
