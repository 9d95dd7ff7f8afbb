//! What can be set of the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::keys::KeyConfig;

/// How the API and the dashboard are served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebConfig {
    /// Where to listen. Beyond the loopback, keys are needed.
    pub address: SocketAddr,
    /// Where a process that serves no dashboard serves its metrics; nowhere where left out.
    pub metrics: Option<SocketAddr>,
    /// Names under which a browser may reach the server while no key is needed, beside those of
    /// the loopback. A page of another name cannot then make a browser speak to it.
    pub hosts: Vec<String>,
    /// Requests a second that one key, or one address without a key, may make.
    pub requests_per_s: u32,
    /// Requests that it may make at once after a pause.
    pub burst: u32,
    /// Largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// Most connections at a time.
    pub connections_max: usize,
    /// Who may do what. Without any key everybody who reaches the loopback may do everything.
    pub keys: BTreeMap<String, KeyConfig>,
}

impl Default for WebConfig {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            metrics: None,
            hosts: Vec::new(),
            requests_per_s: 100,
            burst: 400,
            body_bytes_max: 1 << 20,
            connections_max: 12_000,
            keys: BTreeMap::new(),
        }
    }
}

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} {problem}")]
pub struct ConfigFault {
    /// The key within the section, such as `requests_per_s`.
    pub key: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl WebConfig {
    /// Everything in it that makes no sense.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let mut check = |good: bool, key: &str, problem: String| {
            if !good {
                faults.push(ConfigFault { key: key.to_owned(), problem });
            }
        };
        check(
            self.address.ip().is_loopback() || !self.keys.is_empty(),
            "address",
            format!(
                "is {}, which others can reach, and no key is set; make one with `marabet key \
                 new NAME` and add it, or listen on 127.0.0.1",
                self.address
            ),
        );
        check(self.requests_per_s > 0, "requests_per_s", "must be above 0".to_owned());
        check(self.burst > 0, "burst", "must be above 0".to_owned());
        check(
            (1_024..=64 << 20).contains(&self.body_bytes_max),
            "body_bytes_max",
            format!("must lie in 1024..=67108864, got {}", self.body_bytes_max),
        );
        check(self.connections_max > 0, "connections_max", "must be above 0".to_owned());
        for (name, key) in &self.keys {
            if let Err(reason) = key.check() {
                check(false, &format!("keys.{name}"), reason);
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_address_without_keys_is_refused_and_the_default_is_sound() {
        assert_eq!(WebConfig::default().faults(), []);
        let address = SocketAddr::from(([0, 0, 0, 0], 8000));
        let faults = WebConfig { address, ..WebConfig::default() }.faults();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].to_string().contains("marabet key new"), "{}", faults[0]);
    }
}
