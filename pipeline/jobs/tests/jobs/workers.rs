//! Workers that die, hang and come back: each job ends once.

use std::time::Duration;

use marabet_jobs::{JobRules, JobState, NewJob};
use serde_json::json;

use crate::support::{Server, does, once, queues, rules, work, work_apart};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_worker_dies_is_run_by_another_and_ends_once() {
    let server = Server::start().await;
    let first = queues(&server.redis, "first").await;
    let (job, began) = does(rules());
    let dying = work_apart(&first, job, 4);
    let (maker, _) = does(rules());
    let jobs: Vec<NewJob> = (0..20).map(|_| NewJob::of(&maker, json!({ "do": "sleep" }))).collect();
    let ids = server.queues.enqueue_all(&jobs).await.unwrap();
    while began.lock().unwrap().len() < 6 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Nothing is put back and nothing is said.
    dying.shutdown_background();

    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 8);
    for id in &ids {
        let ended = once(&server.queues, id, JobState::Done).await;
        assert!(ended.attempt <= 2, "{ended:?}");
    }
    let runs = began.lock().unwrap().len() + done.lock().unwrap().len();
    assert!((20..=24).contains(&runs), "{runs} runs of 20 jobs, four at once when it died");
    assert_eq!(server.queues.ended(None, 100).await.unwrap().len(), 20, "each ended once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_takes_every_worker_with_it_is_given_up_after_its_attempts() {
    let server = Server::start().await;
    let two = JobRules { attempts_max: 2, ..rules() };
    let (maker, _) = does(two);
    let id = server.queues.enqueue(&NewJob::of(&maker, json!({ "do": "hang" }))).await.unwrap();
    for (name, attempt) in [("first", 1), ("second", 2)] {
        let queues = queues(&server.redis, name).await;
        let dying = work_apart(&queues, does(two).0, 1);
        while server.queues.job(&id).await.unwrap().attempt < attempt {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        dying.shutdown_background();
    }
    let (_trigger, _) = work(&server.queues, does(two).0, 1);
    let dead = once(&server.queues, &id, JobState::Dead).await;
    assert!(dead.error.unwrap().contains("attempt 2 of 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_job_keeps_its_lease() {
    let server = Server::start().await;
    let (job, done) = does(rules());
    let (_trigger, _) = work(&server.queues, job, 1);
    let (maker, _) = does(rules());
    let id = server.queues.enqueue(&NewJob::of(&maker, json!({ "do": "watch" }))).await.unwrap();
    once(&server.queues, &id, JobState::Running).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let job = server.queues.job(&id).await.unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Running, 1));
    assert_eq!(done.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_this_program_does_not_know_waits_and_is_named() {
    let server = Server::start().await;
    let one = JobRules { attempts_max: 1, ..rules() };
    let (job, _) = does(one);
    // As a newer program would ask.
    let id = {
        struct Newer(JobRules);
        #[async_trait::async_trait]
        impl marabet_jobs::Job for Newer {
            fn kind(&self) -> &'static str {
                "newer"
            }
            fn about(&self) -> &'static str {
                "Unknown here"
            }
            fn rules(&self) -> JobRules {
                self.0
            }
            async fn run(
                &self,
                _: &marabet_jobs::Run,
            ) -> Result<serde_json::Value, marabet_jobs::JobError> {
                unreachable!("nobody knows it")
            }
        }
        server.queues.enqueue(&NewJob::of(&Newer(one), json!({}))).await.unwrap()
    };
    let (_trigger, _) = work(&server.queues, job, 1);
    let dead = once(&server.queues, &id, JobState::Dead).await;
    assert!(dead.error.unwrap().contains("there is no job `newer`; there are: does"));
}
