//! Who owns a source in a partition.

use redis::Value;

use crate::clock;
use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Slot;
use crate::script::SOURCE;
use crate::wire;

/// What the server said to the owner of a source.
pub(super) struct Owned {
    pub(super) fence: String,
    pub(super) batch: u64,
    pub(super) position: Option<u64>,
    /// The fence of the owner before; empty for none.
    pub(super) before: String,
}

/// Takes a source over in one partition.
pub(super) async fn own(log: &Log, source: &str, partition: u16) -> Result<Owned, LogError> {
    let key = log.namespace().source(Slot::Partition(partition), source);
    let mut command = SOURCE.command([&*key]);
    command.arg(clock::nonce());
    let answer = log.run(&SOURCE, &command).await?;
    let unexpected = || LogError::unexpected("source", &Value::Nil);
    let parts = wire::array(answer).ok_or_else(unexpected)?;
    let [fence, batch, position, before] = &parts[..] else { return Err(unexpected()) };
    let number = |value: &Value| wire::text(value).and_then(|text| text.parse().ok());
    Ok(Owned {
        fence: wire::text(fence).ok_or_else(unexpected)?.to_owned(),
        batch: number(batch).ok_or_else(unexpected)?,
        position: number(position),
        before: wire::text(before).ok_or_else(unexpected)?.to_owned(),
    })
}
