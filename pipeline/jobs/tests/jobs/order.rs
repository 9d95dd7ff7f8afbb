//! Which job comes first, how many at once, and which comes once.

use std::time::Duration;

use marabet_jobs::{JobRules, JobState, NewJob, Priority};
use serde_json::json;

use crate::support::{Server, does, once, rules, work};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_a_queue_the_higher_priority_goes_first_and_equals_go_in_order() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let asked = [
        ("l1", Priority::Low),
        ("n1", Priority::Normal),
        ("h1", Priority::High),
        ("n2", Priority::Normal),
        ("h2", Priority::High),
    ];
    let jobs: Vec<NewJob> = asked
        .iter()
        .map(|(what, priority)| NewJob::of(&job, json!({ "do": what })).at(*priority))
        .collect();
    let ids = server.queues.enqueue_all(&jobs).await.unwrap();
    let (_trigger, _) = work(&server.queues, job, 1);
    once(&server.queues, &ids[0], JobState::Done).await;
    assert_eq!(*done.lock().unwrap(), ["h1", "h2", "n1", "n2", "l1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_runs_as_many_at_once_as_it_may_and_no_more() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let jobs: Vec<NewJob> = (0..6).map(|_| NewJob::of(&job, json!({ "do": "sleep" }))).collect();
    let ids = server.queues.enqueue_all(&jobs).await.unwrap();
    let (_trigger, _) = work(&server.queues, job, 3);
    for _ in 0..50 {
        let running = server.queues.counts().await.unwrap().running;
        assert!(running <= 3, "{running}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for id in ids {
        once(&server.queues, &id, JobState::Done).await;
    }
    assert_eq!(done.lock().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unique_job_is_in_the_queues_once_until_it_ends() {
    let server = Server::start().await;
    let unique = JobRules { unique: true, ..rules() };
    let (job, done) = does(unique);
    let ask = |what: &str| NewJob::of(&job, json!({ "do": what }));
    let first = server.queues.enqueue(&ask("a")).await.unwrap();
    assert_eq!(server.queues.enqueue(&ask("a")).await.unwrap(), first);
    assert_ne!(server.queues.enqueue(&ask("b")).await.unwrap(), first);
    let again = ask("a");
    let (_trigger, _) = work(&server.queues, does(unique).0, 1);
    once(&server.queues, &first, JobState::Done).await;
    let second = server.queues.enqueue(&again).await.unwrap();
    assert_ne!(second, first);
    // To ask for the very same job again, as after an unclear answer, changes nothing.
    assert_eq!(server.queues.enqueue(&again).await.unwrap(), second);
    once(&server.queues, &second, JobState::Done).await;
    assert_eq!(server.queues.enqueue(&again).await.unwrap(), second);
    assert_eq!(server.queues.list(JobState::Done, None).await.unwrap().len(), 3);
    assert_eq!(done.lock().unwrap().len(), 0, "the maker of the jobs ran none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_for_later_waits_until_then() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let later = NewJob::of(&job, json!({ "do": "a" })).after(Duration::from_millis(700));
    let id = server.queues.enqueue(&later).await.unwrap();
    let (_trigger, _) = work(&server.queues, job, 1);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(server.queues.job(&id).await.unwrap().state, JobState::Waiting);
    assert_eq!(done.lock().unwrap().len(), 0);
    once(&server.queues, &id, JobState::Done).await;
}
