//! A writer, and two owners of two stages in a row, as the program has them, and what happens to
//! them.

use crate::server::{
    Appended, Commit, Committed, Contents, Fact, Fence, Frame, Id, Part, STAGES, Server, State,
};

/// Matches of the facts.
const GAMES: u32 = 3;
/// Frames that an owner asks for, and commits, at once.
const AT_ONCE: usize = 2;
/// One fact in so many leads to no event.
const SILENT: u32 = 3;

/// An owner at a stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) owner: usize,
    pub(crate) stage: usize,
}

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
    /// An owner does what is next: takes the lease, reads, or applies and commits. It takes the
    /// next stage along where it has that too, with nothing in hand.
    Step(At),
    /// The same, but an answer to a commit does not come: the owner drops what it has.
    StepUnheard(At),
    /// An owner sends a commit that stays on its way; whoever it speaks for stands still meanwhile.
    Hold(At),
    /// The commit on its way arrives.
    Release(At),
    /// An owner's connection for a stage is lost. What is on its way may still arrive.
    Disconnect(At),
    /// An owner's process ends. A commit that it has sent may still arrive.
    Crash(usize),
    /// The deadline of a stage's lease passes.
    LeaseExpires(usize),
    /// The blocked read of an owner of a stage that is gone is handed a frame.
    StrayRead(usize),
    /// The server crashes and loses what it was given last. All connections are lost, which each
    /// stage learns when it uses its own.
    Rollback(usize),
}

/// The line on a server.
pub(crate) struct Line<S> {
    server: S,
    /// What the source said.
    source: Vec<Fact>,
    writer: Writer,
    /// Of each owner at each stage.
    tenures: [[Tenure; STAGES]; 2],
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

/// What an owner has of a stage.
#[derive(Default)]
struct Tenure {
    held: Option<Held>,
    on_its_way: Option<Commit>,
}

/// An owner's memory of a stage: nothing of it outlives a crash or a lost connection.
struct Held {
    fence: Fence,
    state: State,
    hand: Vec<Frame>,
    /// Up to where it has taken its input; 0 until it has taken what was pending when it began.
    taken: Id,
    /// The connection is lost, which the stage learns when it uses it.
    is_cut: bool,
}

impl Held {
    /// What the stage makes of frames.
    fn part(&self, stage: usize, frames: &[Frame]) -> Part {
        let mut state = self.state.clone();
        let mut output =
            |frame: &Frame| Frame { id: frame.id, facts: apply(stage, &mut state, &frame.facts) };
        let outputs = frames.iter().map(&mut output).collect();
        let changed = |(game, count): &(u8, u32)| self.state.get(game) != Some(count);
        let changes = state.into_iter().filter(changed).collect();
        Part { stage, fence: self.fence.clone(), after: self.taken, outputs, changes }
    }

    /// A part was written.
    fn follow(&mut self, part: &Part) {
        self.state.extend(&part.changes);
        self.taken = part.ids().last().unwrap_or(self.taken);
        self.hand.retain(|frame| part.ids().all(|written| written != frame.id));
    }
}

impl<S: Server> Line<S> {
    pub(crate) fn on(server: S) -> Self {
        let mut line = Self {
            server,
            source: Vec::new(),
            writer: Writer::default(),
            tenures: Default::default(),
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
            H::Step(at) => self.step(at, true),
            H::StepUnheard(at) => self.step(at, false),
            H::Hold(at) => {
                let is_cut = self.tenure(at).held.as_ref().is_some_and(|held| held.is_cut);
                if self.tenure(at).on_its_way.is_none() && !is_cut {
                    self.tenure(at).on_its_way = self.prepared(at);
                }
            }
            H::Release(at) => self.release(at),
            H::Disconnect(at) => self.disconnect(at),
            H::Crash(owner) => self.forget(owner),
            H::LeaseExpires(stage) => self.server.expire(stage),
            H::StrayRead(stage) => {
                let read = self.server.read_new(stage, 1);
                self.note(facts(&read));
            }
            H::Rollback(moments) => {
                self.server.roll_back(moments);
                // What is on its way may arrive all the same, where a proxy stands in between.
                let held = self.tenures.iter_mut().flatten().filter_map(|one| one.held.as_mut());
                held.for_each(|held| held.is_cut = true);
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
            self.source.push(Fact { game: (number * 7 % GAMES) as u8, number, seen: 0 });
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

    fn tenure(&mut self, At { owner, stage }: At) -> &mut Tenure {
        &mut self.tenures[owner][stage]
    }

    /// What an owner does next. With `heard` false, the answer to its commit does not come.
    fn step(&mut self, at: At, heard: bool) {
        let At { owner, stage } = at;
        if self.tenure(at).held.as_ref().is_some_and(|held| held.is_cut) {
            return self.disconnect(at);
        }
        if self.is_waiting(at) {
            return;
        }
        let Some(held) = &mut self.tenures[owner][stage].held else { return self.begin(at) };
        if held.hand.is_empty() {
            held.hand = self.server.read_new(stage, AT_ONCE);
            let read = facts(&held.hand);
            return self.note(read);
        }
        if let Some(commit) = self.prepared(at) {
            let answer = self.commit(owner, &commit);
            self.took(owner, &commit, heard.then_some(answer));
        }
    }

    /// Whether an answer is to come to a commit that speaks for an owner at a stage.
    fn is_waiting(&self, At { owner, stage }: At) -> bool {
        let Some(held) = &self.tenures[owner][stage].held else { return false };
        let sent = self.tenures[owner].iter().filter_map(|tenure| tenure.on_its_way.as_ref());
        sent.flat_map(Commit::parts).any(|part| part.fence == held.fence)
    }

    /// Takes the lease, and loads what was committed and what is pending.
    fn begin(&mut self, at: At) {
        let At { owner, stage } = at;
        let Some(fence) = self.server.take(owner, stage) else { return self.note("held") };
        let (state, hand) = (self.server.load(stage), self.server.read_pending(stage));
        self.note((&state, facts(&hand)));
        let taken = if hand.is_empty() { self.server.place(stage).delivered } else { 0 };
        self.tenure(at).held = Some(Held { fence, state, hand, taken, is_cut: false });
    }

    /// The commit of the next frames in hand.
    fn prepared(&self, At { owner, stage }: At) -> Option<Commit> {
        let held = self.tenures[owner][stage].held.as_ref()?;
        let frames = &held.hand[..held.hand.len().min(AT_ONCE)];
        if frames.is_empty() {
            return None;
        }
        let first = held.part(stage, frames);
        let derived: Vec<Frame> = first.written().cloned().collect();
        let next = At { owner, stage: stage + 1 };
        let second = match self.at_rest(next) {
            Some(held) if !derived.is_empty() => Some(held.part(next.stage, &derived)),
            _ => None,
        };
        Some(Commit { first, second })
    }

    /// What an owner has of a stage, where it has nothing in hand and waits for no answer.
    fn at_rest(&self, at: At) -> Option<&Held> {
        let held = self.tenures[at.owner].get(at.stage)?.held.as_ref()?;
        (held.hand.is_empty() && !self.is_waiting(at)).then_some(held)
    }

    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed {
        let mut is_in_force = |part: &Part| part.fence == self.server.lease(part.stage);
        let in_force = commit.parts().take_while(|part| is_in_force(part)).count();
        let answer = self.server.commit(owner, commit);
        let written = match answer {
            Committed::Done => commit.parts().count(),
            Committed::Apart => 1,
            _ => 0,
        };
        self.note((answer, commit.parts().count()));
        if written > in_force {
            self.trespasses.push(commit.clone());
        }
        answer
    }

    fn release(&mut self, at: At) {
        let Some(commit) = self.tenure(at).on_its_way.take() else { return };
        let answer = self.commit(at.owner, &commit);
        self.took(at.owner, &commit, Some(answer));
    }

    /// Memory follows the log, or is dropped. Whoever sent a commit may be gone when the answer
    /// comes, and its successor knows nothing of it.
    fn took(&mut self, owner: usize, commit: &Commit, answer: Option<Committed>) {
        for part in commit.parts() {
            let held = &mut self.tenures[owner][part.stage].held;
            let Some(sender) = held.as_mut().filter(|held| held.fence == part.fence) else {
                continue;
            };
            let is_first = part.stage == commit.first.stage;
            match answer {
                Some(Committed::Done) => sender.follow(part),
                Some(Committed::Apart) if is_first => sender.follow(part),
                // Nothing of the second part was written, and its stage has what it had.
                Some(_) if !is_first => {}
                _ => *held = None,
            }
        }
    }

    /// What waits for an answer over the connection waits in vain.
    fn disconnect(&mut self, at: At) {
        if let Some(commit) = self.tenure(at).on_its_way.clone() {
            self.took(at.owner, &commit, None);
        }
        self.tenure(at).held = None;
    }

    fn forget(&mut self, owner: usize) {
        self.tenures[owner].iter_mut().for_each(|tenure| tenure.held = None);
    }

    /// Nothing more happens, and everything goes through.
    pub(crate) fn come_to_rest(&mut self) {
        self.tenures = Default::default();
        (0..STAGES).for_each(|stage| self.server.expire(stage));
        self.restart_writer();
        self.send();
        // Each frame takes at most a step to read and one to commit; a refusal two more.
        for _ in 0..4 * self.source.len() + 16 {
            (0..STAGES).for_each(|stage| self.step(At { owner: 0, stage }, true));
        }
    }

    /// What each stage stands between.
    pub(crate) fn contents(&mut self) -> [Contents; STAGES] {
        std::array::from_fn(|stage| self.server.place(stage).into())
    }

    /// What must hold at any moment.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        let contents = self.contents();
        let feed = contents[0].input.concat();
        if self.source.get(..feed.len()) != Some(&feed[..]) {
            return Err(format!("the feed is not what the source said: {feed:?}"));
        }
        if let Some(commit) = self.trespasses.first() {
            return Err(format!("a commit under a stale fence was taken: {commit:?}"));
        }
        contents.iter().enumerate().try_for_each(|(stage, contents)| check(stage, contents))
    }

    /// What must hold when everything is through.
    pub(crate) fn check_at_rest(&mut self) -> Result<(), String> {
        self.check()?;
        let contents = self.contents();
        let facts = contents[0].input.concat().len();
        if facts < self.source.len() {
            return Err(format!("the feed has {facts} facts of {}", self.source.len()));
        }
        match contents.iter().position(|contents| contents.acknowledged.contains(&false)) {
            Some(stage) => Err(format!("stage {stage}: frames are left: {:?}", contents[stage])),
            None => Ok(()),
        }
    }
}

/// What must hold of a stage: what it has is what it makes of the frames that it is done with, and
/// those are the first of its input, with none passed over.
fn check(stage: usize, contents: &Contents) -> Result<(), String> {
    let Contents { input, acknowledged, output, strange, state } = contents;
    if !acknowledged.is_sorted_by(|before, after| before >= after) {
        return Err(format!("stage {stage}: a frame was passed over: {acknowledged:?}"));
    }
    let mut pure = State::new();
    let done = input.iter().zip(acknowledged).filter(|(_, done)| **done);
    let expected: Vec<_> = done.map(|(facts, _)| apply(stage, &mut pure, facts)).collect();
    if *output != expected || *state != pure || *strange > 0 {
        return Err(format!(
            "stage {stage}: {output:?} and {strange} more, expected {expected:?}; state {state:?}, expected {pure:?}"
        ));
    }
    Ok(())
}

/// A stage: counts the facts of each match, and passes most on.
fn apply(stage: usize, state: &mut State, facts: &[Fact]) -> Vec<Fact> {
    let mut derived = Vec::new();
    for fact in facts {
        let seen = state.entry(fact.game).or_default();
        *seen += 1;
        if fact.number % SILENT != stage as u32 {
            derived.push(Fact { seen: *seen, ..*fact });
        }
    }
    derived
}

fn facts(frames: &[Frame]) -> Vec<Vec<Fact>> {
    frames.iter().map(|frame| frame.facts.clone()).collect()
}
