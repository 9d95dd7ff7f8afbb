//! `--set key=value`: other rules than those that were in force.

use anyhow::{Context, bail};
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{Body, Event};
use serde_json::Value;

/// Keys of the rules with the values that they are to have.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overrides(Vec<(Vec<String>, Value)>);

impl Overrides {
    /// Reads `key=value` texts, such as `strategies.sharp.ev_min=0.03`. A value is JSON where it is
    /// JSON, else text.
    ///
    /// # Errors
    /// For a text without `=`, or a key or value that no rules take.
    pub(crate) fn read(texts: &[String]) -> anyhow::Result<Self> {
        let mut overrides = Self::default();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                bail!("--set `{text}`: write key=value, such as strategies.sharp.ev_min=0.03");
            };
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            overrides.0.push((key.trim().split('.').map(str::to_owned).collect(), value));
            // Whatever rules there are, these keys can be set in them or not.
            overrides.over(&Rules::default()).with_context(|| format!("--set `{text}`"))?;
        }
        Ok(overrides)
    }

    /// Whether nothing is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules with these keys set.
    pub(crate) fn over(&self, rules: &Rules) -> anyhow::Result<Rules> {
        let mut json = serde_json::to_value(rules)?;
        for (path, value) in &self.0 {
            let mut place = &mut json;
            for part in path {
                let Some(object) = place.as_object_mut() else {
                    bail!("`{}`: what stands above `{part}` holds no keys", path.join("."));
                };
                place =
                    object.entry(part.clone()).or_insert_with(|| Value::Object(Default::default()));
            }
            *place = value.clone();
        }
        Ok(serde_json::from_value(json)?)
    }

    /// The fact with these keys set, where it puts rules in force.
    pub(crate) fn apply(&self, event: &mut Event) -> anyhow::Result<()> {
        if let Body::ConfigPublished(published) = &mut event.body
            && !self.is_empty()
        {
            **published = ConfigPublished::new(published.number, self.over(&published.rules)?);
        }
        Ok(())
    }

    /// What is set, for people: each key with the value that the rules had.
    pub(crate) fn describe(&self, rules: &Rules) -> Vec<String> {
        let before = serde_json::to_value(rules).unwrap_or_default();
        let describe = |(path, value): &(Vec<String>, Value)| {
            let pointer: String = path.iter().map(|part| format!("/{part}")).collect();
            let had = before.pointer(&pointer).map_or("nothing".to_owned(), ToString::to_string);
            format!("{} is {value} instead of {had}", path.join("."))
        };
        self.0.iter().map(describe).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Overrides> {
        Overrides::read(&[text.to_owned()])
    }

    #[test]
    fn a_key_of_the_rules_is_set() {
        let overrides = read("strategies.sharp.ev_min=0.5").unwrap();
        let rules = overrides.over(&Rules::default()).unwrap();
        assert!((rules.strategies[&"sharp".into()].ev_min - 0.5).abs() < 1e-12);
        let said = overrides.describe(&Rules::default());
        assert_eq!(said, ["strategies.sharp.ev_min is 0.5 instead of 0.02"]);
    }

    #[test]
    fn what_no_rules_take_is_refused_by_name() {
        for text in ["strategies.sharp.ev_min", "strategies.sharp.evmin=1", "account.bankroll=x"] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(text), "{error}");
        }
    }
}
