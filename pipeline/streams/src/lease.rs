//! The right to run a stage over a slot.
//!
//! A lease is a hash without TTL: counter, nonce, owner, and a deadline by the server's clock.
//! Counter and nonce are the fence, which every commit shows. Whoever takes the lease changes
//! both, and with that fences off whoever had it. The deadline only decides how soon another
//! process may take it.

use std::time::Duration;

use redis::Value;

use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Slot;
use crate::script::LEASE;
use crate::wire;

/// How long a lease lasts that is not renewed.
pub const LEASE_LENGTH: Duration = Duration::from_secs(5);

/// What a commit shows: the count of acquisitions, and the nonce of this one. A counter alone
/// could be given out twice, after the server lost its last second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// How often the lease was taken.
    pub counter: u64,
    /// Random bits of this acquisition.
    pub nonce: String,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// It was taken, under this fence.
    Taken(Fence),
    /// Another has it.
    Held {
        /// Who.
        owner: String,
        /// How long at least, unless it is given back.
        left: Duration,
    },
}

impl Log {
    /// Takes the right to run a stage over a slot, if it is free, its deadline has passed, or
    /// this process had it, whose earlier commits are fenced off then.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn take_lease(&self, slot: Slot, stage: &str) -> Result<Lease, LogError> {
        let mut connection = self.connector().open(self.namespace().fence(slot, stage)).await?;
        take(&mut connection, self, slot, stage).await
    }
}

/// Takes a lease over this connection.
pub(crate) async fn take(
    connection: &mut Connection,
    log: &Log,
    slot: Slot,
    stage: &str,
) -> Result<Lease, LogError> {
    let nonce = clock::nonce();
    match ask(connection, log, slot, stage, "take", &nonce).await? {
        Answer::Ok { counter } => Ok(Lease::Taken(Fence { counter, nonce })),
        Answer::Held { owner, left } => Ok(Lease::Held { owner, left }),
        Answer::Lost => Err(LogError::unexpected("lease", &Value::Nil)),
    }
}

/// Renews a lease. False when another has taken it.
pub(crate) async fn renew(
    connection: &mut Connection,
    log: &Log,
    slot: Slot,
    stage: &str,
    fence: &Fence,
) -> Result<bool, LogError> {
    let answer = ask(connection, log, slot, stage, "renew", &fence.nonce).await?;
    Ok(matches!(answer, Answer::Ok { .. }))
}

/// Gives a lease back, so that another need not wait for the deadline.
pub(crate) async fn give_back(
    connection: &mut Connection,
    log: &Log,
    slot: Slot,
    stage: &str,
    fence: &Fence,
) -> Result<(), LogError> {
    ask(connection, log, slot, stage, "give_back", &fence.nonce).await.map(|_| ())
}

enum Answer {
    Ok { counter: u64 },
    Held { owner: String, left: Duration },
    Lost,
}

async fn ask(
    connection: &mut Connection,
    log: &Log,
    slot: Slot,
    stage: &str,
    wish: &str,
    nonce: &str,
) -> Result<Answer, LogError> {
    let key = log.namespace().fence(slot, stage);
    let mut command = LEASE.command([&*key]);
    command.arg(wish).arg(log.owner()).arg(nonce).arg(LEASE_LENGTH.as_millis() as u64);
    let answer = connection.run(&LEASE, &command).await?;
    let unexpected = || LogError::unexpected("lease", &Value::Nil);
    let parts = wire::array(answer).ok_or_else(unexpected)?;
    match (parts.first().and_then(wire::text), &parts[..]) {
        (Some("ok"), [_, Value::Int(counter), _]) => Ok(Answer::Ok { counter: *counter as u64 }),
        (Some("held"), [_, owner, Value::Int(left)]) => Ok(Answer::Held {
            owner: wire::text(owner).ok_or_else(unexpected)?.to_owned(),
            left: Duration::from_millis(u64::try_from(*left).unwrap_or(0)),
        }),
        (Some("lost"), _) => Ok(Answer::Lost),
        _ => Err(unexpected()),
    }
}
