//! What Redis knows of the groups of a stream.

use marabet_schemas::EntryId;
use redis::Value;

use crate::connect::Connection;
use crate::error::LogError;
use crate::read::last_generated;
use crate::script::ENSURE;
use crate::wire;

/// A consumer group, as `XINFO GROUPS` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: String,
    /// Entries handed out and not acknowledged.
    pub(crate) pending: u64,
    /// The last entry handed out.
    pub(crate) last_delivered: EntryId,
    /// Entries not handed out yet; none when Redis does not know, as after it loaded an AOF.
    pub(crate) lag: Option<u64>,
}

/// The groups of a stream; none when it does not exist.
pub(crate) async fn of(connection: &mut Connection, key: &str) -> Result<Vec<Group>, LogError> {
    match connection.ask(redis::cmd("XINFO").arg("GROUPS").arg(key)).await {
        Ok(answer) => parse(answer),
        Err(LogError::Reply { reason, .. }) if reason.contains("no such key") => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn parse(answer: Value) -> Result<Vec<Group>, LogError> {
    let unexpected = || LogError::unexpected("XINFO GROUPS", &Value::Nil);
    let groups = wire::array(answer).ok_or_else(unexpected)?;
    groups.into_iter().map(|group| group_of(group).ok_or_else(unexpected)).collect()
}

fn group_of(value: Value) -> Option<Group> {
    let mut fields = wire::array(value)?.into_iter();
    let mut group =
        Group { name: String::new(), pending: 0, last_delivered: EntryId::default(), lag: None };
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match (wire::text(&name)?, value) {
            ("name", value) => group.name = wire::text(&value)?.to_owned(),
            ("pending", Value::Int(count)) => group.pending = count.try_into().ok()?,
            ("last-delivered-id", value) => group.last_delivered = wire::entry_id(&value)?,
            ("lag", Value::Int(count)) => group.lag = count.try_into().ok(),
            _ => {}
        }
    }
    Some(group)
}

/// Entries read at once while counting.
const PAGE: usize = 200;

/// How many entries of a stream come after `id`, counted up to `most`. Needed where Redis
/// reports no lag, which must not be taken for none.
pub(crate) async fn count_after(
    connection: &mut Connection,
    key: &str,
    id: EntryId,
    most: u64,
) -> Result<u64, LogError> {
    let mut from = id;
    let mut count = 0;
    // Each round counts a full page, so `most` bounds the rounds.
    while count < most {
        let mut command = redis::cmd("XRANGE");
        command.arg(key).arg(format!("({from}")).arg("+").arg("COUNT").arg(PAGE);
        let page = wire::entries(connection.ask(&command).await?)?;
        count += page.len() as u64;
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.id,
            _ => break,
        }
    }
    Ok(count.min(most))
}

impl Group {
    /// How many entries the group is behind: those not handed out, counted up to `most` where
    /// Redis does not know, and those not acknowledged.
    pub(crate) async fn behind(
        &self,
        connection: &mut Connection,
        key: &str,
        most: u64,
    ) -> Result<u64, LogError> {
        let lag = match self.lag {
            Some(lag) => lag,
            None => count_after(connection, key, self.last_delivered, most).await?,
        };
        Ok(lag + self.pending)
    }

    /// The first entry that the group has not acknowledged; none when it is done with all.
    pub(crate) async fn next(
        &self,
        connection: &mut Connection,
        key: &str,
    ) -> Result<Option<EntryId>, LogError> {
        if self.pending > 0
            && let Some(first) = first_pending(connection, key, &self.name).await?
        {
            return Ok(Some(first));
        }
        let mut command = redis::cmd("XRANGE");
        command.arg(key).arg(format!("({}", self.last_delivered)).arg("+").arg("COUNT").arg(1);
        let page = wire::entries(connection.ask(&command).await?)?;
        Ok(page.first().map(|entry| entry.id))
    }
}

/// Makes a group that reads a stream from its beginning, where there is none yet.
pub(crate) async fn ensure(
    connection: &mut Connection,
    key: &str,
    group: &str,
) -> Result<(), LogError> {
    let mut command = ENSURE.command([key]);
    command.arg(group);
    connection.run(&ENSURE, &command).await.map(|_| ())
}

/// Hands everything that is pending in a group to one of its consumers, whoever had it.
pub(crate) async fn claim_all(
    connection: &mut Connection,
    key: &str,
    group: &str,
    consumer: &str,
) -> Result<(), LogError> {
    let unexpected = || LogError::unexpected("XAUTOCLAIM", &Value::Nil);
    let mut from = "0-0".to_owned();
    // Each round goes on after the last, and what is pending ends.
    loop {
        let mut command = redis::cmd("XAUTOCLAIM");
        command.arg(key).arg(group).arg(consumer).arg(0).arg(&from);
        command.arg("COUNT").arg(1000).arg("JUSTID");
        let answer = wire::array(connection.ask(&command).await?).ok_or_else(unexpected)?;
        let next = answer.first().and_then(wire::text).ok_or_else(unexpected)?;
        if next == "0-0" {
            return Ok(());
        }
        from = next.to_owned();
    }
}

/// The first entry that is pending in a group.
pub(crate) async fn first_pending(
    connection: &mut Connection,
    key: &str,
    group: &str,
) -> Result<Option<EntryId>, LogError> {
    let all = (EntryId::default(), None);
    Ok(pending(connection, key, group, all, 1).await?.first().copied())
}

/// The entries that are pending in a group after one and before another, in order, at most so
/// many.
pub(crate) async fn pending(
    connection: &mut Connection,
    key: &str,
    group: &str,
    (after, before): (EntryId, Option<EntryId>),
    most: usize,
) -> Result<Vec<EntryId>, LogError> {
    let before = before.map_or_else(|| "+".to_owned(), |before| format!("({before}"));
    let mut command = redis::cmd("XPENDING");
    command.arg(key).arg(group).arg(format!("({after}")).arg(before).arg(most);
    let answer = connection.ask(&command).await?;
    let unexpected = || LogError::unexpected("XPENDING", &Value::Nil);
    let id_of = |entry: Value| wire::array(entry)?.first().and_then(wire::entry_id);
    let entries = wire::array(answer).ok_or_else(unexpected)?.into_iter();
    entries.map(|entry| id_of(entry).ok_or_else(unexpected)).collect()
}

/// Refuses to read on for a group that stands above the end of its stream: the server has lost
/// entries that the group was handed. Returns up to where the group has acknowledged everything.
pub(crate) async fn refuse_rollback(
    connection: &mut Connection,
    key: &str,
    group: &str,
) -> Result<EntryId, LogError> {
    let groups = of(connection, key).await?;
    let last = last_generated(connection, key).await?;
    let Some(found) = groups.iter().find(|found| found.name == group) else {
        return Ok(EntryId::default());
    };
    let offset = found.last_delivered;
    if last < offset {
        let (stream, reader) = (key.to_owned(), group.to_owned());
        return Err(LogError::Rollback { stream, reader, offset, last });
    }
    Ok(if found.pending == 0 { offset } else { EntryId::default() })
}
