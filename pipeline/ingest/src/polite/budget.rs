//! What may be spent in a day (UTC), and what was: kept in a file, so that a restart does not
//! begin anew.

use std::path::PathBuf;

use marabet_schemas::Instant;
use serde::{Deserialize, Serialize};

/// What was spent on a day, and what the provider says is left.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// The day, `2026-04-16`.
    pub day: String,
    /// Credits (or requests, as the provider counts) spent on it.
    pub credits: u64,
    /// What the provider said was left, when it last answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// A daily budget.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    per_day: Option<u64>,
    path: Option<PathBuf>,
    spent: Spent,
}

impl Budget {
    /// So much a day (no bound where none is given), remembered in this file. A file that is
    /// not there or cannot be read counts as nothing spent.
    #[must_use]
    pub(super) fn new(per_day: Option<u64>, path: Option<PathBuf>) -> Self {
        let text = path.as_ref().and_then(|path| std::fs::read(path).ok());
        let spent = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { per_day, path, spent }
    }

    /// What was spent today.
    #[must_use]
    pub(super) fn spent(&self, now: Instant) -> Spent {
        let day = now.day();
        if self.spent.day == day {
            self.spent.clone()
        } else {
            Spent { day, credits: 0, left: self.spent.left }
        }
    }

    /// What may still be spent today: the lesser of the budget's rest and what the provider says
    /// is left. None where neither is known.
    #[must_use]
    pub(super) fn rest(&self, now: Instant) -> Option<u64> {
        let spent = self.spent(now);
        let of_budget = self.per_day.map(|per_day| per_day.saturating_sub(spent.credits));
        match (of_budget, spent.left) {
            (Some(rest), Some(left)) => Some(rest.min(left)),
            (rest, left) => rest.or(left),
        }
    }

    /// Takes down what a call cost and what is left, as far as the provider says.
    pub(super) fn spend(&mut self, now: Instant, cost: u64, left: Option<u64>) {
        let mut spent = self.spent(now);
        spent.credits += cost;
        spent.left = left.or(spent.left.map(|left| left.saturating_sub(cost)));
        self.spent = spent;
        if let Some(path) = &self.path
            && let Ok(text) = serde_json::to_vec(&self.spent)
        {
            // A budget that cannot be kept is one of this process alone.
            let _ = std::fs::write(path, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_per_day_outlives_a_restart_and_believes_the_provider() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.json");
        let today: Instant = "2026-04-16T12:00:00Z".parse().unwrap();
        let tomorrow = today.plus_seconds(86_400);
        let mut budget = Budget::new(Some(10), Some(path.clone()));
        assert_eq!(budget.rest(today), Some(10));
        budget.spend(today, 4, None);
        assert_eq!(budget.rest(today), Some(6));
        assert_eq!(Budget::new(Some(10), Some(path.clone())).rest(today), Some(6));
        assert_eq!(budget.rest(tomorrow), Some(10));
        budget.spend(today, 1, Some(2));
        assert_eq!(budget.rest(today), Some(2));
        assert_eq!(budget.rest(tomorrow), Some(2));
        std::fs::write(&path, "broken").unwrap();
        assert_eq!(Budget::new(None, Some(path)).rest(today), None);
    }
}
