//! What is told, when, and how often.

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use marabet_notify::clock::{Clock, EventClock};
use marabet_notify::outbox::{Entry, MemoryOutbox, Outbox, OutboxError, State};
use marabet_notify::{Channel, Message, Notifier, NotifierOptions, SendError, Told};
use marabet_schemas::facts::Seen;
use marabet_schemas::{Event, Instant, Money};
use support::{FOUND, bet_id, event, grant, instant, key};

/// What a channel answers to a message; without an answer it has it.
enum Answer {
    Away(Option<u64>),
    Refused,
    Unclear,
    /// It has the message, and the answer never comes.
    Hangs,
}

/// A channel that answers by a script, and remembers what reached it.
#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Answer>>,
    had: Mutex<Vec<Message>>,
}

#[async_trait]
impl Channel for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let answer = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let have = || self.had.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        match answer {
            None => have(),
            Some(Answer::Away(wait)) => {
                let wait = wait.map(Duration::from_secs);
                return Err(SendError::Away { reason: "busy".to_owned(), wait });
            }
            Some(Answer::Refused) => return Err(SendError::Refused("no such chat".to_owned())),
            Some(Answer::Unclear) => {
                have();
                return Err(SendError::Unclear("connection reset".to_owned()));
            }
            Some(Answer::Hangs) => {
                have();
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }
}

/// A clock that starts when the bet is found and goes with the runtime's.
struct Started(tokio::time::Instant, i64);

impl Clock for Started {
    fn now(&self, _: Instant) -> Instant {
        let gone = i64::try_from(self.0.elapsed().as_secs()).unwrap_or(i64::MAX);
        instant(FOUND).plus_seconds(self.1 + gone)
    }
}

struct Desk {
    channel: Arc<Scripted>,
    outbox: Arc<MemoryOutbox>,
    notifier: Notifier,
}

/// A notifier whose channel answers by the script, `late` seconds after the bet was found.
fn desk(script: Vec<Answer>, late: i64) -> Desk {
    let channel = Arc::new(Scripted { script: Mutex::new(script.into()), ..Scripted::default() });
    let outbox = Arc::new(MemoryOutbox::new());
    let clock = Arc::new(Started(tokio::time::Instant::now(), late));
    let options = NotifierOptions::default();
    let notifier = Notifier::new(channel.clone(), outbox.clone(), clock, options);
    Desk { channel, outbox, notifier }
}

impl Desk {
    fn had(&self) -> Vec<Message> {
        self.channel.had.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For each message that reached the channel, whether it said that it is a repetition.
    fn repetitions(&self) -> Vec<bool> {
        self.had().iter().map(|message| message.json.contains("\"repeat\":true")).collect()
    }

    fn recorded(&self) -> Option<Entry> {
        self.outbox.entries().remove(&("scripted".to_owned(), bet_id().to_string()))
    }
}

#[track_caller]
fn ended(told: Result<Told, OutboxError>, state: State) -> Entry {
    match told {
        Ok(Told::Now(entry)) if entry.state == state => entry,
        other => panic!("{state:?} was to come of it, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_bet_is_told_once_and_its_revisions_are_the_same_bet() {
    let desk = desk(Vec::new(), 0);
    let entry = ended(desk.notifier.handle(&event(grant())).await, State::Sent);
    assert_eq!((entry.attempts, desk.recorded()), (1, Some(entry.clone())));
    let written = serde_json::to_value(entry.state).unwrap();
    assert_eq!(written, entry.state.as_str());
    let mut revised = grant();
    revised.value_bet.revision = 3;
    for again in [event(grant()), event(revised)] {
        assert_eq!(desk.notifier.handle(&again).await, Ok(Told::Before(State::Sent)));
    }
    assert_eq!(desk.repetitions(), [false]);
    let other = Event::of(key(), instant(FOUND), Seen { src: "t".into(), book: "b".into() });
    assert_eq!(desk.notifier.handle(&other).await, Ok(Told::NoGrant));
    let ended = desk.notifier.ended();
    assert!(ended.iter().all(|(state, count)| *count == u64::from(*state == State::Sent)));
}

#[tokio::test(start_paused = true)]
async fn a_stake_of_nothing_and_a_bet_that_is_too_late_are_recorded_and_not_told() {
    let mut nothing = grant();
    nothing.stake = Money::ZERO;
    let mut begins_soon = grant();
    begins_soon.value_bet.kickoff = instant(FOUND).plus_seconds(60);
    for (grant, late, state) in [
        (nothing, 0, State::Nothing),
        (grant(), 600, State::Sent),
        (grant(), 601, State::Expired),
        (begins_soon.clone(), 59, State::Sent),
        (begins_soon, 60, State::Expired),
    ] {
        let desk = desk(Vec::new(), late);
        ended(desk.notifier.handle(&event(grant.clone())).await, state);
        assert_eq!(desk.had().len(), usize::from(state == State::Sent), "{state:?}");
        assert_eq!(desk.notifier.handle(&event(grant)).await, Ok(Told::Before(state)));
    }
}

#[tokio::test(start_paused = true)]
async fn in_event_time_no_bet_is_late_however_long_ago_it_was() {
    let mut desk = desk(Vec::new(), 0);
    let (channel, outbox) = (desk.channel.clone(), desk.outbox.clone());
    desk.notifier =
        Notifier::new(channel, outbox, Arc::new(EventClock), NotifierOptions::default());
    ended(desk.notifier.handle(&event(grant())).await, State::Sent);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_away_is_asked_again_while_the_bet_lasts() {
    let desk = desk(vec![Answer::Away(None), Answer::Away(Some(120)), Answer::Away(None)], 0);
    let began = tokio::time::Instant::now();
    let entry = ended(desk.notifier.handle(&event(grant())).await, State::Sent);
    assert_eq!(entry.attempts, 4);
    assert_eq!(began.elapsed(), Duration::from_millis(500 + 120_000 + 2_000));
    assert_eq!(desk.repetitions(), [false], "nobody can have had it before");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_ends_with_its_reason() {
    let away = || (0..9).map(|_| Answer::Away(None)).collect::<Vec<_>>();
    for (script, late, state, attempts) in [
        (vec![Answer::Refused], 0, State::Failed, 1),
        (away(), 0, State::Failed, 5),
        (vec![Answer::Away(Some(700))], 0, State::Expired, 1),
        (away(), 598, State::Expired, 3),
        (vec![Answer::Unclear, Answer::Refused], 0, State::Unknown, 2),
        (vec![Answer::Unclear, Answer::Away(Some(700))], 0, State::Unknown, 2),
    ] {
        let desk = desk(script, late);
        let entry = ended(desk.notifier.handle(&event(grant())).await, state);
        assert_eq!(entry.attempts, attempts, "{entry:?}");
        assert!(entry.note.is_some(), "{entry:?}");
        assert_eq!(desk.notifier.handle(&event(grant())).await, Ok(Told::Before(state)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_told_is_told_again_as_a_repetition() {
    for unclear in [Answer::Unclear, Answer::Hangs] {
        let desk = desk(vec![unclear], 0);
        let entry = ended(desk.notifier.handle(&event(grant())).await, State::Sent);
        assert_eq!((entry.attempts, desk.repetitions()), (2, vec![false, true]));
        assert!(desk.had()[1].title.starts_with("(perhaps again)"));
        assert_eq!(desk.had()[0].key, desk.had()[1].key);
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_found_is_told_again_unless_it_is_too_late() {
    let claimed = Entry::new(State::Claimed, instant(FOUND));
    for (late, state, repetitions) in
        [(0, State::Sent, vec![true]), (900, State::Unknown, Vec::new())]
    {
        let desk = desk(Vec::new(), late);
        desk.outbox.begin("scripted", &bet_id().to_string(), &claimed).await.unwrap();
        ended(desk.notifier.handle(&event(grant())).await, state);
        assert_eq!(desk.repetitions(), repetitions);
    }
}

/// An outbox that fails at one step: before it has its effect, or after.
struct Failing {
    outbox: MemoryOutbox,
    step: AtomicU32,
    fails_at: u32,
    after: bool,
}

impl Failing {
    /// Whether this step fails, before its effect and after it.
    fn fault(&self) -> (bool, bool) {
        let fails = self.step.fetch_add(1, Ordering::Relaxed) == self.fails_at;
        (fails && !self.after, fails && self.after)
    }
}

fn or_fault<T>(fails: bool, value: T) -> Result<T, OutboxError> {
    if fails { Err(OutboxError("gone".to_owned())) } else { Ok(value) }
}

#[async_trait]
impl Outbox for Failing {
    async fn begin(
        &self,
        channel: &str,
        subject: &str,
        entry: &Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let (before, after) = self.fault();
        or_fault(before, ())?;
        or_fault(after, self.outbox.begin(channel, subject, entry).await?)
    }

    async fn update(&self, channel: &str, subject: &str, entry: &Entry) -> Result<(), OutboxError> {
        let (before, after) = self.fault();
        or_fault(before, ())?;
        or_fault(after, self.outbox.update(channel, subject, entry).await?)
    }

    async fn find(&self, channel: &str, subject: &str) -> Result<Option<Entry>, OutboxError> {
        self.outbox.find(channel, subject).await
    }

    async fn standing(&self, channel: &str) -> Result<BTreeMap<String, Entry>, OutboxError> {
        self.outbox.standing(channel).await
    }
}

/// A channel whose messages can be changed: a place and a text each.
#[derive(Default)]
struct Changeable {
    edits: Mutex<Vec<(String, String)>>,
    away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Channel for Changeable {
    fn name(&self) -> &str {
        "changeable"
    }

    async fn send(&self, _: &Message) -> Result<(), SendError> {
        Ok(())
    }

    async fn post(&self, _: &Message) -> Result<Option<String>, SendError> {
        Ok(Some("9".to_owned()))
    }

    async fn edit(&self, place: &str, message: &Message) -> Result<(), SendError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(SendError::Away { reason: "busy".to_owned(), wait: None });
        }
        self.edits().push((place.to_owned(), message.text.clone()));
        Ok(())
    }
}

impl Changeable {
    fn edits(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.edits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_no_longer_holds_is_marked_once_whoever_told_it() {
    let (channel, outbox) = (Arc::new(Changeable::default()), Arc::new(MemoryOutbox::new()));
    // A process that tells, and is gone; one that comes at 11 minutes, when the price has passed.
    let notifier = |late: i64| {
        let clock = Arc::new(Started(tokio::time::Instant::now(), late));
        Notifier::new(channel.clone(), outbox.clone(), clock, NotifierOptions::default())
    };
    let first = notifier(1);
    assert!(matches!(first.handle(&event(grant())).await, Ok(Told::Now(_))));
    first.look_around().await.unwrap();
    assert_eq!(*channel.edits(), [], "it still holds");

    let second = notifier(660);
    channel.away.store(true, Ordering::Relaxed);
    second.look_around().await.unwrap();
    channel.away.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        second.look_around().await.unwrap();
    }
    notifier(720).look_around().await.unwrap();
    let edits = channel.edits().clone();
    let [(place, text)] = &edits[..] else { panic!("{edits:?}") };
    assert!(place == "9" && text.starts_with("EXPIRED · ") && text.contains("2.15"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn whatever_step_fails_the_bet_is_told_and_a_second_time_only_as_a_repetition() {
    for (fails_at, after, told) in [
        (0, false, vec![false]),
        // The claim was written and its writer does not know: nobody was told, nobody can know.
        (0, true, vec![true]),
        // The window: told, and not written down.
        (1, false, vec![false, true]),
        (1, true, vec![false]),
    ] {
        let step = AtomicU32::new(0);
        let outbox = Arc::new(Failing { outbox: MemoryOutbox::new(), step, fails_at, after });
        let mut desk = desk(Vec::new(), 0);
        let clock = Arc::new(EventClock);
        desk.notifier =
            Notifier::new(desk.channel.clone(), outbox, clock, NotifierOptions::default());
        desk.notifier.handle(&event(grant())).await.unwrap_err();
        desk.notifier.handle(&event(grant())).await.unwrap();
        assert_eq!(desk.repetitions(), told, "step {fails_at}, after its effect: {after}");
        let third = desk.notifier.handle(&event(grant())).await;
        assert_eq!(third, Ok(Told::Before(State::Sent)));
    }
}
