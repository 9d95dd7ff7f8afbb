//! Events for those who watch: each new bet, grant and settlement, as it comes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

/// Events that a watcher may fall behind before it is told to begin anew.
const BEHIND_MAX: usize = 1_024;
/// Events kept for those who come back.
const KEPT_MAX: usize = 512;

/// One event.
#[derive(Debug)]
pub(crate) struct LiveEvent {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// `bet`, `grant` or `settlement`.
    pub(crate) kind: &'static str,
    /// The bet's row, as JSON.
    pub(crate) json: String,
}

/// The events of this server's life.
pub(crate) struct Live {
    /// Names this life, so that the numbers of an earlier one are not taken for ours.
    life: u64,
    sender: broadcast::Sender<Arc<LiveEvent>>,
    kept: Mutex<VecDeque<Arc<LiveEvent>>>,
}

/// What a watcher begins with.
pub(crate) struct Watch {
    /// Events that it has missed, in order.
    pub(crate) missed: Vec<Arc<LiveEvent>>,
    /// It named an event that is not kept (any more): it has to load its list anew.
    pub(crate) begin_anew: bool,
    /// What comes.
    pub(crate) coming: broadcast::Receiver<Arc<LiveEvent>>,
}

impl Live {
    pub(crate) fn new(life: u64) -> Self {
        Self { life, sender: broadcast::channel(BEHIND_MAX).0, kept: Mutex::default() }
    }

    /// The identity of an event, as `Last-Event-ID` names it.
    pub(crate) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.life)
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Tells all who watch.
    pub(crate) fn tell(&self, kind: &'static str, json: String) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let number = kept.back().map_or(1, |last| last.number + 1);
        let event = Arc::new(LiveEvent { number, kind, json });
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&event));
        // Sent under the lock, so that a watcher that begins meanwhile neither misses nor repeats
        // an event. An error says that nobody watches.
        let _ = self.sender.send(event);
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
                let missed = kept.iter().filter(|event| event.number > number).cloned().collect();
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
            live.tell("bet", count.to_string());
        }
        let watch = live.watch(Some(&live.id(598)));
        let missed: Vec<u64> = watch.missed.iter().map(|event| event.number).collect();
        assert_eq!((missed, watch.begin_anew), (vec![599, 600], false));
        for unknown in ["7-3", "8-599", "7-900", "nonsense"] {
            assert!(live.watch(Some(unknown)).begin_anew, "{unknown}");
        }
        assert!(!live.watch(None).begin_anew);
    }
}
