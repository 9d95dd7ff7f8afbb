//! What happens to a stage that does not return.
//!
//! A loop without end in a stage holds its thread for good, and with it the partition: nothing
//! inside the process can stop it. So the process is ended, and goes on from the log like one
//! that was killed. The frame is counted at each attempt to apply it again, and is quarantined
//! after as many as [`RunOptions::attempts_max`](crate::RunOptions).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// How often the watchdog looks.
const TICK: Duration = Duration::from_millis(50);

/// The exit code of a process whose stage did not return.
pub const STUCK_EXIT: i32 = 70;

/// What is done when a stage does not return; told which one.
pub type OnStuck = Arc<dyn Fn(&str) + Send + Sync>;

/// Says which stage it was, and ends the process with [`STUCK_EXIT`].
#[must_use]
pub fn end_process() -> OnStuck {
    Arc::new(|what| {
        tracing::error!("{what}; the process ends, and another goes on from the log");
        std::process::exit(STUCK_EXIT)
    })
}

struct Watch {
    what: String,
    ticks_left: u64,
    on_stuck: OnStuck,
}

#[derive(Default)]
struct Watched {
    next: u64,
    watches: BTreeMap<u64, Watch>,
}

fn watched() -> std::sync::MutexGuard<'static, Watched> {
    static WATCHED: OnceLock<Mutex<Watched>> = OnceLock::new();
    let watched = WATCHED.get_or_init(|| {
        // Without a thread nothing is watched; the stages run all the same.
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(look);
        drop(thread);
        Mutex::default()
    });
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts ticks, not time: a process that was suspended has not been at work meanwhile.
fn look() {
    loop {
        std::thread::sleep(TICK);
        let mut stuck = Vec::new();
        watched().watches.retain(|_, watch| {
            watch.ticks_left = watch.ticks_left.saturating_sub(1);
            if watch.ticks_left > 0 {
                return true;
            }
            stuck.push((Arc::clone(&watch.on_stuck), watch.what.clone()));
            false
        });
        for (on_stuck, what) in stuck {
            on_stuck(&what);
        }
    }
}

/// Ends the watch when it is dropped.
pub(crate) struct Guard(u64);

/// Watches until the guard is dropped; what takes longer than `most` is taken for stuck.
pub(crate) fn watch(most: Duration, on_stuck: &OnStuck, what: impl FnOnce() -> String) -> Guard {
    let ticks = most.as_millis() / TICK.as_millis();
    let ticks_left = u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1);
    let watch = Watch { what: what(), ticks_left, on_stuck: Arc::clone(on_stuck) };
    let mut watched = watched();
    let number = watched.next;
    watched.next += 1;
    watched.watches.insert(number, watch);
    Guard(number)
}

impl Drop for Guard {
    fn drop(&mut self) {
        watched().watches.remove(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_told_once_and_what_returns_is_not() {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let on_stuck: OnStuck = {
            let told = Arc::clone(&told);
            Arc::new(move |what| told.lock().unwrap().push(what.to_owned()))
        };
        let quick = watch(Duration::from_secs(60), &on_stuck, || "quick".to_owned());
        let slow = watch(Duration::from_millis(50), &on_stuck, || "slow".to_owned());
        drop(quick);
        for _ in 0..100 {
            if !told.lock().unwrap().is_empty() {
                break;
            }
            std::thread::sleep(TICK);
        }
        std::thread::sleep(2 * TICK);
        drop(slow);
        assert_eq!(*told.lock().unwrap(), ["slow"]);
    }
}
