//! The log is taken in exactly once, whatever happens on the way.

use std::time::Duration;

use marabet_ledger::{Ledger, follow, rebuild};
use marabet_streams::{ShutdownTrigger, Stream};
use tokio::task::JoinHandle;

use crate::story::{Story, story};
use crate::support::{Database, Line, on_both, until};

/// The tables that follow from the log, with what matters of them.
const VIEWS: [(&str, &str); 7] = [
    ("offsets", "stream partition entry_ms entry_seq"),
    ("bets", "bet strategy match_key book odds ev revision shown_odds found_at address"),
    ("grants", "bet stake asked bankroll currency capped_by"),
    ("placements", "bet word said_at book odds net_odds stake void_at"),
    ("settlements", "bet revision outcome profit settled_at"),
    ("accounts", "strategy start currency config"),
    ("movements", "id strategy moved_at cause amount"),
];

async fn views(database: &Database) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for (table, columns) in VIEWS {
        all.push(database.rows(table, columns).await);
    }
    all
}

fn start(line: &Line, ledger: &Ledger) -> (ShutdownTrigger, JoinHandle<()>) {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let (log, ledger) = (line.log.clone(), ledger.clone());
    (trigger, tokio::spawn(async move { follow(&log, &ledger, shutdown).await.unwrap() }))
}

async fn until_caught_up(line: &Line, ledger: &Ledger) {
    until("the ledger has caught up", || async {
        let status = ledger.status(&line.log).await.unwrap();
        status.streams.iter().all(|one| one.taken == one.last)
    })
    .await;
}

async fn told(line: &Line, story: &Story) {
    line.append(Stream::Bets, &story.bets).await;
    line.append(Stream::Grants, &story.grants).await;
}

on_both!(
    each_event_is_taken_in_once_and_a_rebuild_writes_the_same_rows,
    async |database: Database| {
        let (line, story) = (Line::start(2).await, story(60));
        let ledger = database.ledger().await;
        told(&line, &story).await;
        let (trigger, following) = start(&line, &ledger);
        until_caught_up(&line, &ledger).await;
        trigger.ask();
        following.await.unwrap();
        let taken = views(&database).await;
        assert_eq!((taken[1].len(), taken[2].len()), (60, 60));

        let rebuilt = rebuild(&line.log, &ledger).await.unwrap();
        assert_eq!(rebuilt.bets, 60);
        assert_eq!(views(&database).await, taken);
    }
);

on_both!(a_follower_that_is_cut_off_anywhere_goes_on_where_it_was, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(200));
    let ledger = database.ledger().await;
    for (bets, pause_ms) in story.bets.chunks(story.bets.len() / 4 + 1).zip([1, 700, 2100, 2300]) {
        line.append(Stream::Bets, bets).await;
        let (_trigger, following) = start(&line, &ledger);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        // Between any two steps: nothing is given back, and no transaction is ended.
        following.abort();
        let _ = following.await;
    }
    line.append(Stream::Grants, &story.grants).await;
    let (trigger, following) = start(&line, &ledger);
    until_caught_up(&line, &ledger).await;
    trigger.ask();
    following.await.unwrap();
    let taken = views(&database).await;
    assert_eq!((taken[1].len(), taken[2].len()), (200, 200));
    rebuild(&line.log, &ledger).await.unwrap();
    assert_eq!(views(&database).await, taken);
});

on_both!(what_the_group_has_and_the_ledger_lost_is_read_again, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(20));
    let ledger = database.ledger().await;
    told(&line, &story).await;
    let (trigger, following) = start(&line, &ledger);
    until_caught_up(&line, &ledger).await;
    trigger.ask();
    following.await.unwrap();
    let taken = views(&database).await;

    // As after the restoration of an older backup.
    database
        .say(
            "DELETE FROM bets; DELETE FROM settlements; DELETE FROM movements; DELETE FROM offsets",
        )
        .await;
    let (_trigger, _following) = start(&line, &ledger);
    until_caught_up(&line, &ledger).await;
    assert_eq!(views(&database).await, taken);
});

on_both!(a_ledger_above_the_end_of_the_log_says_so_and_stops, async |database: Database| {
    let line = Line::start(1).await;
    let ledger = database.ledger().await;
    database.say("INSERT INTO offsets VALUES ('bets', 0, 99, 0)").await;
    let error = follow(&line.log, &ledger, marabet_streams::Shutdown::never()).await.unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");

    let other = Line::start(3).await;
    let error = follow(&other.log, &ledger, marabet_streams::Shutdown::never()).await.unwrap_err();
    assert!(error.to_string().contains("mb/1") && error.to_string().contains("mb/3"), "{error}");
});
