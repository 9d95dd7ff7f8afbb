//! Reading replies of JSON whose every value may be missing or of another type than promised:
//! a fault names the path to it, and stops nothing beside it.

use marabet_quant::Odds;
use marabet_schemas::Instant;
use serde_json::Value;
use smol_str::SmolStr;

use crate::reject::{Reject, RejectKind, Scope, raw_row};

/// A value of a document, with the way that leads to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    up: Option<&'a Node<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    At(usize),
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: RejectKind,
    pub(crate) path: String,
    pub(crate) value: String,
    pub(crate) reason: String,
}

impl Fault {
    /// The same as a reject of a file. `row` is what it stood in.
    pub(crate) fn reject(self, file: &str, scope: Scope, row: &Value) -> Reject {
        Reject {
            file: SmolStr::new(file),
            line: 1,
            column: Some(self.path),
            value: Some(self.value),
            kind: self.kind,
            scope,
            reason: self.reason,
            row: short(row),
        }
    }
}

/// What is wrong with bytes that are no JSON.
pub(crate) fn malformed(file: &str, bytes: &[u8], error: &serde_json::Error) -> Reject {
    Reject {
        file: SmolStr::new(file),
        line: error.line() as u64,
        column: Some(format!("column {}", error.column())),
        value: None,
        kind: RejectKind::Malformed,
        scope: Scope::Row,
        reason: format!("no JSON: {error}"),
        row: raw_row(bytes),
    }
}

fn short(value: &Value) -> String {
    raw_row(value.to_string().as_bytes())
}

const NULL: Value = Value::Null;

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, up: None, step: Step::Root }
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    /// The value under a key; null where there is none.
    pub(crate) fn at<'b>(&'b self, key: &'b str) -> Node<'b> {
        let value = self.value.get(key).unwrap_or(&NULL);
        Node { value, up: Some(self), step: Step::Key(key) }
    }

    /// The items of a list; none where it is no list.
    pub(crate) fn items<'b>(&'b self) -> impl Iterator<Item = Node<'b>> {
        let items = self.value.as_array().map_or(&[][..], Vec::as_slice);
        let item = |(at, value)| Node { value, up: Some(self), step: Step::At(at) };
        items.iter().enumerate().map(item)
    }

    /// The items of what must be a list.
    pub(crate) fn list<'b>(&'b self) -> Result<impl Iterator<Item = Node<'b>>, Fault> {
        match self.value {
            Value::Array(_) => Ok(self.items()),
            _ => Err(self.fault(RejectKind::Malformed, "should be a list")),
        }
    }

    fn path(&self) -> String {
        let above = self.up.map(Node::path).unwrap_or_default();
        match self.step {
            Step::Root => above,
            Step::Key(key) if above.is_empty() => key.to_owned(),
            Step::Key(key) => format!("{above}.{key}"),
            Step::At(at) => format!("{above}[{at}]"),
        }
    }

    pub(crate) fn fault(&self, kind: RejectKind, reason: impl Into<String>) -> Fault {
        let mut value = self.value.to_string();
        if let Some((at, _)) = value.char_indices().nth(120) {
            value.truncate(at);
        }
        Fault { kind, path: self.path(), value, reason: reason.into() }
    }

    pub(crate) fn text(&self) -> Result<&'a str, Fault> {
        let text = self.value.as_str().map(str::trim).filter(|text| !text.is_empty());
        text.ok_or_else(|| self.fault(RejectKind::Malformed, "should be text"))
    }

    /// A code that is written as text or as a number.
    pub(crate) fn code(&self) -> Result<SmolStr, Fault> {
        match self.value {
            Value::Number(number) => Ok(SmolStr::from(number.to_string())),
            _ => self.text().map(SmolStr::new),
        }
    }

    /// A number, or text that is one.
    pub(crate) fn number(&self) -> Result<f64, Fault> {
        let number = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        number.ok_or_else(|| self.fault(RejectKind::Malformed, "should be a number"))
    }

    pub(crate) fn instant(&self) -> Result<Instant, Fault> {
        self.text()?.parse().map_err(|error: marabet_schemas::instant::NoInstant| {
            self.fault(RejectKind::Time, error.to_string())
        })
    }

    /// A price that one can bet at.
    pub(crate) fn odds(&self) -> Result<Odds, Fault> {
        let number = self.number().map_err(|fault| Fault { kind: RejectKind::Odds, ..fault })?;
        odds(number).ok_or_else(|| self.fault(RejectKind::Odds, NO_ODDS))
    }

    /// Goals of a side, as a number or text.
    pub(crate) fn goals(&self) -> Result<u8, Fault> {
        let number = self.number().map_err(|fault| Fault { kind: RejectKind::Score, ..fault })?;
        let is_count = (0.0..=99.0).contains(&number) && number.fract() == 0.0;
        // In range and whole.
        if is_count {
            Ok(number as u8)
        } else {
            Err(self.fault(RejectKind::Score, "is no number of goals"))
        }
    }
}

/// What is wrong with a number that is no price.
pub(crate) const NO_ODDS: &str = "is no price: decimal odds lie above 1 and go up to 1000";

/// Decimal odds above 1 and up to 1000, the highest that anyone offers.
pub(crate) fn odds(number: f64) -> Option<Odds> {
    Odds::new(number).ok().filter(|odds| odds.decimal() <= 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_the_path_to_the_value() {
        let document: Value = serde_json::from_str(r#"{"a":[{"b":"x"},{"b":1.0}]}"#).unwrap();
        let root = Node::root(&document);
        let list = root.at("a");
        let second = list.items().nth(1).unwrap();
        let fault = second.at("b").odds().unwrap_err();
        assert_eq!((fault.path.as_str(), fault.value.as_str()), ("a[1].b", "1.0"));
        assert!(second.at("none").text().is_err());
        assert!(root.list().is_err());
    }

    #[test]
    fn a_price_is_above_one_and_at_most_a_thousand() {
        for (number, is_price) in [
            (1.0, false),
            (0.0, false),
            (1001.0, false),
            (1.01, true),
            (1000.0, true),
            (f64::NAN, false),
        ] {
            assert_eq!(odds(number).is_some(), is_price, "{number}");
        }
    }
}
