//! Bringing events of older versions up to the one that this program writes.
//!
//! An upcaster takes the JSON object of one version and returns that of the next. When a kind's
//! version is raised, its upcaster is added to [`UPCASTERS`]; a test holds the table complete.

use serde_json::{Map, Value};

use crate::Kind;

type Object = Map<String, Value>;

/// One step of one kind.
struct Upcaster {
    kind: Kind,
    from: u16,
    step: fn(Object) -> Object,
}

/// Every step from version 1 to the current version of each kind. All kinds are at version 1.
const UPCASTERS: &[Upcaster] = &[];

/// Why an older event could not be brought up.
#[derive(Debug, thiserror::Error)]
pub enum UpcastError {
    /// No such version was ever written.
    #[error("there is no way from {kind} version {version} to version {current}", kind = kind.name(), current = kind.version())]
    NoStep {
        /// The kind.
        kind: Kind,
        /// The version found.
        version: u16,
    },
    /// The line is no JSON object.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
}

/// The line of an older version, as the current version writes it.
pub(crate) fn to_current(kind: Kind, version: u16, line: &str) -> Result<String, UpcastError> {
    climb(UPCASTERS, kind, version, kind.version(), line)
}

fn climb(
    upcasters: &[Upcaster],
    kind: Kind,
    version: u16,
    current: u16,
    line: &str,
) -> Result<String, UpcastError> {
    let mut object: Object = serde_json::from_str(line)?;
    for from in version..current {
        let upcaster = upcasters
            .iter()
            .find(|upcaster| upcaster.kind == kind && upcaster.from == from)
            .ok_or(UpcastError::NoStep { kind, version })?;
        object = (upcaster.step)(object);
    }
    Ok(serde_json::to_string(&object)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_older_version_of_every_kind_has_its_step() {
        for &kind in Kind::ALL {
            for from in 1..kind.version() {
                assert!(
                    UPCASTERS.iter().any(|upcaster| upcaster.kind == kind && upcaster.from == from),
                    "no upcaster for {} from version {from}",
                    kind.name()
                );
            }
        }
    }

    #[test]
    fn an_old_event_climbs_every_step_to_the_current_version() {
        let steps = [
            Upcaster {
                kind: Kind::Seen,
                from: 1,
                step: |mut object| {
                    let book = object.remove("bookmaker").unwrap_or_default();
                    object.insert("book".into(), book);
                    object
                },
            },
            Upcaster {
                kind: Kind::Seen,
                from: 2,
                step: |mut object| {
                    object.insert("src".into(), "unknown".into());
                    object
                },
            },
        ];
        let current = climb(&steps, Kind::Seen, 1, 3, r#"{"bookmaker":"bet365"}"#).unwrap();
        assert_eq!(current, r#"{"book":"bet365","src":"unknown"}"#);
        assert!(climb(&steps, Kind::Stats, 1, 2, "{}").is_err());
    }
}
