//! `cache_advice`: how long views should be kept, by how they were used.

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_stage::CacheClass;
use serde_json::{Value, json};

use super::Desk;

/// Fewest questions that say anything.
const ASKED_MIN: u64 = 100;

pub(super) struct CacheAdvice(pub(super) Desk);

#[async_trait]
impl Job for CacheAdvice {
    fn kind(&self) -> &'static str {
        "cache_advice"
    }

    fn about(&self) -> &'static str {
        "Advise how long cached views should be kept, by their hits and misses in this process"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("maintenance")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let (stats, ttl) = (self.0.log.cache_stats(), self.0.log.cache_ttl());
        let classes = [
            ("odds", CacheClass::Odds),
            ("stats", CacheClass::Stats),
            ("predictions", CacheClass::Predictions),
            ("static", CacheClass::Static),
        ];
        let mut all = serde_json::Map::new();
        for (name, class) in classes {
            let (hits, misses) = (stats.hits(class), stats.misses(class));
            let seconds = ttl.of(class).as_secs();
            let (seconds_advised, why) = advice(hits, misses, seconds);
            run.log(format!("{name}: {hits} hits, {misses} misses at {seconds} s: {why}")).await;
            let advice = json!({
                "hits": hits, "misses": misses, "ttl_s": seconds,
                "ttl_s_advised": seconds_advised, "why": why,
            });
            all.insert(name.to_owned(), advice);
        }
        Ok(Value::Object(all))
    }
}

/// The advised seconds and the reason. Views are rewritten when what they show changes, so a
/// longer life makes none of them stale; it costs memory.
fn advice(hits: u64, misses: u64, seconds: u64) -> (u64, &'static str) {
    let asked = hits + misses;
    if asked < ASKED_MIN {
        return (seconds, "too few questions to say");
    }
    match misses as f64 / asked as f64 {
        share if share > 0.3 => {
            (seconds * 2, "many views are gone when asked for: keep them longer")
        }
        share if share < 0.01 => (seconds / 2, "hardly any is missed: a shorter life saves memory"),
        _ => (seconds, "as it should be"),
    }
}

#[cfg(test)]
mod tests {
    use super::advice;

    #[test]
    fn views_that_are_missed_are_kept_longer_and_few_questions_say_nothing() {
        assert_eq!(advice(50, 50, 300).0, 600);
        assert_eq!(advice(10_000, 10, 300).0, 150);
        assert_eq!(advice(900, 100, 300).0, 300);
        assert_eq!(advice(1, 1, 300).0, 300);
    }
}
