//! A writer and two owners of one stage, as the program has them, and what happens to them.

use crate::server::{Appended, Commit, Committed, Contents, Fact, Fence, Frame, Server, State};

/// Matches of the facts.
const GAMES: u32 = 3;
/// Frames that an owner asks for, and commits, at once.
const AT_ONCE: usize = 2;
/// One fact in so many leads to no event.
const SILENT: u32 = 3;

/// One step of the world.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happening {
    /// The source says so many facts, a frame each, and the writer sends what the server lacks.
    Write(usize),
    /// The same, but the answer does not come.
    WriteUnheard(usize),
    /// A new writer takes the source over.
    WriterRestarts,
    /// The same, while an append of the old one is on its way.
    WriterRestartsWithAnAppendOnItsWay,
    /// An owner does what is next: takes the lease, reads, or applies and commits.
    Step(usize),
    /// The same, but an answer to a commit does not come: the owner drops what it has.
    StepUnheard(usize),
    /// An owner sends a commit that stays on its way; the owner stands still meanwhile.
    Hold(usize),
    /// The commit on its way arrives.
    Release(usize),
    /// An owner's process ends. A commit that it has sent may still arrive.
    Crash(usize),
    /// The lease's deadline passes.
    LeaseExpires,
    /// The blocked read of an owner that is gone is handed a frame.
    StrayRead,
    /// The server crashes and loses what it was given last. All connections are lost.
    Rollback(usize),
}

/// The line on a server.
pub(crate) struct Line<S> {
    server: S,
    /// What the source said.
    source: Vec<Fact>,
    writer: Writer,
    owners: [Owner; 2],
    /// Takings of the source so far.
    writers: u32,
    /// What was done that a fence forbids.
    trespasses: Vec<Commit>,
    /// What the server answered, without its IDs.
    pub(crate) trace: Vec<String>,
}

/// The writer's memory. Each writer cuts the facts into frames in its own way.
#[derive(Default)]
struct Writer {
    fence: Fence,
    /// The last batch before its own.
    base: u64,
    /// Its frames, all kept, the first of them under the number `base + 1`.
    frames: Vec<Vec<Fact>>,
    /// Facts of the source that are in frames, its own or those before.
    cut: usize,
    /// The last batch that the server is known to have.
    acknowledged: u64,
}

impl Writer {
    /// The next frames to send, and the number of the first.
    fn next(&mut self, source: &[Fact], frame_facts: usize) -> (u64, Vec<Vec<Fact>>) {
        self.frames.extend(source[self.cut..].chunks(frame_facts).map(<[Fact]>::to_vec));
        self.cut = source.len();
        let known = (self.acknowledged - self.base) as usize;
        (self.acknowledged + 1, self.frames[known..].to_vec())
    }
}

/// An owner's memory: nothing of it outlives a crash or a lost connection.
#[derive(Default)]
struct Owner {
    held: Option<Held>,
    on_its_way: Option<Commit>,
}

struct Held {
    fence: Fence,
    state: State,
    hand: Vec<Frame>,
}

impl<S: Server> Line<S> {
    pub(crate) fn on(server: S) -> Self {
        let mut line = Self {
            server,
            source: Vec::new(),
            writer: Writer::default(),
            owners: Default::default(),
            writers: 0,
            trespasses: Vec::new(),
            trace: Vec::new(),
        };
        line.restart_writer();
        line.server.remember();
        line
    }

    pub(crate) fn happen(&mut self, happening: Happening) {
        use Happening as H;
        match happening {
            H::Write(facts) => {
                self.say(facts);
                self.send();
            }
            H::WriteUnheard(facts) => {
                self.say(facts);
                let answer = self.append_next();
                self.note(answer);
            }
            H::WriterRestarts => self.restart_writer(),
            H::WriterRestartsWithAnAppendOnItsWay => self.overtake_writer(),
            H::Step(owner) => self.step(owner, true),
            H::StepUnheard(owner) => self.step(owner, false),
            H::Hold(owner) => {
                if self.owners[owner].on_its_way.is_none() {
                    self.owners[owner].on_its_way = self.prepared(owner);
                }
            }
            H::Release(owner) => self.release(owner),
            H::Crash(owner) => self.owners[owner].held = None,
            H::LeaseExpires => self.server.expire(),
            H::StrayRead => {
                let read = self.server.read_new(1);
                self.note(facts(&read));
            }
            H::Rollback(moments) => {
                self.server.roll_back(moments);
                // What is on its way may arrive all the same, where a proxy stands in between.
                self.owners.iter_mut().for_each(|owner| owner.held = None);
                return;
            }
        }
        self.server.remember();
    }

    fn note(&mut self, answer: impl std::fmt::Debug) {
        self.trace.push(format!("{answer:?}"));
    }

    /// The source says more.
    fn say(&mut self, facts: usize) {
        for _ in 0..facts {
            let number = self.source.len() as u32;
            self.source.push(Fact { game: (number * 7 % GAMES) as u8, number });
        }
    }

    /// How many facts a frame of the writer at hand has.
    fn frame_facts(&self) -> usize {
        1 + self.writers as usize % 3
    }

    /// Sends until the server has what the source said.
    fn send(&mut self) {
        // Each round brings frames, or finds a writer that has to begin anew, which is one more.
        for _ in 0..self.source.len() + 8 {
            let answer = self.append_next();
            self.note(answer);
            match answer {
                Appended::Done { last } if last == self.writer.acknowledged => return,
                Appended::Done { last } | Appended::Gap { last } if last >= self.writer.base => {
                    self.writer.acknowledged = last;
                }
                // The server has lost what this writer does not have, or who owns the source.
                _ => self.restart_writer(),
            }
        }
    }

    fn append_next(&mut self) -> Appended {
        let frame_facts = self.frame_facts();
        let (first, frames) = self.writer.next(&self.source, frame_facts);
        self.server.append(&self.writer.fence, first, &frames)
    }

    /// A writer that knows nothing takes the source, and reads it from where the server is.
    fn restart_writer(&mut self) {
        self.writers += 1;
        let (fence, base, position) = self.server.own_source(&self.writers.to_string());
        self.note((base, position));
        let (frames, cut) = (Vec::new(), position as usize);
        self.writer = Writer { fence, base, frames, cut, acknowledged: base };
    }

    /// A new writer takes the source and sends, and then an append of the old one arrives.
    fn overtake_writer(&mut self) {
        self.say(3);
        let frame_facts = self.frame_facts();
        let (first, frames) = self.writer.next(&self.source, frame_facts);
        let fence = self.writer.fence.clone();
        self.restart_writer();
        let answer = self.append_next();
        self.note(answer);
        let answer = self.server.append(&fence, first, &frames);
        self.note(answer);
    }

    /// What an owner does next. With `heard` false, the answer to its commit does not come.
    fn step(&mut self, owner: usize, heard: bool) {
        if self.owners[owner].on_its_way.is_some() && self.owners[owner].held.is_some() {
            return;
        }
        let Some(held) = &mut self.owners[owner].held else { return self.begin(owner) };
        if held.hand.is_empty() {
            held.hand = self.server.read_new(AT_ONCE);
            let read = facts(&self.owners[owner].held.as_ref().expect("it is held").hand);
            return self.note(read);
        }
        if let Some(commit) = self.prepared(owner) {
            let answer = self.commit(owner, &commit);
            self.took(owner, &commit, answer, heard);
        }
    }

    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed {
        let in_force = self.server.lease();
        let answer = self.server.commit(owner, commit);
        self.note(answer);
        if answer == Committed::Done && commit.fence != in_force {
            self.trespasses.push(commit.clone());
        }
        answer
    }

    /// Takes the lease, and loads what was committed and what is pending.
    fn begin(&mut self, owner: usize) {
        let Some(fence) = self.server.take(owner) else { return self.note("held") };
        let (state, hand) = (self.server.load(), self.server.read_pending());
        self.note((&state, facts(&hand)));
        self.owners[owner].held = Some(Held { fence, state, hand });
    }

    /// The commit of the next frames in hand.
    fn prepared(&self, owner: usize) -> Option<Commit> {
        let held = self.owners[owner].held.as_ref()?;
        let frames = &held.hand[..held.hand.len().min(AT_ONCE)];
        if frames.is_empty() {
            return None;
        }
        let mut state = held.state.clone();
        let outputs = frames.iter().map(|frame| (frame.id, apply(&mut state, &frame.facts)));
        let outputs = outputs.collect();
        let changes = state.into_iter().filter(|(game, count)| held.state.get(game) != Some(count));
        Some(Commit { fence: held.fence.clone(), outputs, changes: changes.collect() })
    }

    fn release(&mut self, owner: usize) {
        let Some(commit) = self.owners[owner].on_its_way.take() else { return };
        let answer = self.commit(owner, &commit);
        // The process that sent it may be gone, and its successor knows nothing of it.
        let sent = |held: &Held| held.fence == commit.fence;
        if self.owners[owner].held.as_ref().is_some_and(sent) {
            self.took(owner, &commit, answer, true);
        }
    }

    /// Memory follows the log, or is dropped.
    fn took(&mut self, owner: usize, commit: &Commit, answer: Committed, heard: bool) {
        match (&mut self.owners[owner].held, answer) {
            (Some(held), Committed::Done) if heard => {
                held.state.extend(commit.changes.iter().map(|(game, count)| (*game, *count)));
                held.hand.drain(..commit.outputs.len());
            }
            (held, _) => *held = None,
        }
    }

    /// Nothing more happens, and everything goes through.
    pub(crate) fn come_to_rest(&mut self) {
        self.owners = Default::default();
        self.server.expire();
        self.restart_writer();
        self.send();
        // Each frame takes at most a step to read and one to commit; a refusal two more.
        for _ in 0..4 * self.source.len() + 16 {
            self.step(0, true);
        }
    }

    pub(crate) fn contents(&mut self) -> Contents {
        self.server.contents()
    }

    /// What must hold at any moment.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let contents = self.server.contents();
        let Contents { feed, derived, state, acknowledged, strange } = &contents;
        let facts = feed.concat();
        if self.source.get(..facts.len()) != Some(&facts[..]) {
            return Err(format!("the feed is not what the source said: {feed:?}"));
        }
        if let Some(commit) = self.trespasses.first() {
            return Err(format!("a commit under a stale fence was taken: {commit:?}"));
        }
        if !acknowledged.is_sorted_by(|before, after| before >= after) {
            return Err(format!("a frame was passed over: {acknowledged:?}"));
        }
        let mut pure = State::new();
        let done = feed.iter().zip(acknowledged).filter(|(_, done)| **done);
        let expected: Vec<_> = done.map(|(facts, _)| apply(&mut pure, facts)).collect();
        if *derived != expected || *state != pure || *strange > 0 {
            return Err(format!(
                "derived {derived:?} and {strange} more, expected {expected:?}; state {state:?}, expected {pure:?}"
            ));
        }
        Ok(())
    }

    /// What must hold when everything is through.
    pub(crate) fn check_at_rest(&mut self) -> Result<(), String> {
        self.check()?;
        let contents = self.server.contents();
        let facts = contents.feed.concat().len();
        if facts < self.source.len() {
            return Err(format!("the feed has {facts} facts of {}", self.source.len()));
        }
        if contents.acknowledged.contains(&false) {
            return Err(format!("frames are left: {:?}", contents.acknowledged));
        }
        Ok(())
    }
}

/// The stage: counts the facts of each match, and tells of most.
fn apply(state: &mut State, facts: &[Fact]) -> Vec<String> {
    let mut events = Vec::new();
    for fact in facts {
        let count = state.entry(fact.game).or_default();
        *count += 1;
        if fact.number % SILENT != 0 {
            events.push(format!("{}-{count}", fact.number));
        }
    }
    events
}

fn facts(frames: &[Frame]) -> Vec<Vec<Fact>> {
    frames.iter().map(|frame| frame.facts.clone()).collect()
}
