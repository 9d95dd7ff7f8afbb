//! Fetching and polling the site, against a server on loopback.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant as Moment};

use marabet_ingest::clock::Clock;
use marabet_ingest::football_data::fetch::{FetchError, FetchSettings, Fetcher};
use marabet_ingest::football_data::upcoming::{Upcoming, UpcomingSettings};
use marabet_ingest::seasons::Wish;
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_ingest::{Batch, Source, SourceError};
use marabet_schemas::{Body, Instant};
use support::web::{Answer, Web};

/// Serves the seasons that begin in 2021 to 2024, simulated, as those of `E0`.
fn serve_seasons(web: &Web) {
    let settings =
        Settings { sides: 6, relegated: 1, competition: "E0".into(), ..Settings::default() };
    let folder = tempfile::tempdir().unwrap();
    for path in Simulation::new(settings).unwrap().write_csv(folder.path()).unwrap() {
        let season = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = Answer::File(std::fs::read(&path).unwrap());
        web.answer(&format!("/mmz4281/{season}/E0.csv"), file);
    }
}

fn fetcher(web: &Web, cache: &Path) -> Fetcher {
    Fetcher::new(FetchSettings {
        base_url: web.base_url.clone(),
        pause: Duration::from_millis(1),
        time_max: Duration::from_secs(2),
        ..FetchSettings::into_cache(cache.to_owned())
    })
}

fn path(season: &str) -> String {
    format!("/mmz4281/{season}/E0.csv")
}

#[test]
fn four_seasons_are_fetched_once_and_then_only_asked_after() {
    let (web, cache) = (Web::start(), tempfile::tempdir().unwrap());
    serve_seasons(&web);
    let choice = fetcher(&web, cache.path()).choose(&Wish::default(), 2025).unwrap();
    assert_eq!(choice.streamed.season, "2024-25");
    let before: Vec<&str> = choice.before.iter().map(|season| &*season.season).collect();
    assert_eq!(before, ["2021-22", "2022-23", "2023-24"]);
    let asked = [("2526", 404), ("2425", 200), ("2324", 200), ("2223", 200), ("2122", 200)];
    assert_eq!(web.requests(), asked.map(|(season, status)| (path(season), status)));

    // What is over is not asked for; what could change is, with its validators.
    let again = fetcher(&web, cache.path()).choose(&Wish::default(), 2025).unwrap();
    assert_eq!(again, choice);
    assert_eq!(web.requests(), [(path("2526"), 404), (path("2425"), 304)]);
}

#[test]
fn what_was_fetched_serves_when_the_site_is_away() {
    let (web, cache) = (Web::start(), tempfile::tempdir().unwrap());
    serve_seasons(&web);
    let choice = fetcher(&web, cache.path()).choose(&Wish::default(), 2025).unwrap();
    web.answer(&path("2526"), Answer::Status(503, None));
    assert_eq!(fetcher(&web, cache.path()).choose(&Wish::default(), 2025).unwrap(), choice);
}

#[test]
fn fetching_gives_up_with_the_reason_within_its_time() {
    let (web, cache) = (Web::start(), tempfile::tempdir().unwrap());
    serve_seasons(&web);
    let fails = |answer: Answer, reason: &str| {
        web.answer(&path("2425"), answer);
        let began = Moment::now();
        let error = fetcher(&web, cache.path()).choose(&Wish::default(), 2025).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}", began.elapsed());
        assert!(!cache.path().join("2425/E0.csv").exists());
        error
    };
    fails(Answer::Silence, "no answer within 2.");
    fails(Answer::Status(500, None), "answered 500");
    fails(Answer::Cut(vec![b'x'; 100]), "cannot be reached");
    let page = Answer::File(b"<html>300 Multiple Choices</html>".to_vec());
    let error = fails(page, "no file of results");
    assert!(matches!(error, FetchError::NoCsv { .. }));
    fails(Answer::File(vec![b'x'; 21 << 20]), "larger than");
}

#[test]
fn without_a_network_the_message_says_what_to_do() {
    let cache = tempfile::tempdir().unwrap();
    let nowhere = FetchSettings {
        base_url: "http://127.0.0.1:9".to_owned(),
        ..FetchSettings::into_cache(cache.path().to_owned())
    };
    let error = Fetcher::new(nowhere).choose(&Wish::default(), 2025).unwrap_err().to_string();
    assert!(error.contains("cannot be reached") && error.contains("--data"), "{error}");
}

/// A clock that is set by hand.
#[derive(Default)]
struct Hand(AtomicI64);

impl Hand {
    fn set(&self, text: &str) {
        self.0.store(text.parse::<Instant>().unwrap().micros(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::Relaxed))
    }
}

const LIST: &str = "\u{feff}Div,Date,Time,HomeTeam,AwayTeam,B365H,B365D,B365A,PSH,PSD,PSA\n\
                    E0,17/08/2024,15:00,Arsenal,Wolves,1.18,7.5,13,1.2,7.9,15\n\
                    SC0,17/08/2024,15:00,Celtic,Hearts,1.3,5.5,9,,,\n";

const SEASON: &str = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,HS,AS,PSH,PSD,PSA,PSCH,PSCD,PSCA\n\
                      E0,16/08/2024,20:00,Man United,Fulham,1,0,H,14,10,1.6,4.2,5.2,1.61,4.3,5.3\n";

struct Polled {
    web: Web,
    clock: Arc<Hand>,
    source: Upcoming,
}

impl Polled {
    fn start() -> Self {
        let (web, clock) = (Web::start(), Arc::new(Hand::default()));
        web.answer("/fixtures.csv", Answer::File(LIST.into()));
        clock.set("2024-08-16T17:30:00Z");
        let settings = UpcomingSettings {
            base_url: web.base_url.clone(),
            competitions: ["E0".into()].into(),
            every: Duration::from_millis(20),
            time_max: Duration::from_secs(2),
            ..UpcomingSettings::default()
        };
        let source = Upcoming::new(settings, Arc::<Hand>::clone(&clock));
        Self { web, clock, source }
    }

    async fn next(&mut self) -> Batch {
        self.source.next().await.unwrap().unwrap()
    }
}

fn kinds(batch: &Batch) -> Vec<&'static str> {
    batch.events.iter().map(|event| event.kind().name()).collect()
}

#[tokio::test]
async fn coming_matches_are_reported_as_they_are_seen_and_then_only_what_changed() {
    let mut polled = Polled::start();
    let first = polled.next().await;
    assert_eq!(kinds(&first), ["fixture", "quote", "quote"]);
    assert_eq!((first.first, first.rejects.len()), (None, 0));
    for event in &first.events {
        assert_eq!(event.at.to_string(), "2024-08-16T17:30:00Z");
        assert_eq!(event.key.as_ref().unwrap().as_str(), "E0|2024-25|Arsenal|Wolves|1");
        assert!(!event.assumed);
    }
    // Looks that show nothing new bring no batch; the next one has a price that moved, one that
    // is gone, and a row that is none.
    let waited = tokio::time::timeout(Duration::from_millis(150), polled.source.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    let asked = polled.web.requests();
    assert!(asked.iter().filter(|(path, _)| path == "/fixtures.csv").count() > 3, "{asked:?}");
    assert!(asked[2..].iter().all(|(_, status)| [304, 404].contains(status)), "{asked:?}");

    let moved =
        LIST.replace("1.18,7.5,13,1.2,7.9,15", "1.17,7.5,13,,,") + "E0,yesterday,,A,B,,,,,,\n";
    polled.web.answer("/fixtures.csv", Answer::File(moved.into()));
    let second = polled.next().await;
    assert_eq!(kinds(&second), ["quote", "withdrawn"]);
    assert_eq!(second.rejects.len(), 1);
    let waited = tokio::time::timeout(Duration::from_millis(100), polled.source.next()).await;
    assert!(waited.is_err(), "a reject was reported twice: {waited:?}");
}

#[tokio::test]
async fn a_result_comes_with_its_closing_prices_and_the_match_is_closed_in_time() {
    let mut polled = Polled::start();
    polled.next().await;
    polled.web.answer("/mmz4281/2425/E0.csv", Answer::File(SEASON.into()));
    polled.clock.set("2024-08-16T23:00:00Z");
    let result = polled.next().await;
    let (about_it, about_others): (Vec<_>, Vec<_>) =
        kinds(&result).into_iter().partition(|kind| *kind != "seen");
    assert_eq!(about_it, ["quote", "fixture", "result", "stats"]);
    assert_eq!(about_others.len(), 2, "the books of the match to come were seen");
    let closing = &result.events[0];
    assert_eq!((closing.at.to_string(), closing.assumed), ("2024-08-16T18:59:00Z".into(), true));
    assert_eq!(result.events[2].at, polled.clock.now());

    polled.clock.set("2024-08-19T12:00:00Z");
    let closed = polled.next().await;
    assert_eq!(kinds(&closed), ["match.closed"]);
    let waited = tokio::time::timeout(Duration::from_millis(100), polled.source.next()).await;
    assert!(waited.is_err(), "what is closed was reported again: {waited:?}");
}

#[tokio::test]
async fn a_site_in_trouble_is_waited_for_and_the_state_kept() {
    let mut polled = Polled::start();
    let first = polled.next().await;
    polled.web.answer("/fixtures.csv", Answer::Status(429, Some(7)));
    let error = polled.source.next().await.unwrap_err();
    let SourceError::Transient { reason, retry_after_ms } = error else { panic!("{error}") };
    assert!(reason.contains("429") && retry_after_ms == Some(7000), "{reason}");
    polled.web.answer("/fixtures.csv", Answer::File(b"<html>".to_vec()));
    assert!(matches!(polled.source.next().await, Err(SourceError::Transient { .. })));
    polled.web.answer("/fixtures.csv", Answer::File(LIST.replace("1.18", "1.19").into()));
    assert_eq!(kinds(&polled.next().await), ["quote"]);

    // A restart that knows the log reports only what changed.
    let mut again = Polled::start();
    first.events.iter().for_each(|event| again.source.observe(event));
    again.web.answer("/fixtures.csv", Answer::File(LIST.replace("1.2,7.9", "1.21,7.9").into()));
    let changed = again.next().await;
    assert_eq!(kinds(&changed), ["quote"]);
    assert!(matches!(&changed.events[0].body, Body::Quote(q) if q.book.as_str() == "pinnacle"));
}
