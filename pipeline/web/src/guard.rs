//! Who may pass: hosts, keys, scopes, and how often.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::app::App;
use crate::config::WebConfig;
use crate::keys::{Caller, Scope};
use crate::problem::Problem;

/// Callers that are counted before those who have rested are forgotten.
const CALLERS_MAX: usize = 10_000;

/// Counts the requests of each key and address.
pub(crate) struct Limiter {
    limiter: RateLimiter<
        String,
        DefaultKeyedStateStore<String>,
        DefaultClock,
        StateInformationMiddleware,
    >,
    policy: HeaderValue,
    burst: u32,
    per_s: u32,
    clock: DefaultClock,
}

impl Limiter {
    pub(crate) fn new(config: &WebConfig) -> Self {
        let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let (per_s, burst) = (number(config.requests_per_s), number(config.burst));
        let quota = Quota::per_second(per_s).allow_burst(burst);
        // The window in which the whole burst comes back, in seconds.
        let window = burst.get().div_ceil(per_s.get());
        let policy = format!("\"default\";q={burst};w={window}");
        Self {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            policy: HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("")),
            burst: burst.get(),
            per_s: per_s.get(),
            clock: DefaultClock::default(),
        }
    }

    /// Takes one request of the caller's allowance: what is left of it, or how many seconds to
    /// wait.
    fn take(&self, who: &String) -> Result<u32, u64> {
        if self.limiter.len() > CALLERS_MAX {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(who) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                Err(wait.as_millis().div_ceil(1000).max(1) as u64)
            }
        }
    }

    fn say(&self, headers: &mut HeaderMap, left: u32, reset_s: u64) {
        let policy = HeaderName::from_static("ratelimit-policy");
        headers.insert(policy, self.policy.clone());
        if let Ok(value) = HeaderValue::from_str(&format!("\"default\";r={left};t={reset_s}")) {
            headers.insert(HeaderName::from_static("ratelimit"), value);
        }
    }
}

/// Lets a request of the API pass, or answers for it.
pub(crate) async fn layer(
    State(app): State<App>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match admitted(&app, &request) {
        Ok(caller) => caller,
        Err(problem) => {
            // Who guesses keys is slowed down as everybody is.
            let left = app.limiter.take(&address(from.ip()));
            return match left {
                Ok(_) => problem.into_response(),
                Err(wait_s) => too_many(&app, wait_s),
            };
        }
    };
    let who = caller.key.as_ref().map_or_else(|| address(from.ip()), |key| format!("key:{key}"));
    let left = match app.limiter.take(&who) {
        Ok(left) => left,
        Err(wait_s) => return too_many(&app, wait_s),
    };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    let missing = app.limiter.burst.saturating_sub(left);
    let reset_s = u64::from(missing.div_ceil(app.limiter.per_s));
    app.limiter.say(response.headers_mut(), left, reset_s);
    response
}

fn too_many(app: &App, wait_s: u64) -> Response {
    let mut response = Problem::too_many(wait_s).into_response();
    app.limiter.say(response.headers_mut(), 0, wait_s);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    response
}

/// The name under which an address is counted: of the sixth version, its network.
fn address(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("addr:{ip}"),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("addr:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Who calls, by key; where no key is needed, everybody who reaches us under our own name.
pub(crate) fn admitted(app: &App, request: &Request) -> Result<Caller, Problem> {
    let headers = request.headers();
    if app.keys.are_needed() {
        let value = headers.get(header::AUTHORIZATION).ok_or_else(Problem::no_key)?;
        let key = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        return app.keys.caller(key.ok_or_else(Problem::no_key)?).ok_or_else(Problem::wrong_key);
    }
    own_name(app, headers, request.uri())?;
    if request.method() != Method::GET && request.method() != Method::HEAD {
        same_site(headers)?;
    }
    Ok(Caller { key: None, scopes: vec![Scope::Read, Scope::Operate] })
}

/// Sees that the request names us by a name of ours. A foreign page can make a browser resolve its
/// own name to the loopback; it cannot make it send ours.
fn own_name(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let host = uri.host().or_else(|| {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        // Without the port; an address of the sixth version stands in brackets.
        Some(match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        })
    });
    let host = host.ok_or_else(|| Problem::malformed("the request has no Host header"))?;
    let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let is_ours = app.config.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host));
    if is_loopback || is_ours {
        return Ok(());
    }
    Err(Problem::forbidden(
        "without keys the server answers under the names of the loopback alone; add this one to \
         `hosts` of [web], or set keys",
    ))
}

/// Sees that no page of another site sends the request.
fn same_site(headers: &HeaderMap) -> Result<(), Problem> {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let foreign_site = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or_default());
    let foreign_origin = origin.is_some_and(|origin| {
        origin.split_once("://").is_none_or(|(_, authority)| authority != host)
    });
    if foreign_site || foreign_origin {
        return Err(Problem::forbidden("pages of other sites cannot change anything here"));
    }
    Ok(())
}

/// Sees that the caller has the scope.
pub(crate) async fn scope(required: Scope, request: Request, next: Next) -> Response {
    let has = request
        .extensions()
        .get::<Caller>()
        .is_some_and(|caller| caller.scopes.contains(&required));
    if has {
        return next.run(request).await;
    }
    Problem::forbidden(format!("the key lacks the scope `{}`", required.name())).into_response()
}
