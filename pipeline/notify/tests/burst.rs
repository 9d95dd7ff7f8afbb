//! Ten thousand bets at once, told by a Telegram that limits, fails, hangs and resets, by a
//! notifier that is cut off on the way.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "figures are a part of the test")]

mod support;
#[path = "support/web.rs"]
mod web;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marabet_notify::clock::Clock;
use marabet_notify::outbox::{Entry, State};
use marabet_notify::secret::Secret;
use marabet_notify::telegram::{Bot, BotOptions};
use marabet_notify::{Audience, Breaker, LogOutbox, Notifier, NotifierOptions};
use marabet_schemas::frame::encode;
use marabet_schemas::{BetId, Event, Instant, MatchKey};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, ShutdownTrigger, Stream,
};
use serde_json::json;
use support::{FOUND, grant, instant};
use web::{Reply, Request, Web};

const BETS: u32 = 10_000;
/// Messages a second that the server takes from one chat; beyond it, 429.
const LIMIT: usize = 60;
/// How long the bets last, in seconds.
const LAST_S: i64 = 40;

/// The wall, counted from when the bets are found.
struct Since(std::time::Instant);

impl Clock for Since {
    fn now(&self, _: Instant) -> Instant {
        instant(FOUND).plus_seconds(i64::try_from(self.0.elapsed().as_secs()).unwrap())
    }
}

fn bet(number: u32) -> Event {
    let key: MatchKey = format!("E0|2024-25|H{number}|A{number}|1").parse().unwrap();
    let mut grant = grant();
    grant.value_bet.bet = BetId::of(&"sharp".into(), &key, "1x2:home", 0, 0);
    grant.value_bet.expires = instant(FOUND).plus_seconds(LAST_S);
    Event::of(key, instant(FOUND), grant)
}

/// The bets that a message tells of, each with whether it is marked as perhaps a repetition.
fn told_in(text: &str) -> Vec<(u32, bool)> {
    text.lines()
        .filter_map(|line| {
            let (before, rest) = line.split_once('H')?;
            let number = rest.split(' ').next()?.parse().ok()?;
            Some((number, before.contains("(?)") || before.contains("perhaps")))
        })
        .collect()
}

/// A Telegram in trouble: of every hundred messages some fail, each in its way.
struct Trouble {
    count: AtomicU32,
    minute: Mutex<Vec<std::time::Instant>>,
    told: Mutex<Vec<(u32, bool)>>,
    troubles: [AtomicU32; 5],
}

impl Trouble {
    fn react(&self, request: &Request) -> Reply {
        let text = request.json()["text"].as_str().unwrap_or_default().to_owned();
        let error = |code: u16| {
            let body = json!({ "ok": false, "error_code": code, "description": "trouble",
                "parameters": if code == 429 { json!({ "retry_after": 1 }) } else { json!({}) } });
            Reply::Answer(code, body.to_string())
        };
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut lately = self.minute.lock().unwrap();
        lately.retain(|at| at.elapsed() < Duration::from_secs(1));
        if lately.len() >= LIMIT {
            self.troubles[0].fetch_add(1, Ordering::Relaxed);
            return error(429);
        }
        lately.push(std::time::Instant::now());
        let number = match count % 100 {
            17 => 1,
            31 | 59 => 2,
            73 => 3,
            // It takes the message, and its answer is lost.
            89 => 4,
            _ => 0,
        };
        if number > 0 {
            self.troubles[number].fetch_add(1, Ordering::Relaxed);
        }
        match number {
            1 => error(429),
            2 => error(500),
            3 => Reply::Hang,
            _ => {
                self.told.lock().unwrap().extend(told_in(&text));
                if number == 4 {
                    return Reply::Reset;
                }
                Reply::Answer(200, json!({ "ok": true, "result": { "message_id": 1 } }).to_string())
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_burst_every_bet_is_told_in_order_or_recorded_as_expired_and_none_twice_unmarked() {
    let folder = tempfile::tempdir().unwrap();
    let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
    let open = || async {
        let namespace = Namespace::new("mb", 1).unwrap();
        Log::open(&redis.url(), namespace, LogOptions::default()).await.unwrap()
    };
    let log = open().await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let events: Vec<Event> = (0..BETS).map(bet).collect();
    for frame in events.chunks(100) {
        let mut add = redis::cmd("XADD");
        add.arg(log.namespace().stream(Stream::Grants, 0)).arg("*");
        add.arg("n").arg(frame.len()).arg("d").arg(encode(frame));
        add.query_async::<String>(&mut connection).await.unwrap();
    }

    let trouble = Arc::new(Trouble {
        count: AtomicU32::new(0),
        minute: Mutex::default(),
        told: Mutex::default(),
        troubles: Default::default(),
    });
    let reacts = Arc::clone(&trouble);
    let web = Web::start(move |request| reacts.react(request)).await;
    let began = std::time::Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(Since(began));
    let start = |log: Log| {
        let options = BotOptions { url: web.url.clone(), overall_a_second: 50, chat_a_second: 50 };
        let channel = Breaker::new(Bot::new(Secret::new("t"), options).chat("chat", "1"));
        let options = NotifierOptions {
            attempts_max: 1_000,
            send_timeout: Duration::from_secs(1),
            pause: Duration::from_millis(50),
            audience: Audience::default(),
            ..NotifierOptions::default()
        };
        let outbox = Arc::new(LogOutbox::new(&log));
        let notifier = Notifier::new(Arc::new(channel), outbox, Arc::clone(&clock), options);
        let (trigger, shutdown) = ShutdownTrigger::new();
        let task = tokio::spawn(async move {
            marabet_notify::run(&log, &notifier, shutdown).await.unwrap();
        });
        (trigger, task)
    };

    // Cut off in the middle of a message, as a process that is killed.
    let (_trigger, task) = start(open().await);
    while trouble.told.lock().unwrap().len() < 1_500 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    task.abort();
    let (_trigger, _task) = start(open().await);
    let mut states = BTreeMap::new();
    while began.elapsed() < Duration::from_secs(70) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let outbox = log.outbox("chat").await.unwrap();
        states.clear();
        for text in outbox.values() {
            let entry: Entry = serde_json::from_str(text).unwrap();
            *states.entry(entry.state).or_insert(0_u32) += 1;
        }
        let open = states.get(&State::Claimed).copied().unwrap_or(0);
        if outbox.len() == BETS as usize && open == 0 {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();

    let told = trouble.told.lock().unwrap().clone();
    let mut times: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
    let mut highest = 0;
    for (number, marked) in &told {
        times.entry(*number).or_default().push(*marked);
        // A repetition comes late; what is told for the first time keeps its order.
        if !marked {
            assert!(*number >= highest, "bet {number} was told after bet {highest}");
            highest = *number;
        }
    }
    let repeated = times.values().filter(|times| times.len() > 1).count();
    for (number, times) in &times {
        assert!(times[1..].iter().all(|marked| *marked), "bet {number} came twice unmarked");
    }
    let troubles: Vec<u32> =
        trouble.troubles.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    eprintln!(
        "{BETS} bets in {seconds:.1} s: {states:?}; {} told in {} messages, {repeated} of them \
         again and marked so; 429 by the limit {}, 429 {}, 500 {}, no answer {}, answer lost {}",
        times.len(),
        trouble.count.load(Ordering::Relaxed),
        troubles[0],
        troubles[1],
        troubles[2],
        troubles[3],
        troubles[4]
    );
    assert_eq!(states.values().sum::<u32>(), BETS, "{states:?}");
    let known = [State::Sent, State::Expired, State::Unknown];
    assert!(states.keys().all(|state| known.contains(state)), "{states:?}");
    let sent = states.get(&State::Sent).copied().unwrap_or(0);
    assert!(times.len() as u32 >= sent, "what is recorded as sent was told");
    assert!(sent > BETS / 2, "{states:?}");
    assert!(troubles.iter().skip(1).all(|count| *count > 0), "{troubles:?}");
}
