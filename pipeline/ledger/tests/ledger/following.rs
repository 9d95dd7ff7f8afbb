//! The log is taken in exactly once, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use marabet_ledger::{Filed, Ledger, LedgerError, follow, rebuild};
use marabet_streams::{Shutdown, ShutdownTrigger, Stream};
use tokio::task::JoinHandle;

use crate::story::{Story, story};
use crate::support::{Database, Kept, Line, on_both, until};

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

fn start(line: &Line, ledger: &Ledger, filed: &Filed) -> (ShutdownTrigger, JoinHandle<()>) {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let (log, ledger, filed) = (line.log.clone(), ledger.clone(), filed.clone());
    (trigger, tokio::spawn(async move { follow(&log, &ledger, filed, shutdown).await.unwrap() }))
}

/// Lets a follower take in all there is, and ends it.
async fn follow_to_the_end(line: &Line, ledger: &Ledger, filed: &Filed) {
    let (trigger, following) = start(line, ledger, filed);
    until_caught_up(line, ledger).await;
    trigger.ask();
    following.await.unwrap();
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
        follow_to_the_end(&line, &ledger, &None).await;
        let taken = views(&database).await;
        assert_eq!((taken[1].len(), taken[2].len()), (60, 60));

        let rebuilt = rebuild(&line.log, &ledger, &None).await.unwrap();
        assert_eq!(rebuilt.bets, 60);
        assert_eq!(views(&database).await, taken);
    }
);

on_both!(a_follower_that_is_cut_off_anywhere_goes_on_where_it_was, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(200));
    let ledger = database.ledger().await;
    for (bets, pause_ms) in story.bets.chunks(story.bets.len() / 4 + 1).zip([1, 700, 2100, 2300]) {
        line.append(Stream::Bets, bets).await;
        let (_trigger, following) = start(&line, &ledger, &None);
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        // Between any two steps: nothing is given back, and no transaction is ended.
        following.abort();
        let _ = following.await;
    }
    line.append(Stream::Grants, &story.grants).await;
    follow_to_the_end(&line, &ledger, &None).await;
    let taken = views(&database).await;
    assert_eq!((taken[1].len(), taken[2].len()), (200, 200));
    rebuild(&line.log, &ledger, &None).await.unwrap();
    assert_eq!(views(&database).await, taken);
});

on_both!(
    a_ledger_that_is_rebuilt_while_it_is_followed_misses_nothing,
    async |database: Database| {
        let (line, story) = (Line::start(2).await, story(240));
        let ledger = database.ledger().await;
        let (trigger, following) = start(&line, &ledger, &None);
        let (log, rebuilt) = (line.log.clone(), ledger.clone());
        let rebuilding = tokio::spawn(async move {
            for _ in 0..3 {
                rebuild(&log, &rebuilt, &None).await.unwrap();
            }
        });
        // More comes before, while and after each rebuild.
        let mut grants = story.grants.chunks(story.grants.len() / 8 + 1);
        for bets in story.bets.chunks(story.bets.len() / 8 + 1) {
            line.append(Stream::Bets, bets).await;
            line.append(Stream::Grants, grants.next().unwrap_or_default()).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        rebuilding.await.unwrap();
        until_caught_up(&line, &ledger).await;
        trigger.ask();
        following.await.unwrap();
        let taken = views(&database).await;
        assert_eq!((taken[1].len(), taken[2].len()), (240, 240));
        rebuild(&line.log, &ledger, &None).await.unwrap();
        assert_eq!(views(&database).await, taken);
    }
);

on_both!(a_rebuild_that_is_cut_off_has_changed_nothing, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(60));
    let ledger = database.ledger().await;
    told(&line, &story).await;
    follow_to_the_end(&line, &ledger, &None).await;
    let taken = views(&database).await;
    for pause_ms in [1, 10, 40] {
        // Something young, so that it has to wait for it to be durable.
        line.append(Stream::Grants, &story.grants[..1]).await;
        let (log, rebuilt) = (line.log.clone(), ledger.clone());
        let rebuilding = tokio::spawn(async move { rebuild(&log, &rebuilt, &None).await });
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        rebuilding.abort();
        let _ = rebuilding.await;
        assert_eq!(views(&database).await, taken, "after {pause_ms} ms");
    }
});

on_both!(what_the_log_has_dropped_is_drawn_from_where_it_is_filed, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(90));
    let ledger = database.ledger().await;
    told(&line, &story).await;
    follow_to_the_end(&line, &ledger, &None).await;
    let taken = views(&database).await;

    let kept: Filed = Some(Arc::new(Kept::all_of(&line.log).await));
    // Of one stream all is gone, of the other the beginning.
    line.trim(Stream::Grants, 0, 0).await;
    line.trim(Stream::Bets, 0, 4).await;
    line.trim(Stream::Bets, 1, 4).await;
    for filed in [None, Some(Arc::new(Kept::default()) as _)] {
        let error = rebuild(&line.log, &ledger, &filed).await.unwrap_err();
        assert!(matches!(error, LedgerError::Dropped { .. }), "{error}");
        assert!(error.to_string().contains("archive.location"), "{error}");
        assert_eq!(views(&database).await, taken, "a rebuild that fails changes nothing");
    }
    rebuild(&line.log, &ledger, &kept).await.unwrap();
    assert_eq!(views(&database).await, taken);

    // A follower whose ledger is an older one, as from a backup, draws from there too.
    database
        .say("DELETE FROM grants; DELETE FROM movements; DELETE FROM offsets; DELETE FROM bets")
        .await;
    follow_to_the_end(&line, &ledger, &kept).await;
    assert_eq!(views(&database).await, taken);
});

on_both!(a_ledger_that_is_set_back_under_its_follower_is_made_whole, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(80));
    let ledger = database.ledger().await;
    let (first, rest) = story.bets.split_at(story.bets.len() / 2);
    line.append(Stream::Bets, first).await;
    line.append(Stream::Grants, &story.grants).await;
    let (trigger, following) = start(&line, &ledger, &None);
    until_caught_up(&line, &ledger).await;
    database
        .say(
            "DELETE FROM bets; DELETE FROM settlements; DELETE FROM movements; DELETE FROM offsets",
        )
        .await;
    line.append(Stream::Bets, rest).await;
    line.append(Stream::Grants, &story.grants[..1]).await;
    until_caught_up(&line, &ledger).await;
    trigger.ask();
    following.await.unwrap();
    let taken = views(&database).await;
    assert_eq!((taken[1].len(), taken[2].len()), (80, 80));
    rebuild(&line.log, &ledger, &None).await.unwrap();
    assert_eq!(views(&database).await, taken);
});

on_both!(what_the_group_has_and_the_ledger_lost_is_read_again, async |database: Database| {
    let (line, story) = (Line::start(2).await, story(20));
    let ledger = database.ledger().await;
    told(&line, &story).await;
    follow_to_the_end(&line, &ledger, &None).await;
    let taken = views(&database).await;

    // As after the restoration of an older backup.
    database
        .say(
            "DELETE FROM bets; DELETE FROM settlements; DELETE FROM movements; DELETE FROM offsets",
        )
        .await;
    let (_trigger, _following) = start(&line, &ledger, &None);
    until_caught_up(&line, &ledger).await;
    assert_eq!(views(&database).await, taken);
});

on_both!(a_ledger_above_the_end_of_the_log_says_so_and_stops, async |database: Database| {
    let line = Line::start(1).await;
    let ledger = database.ledger().await;
    database.say("INSERT INTO offsets VALUES ('bets', 0, 99, 0)").await;
    let error = follow(&line.log, &ledger, None, Shutdown::never()).await.unwrap_err();
    assert!(error.to_string().contains("rolled back"), "{error}");

    let other = Line::start(3).await;
    let error = follow(&other.log, &ledger, None, Shutdown::never()).await.unwrap_err();
    assert!(error.to_string().contains("mb/1") && error.to_string().contains("mb/3"), "{error}");
});
