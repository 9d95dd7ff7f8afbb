//! Where an event stands in the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The ID of a stream entry: `ms-seq`, as Redis orders it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Milliseconds of the server's clock when the feed's entry was appended.
    pub ms: u64,
    /// Sequence within the millisecond.
    pub seq: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text is no address or entry ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no {1}")]
pub struct NoAddress(String, &'static str);

impl FromStr for EntryId {
    type Err = NoAddress;
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let wrong = || NoAddress(text.to_owned(), "entry ID; write milliseconds-sequence");
        let (ms, seq) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self { ms: ms.parse().map_err(|_| wrong())?, seq: seq.parse().map_err(|_| wrong())? })
    }
}

/// The address of an event: partition, entry, and its place within the entry's frame from 0.
///
/// Written `3/1723830000000-0/12`. What a stage derives keeps the entry ID of its cause, so one
/// address leads through every stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The partition.
    pub partition: u16,
    /// The entry, the same in every stream of the partition.
    pub entry: EntryId,
    /// The event's place in the frame, from 0.
    pub index: u32,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.partition, self.entry, self.index)
    }
}

impl FromStr for Address {
    type Err = NoAddress;
    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let wrong = || NoAddress(text.to_owned(), "address; write partition/ms-seq/index");
        let mut parts = text.split('/');
        let (Some(partition), Some(entry), Some(index), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        Ok(Self {
            partition: partition.parse().map_err(|_| wrong())?,
            entry: entry.parse().map_err(|_| wrong())?,
            index: index.parse().map_err(|_| wrong())?,
        })
    }
}

/// Serialises as text by `Display` and `FromStr`.
macro_rules! as_text {
    ($type:ty, $name:literal, $description:literal) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description })
            }
        }
    };
}
pub(crate) use as_text;

as_text!(EntryId, "EntryId", "milliseconds-sequence");
as_text!(Address, "Address", "partition/milliseconds-sequence/index");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_is_written() {
        let address: Address = "3/1723830000000-2/12".parse().unwrap();
        assert_eq!(address.to_string(), "3/1723830000000-2/12");
        assert!("3/17/1".parse::<Address>().is_err());
    }

    #[test]
    fn entries_are_ordered_as_redis_orders_them() {
        let [a, b, c]: [EntryId; 3] = ["9-5", "10-0", "10-1"].map(|id| id.parse().unwrap());
        assert!(a < b && b < c);
    }
}
