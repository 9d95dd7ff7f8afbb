//! The commit of a stage of the account.

use marabet_schemas::{EntryId, frame};
use marabet_stage::{Change, FrameOutput};
use redis::Value;

use crate::commit::{Lives, add_changes, add_views, letter_lines, views};
use crate::connect::Connection;
use crate::error::LogError;
use crate::lease::Fence;
use crate::log::Log;
use crate::namespace::{Slot, Stream};
use crate::script::ACCOUNT;
use crate::wire;

/// What is to be written of frames of one partition.
pub(crate) struct Taken<'a> {
    pub(crate) stage: &'a str,
    pub(crate) output: Stream,
    pub(crate) partition: u16,
    /// The last frame taken from the partition before these.
    pub(crate) before: EntryId,
    /// What follows from each frame, in order; at least one.
    pub(crate) outputs: &'a [FrameOutput],
    pub(crate) changes: &'a [Change],
    /// Why the frame is passed over from now on, if it is; it is the only one then.
    pub(crate) quarantined: Option<&'a str>,
}

/// What came of it.
pub(crate) enum Committed {
    Done,
    Fenced,
    /// The state's last frame is another one.
    Moved(String),
}

pub(crate) async fn commit(
    connection: &mut Connection,
    log: &Log,
    fence: &Fence,
    taken: &Taken<'_>,
    lives: &mut Lives,
) -> Result<Committed, LogError> {
    let names = log.namespace();
    let slot = Slot::Account;
    let views = views(taken.outputs.iter().flat_map(|output| &output.cache), log.cache_ttl());
    let mut keys = vec![
        names.stream(taken.output, taken.partition),
        names.dead(slot, taken.stage),
        names.fence(slot, taken.stage),
        names.state(slot, taken.stage),
        names.offsets(taken.stage),
        names.attempts(slot, taken.stage),
        names.quarantine(slot, taken.stage),
    ];
    keys.extend(views.names().map(|name| names.cache(slot, name)));

    let events: Vec<_> = taken.outputs.iter().flat_map(|output| output.events.clone()).collect();
    let letters: Vec<_> = taken.outputs.iter().flat_map(|output| output.dead.clone()).collect();
    let ids: Vec<String> =
        taken.outputs.iter().map(|output| format!("{}/{}", taken.partition, output.id)).collect();
    let last = taken.outputs.last().map_or(taken.before, |output| output.id);

    let mut command = ACCOUNT.command(keys.iter().map(String::as_str));
    command.arg(fence.counter).arg(&fence.nonce).arg(taken.partition);
    command.arg(taken.before.to_string()).arg(last.to_string());
    command.arg(events.len()).arg(frame::encode(&events)).arg(ids.join(" "));
    command.arg(letters.len()).arg(letter_lines(&letters));
    command.arg(taken.quarantined.unwrap_or_default());
    add_changes(&mut command, taken.changes);
    add_views(&mut command, &views, lives);

    let answer = connection.run(&ACCOUNT, &command).await?;
    let unexpected = || LogError::unexpected("account commit", &Value::Nil);
    let parts = wire::array(answer).ok_or_else(unexpected)?;
    match parts.first().and_then(wire::text) {
        Some("ok") => Ok(Committed::Done),
        Some("fenced") => Ok(Committed::Fenced),
        Some("moved") => {
            Ok(Committed::Moved(parts.get(1).and_then(wire::text).unwrap_or("?").to_owned()))
        }
        _ => Err(unexpected()),
    }
}
