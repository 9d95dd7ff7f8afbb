//! A model of the log in memory, on which thousands of schedules of crashes, lost answers, stale
//! commits and rollbacks run in seconds; and the same schedules on the real scripts.
//!
//! - [`server`] — what a server must do: the rules of `lua/append.lua`, `lua/lease.lua` and
//!   `lua/commit.lua` in a few lines each.
//! - [`redis_server`] — the same face, with the real scripts in a real Redis behind it.
//! - [`line`] — a writer and two owners that go about it as the program does, and what happens
//!   to them.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod line;
mod redis_server;
mod server;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use line::{Happening, Line};
use redis_server::RedisServer;
use server::{Model, Rules};

/// Schedules that run on the model.
const ON_THE_MODEL: u32 = 4_000;
/// Schedules that run on the model and on Redis.
const ON_REDIS: u32 = 48;
/// What happens in a schedule, at most.
const LENGTH_MAX: usize = 60;

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    let owner = 0..2_usize;
    prop_oneof![
        6 => (1..4_usize).prop_map(H::Write),
        1 => (1..4_usize).prop_map(H::WriteUnheard),
        1 => Just(H::WriterRestarts),
        1 => Just(H::WriterRestartsWithAnAppendOnItsWay),
        14 => owner.clone().prop_map(H::Step),
        2 => owner.clone().prop_map(H::StepUnheard),
        2 => owner.clone().prop_map(H::Hold),
        3 => owner.clone().prop_map(H::Release),
        2 => owner.prop_map(H::Crash),
        2 => Just(H::LeaseExpires),
        2 => Just(H::StrayRead),
        2 => (0..4_usize).prop_map(H::Rollback),
    ]
}

fn schedule() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(), 1..LENGTH_MAX)
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() }
}

#[test]
fn whatever_happens_the_derived_stream_is_what_the_stage_makes_of_the_feed() {
    let mut runner = TestRunner::new(config(ON_THE_MODEL));
    let ran = runner.run(&schedule(), |schedule| {
        let mut line = Line::on(Model::new(Rules::default()));
        for happening in schedule {
            line.happen(happening);
            line.check().map_err(TestCaseError::fail)?;
        }
        line.come_to_rest();
        line.check_at_rest().map_err(TestCaseError::fail)
    });
    ran.unwrap();
}

#[test]
fn the_real_scripts_do_what_the_model_does() {
    let real = RedisServer::start();
    let mut runner = TestRunner::new(config(ON_REDIS));
    let ran = runner.run(&schedule(), |schedule| {
        let mut model = Line::on(Model::new(Rules::default()));
        let mut on_redis = Line::on(real.fresh());
        for happening in schedule {
            model.happen(happening);
            on_redis.happen(happening);
            prop_assert_eq!(&model.trace, &on_redis.trace);
        }
        model.come_to_rest();
        on_redis.come_to_rest();
        prop_assert_eq!(&model.trace, &on_redis.trace);
        prop_assert_eq!(model.contents(), on_redis.contents());
        on_redis.check_at_rest().map_err(TestCaseError::fail)
    });
    ran.unwrap();
}

/// A commit is on its way when the server loses that its owner ever had the lease, and gives the
/// same counter to another. Chance alone hardly finds it.
const COUNTER_GIVEN_TWICE: [Happening; 8] = [
    Happening::Write(2),
    Happening::Step(0),
    Happening::Step(0),
    Happening::Hold(0),
    Happening::Rollback(3),
    Happening::Step(1),
    Happening::Step(1),
    Happening::Release(0),
];

/// Whether a schedule breaks the line on a server with these rules.
fn breaks_by(schedule: impl IntoIterator<Item = Happening>, rules: Rules) -> bool {
    let mut line = Line::on(Model::new(rules));
    let held = schedule.into_iter().all(|happening| {
        line.happen(happening);
        line.check().is_ok()
    });
    line.come_to_rest();
    !held || line.check_at_rest().is_err()
}

/// Whether some schedule does.
fn breaks(rules: Rules) -> bool {
    let mut runner = TestRunner::deterministic();
    let schedules = schedule();
    (0..ON_THE_MODEL).any(|_| {
        let schedule = schedules.new_tree(&mut runner).unwrap().current();
        breaks_by(schedule, rules)
    })
}

#[test]
fn without_any_one_of_the_rules_something_is_lost_or_doubled() {
    let all = Rules::default();
    assert!(!breaks(all));
    assert!(!breaks_by(COUNTER_GIVEN_TWICE, all));
    assert!(breaks(Rules { fence: false, ..all }), "the fence of a stage");
    let without_nonce = Rules { nonce: false, ..all };
    assert!(breaks_by(COUNTER_GIVEN_TWICE, without_nonce), "the nonce beside the counter");
    assert!(breaks(Rules { head: false, ..all }), "the head of what is pending");
    assert!(breaks(Rules { batches: false, ..all }), "the numbers of batches");
    assert!(breaks(Rules { source_fence: false, ..all }), "the fence of a source");
}

#[test]
fn a_counter_that_redis_gives_out_twice_makes_no_stale_commit_good() {
    let real = RedisServer::start();
    let mut line = Line::on(real.fresh());
    for happening in COUNTER_GIVEN_TWICE {
        line.happen(happening);
        line.check().unwrap();
    }
    assert_eq!(line.trace.last().unwrap(), "Fenced");
    line.come_to_rest();
    line.check_at_rest().unwrap();
}
