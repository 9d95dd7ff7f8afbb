//! `evaluate`: how the forecasts did, beside the closing odds; and an alert when they drift.

use std::collections::BTreeMap;

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::Performance;
use marabet_schemas::{Competition, Event, Instant, MatchKey};
use marabet_streams::Stream;
use marabet_views::summary::Forecasts;
use serde_json::{Value, json};

use super::{Desk, again};

/// Over how long a time forecasts are evaluated, in seconds.
const WINDOW_S: i64 = 90 * 86_400;
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
        let fixtures = self.0.fixtures().await;
        let played: BTreeMap<MatchKey, Instant> = fixtures
            .map_err(again)?
            .into_iter()
            .map(|(key, fixture)| (key, fixture.kickoff))
            .filter(|(_, kickoff)| (from..=now).contains(kickoff))
            .collect();
        let forecasts = self.forecasts(&played).await.map_err(again)?;
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
            let kickoffs = || {
                played.iter().filter(|(key, _)| key.competition() == competition).map(|(_, at)| *at)
            };
            done.push(Performance {
                competition: competition.clone(),
                at: now,
                from: kickoffs().min().unwrap_or(from),
                to: kickoffs().max().unwrap_or(now),
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
    async fn forecasts(
        &self,
        played: &BTreeMap<MatchKey, Instant>,
    ) -> anyhow::Result<BTreeMap<Competition, Forecasts>> {
        let mut all: BTreeMap<Competition, Forecasts> = BTreeMap::new();
        let observe = |event: Event| {
            if let Some(key) = event.key.as_ref().filter(|key| played.contains_key(*key)) {
                let closing = || Forecasts::new(self.0.config.closing.clone());
                all.entry(key.competition()).or_insert_with(closing).observe(&event);
            }
        };
        self.0.each(Stream::Priced, observe).await?;
        Ok(all)
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
