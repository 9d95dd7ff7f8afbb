//! A database that is away: the ledger lags and loses nothing.

use std::time::Duration;

use marabet_ledger::{Ledger, LedgerError, follow};
use marabet_streams::{Shutdown, Stream};

use crate::story::story;
use crate::support::{Database, Line, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_the_log_keeps_what_comes_and_then_all_is_there() {
    let mut database = Database::postgres();
    let (line, story) = (Line::start(2).await, story(100));
    let ledger = database.ledger().await;
    let (log, following) = (line.log.clone(), ledger.clone());
    let task = tokio::spawn(async move { follow(&log, &following, None, Shutdown::never()).await });
    let (first, rest) = story.bets.split_at(story.bets.len() / 2);
    line.append(Stream::Bets, first).await;
    tokio::time::sleep(Duration::from_millis(2_300)).await;

    let Database::Postgres(server) = &mut database else { unreachable!("it is PostgreSQL") };
    server.kill();
    line.append(Stream::Bets, rest).await;
    line.append(Stream::Grants, &story.grants).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!task.is_finished());
    server.begin();
    until("the ledger has caught up", || async {
        let status = ledger.status(&line.log).await;
        status.is_ok_and(|status| status.streams.iter().all(|one| one.taken == one.last))
    })
    .await;
    assert_eq!(database.rows("bets", "bet").await.len(), 100);
    assert_eq!(database.rows("grants", "bet").await.len(), 100);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let error = Ledger::open("postgres://bettor:s3cret@127.0.0.1:1/bets?sslmode=disable")
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::Away { .. }), "{error}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("127.0.0.1:1/bets") && !shown.contains("s3cret"), "{shown}");
}
