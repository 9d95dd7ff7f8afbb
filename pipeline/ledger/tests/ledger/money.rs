//! The ledger's money is the portfolio's.

use marabet_ledger::follow;
use marabet_schemas::Money;
use marabet_streams::{Shutdown, Stream};

use crate::story::story;
use crate::support::{Database, Line, at, on_both, until};

on_both!(
    the_bankroll_is_the_portfolios_and_alerts_stand_apart_from_placed_bets,
    async |database: Database| {
        let (line, story) = (Line::start(2).await, story(80));
        let ledger = database.ledger().await;
        // The grants come first, then the bets: it must not matter.
        line.append(Stream::Grants, &story.grants).await;
        line.append(Stream::Bets, &story.bets).await;
        let (log, following) = (line.log.clone(), ledger.clone());
        tokio::spawn(async move { follow(&log, &following, None, Shutdown::never()).await });
        until("all is settled", || async {
            let status = ledger.status(&line.log).await.unwrap();
            status.streams.iter().all(|one| one.taken == one.last)
        })
        .await;

        let report = ledger.report(at(-60), at(10_000)).await.unwrap();
        let sharp = &report["sharp"];
        assert_eq!(sharp.bankroll, story.account.bankroll);
        assert_eq!((sharp.alerted.bets, sharp.placed.bets), (80, 20));
        assert_eq!(sharp.placed.staked, Money::from_cents(20 * 1_234));
        assert_eq!(sharp.equity.first().unwrap().1, story.account.start);
        assert_eq!(sharp.equity.last().unwrap().1, story.account.bankroll);

        // A period's report begins with what was owned then.
        let later = ledger.report(at(240), at(10_000)).await.unwrap();
        assert_eq!(later["sharp"].bankroll, story.account.bankroll);
        assert!(later["sharp"].alerted.bets < 80);
        assert_eq!(ledger.open_bets(10).await.unwrap(), []);
    }
);
