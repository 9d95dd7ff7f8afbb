//! The schedule: each due run once, whoever leads and whatever was missed.

use std::sync::Arc;

use marabet_jobs::clock::SetClock;
use marabet_jobs::{JobState, Plan, Registry, Scheduler};
use marabet_schemas::Instant;
use serde_json::json;

use crate::support::{Server, does, once, queues, rules, work};

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn nightly() -> Plan {
    Plan::new("nightly", "does", json!({ "do": "a" }), "0 2 * * *", "Europe/Lisbon").unwrap()
}

fn scheduler(queues: &marabet_jobs::Queues, clock: &Arc<SetClock>) -> Scheduler {
    let registry = Registry::new().with(does(rules()).0);
    let clock: Arc<dyn marabet_jobs::clock::Clock> = Arc::<SetClock>::clone(clock);
    Scheduler::new(queues, registry, vec![nightly()], clock).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_asked_for_once_and_what_was_missed_is_caught_up_once() {
    let server = Server::start().await;
    let clock = Arc::new(SetClock::default());
    let first = scheduler(&server.queues, &clock);
    assert!(first.look().await.unwrap().is_empty(), "the time is not known yet");
    clock.reach(at("2025-01-10T12:00:00Z"));
    assert!(first.look().await.unwrap().is_empty(), "a new plan has missed nothing");
    clock.reach(at("2025-01-11T02:00:00Z"));
    let asked = first.look().await.unwrap();
    assert_eq!(asked, ["nightly@1736560800"]);
    assert!(first.look().await.unwrap().is_empty());

    // Nobody was there for a month.
    clock.reach(at("2025-02-12T09:00:00Z"));
    let asked = first.look().await.unwrap();
    assert_eq!(asked, [format!("nightly@{}", at("2025-02-12T02:00:00Z").micros() / 1_000_000)]);
    assert!(first.look().await.unwrap().is_empty());
    let upcoming = first.upcoming().await.unwrap();
    assert_eq!(upcoming[0].last, Some(at("2025-02-12T02:00:00Z")));
    assert_eq!(upcoming[0].next, Some(at("2025-02-13T02:00:00Z")));

    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 1);
    let ended = once(&server.queues, &asked[0], JobState::Done).await;
    assert_eq!(ended.planned_at, Some(at("2025-02-12T02:00:00Z")));
    assert_eq!(done.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_schedulers_one_leads_and_the_other_takes_over_where_it_was() {
    let server = Server::start().await;
    let clock = Arc::new(SetClock::default());
    let other = queues(&server.redis, "other").await;
    let (first, second) = (scheduler(&server.queues, &clock), scheduler(&other, &clock));
    clock.reach(at("2025-01-10T12:00:00Z"));
    first.look().await.unwrap();
    clock.reach(at("2025-01-11T12:00:00Z"));
    assert!(second.look().await.unwrap().is_empty(), "it does not lead");
    assert_eq!(first.look().await.unwrap().len(), 1);
    // The leader goes away without a word, its lead runs out, and time goes on.
    drop(first);
    clock.reach(at("2025-01-12T12:00:00Z"));
    assert!(second.look().await.unwrap().is_empty());
    tokio::time::sleep(std::time::Duration::from_millis(5_100)).await;
    assert_eq!(second.look().await.unwrap().len(), 1);
    assert_eq!(server.queues.list(JobState::Queued, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_plan_of_a_job_that_there_is_not_is_refused_by_name() {
    let server = Server::start().await;
    let plan = Plan::new("n", "dose", json!({}), "@daily", "UTC").unwrap();
    let registry = Registry::new().with(does(rules()).0);
    let clock = Arc::new(SetClock::default());
    let error = Scheduler::new(&server.queues, registry, vec![plan], clock).err().unwrap();
    assert_eq!(error.to_string(), "there is no job `dose`; there are: does");
}
