//! What the handlers share.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant as Moment};

use marabet_jobs::Queues;
use marabet_schemas::Instant;
use marabet_streams::{Log, Shutdown, Status, clock};
use marabet_views::board::{Board, Bounds};
use marabet_views::performance::{Performance, performance};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::config::WebConfig;
use crate::guard::Limiter;
use crate::keys::Keys;
use crate::live::Live;
use crate::metrics::HttpMetrics;
use crate::office::Office;
use crate::problem::Problem;
use crate::server::{ServeError, ServerOptions};

/// How long what is costly to find out is taken to stand.
const STATUS_KEPT: Duration = Duration::from_secs(1);
const PERFORMANCE_KEPT: Duration = Duration::from_secs(2);

/// What the handlers share. Clones are the same.
pub(crate) type App = Arc<Shared>;

/// The one instance behind every [`App`].
pub(crate) struct Shared {
    pub(crate) log: Log,
    pub(crate) clock: Clock,
    pub(crate) config: WebConfig,
    /// What the process was configured with, secrets left out, for the page of settings.
    pub(crate) settings: Value,
    pub(crate) keys: Keys,
    pub(crate) limiter: Limiter,
    pub(crate) live: Live,
    pub(crate) http: HttpMetrics,
    pub(crate) registry: prometheus::Registry,
    pub(crate) shutdown: Shutdown,
    pub(crate) queues: Queues,
    /// What names pages to those who were told them.
    pub(crate) tickets: [u8; 32],
    office: Option<Arc<Office>>,
    board: RwLock<Board>,
    caught_up: std::sync::atomic::AtomicBool,
    status: Mutex<Option<(Moment, Arc<Status>)>>,
    performance: Mutex<Option<(Moment, u64, Arc<Performance>)>>,
}

impl Shared {
    pub(crate) fn new(
        log: &Log,
        config: WebConfig,
        options: ServerOptions,
        shutdown: Shutdown,
    ) -> Result<Self, ServeError> {
        let ServerOptions { clock, settings, office, notifiers } = options;
        let registry = crate::metrics::registry(log, notifiers)?;
        let http = HttpMetrics::register(&registry)?;
        let mut tickets = [0; 32];
        getrandom::fill(&mut tickets).map_err(ServeError::Random)?;
        Ok(Self {
            log: log.clone(),
            clock,
            keys: Keys::new(&config.keys),
            limiter: Limiter::new(&config),
            config,
            settings,
            live: Live::new(clock::wall_us() / 1000),
            http,
            registry,
            shutdown,
            queues: Queues::of(log),
            tickets,
            office,
            board: RwLock::new(Board::new(Bounds::default(), Default::default())),
            caught_up: false.into(),
            status: Mutex::default(),
            performance: Mutex::default(),
        })
    }

    /// The board, to look at. Nothing waits while it is held.
    pub(crate) fn board(&self) -> RwLockReadGuard<'_, Board> {
        self.board.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the board.
    pub(crate) fn change_board<T>(&self, change: impl FnOnce(&mut Board) -> T) -> T {
        change(&mut self.board.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The back office, or why there is none.
    pub(crate) fn office(&self) -> Result<&Office, Problem> {
        self.office.as_deref().ok_or_else(|| {
            Problem::unavailable(
                "this server has no ledger, and so neither jobs nor accounts: the log of the \
                 process says why",
            )
        })
    }

    /// The moment that counts as now.
    pub(crate) fn now(&self, board: &Board) -> Instant {
        self.clock.now(board.latest())
    }

    /// Whether the board has taken everything that the log held when the server started.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.caught_up.load(std::sync::atomic::Ordering::Acquire)
    }

    pub(crate) fn set_caught_up(&self) {
        self.caught_up.store(true, std::sync::atomic::Ordering::Release);
    }

    /// The state of the log, at most a second old. Those who ask at once ask once.
    pub(crate) async fn status(&self) -> Result<Arc<Status>, Problem> {
        let mut kept = self.status.lock().await;
        if let Some((at, status)) = &*kept
            && at.elapsed() < STATUS_KEPT
        {
            return Ok(Arc::clone(status));
        }
        let status = Arc::new(self.log.status().await?);
        *kept = Some((clock::moment(), Arc::clone(&status)));
        Ok(status)
    }

    /// How the bets did, at most two seconds behind the board.
    pub(crate) async fn performance(self: &Arc<Self>) -> Result<Arc<Performance>, Problem> {
        let mut kept = self.performance.lock().await;
        if let Some((at, revision, found)) = &*kept
            && (*revision == self.board().revision() || at.elapsed() < PERFORMANCE_KEPT)
        {
            return Ok(Arc::clone(found));
        }
        let app = Arc::clone(self);
        // The bootstrap takes some ten milliseconds: too long for a thread that serves others.
        let work = tokio::task::spawn_blocking(move || {
            let board = app.board();
            (board.revision(), Arc::new(performance(&board)))
        });
        let (revision, found) = work.await.map_err(|error| Problem::internal(error.to_string()))?;
        *kept = Some((clock::moment(), revision, Arc::clone(&found)));
        Ok(found)
    }
}
