//! Channels over a real log.

#![allow(clippy::unwrap_used, reason = "a test's support fails as its tests do")]

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use marabet_notify::clock::EventClock;
use marabet_notify::outbox::{Entry, State};
use marabet_notify::{Audience, Channel, LogOutbox, Message, Notifier, NotifierOptions, SendError};
use marabet_schemas::bets::Grant;
use marabet_schemas::{BetId, Event, frame};
use marabet_streams::{
    EmbeddedOptions, EmbeddedRedis, Log, LogOptions, Namespace, Shutdown, ShutdownTrigger, Stream,
};
use support::{event, grant, key};
use tempfile::TempDir;

struct Server {
    redis: EmbeddedRedis,
    _folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = EmbeddedRedis::start(folder.path(), EmbeddedOptions::default()).await.unwrap();
        Self { redis, _folder: folder }
    }

    async fn log(&self) -> Log {
        let namespace = Namespace::new("mb", 1).unwrap();
        Log::open(&self.redis.url(), namespace, LogOptions::default()).await.unwrap()
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let client = redis::Client::open(self.redis.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }

    /// Appends a frame to the grants.
    async fn grant(&self, log: &Log, events: &[Event]) {
        let stream = log.namespace().stream(Stream::Grants, 0);
        let mut command = redis::cmd("XADD");
        command.arg(stream).arg("*").arg("n").arg(events.len()).arg("d").arg(frame::encode(events));
        let _: String = self.ask(&command).await;
    }

    /// Grants that the channel's group was not handed or has not acknowledged.
    async fn unacknowledged(&self, log: &Log, channel: &str) -> usize {
        let stream = log.namespace().stream(Stream::Grants, 0);
        let mut command = redis::cmd("XPENDING");
        command.arg(&stream).arg(marabet_notify::group(channel));
        let pending: Vec<redis::Value> = self.ask(&command).await;
        match pending.first() {
            Some(redis::Value::Int(count)) => usize::try_from(*count).unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

/// A channel that takes its time with the first message.
#[derive(Default)]
struct Slow {
    first_takes: Duration,
    begun: AtomicU32,
    had: Mutex<Vec<Message>>,
}

#[async_trait]
impl Channel for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        if self.begun.fetch_add(1, Ordering::Relaxed) == 0 {
            tokio::time::sleep(self.first_takes).await;
        }
        self.had.lock().unwrap().push(message.clone());
        Ok(())
    }
}

impl Slow {
    fn had(&self) -> Vec<Message> {
        self.had.lock().unwrap().clone()
    }
}

/// A channel's loop in a process of its own, as far as Redis can tell.
async fn start(
    server: &Server,
    channel: &Arc<Slow>,
) -> (Log, ShutdownTrigger, tokio::task::JoinHandle<()>) {
    let audience = NotifierOptions::default().audience;
    start_for(server, channel, audience).await
}

/// A channel's loop that tells these readers.
async fn start_for(
    server: &Server,
    channel: &Arc<Slow>,
    audience: Audience,
) -> (Log, ShutdownTrigger, tokio::task::JoinHandle<()>) {
    let log = server.log().await;
    let (trigger, shutdown): (_, Shutdown) = ShutdownTrigger::new();
    let send_timeout = Duration::from_secs(60);
    let options = NotifierOptions { send_timeout, audience, ..Default::default() };
    let outbox = Arc::new(LogOutbox::new(&log));
    let notifier = Notifier::new(channel.clone(), outbox, Arc::new(EventClock), options);
    let process = log.clone();
    let task = tokio::spawn(async move {
        marabet_notify::run(&process, &notifier, shutdown).await.unwrap();
    });
    (log, trigger, task)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: not within 20 s");
}

fn granted(number: u16) -> Grant {
    let mut grant = grant();
    grant.value_bet.bet = BetId::of(&"sharp".into(), &key(), "1x2:home", number, 0);
    grant
}

async fn states(log: &Log) -> Vec<State> {
    let entries = log.outbox("slow").await.unwrap();
    entries.values().map(|json| serde_json::from_str::<Entry>(json).unwrap().state).collect()
}

#[tokio::test]
async fn grants_are_told_in_order_once_and_acknowledged() {
    let server = Server::start().await;
    let channel = Arc::new(Slow::default());
    let (log, trigger, task) = start(&server, &channel).await;
    let events: Vec<Event> = (0..5).map(|number| event(granted(number))).collect();
    server.grant(&log, &events[..2]).await;
    server.grant(&log, &events[2..]).await;
    // The same bet again, as a revision of it comes.
    server.grant(&log, &events[..1]).await;
    until("all is told", async || channel.had().len() == 5).await;
    until("all is acknowledged", async || server.unacknowledged(&log, "slow").await == 0).await;
    let told: Vec<String> = channel.had().into_iter().map(|message| message.key).collect();
    let expected: Vec<String> =
        (0..5).map(|number| format!("bet:{}", granted(number).value_bet.bet)).collect();
    assert_eq!(told, expected);
    assert_eq!(states(&log).await, [State::Sent; 5]);
    trigger.ask();
    task.await.unwrap();

    let (_, _trigger, _task) = start(&server, &channel).await;
    server.grant(&log, &[event(granted(9))]).await;
    until("what is new is told", async || channel.had().len() == 6).await;
}

#[tokio::test]
async fn a_bet_that_comes_with_its_own_revision_is_told_once() {
    let server = Server::start().await;
    let channel = Arc::new(Slow::default());
    let mut revised = granted(1);
    revised.value_bet.revision = 1;
    let mut events: Vec<Event> = (0..7).map(|number| event(granted(number))).collect();
    events.push(event(revised));
    let log = server.log().await;
    server.grant(&log, &events).await;

    let audience = Audience { digest_over: 4, ..Audience::default() };
    let (log, _trigger, _task) = start_for(&server, &channel, audience).await;
    until("all is acknowledged", async || {
        states(&log).await.len() == 7 && server.unacknowledged(&log, "slow").await == 0
    })
    .await;
    assert_eq!(states(&log).await, [State::Sent; 7]);
    let [told] = &channel.had()[..] else { panic!("{:?}", channel.had()) };
    let told: serde_json::Value = serde_json::from_str(&told.json).unwrap();
    let bets = told["bets"].as_array().unwrap();
    assert_eq!(bets.len(), 7);
    assert!(bets.iter().all(|bet| bet["repeat"] == false), "{bets:?}");
}

#[tokio::test]
async fn a_process_that_ends_while_telling_leaves_the_bet_to_be_told_as_a_repetition() {
    let server = Server::start().await;
    let hangs = Arc::new(Slow { first_takes: Duration::from_secs(600), ..Slow::default() });
    let (log, trigger, task) = start(&server, &hangs).await;
    server.grant(&log, &[event(granted(1))]).await;
    until("it is being told", async || hangs.begun.load(Ordering::Relaxed) == 1).await;
    assert_eq!(states(&log).await, [State::Claimed]);
    trigger.ask();
    task.await.unwrap();
    assert_eq!(server.unacknowledged(&log, "slow").await, 1);

    let works = Arc::new(Slow::default());
    let (_, _trigger, _task) = start(&server, &works).await;
    until("it is told", async || works.had().len() == 1).await;
    assert!(works.had()[0].json.contains("\"repeat\":true"));
    until("it is recorded", async || states(&log).await == [State::Sent]).await;
    until("it is acknowledged", async || server.unacknowledged(&log, "slow").await == 0).await;
}

#[tokio::test]
async fn a_message_on_its_way_is_ended_and_the_next_process_goes_on_after_it() {
    let server = Server::start().await;
    let first = Arc::new(Slow { first_takes: Duration::from_millis(300), ..Slow::default() });
    let (log, trigger, task) = start(&server, &first).await;
    let events: Vec<Event> = (0..3).map(|number| event(granted(number))).collect();
    server.grant(&log, &events).await;
    until("the first is being told", async || first.begun.load(Ordering::Relaxed) == 1).await;
    trigger.ask();
    task.await.unwrap();
    assert_eq!(first.had().len(), 1, "it was not broken off, and no other was begun");
    assert_eq!(states(&log).await, [State::Sent]);

    let second = Arc::new(Slow::default());
    let (_, _trigger, _task) = start(&server, &second).await;
    until("all is acknowledged", async || server.unacknowledged(&log, "slow").await == 0).await;
    assert_eq!(second.had().len(), 2, "what was told is not told again");
    assert!(second.had().iter().all(|message| message.json.contains("\"repeat\":false")));
}

#[tokio::test]
async fn a_channel_that_takes_longer_than_a_lease_is_not_taken_over() {
    let server = Server::start().await;
    let slow = Arc::new(Slow {
        first_takes: marabet_streams::lease::LEASE_LENGTH + Duration::from_secs(2),
        ..Slow::default()
    });
    let (log, _trigger, _task) = start(&server, &slow).await;
    server.grant(&log, &[event(granted(1))]).await;
    until("it is being told", async || slow.begun.load(Ordering::Relaxed) == 1).await;
    let standing_by = Arc::new(Slow::default());
    let (_, _other_trigger, _other) = start(&server, &standing_by).await;
    until("it is told", async || slow.had().len() == 1).await;
    until("it is acknowledged", async || server.unacknowledged(&log, "slow").await == 0).await;
    assert!(standing_by.had().is_empty());
    assert!(slow.had()[0].json.contains("\"repeat\":false"));
}
