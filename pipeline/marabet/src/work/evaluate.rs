//! `evaluate`: how the forecasts did, beside the closing odds; and an alert when they drift.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::Performance;
use marabet_schemas::{Body, Competition, Event, Instant, MatchKey};
use marabet_streams::Stream;
use marabet_views::summary::Forecasts;
use serde_json::{Value, json};

use super::{Desk, again};

/// Over how long a time forecasts are evaluated, in seconds.
const WINDOW_S: i64 = 90 * 86_400;
/// A forecast counts that was made so long before kick-off at most, in seconds.
const PRICED_BEFORE_S: i64 = 30 * 86_400;
/// Fewest matches that say anything.
const MATCHES_MIN: u64 = 30;
/// A score this much worse than the mean of those before is a drift. The standard error of a
/// mean RPS over 100 matches is about 0.014 (its standard deviation is about 0.14).
const DRIFT_RPS: f64 = 0.025;

pub(super) struct Evaluate(pub(super) Desk);

#[async_trait]
impl Job for Evaluate {
    fn kind(&self) -> &'static str {
        "evaluate"
    }

    fn about(&self) -> &'static str {
        "Score the forecasts of the last 90 days beside the closing odds, and alert on drift"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("ml")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let now = self.0.now();
        let from = now.plus_seconds(-WINDOW_S);
        let (forecasts, over) = self.forecasts(from, now).await.map_err(again)?;
        let mut done = Vec::new();
        for (competition, forecasts) in forecasts {
            let scores = forecasts.score();
            let (Some(rps), Some(log_loss)) = (scores.rps.model, scores.log_loss.model) else {
                continue;
            };
            if scores.matches < MATCHES_MIN {
                run.log(format!("{competition}: {} matches are too few", scores.matches)).await;
                continue;
            }
            let before = self.0.ledger.performance(&competition, 8).await.map_err(again)?;
            let drifted = drifts(rps, &before);
            let ends = || {
                over.iter().filter(|(key, _)| key.competition() == competition).map(|(_, at)| *at)
            };
            done.push(Performance {
                competition: competition.clone(),
                at: now,
                from: ends().min().unwrap_or(from),
                to: ends().max().unwrap_or(now),
                matches: u32::try_from(scores.matches).unwrap_or(u32::MAX),
                rps,
                log_loss,
                rps_close: scores.rps.closing,
                drifted,
            });
            if drifted {
                let close = scores.rps.closing.unwrap_or(f64::NAN);
                let text = format!(
                    "the forecasts of {competition} have become worse: RPS {rps:.4} over {} \
                     matches (closing odds: {close:.4})",
                    scores.matches
                );
                run.log(&text).await;
                self.0.alert("model drift", &text).await;
            }
        }
        self.0.ledger.put_performance(&done).await.map_err(again)?;
        Ok(json!({ "competitions": done }))
    }
}

impl Evaluate {
    /// The forecasts of the matches that ended in this time, and when each did.
    async fn forecasts(
        &self,
        from: Instant,
        now: Instant,
    ) -> anyhow::Result<(BTreeMap<Competition, Forecasts>, BTreeMap<MatchKey, Instant>)> {
        let mut all: BTreeMap<Competition, Forecasts> = BTreeMap::new();
        let (mut over, mut others) = (BTreeMap::new(), BTreeSet::new());
        let observe = |event: Event| {
            let Some(key) = &event.key else { return };
            let ended = matches!(event.body, Body::Result(_)).then_some(event.at);
            if ended.is_some_and(|at| (from..=now).contains(&at)) {
                over.insert(key.clone(), event.at);
                others.remove(key);
            } else if !over.contains_key(key) {
                others.insert(key.clone());
            }
            let closing = || Forecasts::new(self.0.config.closing.clone());
            all.entry(key.competition()).or_insert_with(closing).observe(&event);
        };
        let since = from.plus_seconds(-PRICED_BEFORE_S);
        self.0.each_since(Stream::Priced, since, observe).await?;
        for key in others {
            if let Some(forecasts) = all.get_mut(&key.competition()) {
                forecasts.forget(&key);
            }
        }
        Ok((all, over))
    }
}

/// Whether a score lies above the mean of those before by more than chance explains.
fn drifts(rps: f64, before: &[Performance]) -> bool {
    let scores: Vec<f64> = before.iter().map(|one| one.rps).collect();
    if scores.len() < 3 {
        return false;
    }
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    rps > mean + DRIFT_RPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_drifts_when_it_is_worse_than_those_before_by_more_than_chance() {
        let scored = |rps: f64| Performance {
            competition: "E0".into(),
            at: Instant::default(),
            from: Instant::default(),
            to: Instant::default(),
            matches: 100,
            rps,
            log_loss: 1.0,
            rps_close: None,
            drifted: false,
        };
        let before = [0.20, 0.205, 0.21].map(scored);
        assert!(!drifts(0.22, &before));
        assert!(drifts(0.24, &before));
        assert!(!drifts(0.24, &before[..2]), "two scores are no history");
    }
}
