//! Materialised views: hashes in Redis that the commits write and that expire by themselves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use marabet_schemas::MatchKey;
use marabet_stage::CacheClass;

use crate::error::LogError;
use crate::log::Log;
use crate::namespace::Slot;

/// The field of a view that holds nothing: Redis has no empty hash.
const NOTHING: &str = "";

/// How long views are kept after their last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheTtl {
    /// Prices: 300 s.
    pub odds: Duration,
    /// Statistics and live scores: 1,800 s.
    pub stats: Duration,
    /// Predictions and bets: 600 s.
    pub predictions: Duration,
    /// What hardly changes: a day.
    pub static_data: Duration,
}

impl Default for CacheTtl {
    fn default() -> Self {
        Self {
            odds: Duration::from_secs(300),
            stats: Duration::from_secs(1_800),
            predictions: Duration::from_secs(600),
            static_data: Duration::from_secs(86_400),
        }
    }
}

impl CacheTtl {
    /// How long views of this class are kept.
    #[must_use]
    pub fn of(&self, class: CacheClass) -> Duration {
        match class {
            CacheClass::Odds => self.odds,
            CacheClass::Stats => self.stats,
            CacheClass::Predictions => self.predictions,
            CacheClass::Static => self.static_data,
        }
    }
}

/// How often views were there when they were asked for.
#[derive(Debug, Default)]
pub struct CacheStats {
    counts: [[AtomicU64; 2]; 4],
}

impl CacheStats {
    fn count(&self, class: CacheClass, hit: bool) {
        self.counts[class as usize][usize::from(hit)].fetch_add(1, Ordering::Relaxed);
    }

    /// Times that a view of this class was there.
    #[must_use]
    pub fn hits(&self, class: CacheClass) -> u64 {
        self.counts[class as usize][1].load(Ordering::Relaxed)
    }

    /// Times that it was not.
    #[must_use]
    pub fn misses(&self, class: CacheClass) -> u64 {
        self.counts[class as usize][0].load(Ordering::Relaxed)
    }
}

impl Log {
    /// A view of a match: JSON by field. None when it is not cached (any more). `name` is the
    /// [`CacheEntry::name`](marabet_stage::CacheEntry), `class` its class, for the count of hits
    /// and misses.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn cached(
        &self,
        class: CacheClass,
        key: &MatchKey,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, LogError> {
        let slot = Slot::Partition(key.partition(self.namespace().partitions()));
        self.cached_in(class, slot, name).await
    }

    /// A view of a slot, as [`Self::cached`].
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn cached_in(
        &self,
        class: CacheClass,
        slot: Slot,
        name: &str,
    ) -> Result<Option<BTreeMap<String, String>>, LogError> {
        let view = self.namespace().cache(slot, name);
        let mut fields: BTreeMap<String, String> =
            self.query(redis::cmd("HGETALL").arg(view)).await?;
        let hit = !fields.is_empty();
        fields.remove(NOTHING);
        self.cache_stats().count(class, hit);
        Ok(hit.then_some(fields))
    }

    /// Puts a view back that was rebuilt after a miss; one that holds nothing too, so that it is
    /// not looked for again as long as it is kept.
    ///
    /// # Errors
    /// [`LogError::Away`] when Redis is.
    pub async fn put_view(
        &self,
        class: CacheClass,
        slot: Slot,
        name: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<(), LogError> {
        let view = self.namespace().cache(slot, name);
        let mut command = redis::cmd("HSET");
        command.arg(&view);
        if fields.is_empty() {
            command.arg(NOTHING).arg("");
        } else {
            command.arg(fields);
        }
        self.query::<redis::Value>(&command).await?;
        let seconds = self.cache_ttl().of(class).as_secs();
        self.query::<redis::Value>(redis::cmd("EXPIRE").arg(&view).arg(seconds)).await?;
        Ok(())
    }
}
