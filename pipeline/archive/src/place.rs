//! Where a file lies: `<stream>/date=YYYY-MM-DD/partition=07/<first>-<last>.parquet`.

use std::fmt;

use marabet_schemas::EntryId;

use crate::schema::Holding;

/// A file's place within the archive, which says what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The stream, or the stage's dead letters.
    pub holding: Holding,
    /// The partition; 0 for what belongs to the account.
    pub partition: u16,
    /// The first entry in it.
    pub first: EntryId,
    /// The last.
    pub last: EntryId,
}

impl Place {
    /// The folder of a stream's partition and day.
    #[must_use]
    pub fn folder(&self) -> String {
        let day = day_of(self.first);
        format!("{}/date={day}/partition={:02}", self.holding.name(), self.partition)
    }

    /// The place that a path within the archive names; none for any other path.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let holding = Holding::from_name(parts.next()?)?;
        let day = parts.next()?.strip_prefix("date=")?;
        let partition = parts.next()?.strip_prefix("partition=")?.parse().ok()?;
        let name = parts.next()?.strip_suffix(".parquet")?;
        if parts.next().is_some() {
            return None;
        }
        let mut numbers = name.split('-').map(str::parse);
        let mut id = || -> Option<EntryId> {
            Some(EntryId { ms: numbers.next()?.ok()?, seq: numbers.next()?.ok()? })
        };
        let (first, last) = (id()?, id()?);
        let place = Self { holding, partition, first, last };
        (numbers.next().is_none() && first <= last && day_of(first) == day).then_some(place)
    }

    /// Whether this file holds all that the other holds.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.holding == other.holding
            && self.partition == other.partition
            && self.first <= other.first
            && other.last <= self.last
    }

    /// The UTC day of its entries.
    #[must_use]
    pub fn day(&self) -> String {
        day_of(self.first)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}-{}.parquet", self.folder(), self.first, self.last)
    }
}

/// The UTC day of an entry ID, as `YYYY-MM-DD`.
#[must_use]
pub fn day_of(id: EntryId) -> String {
    let us = i64::try_from(id.ms).unwrap_or(i64::MAX).saturating_mul(1000);
    marabet_schemas::Instant::from_micros(us).day()
}

/// The number of an entry ID's UTC day since 1970.
pub(crate) fn day_number(id: EntryId) -> u64 {
    id.ms / 86_400_000
}

#[cfg(test)]
mod tests {
    use marabet_streams::Stream;

    use super::*;

    #[test]
    fn a_place_reads_back_as_it_is_written() {
        let place = Place {
            holding: Holding::Stream(Stream::Feed),
            partition: 7,
            first: "1723830000000-0".parse().unwrap(),
            last: "1723830000123-4".parse().unwrap(),
        };
        let path = "feed/date=2024-08-16/partition=07/1723830000000-0-1723830000123-4.parquet";
        assert_eq!(place.to_string(), path);
        assert_eq!(Place::from_path(path), Some(place));
    }

    #[test]
    fn another_files_path_is_no_place() {
        for path in [
            "feed/date=2024-08-16/partition=07/1723830000123-4-1723830000000-0.parquet",
            "feed/date=2024-08-17/partition=07/1723830000000-0-1723830000123-4.parquet",
            "feed/date=2024-08-16/partition=07/.1723830000000-0-1723830000123-4.parquet.tmp",
            "feed/date=2024-08-16/1723830000000-0-1723830000123-4.parquet",
            "artefacts/abc",
        ] {
            assert_eq!(Place::from_path(path), None, "{path}");
        }
    }
}
