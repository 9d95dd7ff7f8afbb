//! The process that is killed: it runs all stages over its share.

use std::time::Duration;

use marabet_streams::{
    Log, LogOptions, Namespace, RunOptions, Shutdown, Stream, run_account, run_shared,
};

use crate::stages::Chain;

pub(crate) const PARTITIONS: u16 = 4;

pub(crate) fn options() -> LogOptions {
    LogOptions {
        connect_wait: Duration::from_secs(10),
        lease: Duration::from_millis(200),
        ..LogOptions::default()
    }
}

pub(crate) fn namespace() -> Namespace {
    Namespace::new("crash", PARTITIONS).unwrap()
}

/// Runs until it is killed.
pub(crate) fn run(url: &str) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let log = Log::open(url, namespace(), options()).await.unwrap();
        // Small batches: more moments to be killed at.
        let run = RunOptions { batch_events: 64, ..RunOptions::default() };
        let line = |name: &'static str, input, output| {
            run_shared(&log, input, output, &run, move || Chain::new(name), Shutdown::never())
        };
        let (first, second, account) = tokio::join!(
            line("first", Stream::Feed, Stream::Priced),
            line("second", Stream::Priced, Stream::Bets),
            run_account(
                &log,
                Stream::Bets,
                Stream::Grants,
                &run,
                Chain::new("account"),
                Shutdown::never()
            ),
        );
        first.and(second).and(account).unwrap();
    });
}
