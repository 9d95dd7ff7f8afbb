//! What is asked beside the stream: a session, the competitions that there are, the catalogue.

use std::collections::BTreeMap;

use marabet_schemas::{Competition, Source};
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::SOURCE;
use super::catalogue::Catalogue;
use crate::json::Node;
use crate::names::Names;
use crate::polite::{Polite, PoliteError, Request, Secret};
use crate::reject::Reject;
use crate::source::SourceError;

/// How one gets a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// One that was got elsewhere.
    Session(Secret),
    /// By name and password.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
}

/// Markets that are asked for at once, at most: what the catalogue gives without a weight.
const RESULTS_MAX: usize = 1000;

/// A session token.
pub(super) async fn token(
    client: &Polite,
    app_key: &Secret,
    login: &Login,
) -> Result<Secret, SourceError> {
    let (username, password) = match login {
        Login::Session(token) => return Ok(token.clone()),
        Login::Password { username, password } => (username, password),
    };
    let form = format!("username={}&password={}", encoded(username), encoded(password.reveal()));
    let mut request = Request::get("/api/login");
    request.secret_form = Some(Secret::new(form));
    request.secret_headers.push(("X-Application", app_key.clone()));
    let reply = client.ask(&request).await.map_err(said)?;
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    match (document["status"].as_str(), document["token"].as_str()) {
        (Some("SUCCESS" | "LOGIN_RESTRICTED"), Some(token)) if !token.is_empty() => {
            Ok(Secret::new(token))
        }
        _ => {
            let error = document["error"].as_str().unwrap_or("it says nothing");
            Err(SourceError::permanent(format!(
                "{SOURCE} refuses the login: {error}; check `username`, the password and the app \
                 key, or give a session token"
            )))
        }
    }
}

/// Letters and digits stay; every other byte is written as `%XX`.
fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn said(error: PoliteError) -> SourceError {
    match &error {
        PoliteError::Status { status: 400 | 403, said, .. } => SourceError::permanent(format!(
            "{SOURCE} refuses: {said}; check the app key and the session"
        )),
        _ => error.into(),
    }
}

fn call(operation: &str, body: &Value, app_key: &Secret, session: &Secret) -> Request {
    let mut request = Request::get(format!("/exchange/betting/rest/v1.0/{operation}/"));
    request.body = Some(body.to_string());
    request.secret_headers.push(("X-Application", app_key.clone()));
    request.secret_headers.push(("X-Authentication", session.clone()));
    request
}

/// The provider's numbers of the competitions that are wanted.
pub(super) async fn competitions(
    client: &Polite,
    (app_key, session): (&Secret, &Secret),
    names: &Names,
    wanted: &[Competition],
) -> Result<BTreeMap<Competition, SmolStr>, SourceError> {
    let body = json!({"filter": {"eventTypeIds": ["1"]}});
    let reply =
        client.ask(&call("listCompetitions", &body, app_key, session)).await.map_err(said)?;
    let document: Value = serde_json::from_slice(&reply.body)
        .map_err(|error| SourceError::transient(format!("listCompetitions: no JSON: {error}")))?;
    let src = Source::new(SOURCE);
    let mut found = BTreeMap::new();
    for listed in Node::root(&document).items() {
        let competition = listed.at("competition");
        let (Ok(id), Ok(name)) = (competition.at("id").code(), competition.at("name").code())
        else {
            continue;
        };
        if let Some(ours) = names.competition(&src, &name)
            && (wanted.is_empty() || wanted.contains(&ours))
        {
            found.insert(ours, id);
        }
    }
    Ok(found)
}

/// Reads the catalogue of these competitions, and returns the markets, the next to start first,
/// and the reply.
pub(super) async fn catalogue(
    client: &Polite,
    (app_key, session): (&Secret, &Secret),
    competitions: impl Iterator<Item = &SmolStr>,
    market_types: &[String],
    into: &mut Catalogue,
    rejects: &mut Vec<Reject>,
) -> Result<(Vec<SmolStr>, Vec<u8>), SourceError> {
    let competitions: Vec<&str> = competitions.map(SmolStr::as_str).collect();
    let body = json!({
        "filter": {
            "eventTypeIds": ["1"],
            "competitionIds": competitions,
            "marketTypeCodes": market_types,
        },
        "maxResults": RESULTS_MAX,
        "sort": "FIRST_TO_START",
        "marketProjection": ["COMPETITION", "EVENT", "RUNNER_DESCRIPTION", "MARKET_START_TIME"],
    });
    let request = call("listMarketCatalogue", &body, app_key, session);
    let reply = client.ask(&request).await.map_err(said)?;
    into.read(&request.path, &reply.body, rejects);
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let root = Node::root(&document);
    let markets = root.items().filter_map(|market| market.at("marketId").code().ok()).collect();
    Ok((markets, reply.body))
}
