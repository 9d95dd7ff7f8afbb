//! How jobs end: well, after failures, not at all, by a limit, by a wish.

use std::time::Duration;

use marabet_jobs::{JobRules, JobState, JobsError, NewJob, Queues};
use serde_json::json;

use crate::support::{Server, does, once, rules, work};

async fn ask(queues: &Queues, rules: JobRules, what: &str) -> String {
    let (job, _) = does(rules);
    queues.enqueue(&NewJob::of(&job, json!({ "do": what }))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_keeps_its_result_its_log_and_its_times() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 2);
    let id = ask(&server.queues, rules(), "talk").await;
    let ended = once(&server.queues, &id, JobState::Done).await;
    assert_eq!(ended.result.as_deref(), Some(r#"{"said":2}"#));
    assert_eq!((ended.attempt, ended.error), (1, None));
    assert!(ended.enqueued_at <= ended.started_at.unwrap());
    assert!(ended.started_at <= ended.ended_at);
    assert_eq!(server.queues.log_of(&id).await.unwrap(), ["first", "second"]);
    assert_eq!(*done.lock().unwrap(), ["talk"]);
    let listed = server.queues.list(JobState::Done, Some("data")).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(server.queues.list(JobState::Done, Some("ml")).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_tried_again_and_after_the_last_attempt_the_job_is_dead_until_it_is_retried() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 2);
    let once_failed = ask(&server.queues, rules(), "fail once").await;
    let ended = once(&server.queues, &once_failed, JobState::Done).await;
    assert_eq!((ended.attempt, ended.error), (2, None));

    let id = ask(&server.queues, rules(), "fail").await;
    let dead = once(&server.queues, &id, JobState::Dead).await;
    assert_eq!((dead.attempt, dead.error.as_deref()), (3, Some("as asked")));
    assert_eq!(done.lock().unwrap().iter().filter(|what| *what == "fail").count(), 3);
    assert_eq!(server.queues.counts().await.unwrap().dead, 1);

    server.queues.retry(&id).await.unwrap();
    let again = once(&server.queues, &id, JobState::Dead).await;
    assert_eq!(again.attempt, 3);
    assert_eq!(server.queues.purge(JobState::Dead, None).await.unwrap(), 1);
    assert!(matches!(server.queues.job(&id).await, Err(JobsError::NoJob(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_attempt_can_do_is_dead_at_once_with_the_reason() {
    let server = Server::start().await;
    let (job, _) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 2);
    let refused = ask(&server.queues, rules(), "refuse").await;
    assert_eq!(once(&server.queues, &refused, JobState::Dead).await.attempt, 1);
    let (job, _) = does(rules());
    let wrong = server.queues.enqueue(&NewJob::of(&job, json!({ "do": 7 }))).await.unwrap();
    let dead = once(&server.queues, &wrong, JobState::Dead).await;
    assert!(dead.error.as_deref().unwrap().contains("argument `do`"), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_and_a_missed_limit_are_failures_like_others() {
    let server = Server::start().await;
    let one = JobRules { attempts_max: 1, ..rules() };
    let (job, _) = does(one);
    let (_trigger, _) = work(&server.queues, job, 2);
    let panicked = ask(&server.queues, one, "panic").await;
    let dead = once(&server.queues, &panicked, JobState::Dead).await;
    assert!(dead.error.unwrap().contains("panicked: as asked"));
    let short = JobRules { timeout: Duration::from_millis(100), ..one };
    let hung = ask(&server.queues, short, "hang").await;
    let dead = once(&server.queues, &hung, JobState::Dead).await;
    assert!(dead.error.unwrap().contains("limit of 0.1 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_job_ends_whether_it_is_queued_waits_or_runs() {
    let server = Server::start().await;
    let (maker, _) = does(rules());
    let queued = ask(&server.queues, rules(), "later").await;
    let waiting = NewJob::of(&maker, json!({ "do": "later" })).after(Duration::from_secs(60));
    let waiting = server.queues.enqueue(&waiting).await.unwrap();
    for id in [&queued, &waiting] {
        server.queues.cancel(id).await.unwrap();
        once(&server.queues, id, JobState::Cancelled).await;
    }
    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 2);
    let running = ask(&server.queues, rules(), "watch").await;
    once(&server.queues, &running, JobState::Running).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(server.queues.job(&running).await.unwrap().progress, Some(0.25));
    server.queues.cancel(&running).await.unwrap();
    once(&server.queues, &running, JobState::Cancelled).await;
    assert_eq!(*done.lock().unwrap(), ["watch"]);

    let ended = server.queues.cancel(&running).await.unwrap_err().to_string();
    assert!(ended.contains("is cancelled"), "{ended}");
    let unknown = server.queues.cancel("nothing").await.unwrap_err().to_string();
    assert!(unknown.contains("there is no job `nothing`"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_asked_to_end_puts_back_what_it_cannot_finish() {
    let server = Server::start().await;
    let (job, _) = does(rules());
    let (trigger, working) = work(&server.queues, job, 2);
    let hung = ask(&server.queues, rules(), "hang").await;
    let slept = ask(&server.queues, rules(), "sleep").await;
    once(&server.queues, &hung, JobState::Running).await;
    once(&server.queues, &slept, JobState::Running).await;
    trigger.ask();
    working.await.unwrap();
    once(&server.queues, &slept, JobState::Done).await;
    let back = once(&server.queues, &hung, JobState::Queued).await;
    assert_eq!(back.attempt, 0);
}
