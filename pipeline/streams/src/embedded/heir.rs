//! The heir: a process that uses another's private server, and goes on with it when that one ends.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{EmbeddedError, EmbeddedOptions, EmbeddedRedis, LOOK_EVERY, folder};

/// Waits for the end of the process that owns the folder. The owner stops its server as it ends,
/// and whoever is still at work then would wait for it without end; the first heir to lock the
/// folder starts the server again. Dropping the heir stops what it has inherited.
pub struct Heir {
    url: String,
    shared: Arc<Shared>,
    waiting: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopping: AtomicBool,
    inherited: Mutex<Option<EmbeddedRedis>>,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<EmbeddedRedis>> {
        self.inherited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heir {
    /// Begins to wait for a folder that another process owns.
    ///
    /// # Errors
    /// [`EmbeddedError::Io`], when the folder cannot be found or the system gives no thread.
    pub fn wait(folder: &Path, options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let io = |what: String| move |error| EmbeddedError::Io { what, error };
        let shown = folder.display();
        let path = folder.canonicalize().map_err(io(format!("the data folder {shown}")))?;
        let url = folder::url_of(&folder::socket_path(&path)?);
        let shared = Arc::new(Shared::default());
        let waiting = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("redis-heir".to_owned())
                .spawn(move || inherit(&path, &shared, &options))
                .map_err(io("a thread".to_owned()))?
        };
        Ok(Self { url, shared, waiting: Some(waiting) })
    }

    /// The URL to open a log with, whoever has the server.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Whether the server is now this process's own.
    #[must_use]
    pub fn has_inherited(&self) -> bool {
        self.shared.lock().is_some()
    }

    /// Stops waiting, and stops the server where it was inherited.
    pub async fn stop(self) {
        // As for the owner: a panic in there leaves a server that can be adopted.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(waiting) = self.waiting.take() {
            waiting.thread().unpark();
            // After a panic there is at most a server to be dropped.
            let _ = waiting.join();
        }
        drop(self.shared.lock().take());
    }
}

fn inherit(folder: &Path, shared: &Shared, options: &EmbeddedOptions) {
    while !shared.stopping.load(Ordering::Relaxed) {
        std::thread::park_timeout(LOOK_EVERY);
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        match EmbeddedRedis::start_now(folder, options) {
            Ok(redis) => {
                tracing::info!("the process that had redis-server has ended; this one has it now");
                *shared.lock() = Some(redis);
                return;
            }
            Err(EmbeddedError::InUse { .. }) => {}
            Err(error) => {
                tracing::error!("the process that had redis-server has ended: {error}");
                return;
            }
        }
    }
}
