//! The polite client: one for each provider, shared by all that ask it.
//!
//! It keeps within a rate and a daily budget; tries again after a fault, waiting longer each
//! time by a share that differs; asks for what changed alone, where the provider says how to
//! know; leaves a provider that fails again and again in peace; takes no more than a bound in
//! time and bytes. Its exchanges can be recorded, keys taken out, and played back.

mod asked;
mod breaker;
mod budget;
mod exchange;
mod secret;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

use ureq::http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};

pub use asked::{asks, providers};
pub use budget::Spent;
pub use exchange::{Player, Recorder, Reply, Request};
pub use secret::Secret;

use crate::clock::{self, Clock};
use crate::http::USER_AGENT;
use crate::source::SourceError;
use breaker::Breaker;
use budget::Budget;

/// How a provider is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct PoliteSettings {
    /// Its address, without a slash at its end.
    pub base_url: String,
    /// Longest that one request may take.
    pub timeout: Duration,
    /// A proxy, as `http://host:port` or `socks5://host:port`.
    pub proxy: Option<String>,
    /// How often a request that failed is tried again.
    pub retries: u8,
    /// The first wait between two tries.
    pub first_wait: Duration,
    /// Most requests a minute.
    pub per_minute: u32,
    /// Most credits a day (UTC).
    pub budget_per_day: Option<u64>,
    /// Where what was spent is remembered.
    pub budget_file: Option<PathBuf>,
    /// Largest reply, in bytes.
    pub bytes_max: u64,
    /// Keep every exchange in this folder.
    pub record: Option<PathBuf>,
    /// Answer from what was kept in this folder, and ask nobody.
    pub replay: Option<PathBuf>,
}

impl PoliteSettings {
    /// For a provider at this address.
    #[must_use]
    pub fn at(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            timeout: Duration::from_secs(20),
            proxy: None,
            retries: 3,
            first_wait: Duration::from_secs(1),
            per_minute: 60,
            budget_per_day: None,
            budget_file: None,
            bytes_max: 64 << 20,
            record: None,
            replay: None,
        }
    }
}

/// Why there is no reply that could be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PoliteError {
    /// It did not answer in time, or broke off.
    #[error("{what}: {reason}")]
    Away {
        /// What was asked for.
        what: String,
        /// What happened.
        reason: String,
    },
    /// It answered with another status than 200.
    #[error("{what}: status {status}{}{said}", if said.is_empty() { "" } else { ": " })]
    Status {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The day's budget does not reach.
    #[error(
        "{what}: costs {cost} credits and {rest} are left today; raise `budget_per_day`, or wait for {until}"
    )]
    Budget {
        /// What was asked for.
        what: String,
        /// What it costs.
        cost: u64,
        /// What is left.
        rest: u64,
        /// When there is more.
        until: String,
        /// How long until then.
        wait: Duration,
    },
    /// It failed so often that it is left in peace for a while.
    #[error("{what}: not asked, because it failed again and again; next try in {} s", rest.as_secs())]
    Resting {
        /// What was asked for.
        what: String,
        /// For how long.
        rest: Duration,
    },
    /// The reply is larger than it may be.
    #[error("{what}: the reply is larger than {bytes_max} bytes")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The bound.
        bytes_max: u64,
    },
    /// Nothing like it was recorded.
    #[error("{what}: no reply to it was recorded in {}", folder.display())]
    NotRecorded {
        /// What was asked for.
        what: String,
        /// Where the records are.
        folder: PathBuf,
    },
}

impl From<PoliteError> for SourceError {
    fn from(error: PoliteError) -> Self {
        let reason = error.to_string();
        let wait = match &error {
            PoliteError::NotRecorded { .. } => return Self::Permanent { reason },
            PoliteError::Status { retry_after, .. } => *retry_after,
            PoliteError::Resting { rest, .. } => Some(*rest),
            PoliteError::Budget { wait, .. } => Some(*wait),
            PoliteError::Away { .. } | PoliteError::TooLarge { .. } => None,
        };
        let retry_after_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self::Transient { reason, retry_after_ms }
    }
}

/// How a provider does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Health {
    /// Requests made.
    pub requests: u64,
    /// Those that failed, or were refused.
    pub faults: u64,
    /// What was spent today, and is left.
    pub spent: Spent,
    /// The last fault, with its instant.
    pub last_fault: Option<(marabet_schemas::Instant, String)>,
    /// The last answer.
    pub last_answer: Option<marabet_schemas::Instant>,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    budget: Budget,
    next: Option<Moment>,
    health: Health,
    /// The last whole reply to each request that had validators.
    replies: BTreeMap<String, Reply>,
    recorder: Option<Recorder>,
    player: Option<Player>,
}

/// Replies that are remembered for conditional requests, at most.
const REPLIES_MAX: usize = 256;

/// A client for one provider.
#[derive(Clone)]
pub struct Polite {
    settings: Arc<PoliteSettings>,
    agent: ureq::Agent,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Polite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Polite").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Polite {
    /// A client by these settings.
    ///
    /// # Errors
    /// A proxy that is none, and folders for records that cannot be used.
    pub fn new(settings: PoliteSettings, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let proxy = settings.proxy.as_deref().map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|error| {
            let reason = format!("`proxy` is none: {error}; write it as http://host:port");
            io::Error::new(io::ErrorKind::InvalidInput, reason)
        })?;
        let agent = ureq::Agent::config_builder()
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .max_redirects(3)
            .proxy(proxy)
            .build()
            .into();
        let state = State {
            breaker: Breaker::default(),
            budget: Budget::new(settings.budget_per_day, settings.budget_file.clone()),
            next: None,
            health: Health::default(),
            replies: BTreeMap::new(),
            recorder: settings.record.as_deref().map(Recorder::new).transpose()?,
            player: settings.replay.as_deref().map(Player::open).transpose()?,
        };
        let state = Arc::new(Mutex::new(state));
        Ok(Self { settings: Arc::new(settings), agent, clock, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the provider does.
    #[must_use]
    pub fn health(&self) -> Health {
        let state = self.state();
        Health { spent: state.budget.spent(self.clock.now()), ..state.health.clone() }
    }

    /// What may still be spent today, where that is bounded or known.
    #[must_use]
    pub fn rest_of_budget(&self) -> Option<u64> {
        self.state().budget.rest(self.clock.now())
    }

    /// How long to sleep where nothing is due: no longer than a minute's share of requests.
    #[must_use]
    pub fn idle(&self) -> Duration {
        (Duration::from_secs(60) / self.settings.per_minute.max(1)).max(Duration::from_millis(5))
    }

    /// Takes down what a call really cost, and what the provider says is left.
    pub fn spend(&self, cost: u64, left: Option<u64>) {
        self.state().budget.spend(self.clock.now(), cost, left);
    }

    /// Asks, and tries again where that may help. The cost is not taken down: call
    /// [`Polite::spend`] with what the reply says.
    ///
    /// # Errors
    /// [`PoliteError`], after the last try.
    pub async fn ask(&self, request: &Request) -> Result<Reply, PoliteError> {
        let mut wait = self.settings.first_wait;
        let mut tries = 0;
        loop {
            let error = match self.try_once(request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            tries += 1;
            let (helps, asked) = match &error {
                PoliteError::Away { .. } => (true, None),
                PoliteError::Status { status, retry_after, .. } => {
                    (*status == 429 || *status >= 500, *retry_after)
                }
                _ => (false, None),
            };
            // Longer waits are the caller's: it has others to look after meanwhile.
            let patience = Duration::from_secs(60);
            if !helps
                || tries > self.settings.retries
                || asked.is_some_and(|asked| asked > patience)
            {
                return Err(error);
            }
            let jittered = wait.mul_f64(0.5 + clock::jitter());
            tokio::time::sleep(asked.unwrap_or(jittered).max(jittered)).await;
            wait = (wait * 2).min(patience);
        }
    }

    async fn try_once(&self, request: &Request) -> Result<Reply, PoliteError> {
        let what = format!("{}{}", self.settings.base_url, request.shown());
        if let Some(player) = &mut self.state().player {
            let folder = self.settings.replay.clone().unwrap_or_default();
            let reply = player.reply(request);
            return match reply {
                Some(reply) if reply.status == 200 => Ok(reply),
                Some(reply) => Err(refused(what, request, &reply)),
                None => Err(PoliteError::NotRecorded { what, folder }),
            };
        }
        let pause = self.admit(request, &what)?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let known = self.state().replies.get(&request.shown()).cloned();
        let (client, asked) = (self.clone(), request.clone());
        let call = tokio::task::spawn_blocking(move || client.call(&asked, known.as_ref()));
        let outcome = match call.await {
            Ok(outcome) => outcome,
            Err(error) => Err(PoliteError::Away { what, reason: error.to_string() }),
        };
        self.take_down(request, &outcome);
        outcome
    }

    /// Whether a request may be made, and after how long.
    fn admit(&self, request: &Request, what: &str) -> Result<Duration, PoliteError> {
        let (now, moment) = (self.clock.now(), clock::moment());
        let mut state = self.state();
        if let Some(rest) = state.breaker.rest(moment) {
            return Err(PoliteError::Resting { what: what.to_owned(), rest });
        }
        if let Some(rest) = state.budget.rest(now)
            && rest < request.cost
        {
            let seconds = 86_400 - (now.micros() / 1_000_000).rem_euclid(86_400);
            let until = format!("{} 00:00 UTC", now.plus_seconds(seconds).day());
            let wait = Duration::from_secs(seconds.unsigned_abs());
            let (what, cost) = (what.to_owned(), request.cost);
            return Err(PoliteError::Budget { what, cost, rest, until, wait });
        }
        let at = state.next.map_or(moment, |next| next.max(moment));
        state.next = Some(at + Duration::from_secs(60) / self.settings.per_minute.max(1));
        Ok(at - moment)
    }

    fn take_down(&self, request: &Request, outcome: &Result<Reply, PoliteError>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.health.requests += 1;
        match outcome {
            Ok(reply) => {
                state.breaker.succeeded();
                state.health.last_answer = Some(now);
                let has_validator =
                    ["etag", "last-modified"].iter().any(|n| reply.headers.contains_key(*n));
                if has_validator && !reply.unchanged {
                    if state.replies.len() >= REPLIES_MAX {
                        state.replies.clear();
                    }
                    state.replies.insert(request.shown(), reply.clone());
                }
            }
            Err(error) => {
                state.health.faults += 1;
                state.health.last_fault = Some((now, error.to_string()));
                match error {
                    // A refusal is an answer: the provider is there.
                    PoliteError::Status { status, .. } if *status < 500 => {}
                    _ => state.breaker.failed(clock::moment()),
                }
            }
        }
    }

    fn call(&self, request: &Request, known: Option<&Reply>) -> Result<Reply, PoliteError> {
        let what = format!("{}{}", self.settings.base_url, request.shown());
        let url = format!("{}{}", self.settings.base_url, request.path);
        let away = |error: ureq::Error| {
            let reason = request.without_secrets(&error.to_string());
            PoliteError::Away { what: what.clone(), reason }
        };
        let posted = match (&request.secret_form, &request.body) {
            (Some(form), _) => Some((form.reveal(), "application/x-www-form-urlencoded")),
            (None, body) => body.as_deref().map(|body| (body, "application/json")),
        };
        let answer = match posted {
            None => {
                let mut get = self.agent.get(&url);
                for (name, value) in &request.query {
                    get = get.query(*name, value);
                }
                for (name, secret) in &request.secret_query {
                    get = get.query(*name, secret.reveal());
                }
                for (name, secret) in &request.secret_headers {
                    get = get.header(*name, secret.reveal());
                }
                let validators = [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)];
                for (of_reply, of_request) in validators {
                    if let Some(value) =
                        known.and_then(|known| known.headers.get(of_reply.as_str()))
                    {
                        get = get.header(of_request, value);
                    }
                }
                get.config().timeout_global(Some(self.settings.timeout)).build().call()
            }
            Some((body, content_type)) => {
                let mut post = self.agent.post(&url).header("content-type", content_type);
                post = post.header("accept", "application/json");
                for (name, secret) in &request.secret_headers {
                    post = post.header(*name, secret.reveal());
                }
                post.config().timeout_global(Some(self.settings.timeout)).build().send(body)
            }
        };
        let mut answer = answer.map_err(away)?;
        if answer.status() == 304
            && let Some(known) = known
        {
            return Ok(Reply { unchanged: true, ..known.clone() });
        }
        let headers = answer.headers().iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let (status, headers) = (answer.status().as_u16(), headers.collect());
        let bytes_max = self.settings.bytes_max;
        let body = match answer.body_mut().with_config().limit(bytes_max).read_to_vec() {
            Ok(body) => body,
            Err(ureq::Error::BodyExceedsLimit(bytes_max)) => {
                return Err(PoliteError::TooLarge { what, bytes_max });
            }
            Err(error) => return Err(away(error)),
        };
        let reply = Reply { status, headers, body, unchanged: false };
        if let Some(recorder) = &mut self.state().recorder
            && request.secret_form.is_none()
        {
            let kept = recorder.keep(request, &reply);
            kept.map_err(|error| PoliteError::Away {
                what: what.clone(),
                reason: error.to_string(),
            })?;
        }
        if status == 200 { Ok(reply) } else { Err(refused(what, request, &reply)) }
    }
}

fn refused(what: String, request: &Request, reply: &Reply) -> PoliteError {
    let said = String::from_utf8_lossy(&reply.body[..reply.body.len().min(300)]).into_owned();
    let said = request.without_secrets(said.trim());
    let retry_after = reply.number("retry-after").map(Duration::from_secs);
    PoliteError::Status { what, status: reply.status, said, retry_after }
}
