//! One order and one hash for the bets of all partitions.

use marabet_schemas::bets::ValueBet;
use marabet_schemas::{Body, Event, MatchKey};
use sha2::{Digest, Sha256};

/// The events in canonical order: event time, match, place among the match's own.
///
/// Events of one match come from one partition, so the order in which they stand in the input is
/// their order in the log, whatever the partitions and frames were.
#[must_use]
pub fn canonical(events: &[Event]) -> Vec<&Event> {
    let mut ordered: Vec<&Event> = events.iter().collect();
    ordered.sort_by(|a, b| {
        let place = |event: &Event| (event.at, event.key.clone());
        place(a).cmp(&place(b))
    });
    ordered
}

/// SHA-256, in hexadecimal, of all alerts in canonical order.
///
/// An alert enters with its match, instant, identity, book, market, selection, price, expected
/// value and stake, every digit of them; what merely says where it stands in the log does not.
#[must_use]
pub(super) fn of_bets(ordered: &[&Event]) -> String {
    let mut hasher = Sha256::new();
    for event in ordered {
        if let (Body::ValueBet(bet), Some(key)) = (&event.body, &event.key)
            && bet.revision == 0
        {
            hasher.update(line(event.at.micros(), key, bet));
        }
    }
    let bytes: [u8; 32] = hasher.finalize().into();
    bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

fn line(at_us: i64, key: &MatchKey, bet: &ValueBet) -> String {
    let ValueBet { bet: id, strategy, book, market, selection, odds, ev, stake, .. } = bet;
    let stake = stake.get();
    format!("{at_us} {key} {id} {strategy} {book} {market} {selection} {odds} {ev} {stake}\n")
}
