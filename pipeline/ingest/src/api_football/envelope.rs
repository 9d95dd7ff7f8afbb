//! What every reply is wrapped in: faults, pages, and the response itself.

use serde_json::Value;

use crate::json::{Node, malformed};
use crate::reject::Reject;

/// A reply, unwrapped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Envelope {
    /// The items.
    pub items: Vec<Value>,
    /// Which page this is, from 1.
    pub page: u64,
    /// How many pages there are.
    pub pages: u64,
}

/// What the provider refuses, in a reply of status 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The day's requests are used up.
    Day(String),
    /// Too many in a minute.
    Minute(String),
    /// The key does not serve, or not for this.
    Key(String),
    /// What was asked for is none.
    Request(String),
}

/// Why there are no items.
#[derive(Debug, Clone, PartialEq)]
pub enum NoItems {
    /// The provider refuses.
    Refused(Refusal),
    /// The bytes are no reply.
    Malformed(Box<Reject>),
}

/// Unwraps a reply.
///
/// # Errors
/// [`NoItems`].
pub fn unwrap(file: &str, bytes: &[u8]) -> Result<Envelope, NoItems> {
    let document: Value = serde_json::from_slice(bytes)
        .map_err(|error| NoItems::Malformed(Box::new(malformed(file, bytes, &error))))?;
    let root = Node::root(&document);
    if let Some(refusal) = refusal(root.at("errors").value()) {
        return Err(NoItems::Refused(refusal));
    }
    let response = root.at("response");
    let items = match response.list() {
        Ok(_) => response.value().as_array().cloned().unwrap_or_default(),
        // A single thing stands there by itself: the statistics of one team.
        Err(_) if response.value().is_object() => vec![response.value().clone()],
        Err(fault) => {
            let reject = fault.reject(file, crate::reject::Scope::Row, &document);
            return Err(NoItems::Malformed(Box::new(reject)));
        }
    };
    let paging = root.at("paging");
    let number =
        |key: &str| paging.at(key).number().ok().map_or(1, |number| number.max(1.0) as u64);
    Ok(Envelope { items, page: number("current"), pages: number("total") })
}

/// The faults are an empty list, or an object of messages by what is at fault.
fn refusal(errors: &Value) -> Option<Refusal> {
    let list = match errors {
        Value::Object(faults) => {
            faults.iter().map(|(at, what)| (at.clone(), text(what))).collect::<Vec<_>>()
        }
        Value::Array(faults) => faults.iter().map(|what| (String::new(), text(what))).collect(),
        Value::String(what) if !what.is_empty() => vec![(String::new(), what.clone())],
        _ => return None,
    };
    let (at, what) = list.into_iter().next()?;
    Some(match at.as_str() {
        "requests" => Refusal::Day(what),
        "rateLimit" => Refusal::Minute(what),
        "token" | "access" | "plan" | "subscription" => Refusal::Key(what),
        "" => Refusal::Request(what),
        at => Refusal::Request(format!("{at}: {what}")),
    })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(errors: &str) -> Option<Refusal> {
        let body = format!(r#"{{"errors":{errors},"response":[]}}"#);
        match unwrap("x", body.as_bytes()) {
            Err(NoItems::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }

    #[test]
    fn faults_come_with_status_200_as_a_list_or_an_object() {
        assert_eq!(refused("[]"), None);
        assert_eq!(refused("{}"), None);
        let day = "You have reached the request limit for the day";
        assert_eq!(refused(&format!(r#"{{"requests":"{day}"}}"#)), Some(Refusal::Day(day.into())));
        assert_eq!(refused(r#"{"rateLimit":"slow"}"#), Some(Refusal::Minute("slow".into())));
        assert_eq!(refused(r#"{"token":"no"}"#), Some(Refusal::Key("no".into())));
        assert_eq!(refused(r#"["odd"]"#), Some(Refusal::Request("odd".into())));
        assert_eq!(refused(r#"{"league":"x"}"#), Some(Refusal::Request("league: x".into())));
    }

    #[test]
    fn pages_are_counted_from_one_and_what_is_no_reply_is_refused() {
        let reply =
            unwrap("x", br#"{"errors":[],"paging":{"current":2,"total":"3"},"response":[1]}"#);
        assert_eq!(reply, Ok(Envelope { items: vec![Value::from(1)], page: 2, pages: 3 }));
        for bytes in [&b"<html>"[..], b"{}", br#"{"response":"x"}"#] {
            assert!(matches!(unwrap("x", bytes), Err(NoItems::Malformed(_))));
        }
    }
}
