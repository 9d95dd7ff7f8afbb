//! A private `redis-server` as a child process: the log of one machine without any set-up.
//!
//! It listens on a unix socket in its data folder, keeps an append-only file there, and is
//! started again when it dies. Two owners of one folder cannot be: the folder is locked, and a
//! server that survived its owner is adopted, because two servers on one folder would both
//! acknowledge what only one of them keeps. Other processes use the server as its heirs, and one
//! of them goes on with it when its owner ends.

mod aof;
mod find;
mod folder;
mod heir;
mod server;
mod socket;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use folder::Folder;
use server::Server;

pub use aof::Repair;
pub use heir::Heir;

/// How to start the server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The program; none to look for `redis-server` (or `valkey-server`).
    pub server: Option<PathBuf>,
    /// Most bytes of memory that it may use. At the bound facts wait; nothing is evicted.
    pub memory_max: u64,
    /// How long it may take to load its file and answer.
    pub ready_within: Duration,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { server: None, memory_max: 512 << 20, ready_within: Duration::from_secs(60) }
    }
}

/// Why there is no embedded server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// It is not installed.
    #[error(
        "redis-server is not installed ({looked}); run ops/setup.sh, or name the program in MARABET_REDIS_SERVER, or configure the URL of a running server"
    )]
    NotInstalled {
        /// Where it was looked for.
        looked: String,
    },
    /// Another process owns the folder.
    #[error(
        "{folder} is in use by another process{by}; stop that one, or choose another data folder"
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// ` (process 123)`, where it is known.
        by: String,
    },
    /// A server runs on the folder that cannot be spoken to.
    #[error(
        "a redis-server (process {pid}) still runs on {folder} and does not answer; stop it with `kill {pid}` and start again"
    )]
    Orphan {
        /// The data folder.
        folder: PathBuf,
        /// Its process.
        pid: u32,
    },
    /// What answers on the socket keeps its data elsewhere.
    #[error("the server on {socket} keeps its data in {found}, not in {folder}; stop it first")]
    Stranger {
        /// The socket.
        socket: PathBuf,
        /// The data folder that was expected.
        folder: PathBuf,
        /// The one that it has.
        found: String,
    },
    /// The append-only file is damaged elsewhere than at its end.
    #[error(
        "{file} is damaged at byte {at} of {size}, which no crash explains; restore it from a backup, or look at it with redis-check-aof"
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where.
        at: u64,
        /// Its size.
        size: u64,
    },
    /// It ended instead of starting.
    #[error("redis-server ended with {status} instead of starting: {log}")]
    Ended {
        /// How it ended.
        status: String,
        /// The last lines that it logged.
        log: String,
    },
    /// It did not answer in time.
    #[error("redis-server did not answer within {} s; its log is {log}", within.as_secs())]
    NotReady {
        /// The time that it had.
        within: Duration,
        /// Its log file.
        log: PathBuf,
    },
    /// The folder or the program could not be used.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        error: std::io::Error,
    },
}

/// A private server. Dropping it stops the server.
pub struct EmbeddedRedis {
    folder: Arc<Folder>,
    shared: Arc<Shared>,
    guard: Option<std::thread::JoinHandle<()>>,
}

/// What the owner and the thread that looks after the server share.
struct Shared {
    stopping: AtomicBool,
    server: Mutex<Option<Server>>,
    repairs: Mutex<Vec<Repair>>,
    restarts: std::sync::atomic::AtomicU32,
}

/// How often the thread looks whether the server lives.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Restarts within [`RESTART_WINDOW`] after which it is left dead.
const RESTARTS_MAX: usize = 5;
/// The time in which so many restarts are too many.
const RESTART_WINDOW: Duration = Duration::from_secs(60);

impl EmbeddedRedis {
    /// Starts a server on a data folder, which is made where it is missing, or adopts the one
    /// that survived its last owner. Repairs the end of the append-only file where a crash has
    /// torn it, and keeps a copy.
    ///
    /// # Errors
    /// See [`EmbeddedError`].
    pub async fn start(
        folder: impl Into<PathBuf>,
        options: EmbeddedOptions,
    ) -> Result<Self, EmbeddedError> {
        let folder = folder.into();
        let started = tokio::task::spawn_blocking(move || Self::start_now(&folder, &options));
        started.await.unwrap_or_else(|error| {
            let error = std::io::Error::other(error);
            Err(EmbeddedError::Io { what: "starting redis-server".to_owned(), error })
        })
    }

    fn start_now(folder: &Path, options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let folder = Arc::new(Folder::open(folder)?);
        let shared = Arc::new(Shared {
            stopping: AtomicBool::new(false),
            server: Mutex::default(),
            repairs: Mutex::default(),
            restarts: std::sync::atomic::AtomicU32::new(0),
        });
        let (server, repair) = Server::adopt_or_start(&folder, options)?;
        shared.began(server, repair);
        let guard = {
            let (folder, shared, options) =
                (Arc::clone(&folder), Arc::clone(&shared), options.clone());
            std::thread::Builder::new()
                .name("redis-guard".to_owned())
                .spawn(move || look_after(&folder, &shared, &options))
                .map_err(|error| EmbeddedError::Io { what: "a thread".to_owned(), error })?
        };
        Ok(Self { folder, shared, guard: Some(guard) })
    }

    /// Whether a server answers in this folder.
    #[must_use]
    pub fn is_running_in(folder: &Path) -> bool {
        let socket = folder::url_in(folder);
        let socket = socket.as_deref().and_then(|url| url.strip_prefix("unix://"));
        socket
            .is_some_and(|socket| socket::ask(Path::new(socket), "PING") != socket::Answer::Nobody)
    }

    /// The URL to open a log with.
    #[must_use]
    pub fn url(&self) -> String {
        self.folder.url()
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.socket()
    }

    /// The server's process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.shared.lock().as_ref().map(Server::pid)
    }

    /// Whether the server at hand survived an earlier owner.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.shared.lock().as_ref().is_some_and(Server::is_adopted)
    }

    /// What was repaired so far, to be told to the user.
    #[must_use]
    pub fn repairs(&self) -> Vec<Repair> {
        self.shared.repairs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the server died and was started again.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.shared.restarts.load(Ordering::Relaxed)
    }

    /// Stops the server: what it has is on the disk when this returns.
    pub async fn stop(self) {
        // A panic in there has stopped the server or left it to be adopted; neither is lost.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for EmbeddedRedis {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(guard) = self.guard.take() {
            guard.thread().unpark();
            // A panic of the thread leaves the server to be stopped here.
            let _ = guard.join();
        }
        if let Some(server) = self.shared.lock().take() {
            server.stop(&self.folder);
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self, server: Server, repair: Option<Repair>) {
        *self.lock() = Some(server);
        if let Some(repair) = repair {
            tracing::warn!("{repair}");
            self.repairs.lock().unwrap_or_else(PoisonError::into_inner).push(repair);
        }
    }
}

/// Starts the server again when it dies, unless it dies too often.
fn look_after(folder: &Folder, shared: &Shared, options: &EmbeddedOptions) {
    let mut deaths = std::collections::VecDeque::new();
    while !shared.stopping.load(Ordering::Relaxed) {
        std::thread::park_timeout(LOOK_EVERY);
        let ended = shared.lock().as_mut().and_then(|server| server.ended(folder));
        let Some(status) = ended else { continue };
        if shared.stopping.load(Ordering::Relaxed) {
            return;
        }
        *shared.lock() = None;
        let now = clock::moment();
        deaths.push_back(now);
        while deaths.front().is_some_and(|&death| now.duration_since(death) > RESTART_WINDOW) {
            deaths.pop_front();
        }
        if deaths.len() > RESTARTS_MAX {
            tracing::error!("redis-server ended with {status}, too often to start it again");
            return;
        }
        tracing::warn!("redis-server ended with {status}; starting it again");
        match Server::adopt_or_start(folder, options) {
            Ok((server, repair)) => {
                shared.restarts.fetch_add(1, Ordering::Relaxed);
                shared.began(server, repair);
            }
            Err(error) => {
                tracing::error!("{error}");
                return;
            }
        }
    }
}
