//! The ledger's own records.

use marabet_ledger::records::{
    BacktestRun, JobRecord, NameReview, Notification, Performance, Prediction,
};

use crate::support::{Database, at, on_both};

on_both!(a_record_that_is_written_twice_stands_once_and_reads_back, async |database: Database| {
    let ledger = database.ledger().await;
    let job = JobRecord {
        id: "1-0".to_owned(),
        kind: "train".to_owned(),
        queue: "ml".to_owned(),
        state: "running".to_owned(),
        attempt: 1,
        enqueued_at: at(0),
        started_at: Some(at(1)),
        ended_at: None,
        args: "{}".to_owned(),
        result: None,
        error: None,
    };
    let done = JobRecord {
        state: "done".to_owned(),
        ended_at: Some(at(2)),
        result: Some("{\"models\":3}".to_owned()),
        ..job.clone()
    };
    ledger.put_jobs(&[job.clone(), done.clone()]).await.unwrap();
    assert_eq!(ledger.jobs(10).await.unwrap(), [done]);

    let performance = Performance {
        competition: "E0".into(),
        at: at(5),
        from: at(0),
        to: at(4),
        matches: 380,
        rps: 0.21,
        log_loss: 0.99,
        rps_close: None,
        drifted: true,
    };
    for _ in 0..2 {
        ledger.put_performance(std::slice::from_ref(&performance)).await.unwrap();
    }
    assert_eq!(ledger.performance(&"E0".into(), 5).await.unwrap(), [performance]);

    let name = NameReview {
        source: "odds_api".to_owned(),
        competition: "E0".to_owned(),
        name: "Man U".to_owned(),
        candidates: "[\"Man United\"]".to_owned(),
        seen_at: at(0),
        team: None,
    };
    ledger.put_name(&name).await.unwrap();
    ledger.put_name(&name).await.unwrap();
    assert_eq!(ledger.names_in_doubt().await.unwrap(), std::slice::from_ref(&name));
    assert!(ledger.decide_name(&name, "Man United", at(9)).await.unwrap());
    assert_eq!(ledger.names_in_doubt().await.unwrap(), []);

    let prediction = Prediction {
        key: "E0|2024-25|A|B|1".parse().unwrap(),
        kickoff: at(60),
        model: 3,
        lambda: 1.5,
        mu: 1.1,
        probabilities: [0.5, 0.25, 0.25],
        at: at(0),
    };
    let newer = Prediction { model: 4, ..prediction.clone() };
    ledger.put_predictions(&[prediction, newer]).await.unwrap();
    assert_eq!(database.rows("predictions", "match_key model").await, ["E0|2024-25|A|B|1|4"]);

    let sent = |state: &str| Notification {
        channel: "mail".to_owned(),
        subject: "bet:1".to_owned(),
        state: state.to_owned(),
        at: at(0),
        attempts: 1,
        note: None,
    };
    ledger.put_notifications(&[sent("claimed"), sent("sent")]).await.unwrap();
    assert_eq!(database.rows("notifications", "channel state").await, ["mail|sent"]);

    let run = BacktestRun {
        id: "b1".to_owned(),
        name: "sharp".to_owned(),
        at: at(0),
        parameters: "{}".to_owned(),
        bets: 38,
        yield_: Some(-0.02),
        clv: None,
        report: "report.html".to_owned(),
    };
    ledger.put_backtest(&run).await.unwrap();
    ledger.put_backtest(&run).await.unwrap();
    assert_eq!(database.rows("backtest_runs", "name bets clv").await, ["sharp|38|-"]);
    ledger.optimise().await.unwrap();
});
