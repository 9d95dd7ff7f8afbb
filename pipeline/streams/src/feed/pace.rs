//! How far the feed may run ahead of those who read it.

use std::time::{Duration, Instant};

use crate::clock;
use crate::connect::Connection;
use crate::error::LogError;
use crate::group;
use crate::groups::{self, Group};
use crate::horizon::server_ms;
use crate::namespace::{Namespace, Stream};
use crate::trim::memory_share;

/// Bounds on what a writer appends before the slowest group has caught up.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// Most frames of a partition that the slowest group of any stream may be behind.
    pub frames_max: u64,
    /// How old what a group has not dealt with may be where it reads behind the durable horizon,
    /// and so is behind by seconds at any rate.
    pub durable_age_max: Duration,
    /// Most bytes of the feed that these frames may have had, by the mean of this writer's.
    pub bytes_max: u64,
    /// The share of the server's memory bound above which facts wait.
    pub memory_share_max: f64,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            frames_max: 32,
            durable_age_max: Duration::from_secs(10),
            bytes_max: 4 << 20,
            memory_share_max: 0.7,
        }
    }
}

/// The least time between two looks at the server's memory.
const MEMORY_EVERY: Duration = Duration::from_millis(250);

/// Most entries counted to find the slowest group.
const COUNT_MAX: u64 = 10_000;

/// What holds the feed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldUp {
    /// A group on a stream, or the server's memory.
    pub(crate) by: String,
}

/// Measures how far one partition's feed is ahead; seldom, so that it costs next to nothing.
pub(crate) struct Pace {
    bounds: Ahead,
    streams: Vec<String>,
    frames: u64,
    bytes: u64,
    frames_at_look: u64,
    bytes_at_look: u64,
    memory_looked: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(bounds: Ahead, namespace: &Namespace, partition: u16) -> Self {
        let of_partition = Stream::ALL.into_iter().filter(|stream| !stream.is_of_account());
        Self {
            bounds,
            streams: of_partition.map(|stream| namespace.stream(stream, partition)).collect(),
            frames: 0,
            bytes: 0,
            frames_at_look: 0,
            bytes_at_look: 0,
            memory_looked: None,
        }
    }

    /// Counts what was appended.
    pub(crate) fn count(&mut self, frames: u64, bytes: u64) {
        self.frames += frames;
        self.bytes += bytes;
    }

    /// Whether a quarter of a bound was appended since the last look, so that another is due.
    pub(crate) fn is_due(&self) -> bool {
        self.frames - self.frames_at_look >= (self.bounds.frames_max / 4).max(1)
            || self.bytes - self.bytes_at_look >= (self.bounds.bytes_max / 4).max(1)
    }

    /// Looks whether a bound is passed, and who is the slowest.
    pub(crate) async fn look(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<HeldUp>, LogError> {
        let frame_bytes = (self.bytes / self.frames.max(1)).max(1);
        let most = self.bounds.frames_max.min(self.bounds.bytes_max / frame_bytes).max(1);
        for key in &self.streams {
            for group in groups::of(connection, key).await? {
                if self.is_too_far(connection, key, &group, most).await? {
                    return Ok(Some(HeldUp { by: format!("group {} of {key}", group.name) }));
                }
            }
        }
        if self.memory_looked.is_none_or(|looked| looked.elapsed() >= MEMORY_EVERY) {
            let share = memory_share(connection).await?;
            if share > self.bounds.memory_share_max {
                let holder = self.slowest(connection).await?;
                let by = format!(
                    "the server's memory ({:.0} % of its bound), held by {}",
                    share * 100.0,
                    holder.as_deref().unwrap_or("what is younger than the retention")
                );
                return Ok(Some(HeldUp { by }));
            }
            self.memory_looked = Some(clock::moment());
        }
        self.frames_at_look = self.frames;
        self.bytes_at_look = self.bytes;
        Ok(None)
    }

    async fn is_too_far(
        &self,
        connection: &mut Connection,
        key: &str,
        group: &Group,
        most: u64,
    ) -> Result<bool, LogError> {
        if !group::reads_behind_the_horizon(&group.name) {
            return Ok(group.behind(connection, key, most + 1).await? > most);
        }
        let Some(next) = group.next(connection, key).await? else { return Ok(false) };
        let age_ms = server_ms(connection).await?.saturating_sub(next.ms);
        Ok(u128::from(age_ms) > self.bounds.durable_age_max.as_millis())
    }

    /// The group of this partition that is furthest behind, if one is.
    async fn slowest(&self, connection: &mut Connection) -> Result<Option<String>, LogError> {
        let mut slowest = None;
        let mut most = 0;
        for key in &self.streams {
            for group in groups::of(connection, key).await? {
                let behind = group.behind(connection, key, COUNT_MAX).await?;
                if behind > most {
                    most = behind;
                    slowest = Some(format!("group {} of {key}", group.name));
                }
            }
        }
        Ok(slowest)
    }
}
