//! Migrations: what is missing, once, in order; never a newer schema.

use marabet_ledger::{Ledger, LedgerError, MIGRATIONS};

use crate::support::{Database, on_both};

on_both!(a_dry_run_changes_nothing_and_a_migration_is_applied_once, async |database: Database| {
    let ledger = Ledger::connect(&database.url()).await.unwrap();
    for _ in 0..2 {
        let pending = ledger.pending().await.unwrap();
        assert_eq!((pending.version, &pending.missing[..]), (0, MIGRATIONS));
    }
    assert_eq!(ledger.migrate().await.unwrap().missing, MIGRATIONS);
    let pending = ledger.migrate().await.unwrap();
    assert_eq!((pending.version, pending.missing.len()), (MIGRATIONS.len() as i64, 0));
});

on_both!(processes_that_come_at_once_apply_it_once, async |database: Database| {
    let url = database.url();
    let opens: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Ledger::open(&url).await.map(|_| ()) })
        })
        .collect();
    for open in opens {
        open.await.unwrap().unwrap();
    }
    assert_eq!(database.rows("schema_migrations", "version name").await.len(), MIGRATIONS.len());
});

on_both!(a_newer_or_a_changed_schema_is_refused_by_name, async |database: Database| {
    database.ledger().await.close().await;
    database.say("UPDATE schema_migrations SET checksum = 'other'").await;
    let error = Ledger::open(&database.url()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Changed { version: 1, .. }), "{error}");

    database.say("DELETE FROM schema_migrations WHERE version = 1").await;
    database.say("INSERT INTO schema_migrations VALUES (99, 'later', 'x', 0)").await;
    let error = Ledger::open(&database.url()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("upgrade the program"), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
});
