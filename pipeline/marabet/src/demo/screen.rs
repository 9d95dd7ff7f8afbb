//! What a person sees while the season streams: a progress bar, and the alerts above it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use marabet_notify::{Channel, Message, SendError};
use marabet_schemas::Instant;

use crate::output::person_is_looking;

/// Alerts that are shown unless all are asked for.
const SHOWN: u64 = 6;

/// The screen, which is also a channel for alerts.
pub(super) struct Screen {
    bar: ProgressBar,
    alerts: AtomicU64,
    shown_max: u64,
}

impl Screen {
    /// Shows the first alerts, all of them, or none where the answer is JSON.
    pub(super) fn new(all: bool, json: bool) -> Self {
        let bar = ProgressBar::new(0);
        if json || !person_is_looking() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let shown_max = match (all, json) {
            (_, true) => 0,
            (true, false) => u64::MAX,
            (false, false) => SHOWN,
        };
        Self { bar, alerts: AtomicU64::new(0), shown_max }
    }

    /// Begins to show how far the facts have come.
    pub(super) fn begin(&self, facts: usize) {
        self.bar.set_length(facts as u64);
        let style = ProgressStyle::with_template(
            "{msg:32} [{bar:32}] {human_pos}/{human_len} facts, {per_sec}",
        );
        if let Ok(style) = style {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    /// A fact of this event time was fed.
    pub(super) fn fed(&self, at: Instant) {
        self.bar.inc(1);
        if self.bar.position().is_multiple_of(256) {
            let alerts = self.alerts.load(Ordering::Relaxed);
            self.bar.set_message(format!("{}, {alerts} alerts", at.day()));
        }
    }

    /// Clears the bar, and says how many alerts were not shown.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        let unseen = self.alerts.load(Ordering::Relaxed).saturating_sub(self.shown_max);
        if self.shown_max > 0 && unseen > 0 {
            self.print(&format!("… and {unseen} more alerts (--all shows them)"));
        }
    }

    #[allow(clippy::print_stdout, reason = "alerts are what the demo shows")]
    fn print(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }
}

#[async_trait]
impl Channel for Screen {
    fn name(&self) -> &'static str {
        "console"
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        if self.alerts.fetch_add(1, Ordering::Relaxed) < self.shown_max {
            self.print(&format!("{}\n", message.text));
        }
        Ok(())
    }
}
