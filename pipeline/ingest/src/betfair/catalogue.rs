//! The catalogue of markets (`listMarketCatalogue` of API-NG): the names of competitions, events
//! and runners, which the live stream leaves out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use smol_str::SmolStr;

use super::definition::Definition;
use crate::json::malformed;
use crate::reject::Reject;

/// What the catalogue says of one market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The market's name.
    pub market: String,
    /// The competition's name, and its number.
    pub competition: Option<(SmolStr, SmolStr)>,
    /// The event's name.
    pub event: Option<String>,
    /// The runners' names by their numbers.
    pub runners: BTreeMap<u64, String>,
}

/// Names by market.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    markets: BTreeMap<SmolStr, Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    market_id: SmolStr,
    #[serde(default)]
    market_name: String,
    competition: Option<NamedThing>,
    event: Option<NamedThing>,
    #[serde(default)]
    runners: Vec<ListedRunner>,
}

#[derive(Deserialize)]
struct NamedThing {
    #[serde(default)]
    id: SmolStr,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedRunner {
    selection_id: u64,
    #[serde(default)]
    runner_name: String,
}

impl Catalogue {
    /// Reads a reply: the list itself, or the list within a JSON-RPC result. What cannot be read
    /// goes to `rejects`, and the rest is taken. Returns how many markets were.
    pub fn read(&mut self, file: &str, bytes: &[u8], rejects: &mut Vec<Reject>) -> usize {
        let document: Value = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(error) => {
                rejects.push(malformed(file, bytes, &error));
                return 0;
            }
        };
        let listed = document.get("result").unwrap_or(&document);
        // One market by itself is what recorders keep beside a stream.
        let one = listed.is_object().then(|| std::slice::from_ref(listed));
        let items = one.or(listed.as_array().map(Vec::as_slice)).unwrap_or_default();
        let mut count = 0;
        for item in items {
            match Listed::deserialize(item) {
                Ok(listed) => {
                    self.take(listed);
                    count += 1;
                }
                Err(error) => rejects.push(malformed(file, item.to_string().as_bytes(), &error)),
            }
        }
        count
    }

    fn take(&mut self, listed: Listed) {
        let entry = Entry {
            market: listed.market_name,
            competition: listed.competition.map(|c| (c.name.into(), c.id)),
            event: listed.event.map(|event| event.name),
            runners: listed.runners.into_iter().map(|r| (r.selection_id, r.runner_name)).collect(),
        };
        self.markets.insert(listed.market_id, entry);
    }

    /// What it says of a market.
    #[must_use]
    pub fn entry(&self, market: &str) -> Option<&Entry> {
        self.markets.get(market)
    }

    /// Puts names into a definition that has none.
    pub fn name(&self, market: &str, definition: &mut Definition) {
        let Some(entry) = self.markets.get(market) else { return };
        if definition.event_name.is_none() {
            definition.event_name.clone_from(&entry.event);
        }
        if definition.name.is_none() {
            definition.name = Some(entry.market.clone());
        }
        for runner in &mut definition.runners {
            if runner.name.is_none() {
                runner.name = entry.runners.get(&runner.id).cloned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_a_list_and_from_a_result_and_one_bad_market_stops_none() {
        let list = r#"[{"marketId":"1.2","marketName":"Match Odds","competition":{"id":"10","name":"English Premier League"},
            "event":{"id":"7","name":"Arsenal v Chelsea"},"runners":[{"selectionId":1,"runnerName":"Arsenal"}]},{"marketName":"x"}]"#;
        for text in [list.to_owned(), format!(r#"{{"jsonrpc":"2.0","result":{list}}}"#)] {
            let (mut catalogue, mut rejects) = (Catalogue::default(), Vec::new());
            assert_eq!(catalogue.read("x", text.as_bytes(), &mut rejects), 1);
            assert_eq!(rejects.len(), 1);
            let mut definition = Definition::default();
            catalogue.name("1.2", &mut definition);
            assert_eq!(definition.sides(), Some(("Arsenal".into(), "Chelsea".into())));
        }
        let mut rejects = Vec::new();
        assert_eq!(Catalogue::default().read("x", b"<html>", &mut rejects), 0);
        assert_eq!(rejects.len(), 1);
    }
}
