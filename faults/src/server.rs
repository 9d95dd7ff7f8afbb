//! The private Redis of a round, and what is done to it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use marabet_streams::{EmbeddedOptions, EmbeddedRedis};
use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

use crate::disk::SmallDisk;

/// How often the AOF is looked at, to know what was written within the last second.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What a crash of the machine may take back, with `appendfsync everysec`.
const LAST: Duration = Duration::from_secs(1);
/// The bound on memory in normal times.
const MEMORY_MAX: u64 = 512 << 20;

/// A server in a folder.
pub(crate) struct Server {
    folder: PathBuf,
    redis: Option<EmbeddedRedis>,
    /// Why its disk cannot be filled, where it cannot.
    disk: anyhow::Result<SmallDisk>,
    sizes: Arc<Mutex<Sizes>>,
    looking: JoinHandle<()>,
    /// Bytes that were cut off the AOF, by us and by the repair.
    pub(crate) bytes_torn: u64,
}

/// The last file of the AOF, and how long it was of late.
#[derive(Default)]
struct Sizes {
    file: Option<PathBuf>,
    lengths: VecDeque<(Instant, u64)>,
}

impl Server {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let disk = SmallDisk::mount(folder);
        let sizes = Arc::new(Mutex::new(Sizes::default()));
        let (looked, parts) = (Arc::clone(&sizes), folder.join("appendonlydir"));
        let looking = tokio::spawn(async move {
            loop {
                lock(&looked).look(&parts);
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        let folder = folder.to_owned();
        let mut server = Self { folder, redis: None, disk, sizes, looking, bytes_torn: 0 };
        server.begin().await?;
        Ok(server)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let program = std::env::var_os("MARABET_REDIS_SERVER").map(Into::into);
        let options = EmbeddedOptions {
            server: program,
            memory_max: MEMORY_MAX,
            ..EmbeddedOptions::default()
        };
        let redis = EmbeddedRedis::start(&self.folder, options).await?;
        self.bytes_torn += redis.repairs().iter().map(|repair| repair.bytes_cut).sum::<u64>();
        self.redis = Some(redis);
        Ok(())
    }

    fn redis(&self) -> anyhow::Result<&EmbeddedRedis> {
        self.redis.as_ref().context("the server of the round is down")
    }

    pub(crate) fn socket(&self) -> anyhow::Result<&Path> {
        Ok(self.redis()?.socket())
    }

    /// The URL that does not lead over the proxy.
    pub(crate) fn url(&self) -> anyhow::Result<String> {
        Ok(self.redis()?.url())
    }

    /// A connection that does not lead over the proxy.
    pub(crate) async fn connection(&self) -> anyhow::Result<MultiplexedConnection> {
        Ok(redis::Client::open(self.url()?)?.get_multiplexed_async_connection().await?)
    }

    /// SIGKILL, and a new start. With `torn`, the last file of the AOF is cut at this share (in
    /// thousandths) of what was written within the last second.
    pub(crate) async fn kill(&mut self, torn: Option<u16>) -> anyhow::Result<()> {
        let pid = self.redis()?.pid().context("the server of the round has ended")?;
        lock(&self.sizes).look(&self.folder.join("appendonlydir"));
        let pid = Pid::from_raw(i32::try_from(pid)?).context("a process has a number")?;
        kill_process(pid, Signal::KILL)?;
        if let Some(redis) = self.redis.take() {
            // It finds the server dead, or the one that was started since, which ends.
            redis.stop().await;
        }
        if let Some(share) = torn {
            self.bytes_torn += self.tear(share)?;
        }
        self.begin().await
    }

    /// Cuts the file, and says how many bytes went.
    fn tear(&self, share: u16) -> anyhow::Result<u64> {
        let sizes = lock(&self.sizes);
        let Some(file) = &sizes.file else { return Ok(0) };
        let length = file.metadata()?.len();
        let before = sizes.lengths.front().map_or(0, |(_, length)| *length).min(length);
        let kept = before + (length - before) * u64::from(share) / 1_000;
        std::fs::File::options().write(true).open(file)?.set_len(kept)?;
        Ok(length - kept)
    }

    /// Fills the disk for a while.
    ///
    /// # Errors
    /// Where that cannot be done here; the reason is the same each time.
    pub(crate) async fn fill_disk(&self, during: Duration) -> Result<(), String> {
        let disk = self.disk.as_ref().map_err(|error| format!("{error:#}"))?;
        let fault = |error: anyhow::Error| format!("{error:#}");
        disk.fill().map_err(fault)?;
        tokio::time::sleep(during).await;
        disk.free().map_err(fault)
    }

    /// Leaves no memory for new facts for a while.
    pub(crate) async fn shorten_memory(&self, during: Duration) -> anyhow::Result<()> {
        self.set_memory_max(1 << 20).await?;
        tokio::time::sleep(during).await;
        self.set_memory_max(MEMORY_MAX).await
    }

    async fn set_memory_max(&self, bytes: u64) -> anyhow::Result<()> {
        let mut connection = self.connection().await?;
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("maxmemory").arg(bytes);
        Ok(command.query_async::<()>(&mut connection).await?)
    }

    /// Copies what the server has written, which goes with its disk, for whoever looks for a fault.
    pub(crate) fn keep_log(&self, to: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(to)?;
        for part in std::fs::read_dir(self.folder.join("appendonlydir"))? {
            let part = part?;
            std::fs::copy(part.path(), to.join(part.file_name()))?;
        }
        Ok(())
    }

    pub(crate) async fn stop(mut self) {
        if let Some(redis) = self.redis.take() {
            redis.stop().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.looking.abort();
        // Before its disk goes.
        self.redis = None;
    }
}

impl Sizes {
    /// Notes how long the last file is now. What is kept begins a second ago.
    fn look(&mut self, parts: &Path) {
        let now = Instant::now();
        let file = last_part(parts);
        if file != self.file {
            self.lengths.clear();
            // A file that was begun since the last look was empty before.
            self.lengths.push_back((now, 0));
            self.file = file;
        }
        if let Some(length) = self.file.as_ref().and_then(|file| Some(file.metadata().ok()?.len()))
        {
            self.lengths.push_back((now, length));
        }
        while self.lengths.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= LAST) {
            self.lengths.pop_front();
        }
    }
}

/// The part of the AOF that is written to: the last one of its manifest.
fn last_part(parts: &Path) -> Option<PathBuf> {
    let manifest = std::fs::read_to_string(parts.join("appendonly.aof.manifest")).ok()?;
    let name = manifest.lines().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words.get(5) == Some(&"i")).then(|| words.get(1).map(|name| (*name).to_owned()))?
    })?;
    Some(parts.join(name))
}

fn lock(sizes: &Mutex<Sizes>) -> std::sync::MutexGuard<'_, Sizes> {
    // A panic while it was held leaves lengths that are true as far as they go.
    sizes.lock().unwrap_or_else(PoisonError::into_inner)
}
