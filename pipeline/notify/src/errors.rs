//! Error alerts that do not storm: the first of a kind at once, then one an hour, with a count.

use std::collections::BTreeMap;

use marabet_schemas::Instant;

use crate::Message;

/// How long after an alert of a kind the next may come, in seconds.
const GAP_S: i64 = 3_600;
/// Most kinds that are told apart.
const KINDS_MAX: usize = 200;

/// What was told of errors, and what was held back.
#[derive(Debug, Default)]
pub struct ErrorAlerts {
    kinds: BTreeMap<String, Kind>,
}

#[derive(Debug)]
struct Kind {
    told: Instant,
    held_back: u32,
}

impl ErrorAlerts {
    /// The alert of an error of a kind, unless one was told within the hour: then it is counted.
    pub fn alert(&mut self, kind: &str, text: &str, now: Instant) -> Option<Message> {
        if !self.kinds.contains_key(kind) && self.kinds.len() >= KINDS_MAX {
            let oldest = self.kinds.iter().min_by_key(|(_, one)| one.told);
            let oldest = oldest.map(|(kind, _)| kind.clone());
            oldest.and_then(|oldest| self.kinds.remove(&oldest));
        }
        let held_back = match self.kinds.get_mut(kind) {
            Some(known) if now < known.told.plus_seconds(GAP_S) => {
                known.held_back += 1;
                return None;
            }
            Some(known) => known.held_back,
            None => 0,
        };
        self.kinds.insert(kind.to_owned(), Kind { told: now, held_back: 0 });
        let more = match held_back {
            0 => String::new(),
            count => format!("\n  and {count} more of this kind since the last alert"),
        };
        let at = now.micros() / 1_000_000;
        Some(Message::plain(format!("error:{kind}:{at}"), format!("{kind}: {text}{more}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_storm_one_alert_an_hour_is_told_with_how_many_there_were() {
        let mut alerts = ErrorAlerts::default();
        let at = |s: i64| Instant::from_micros(s * 1_000_000);
        let told: Vec<String> = (0..7_300)
            .filter_map(|s| alerts.alert("source", "away", at(s)))
            .map(|message| message.text)
            .collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0], "source: away");
        assert!(told[1].contains("and 3599 more"), "{}", told[1]);
        assert!(alerts.alert("job train", "dead", at(7_300)).is_some());
        for kind in 0..1_000 {
            alerts.alert(&format!("kind {kind}"), "x", at(8_000));
        }
        assert!(alerts.kinds.len() <= KINDS_MAX);
    }
}
