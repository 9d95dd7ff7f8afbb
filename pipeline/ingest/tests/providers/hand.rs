//! A clock that is set by hand, and what else the tests share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use marabet_ingest::clock::Clock;
use marabet_ingest::desk::Desk;
use marabet_ingest::names::Names;
use marabet_ingest::polite::{Polite, PoliteSettings};
use marabet_ingest::{Batch, Source};
use marabet_schemas::{Body, Event, Instant};

pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn at(text: &str) -> Arc<Self> {
        let hand = Self(AtomicI64::new(0));
        hand.set(text);
        Arc::new(hand)
    }

    pub(crate) fn set(&self, text: &str) {
        self.0.store(text.parse::<Instant>().unwrap().micros(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// A client that waits only a little.
pub(crate) fn settings(base_url: &str) -> PoliteSettings {
    PoliteSettings {
        timeout: Duration::from_millis(700),
        retries: 1,
        first_wait: Duration::from_millis(5),
        per_minute: 60_000,
        ..PoliteSettings::at(base_url)
    }
}

pub(crate) fn client(settings: PoliteSettings, clock: &Arc<Hand>) -> Polite {
    Polite::new(settings, Arc::<Hand>::clone(clock)).unwrap()
}

pub(crate) fn desk(name: &str) -> Desk {
    Desk::open(name.into(), Names::in_memory(), 600, None).unwrap()
}

/// The next batch, which comes soon.
pub(crate) async fn next(source: &mut dyn Source) -> Batch {
    let soon = Duration::from_secs(20);
    tokio::time::timeout(soon, source.next()).await.unwrap().unwrap().unwrap()
}

/// Events as `home kind detail`.
pub(crate) fn told(events: &[Event]) -> Vec<String> {
    let one = |event: &Event| {
        let home = event.key.as_ref().unwrap().home();
        let detail = match &event.body {
            Body::Quote(quote) => {
                let odds: Vec<f64> = quote.odds.iter().map(|odds| odds.decimal()).collect();
                format!("{} {} {odds:?}", quote.book, quote.market)
            }
            Body::Withdrawn(gone) => match gone.market {
                Some(market) => format!("{} {market}", gone.book),
                None => gone.book.to_string(),
            },
            Body::Seen(seen) => seen.book.to_string(),
            Body::Fixture(fixture) => format!("{:?}", fixture.status),
            Body::Result(result) => format!("{:?} {:?}", result.status, result.score),
            Body::Named(named) => named.home.clone(),
            _ => String::new(),
        };
        format!("{home} {} {detail}", event.kind().name()).trim_end().to_owned()
    };
    events.iter().map(one).collect()
}

/// A folder of the real data, or none: then the test says so, and fails where data are demanded.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let data = std::env::var_os("MARABET_DATA").map(PathBuf::from);
    if data.is_none() {
        let demanded = std::env::var_os("MARABET_DATA_DEMANDED").is_some();
        assert!(!demanded, "MARABET_DATA is demanded and not set");
        eprintln!("skipped: MARABET_DATA is not set, so there is no {folder} to read");
    }
    data.map(|data| data.join(folder))
}
