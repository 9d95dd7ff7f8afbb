//! The matches that are known, by competition and kick-off: the evidence that two names mean
//! one side.

use std::collections::BTreeMap;

use marabet_schemas::facts::{FixtureStatus, MatchResult};
use marabet_schemas::{Body, Competition, Event, Instant, MatchKey};

/// Two reports of one match may differ by this much in its kick-off, in seconds.
const WINDOW_SECONDS: i64 = 3 * 3600;

/// A meeting of the same sides this much after one that is over is the next one, in seconds.
const NEXT_LEG_SECONDS: i64 = 10 * 86_400;

/// What is known of a match.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownMatch {
    /// Its key.
    pub key: MatchKey,
    /// When it starts, as last reported.
    pub kickoff: Instant,
    /// It is over.
    over: bool,
}

/// The matches that are known.
#[derive(Debug, Clone, Default)]
pub struct Register {
    matches: BTreeMap<MatchKey, KnownMatch>,
    by_kickoff: BTreeMap<(Competition, Instant), Vec<MatchKey>>,
}

impl Register {
    /// Takes in a fact of the log.
    pub fn observe(&mut self, event: &Event) {
        let Some(key) = &event.key else { return };
        match &event.body {
            Body::Fixture(fixture) => {
                self.put(key, fixture.kickoff, fixture.status == FixtureStatus::Finished);
            }
            Body::Result(MatchResult { .. }) => {
                if let Some(known) = self.matches.get_mut(key) {
                    known.over = true;
                }
            }
            Body::MatchClosed(_) => self.forget(key),
            _ => {}
        }
    }

    /// Takes in a match.
    pub fn put(&mut self, key: &MatchKey, kickoff: Instant, over: bool) {
        let place = |at| (key.competition(), at);
        if let Some(known) = self.matches.get_mut(key) {
            known.over |= over;
            if known.kickoff == kickoff {
                return;
            }
            if let Some(keys) = self.by_kickoff.get_mut(&place(known.kickoff)) {
                keys.retain(|other| other != key);
            }
            known.kickoff = kickoff;
        } else {
            self.matches.insert(key.clone(), KnownMatch { key: key.clone(), kickoff, over });
        }
        self.by_kickoff.entry(place(kickoff)).or_default().push(key.clone());
    }

    fn forget(&mut self, key: &MatchKey) {
        if let Some(known) = self.matches.get_mut(key) {
            known.over = true;
        }
    }

    /// The matches of a competition that start at about this time.
    pub fn about(
        &self,
        competition: &Competition,
        kickoff: Instant,
    ) -> impl Iterator<Item = &KnownMatch> {
        let from = (competition.clone(), kickoff.plus_seconds(-WINDOW_SECONDS));
        let to = (competition.clone(), kickoff.plus_seconds(WINDOW_SECONDS));
        let keys = self.by_kickoff.range(from..=to).flat_map(|(_, keys)| keys);
        keys.filter_map(|key| self.matches.get(key))
    }

    /// Which meeting of two sides a match is.
    #[must_use]
    pub fn leg(&self, first: &MatchKey, kickoff: Instant) -> u8 {
        let mut leg = 1;
        while leg < u8::MAX {
            let key = MatchKey::new(
                &first.competition(),
                first.season(),
                first.home(),
                first.away(),
                leg,
            );
            let known = key.ok().and_then(|key| self.matches.get(&key));
            let is_past = |known: &KnownMatch| {
                known.over && known.kickoff.plus_seconds(NEXT_LEG_SECONDS) < kickoff
            };
            if !known.is_some_and(is_past) {
                break;
            }
            leg += 1;
        }
        leg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_second_meeting_at_one_ground_is_the_next_leg_and_a_postponed_one_is_not() {
        let first: MatchKey = "SC0|2025-26|Hearts|Celtic|1".parse().unwrap();
        let mut register = Register::default();
        assert_eq!(register.leg(&first, at("2025-08-01T15:00:00Z")), 1);
        register.put(&first, at("2025-08-01T15:00:00Z"), false);
        assert_eq!(register.leg(&first, at("2025-09-01T15:00:00Z")), 1);
        register.put(&first, at("2025-08-01T15:00:00Z"), true);
        assert_eq!(register.leg(&first, at("2025-08-01T15:00:00Z")), 1);
        assert_eq!(register.leg(&first, at("2026-02-01T15:00:00Z")), 2);
    }

    #[test]
    fn a_moved_match_is_found_at_its_new_time_alone() {
        let key: MatchKey = "E0|2025-26|Arsenal|Chelsea|1".parse().unwrap();
        let (then, now) = (at("2025-08-01T15:00:00Z"), at("2025-08-02T15:00:00Z"));
        let mut register = Register::default();
        register.put(&key, then, false);
        register.put(&key, now, false);
        assert_eq!(register.about(&"E0".into(), then).count(), 0);
        assert_eq!(register.about(&"E0".into(), now.plus_seconds(3600)).count(), 1);
        assert_eq!(register.about(&"E1".into(), now).count(), 0);
    }
}
