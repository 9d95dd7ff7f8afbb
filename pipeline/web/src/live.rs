//! Events for those who watch: each new bet, grant and settlement, as it comes.
//!
//! An event is written once, as it goes over the wire; all who watch share its bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use tokio::sync::broadcast;

/// Events that a watcher may fall behind before it is told to begin anew.
const BEHIND_MAX: usize = 1_024;
/// Events kept for those who come back.
const KEPT_MAX: usize = 512;

/// What tells a watcher that its list is out of date.
pub(crate) const RESET: Bytes = Bytes::from_static(b"event: reset\ndata: {}\n\n");
/// What tells a watcher that the stream lives.
const ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// One event.
struct Kept {
    /// Its number, from 1.
    number: u64,
    /// As it goes over the wire.
    bytes: Bytes,
}

/// The events of this server's life.
pub(crate) struct Live {
    /// Names this life, so that the numbers of an earlier one are not taken for ours.
    life: u64,
    sender: broadcast::Sender<Bytes>,
    kept: Mutex<VecDeque<Kept>>,
}

/// What a watcher begins with.
pub(crate) struct Watch {
    /// Events that it has missed, in order.
    pub(crate) missed: Vec<Bytes>,
    /// It named an event that is not kept (any more): it has to load its list anew.
    pub(crate) begin_anew: bool,
    /// What comes.
    pub(crate) coming: broadcast::Receiver<Bytes>,
}

impl Live {
    pub(crate) fn new(life: u64) -> Self {
        Self { life, sender: broadcast::channel(BEHIND_MAX).0, kept: Mutex::default() }
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Tells all who watch: `bet`, `grant` or `settlement`, with the bet's row as JSON.
    pub(crate) fn tell(&self, kind: &'static str, json: &str) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = kept.back().map_or(1, |last| last.number + 1);
        let text = format!("event: {kind}\nid: {}-{number}\ndata: {json}\n\n", self.life);
        let bytes = Bytes::from(text);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Kept { number, bytes: bytes.clone() });
        // Sent under the lock, so that a watcher that begins meanwhile neither misses nor repeats
        // an event. An error says that nobody watches.
        let _ = self.sender.send(bytes);
    }

    /// Says to all who watch that their streams live.
    pub(crate) fn alive(&self) {
        // An error says that nobody watches.
        let _ = self.sender.send(ALIVE);
    }

    /// Begins to watch, after the event that the watcher saw last.
    pub(crate) fn watch(&self, last_seen: Option<&str>) -> Watch {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let coming = self.sender.subscribe();
        let Some(last_seen) = last_seen else {
            return Watch { missed: Vec::new(), begin_anew: false, coming };
        };
        let number = last_seen
            .split_once('-')
            .filter(|(life, _)| life.parse() == Ok(self.life))
            .and_then(|(_, number)| number.parse::<u64>().ok());
        let first = kept.front().map_or(1, |first| first.number);
        let last = kept.back().map_or(0, |last| last.number);
        match number {
            Some(number) if number + 1 >= first && number <= last => {
                let missed = kept.iter().filter(|event| event.number > number);
                let missed = missed.map(|event| event.bytes.clone()).collect();
                Watch { missed, begin_anew: false, coming }
            }
            _ => Watch { missed: Vec::new(), begin_anew: true, coming },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_that_comes_back_gets_what_it_missed_or_begins_anew() {
        let live = Live::new(7);
        for count in 0..600 {
            live.tell("bet", &count.to_string());
        }
        let watch = live.watch(Some("7-598"));
        let missed =
            ["event: bet\nid: 7-599\ndata: 598\n\n", "event: bet\nid: 7-600\ndata: 599\n\n"];
        assert_eq!((watch.missed, watch.begin_anew), (missed.map(Bytes::from).into(), false));
        for unknown in ["7-3", "8-599", "7-900", "nonsense"] {
            assert!(live.watch(Some(unknown)).begin_anew, "{unknown}");
        }
        assert!(!live.watch(None).begin_anew);
    }
}
