//! A model of the log in memory, on which thousands of schedules of crashes, lost answers, stale
//! commits and rollbacks run in seconds; and the same schedules on the real scripts.
//!
//! - [`server`] — what a server must do: the rules of `lua/append.lua`, `lua/lease.lua` and
//!   `lua/commit.lua` in a few lines each.
//! - [`redis_server`] — the same face, with the real scripts in a real Redis behind it.
//! - [`line`] — a writer, and two owners of two stages in a row, that go about it as the program
//!   does, and what happens to them.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

mod line;
mod redis_server;
mod server;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use line::{At, Happening, Line};
use redis_server::RedisServer;
use server::{Model, Rules, STAGES};

/// Schedules that run on the model.
const ON_THE_MODEL: u32 = 4_000;
/// Schedules that run on the model and on Redis.
const ON_REDIS: u32 = 128;
/// What happens in a schedule, at most.
const LENGTH_MAX: usize = 80;

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    // One of them is there more often, so that more is done between what goes wrong.
    let owner = (0..3_usize).prop_map(|third| third / 2);
    let stage = 0..STAGES;
    let at = (owner.clone(), stage.clone()).prop_map(|(owner, stage)| At { owner, stage });
    prop_oneof![
        36 => at.clone().prop_map(H::Step),
        6 => (1..4_usize).prop_map(H::Write),
        1 => (1..4_usize).prop_map(H::WriteUnheard),
        1 => Just(H::WriterRestarts),
        1 => Just(H::WriterRestartsWithAnAppendOnItsWay),
        2 => at.clone().prop_map(H::StepUnheard),
        2 => at.clone().prop_map(H::Hold),
        3 => at.clone().prop_map(H::Release),
        1 => at.prop_map(H::Disconnect),
        1 => owner.prop_map(H::Crash),
        2 => stage.clone().prop_map(H::LeaseExpires),
        2 => stage.prop_map(H::StrayRead),
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
fn many_a_schedule_takes_the_next_stage_along_and_some_find_that_they_may_not() {
    let (mut all, mut along, mut apart) = (0, 0, 0);
    for schedule in schedules().take(1_000) {
        let mut line = Line::on(Model::new(Rules::default()));
        schedule.into_iter().for_each(|happening| line.happen(happening));
        let was_answered = |answer: &str| line.trace.iter().any(|one| one == answer);
        all += 1;
        along += u32::from(was_answered("(Done, 2)"));
        apart += u32::from(was_answered("(Apart, 2)"));
    }
    assert!(along > all / 4, "{along} of {all} take the next stage along");
    assert!(apart > all / 20, "{apart} of {all} find that they may not");
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
const COUNTER_GIVEN_TWICE: [Happening; 8] = {
    let [one, other] = [At { owner: 0, stage: 0 }, At { owner: 1, stage: 0 }];
    [
        Happening::Write(2),
        Happening::Step(one),
        Happening::Step(one),
        Happening::Hold(one),
        Happening::Rollback(3),
        Happening::Step(other),
        Happening::Step(other),
        Happening::Release(one),
    ]
};

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

/// The same schedules each time.
fn schedules() -> impl Iterator<Item = Vec<Happening>> {
    let mut runner = TestRunner::deterministic();
    let schedule = schedule();
    (0..ON_THE_MODEL).map(move |_| schedule.new_tree(&mut runner).unwrap().current())
}

/// Whether some schedule does.
fn breaks(rules: Rules) -> bool {
    schedules().any(|schedule| breaks_by(schedule, rules))
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
    assert!(breaks(Rules { second_fence: false, ..all }), "the fence of a stage taken along");
    assert!(
        breaks(Rules { second_position: false, ..all }),
        "that its memory is where its group is"
    );
    let without_done = Rules { second_done: false, ..all };
    assert!(breaks_by(SECOND_REMEMBERS_WHAT_IS_PENDING, without_done), "that it is done");
    assert!(breaks(Rules { second_at_end: false, ..all }), "that it was handed everything");
}

#[test]
fn a_counter_that_redis_gives_out_twice_makes_no_stale_commit_good() {
    let real = RedisServer::start();
    let mut line = Line::on(real.fresh());
    for happening in COUNTER_GIVEN_TWICE {
        line.happen(happening);
        line.check().unwrap();
    }
    assert_eq!(line.trace.last().unwrap(), "(Fenced, 1)");
    line.come_to_rest();
    line.check_at_rest().unwrap();
}

/// The server loses what both stages have written and that the first was handed a frame. The first
/// begins anew and is handed the frame again; the second does not know yet that its connection is
/// lost, and its fence is still good.
const SECOND_REMEMBERS_WHAT_IS_LOST: [Happening; 10] = {
    let [first, second] = [At { owner: 0, stage: 0 }, At { owner: 0, stage: 1 }];
    [
        Happening::Write(2),
        Happening::Step(second),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Rollback(2),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Step(first),
    ]
};

/// The server loses that the second has committed a frame, which is pending again: its group is
/// where its memory is all the same.
const SECOND_REMEMBERS_WHAT_IS_PENDING: [Happening; 13] = {
    let [first, second] = [At { owner: 0, stage: 0 }, At { owner: 0, stage: 1 }];
    [
        Happening::Write(2),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Step(first),
        Happening::StrayRead(1),
        Happening::Step(second),
        Happening::Step(second),
        Happening::Rollback(1),
        Happening::Step(first),
        Happening::Step(first),
        Happening::Write(2),
        Happening::Step(first),
        Happening::Step(first),
    ]
};

#[test]
fn a_stage_is_not_taken_along_with_a_memory_of_what_the_server_has_lost() {
    let real = RedisServer::start();
    let schedules = [&SECOND_REMEMBERS_WHAT_IS_LOST[..], &SECOND_REMEMBERS_WHAT_IS_PENDING];
    for schedule in schedules {
        let mut line = Line::on(real.fresh());
        for happening in schedule {
            line.happen(*happening);
            line.check().unwrap();
        }
        assert_eq!(line.trace.last().unwrap(), "(Apart, 2)");
        line.come_to_rest();
        line.check_at_rest().unwrap();
    }
}
