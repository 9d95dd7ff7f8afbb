//! What a server does for one partition: the rules, without Redis.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Stages in a row. Stage 0 reads the feed, and each next one what the one before it writes:
/// stream `n` is what stage `n` reads.
pub(crate) const STAGES: usize = 2;

/// A fact: which match it is about, and its number in the source. What a stage derives is a fact
/// too, which says how many of its match the stage had seen; one of the feed says 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact {
    pub(crate) game: u8,
    pub(crate) number: u32,
    pub(crate) seen: u32,
}

/// An entry's place in the order of the server's time.
pub(crate) type Id = u64;

/// A frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) id: Id,
    pub(crate) facts: Vec<Fact>,
}

/// What a stage keeps: how many facts of each match it has seen.
pub(crate) type State = BTreeMap<u8, u32>;

/// What a commit shows, and what a source's append shows: how often it was taken, and which
/// taking it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fence {
    pub(crate) counter: u64,
    pub(crate) nonce: String,
}

/// What a stage commits: what follows from each frame, and the rows that changed.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) stage: usize,
    pub(crate) fence: Fence,
    /// Up to where the stage has taken its input.
    pub(crate) after: Id,
    /// Under the frames' IDs. Those without facts are not written.
    pub(crate) outputs: Vec<Frame>,
    pub(crate) changes: State,
}

impl Part {
    /// The frames that the next stage will read.
    pub(crate) fn written(&self) -> impl Iterator<Item = &Frame> {
        self.outputs.iter().filter(|frame| !frame.facts.is_empty())
    }

    pub(crate) fn ids(&self) -> impl ExactSizeIterator<Item = Id> {
        self.outputs.iter().map(|frame| frame.id)
    }
}

/// What is to be committed: a stage's part, and perhaps what the next stage makes of it.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) first: Part,
    pub(crate) second: Option<Part>,
}

impl Commit {
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        [&self.first].into_iter().chain(&self.second)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    Done,
    /// The second part was not written.
    Apart,
    Fenced,
    NotHead,
    /// A stream has a higher ID already.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Done { last: u64 },
    Fenced,
    Gap { last: u64 },
}

/// What a stage stands between, and where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) input: Vec<Frame>,
    pub(crate) output: Vec<Frame>,
    pub(crate) state: State,
    /// The group: up to where it was handed frames, and which of them are not acknowledged.
    pub(crate) delivered: Id,
    pub(crate) pending: BTreeSet<Id>,
}

/// The same as far as two servers agree on it: without the IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    /// The facts of each frame of the input.
    pub(crate) input: Vec<Vec<Fact>>,
    /// For each frame of the input whether it was acknowledged.
    pub(crate) acknowledged: Vec<bool>,
    /// For each frame that was, what was written under its ID.
    pub(crate) output: Vec<Vec<Fact>>,
    /// What else was written.
    pub(crate) strange: usize,
    pub(crate) state: State,
}

impl From<Place> for Contents {
    fn from(place: Place) -> Self {
        let Place { input, output, state, delivered, pending } = place;
        let is_done = |frame: &Frame| frame.id <= delivered && !pending.contains(&frame.id);
        let mut under: BTreeMap<Id, Vec<Fact>> =
            output.into_iter().map(|frame| (frame.id, frame.facts)).collect();
        let done = input.iter().filter(|frame| is_done(frame));
        let output = done.map(|frame| under.remove(&frame.id).unwrap_or_default()).collect();
        let acknowledged = input.iter().map(is_done).collect();
        let input = input.into_iter().map(|frame| frame.facts).collect();
        Self { input, acknowledged, output, strange: under.len(), state }
    }
}

/// What writers and owners ask of a server.
pub(crate) trait Server {
    /// The fence, the number of the last batch, and how many facts of the source are there.
    fn own_source(&mut self, nonce: &str) -> (Fence, u64, u32);
    fn append(&mut self, fence: &Fence, first: u64, frames: &[Vec<Fact>]) -> Appended;
    /// None while another has the lease.
    fn take(&mut self, owner: usize, stage: usize) -> Option<Fence>;
    /// The fence of the last taking.
    fn lease(&mut self, stage: usize) -> Fence;
    /// The deadline of the lease passes.
    fn expire(&mut self, stage: usize);
    fn read_new(&mut self, stage: usize, count: usize) -> Vec<Frame>;
    fn read_pending(&mut self, stage: usize) -> Vec<Frame>;
    fn load(&mut self, stage: usize) -> State;
    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed;
    /// Remembers how everything is, after whatever may have changed it.
    fn remember(&mut self);
    /// The server crashes and is again as it was so many remembered moments ago.
    fn roll_back(&mut self, moments: usize);
    fn place(&mut self, stage: usize) -> Place;
}

/// Which rules hold. All do; a test shows that each is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) fence: bool,
    pub(crate) nonce: bool,
    pub(crate) head: bool,
    pub(crate) batches: bool,
    pub(crate) source_fence: bool,
    /// The second part is written along only under its stage's fence,
    pub(crate) second_fence: bool,
    /// where its memory stands where its group does,
    pub(crate) second_position: bool,
    /// where nothing that the stage was handed is pending,
    pub(crate) second_done: bool,
    /// and where it was handed all that its stream holds.
    pub(crate) second_at_end: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            fence: true,
            nonce: true,
            head: true,
            batches: true,
            source_fence: true,
            second_fence: true,
            second_position: true,
            second_done: true,
            second_at_end: true,
        }
    }
}

/// The server in memory.
pub(crate) struct Model {
    rules: Rules,
    data: Data,
    before: VecDeque<Data>,
    /// The server's time: it goes on when the data is rolled back.
    time: Id,
    takings: u64,
}

/// What a crash may take back.
#[derive(Debug, Clone, Default)]
struct Data {
    /// What each stage reads, and at the end what the last one writes.
    streams: [Vec<Frame>; STAGES + 1],
    stages: [Stage; STAGES],
    source: Fence,
    batch: u64,
    position: u32,
}

/// A stage's state, group and lease.
#[derive(Debug, Clone, Default)]
struct Stage {
    state: State,
    delivered: Id,
    pending: BTreeSet<Id>,
    lease: Fence,
    owner: Option<usize>,
}

/// Moments that can be rolled back to.
pub(crate) const MOMENTS_MAX: usize = 4;

/// The last entry of a stream.
fn end(stream: &[Frame]) -> Id {
    stream.last().map_or(0, |last| last.id)
}

impl Data {
    /// Whether a part's stream has a higher ID already.
    fn is_ahead(&self, part: &Part) -> bool {
        part.written().next().is_some_and(|first| first.id <= end(&self.streams[part.stage + 1]))
    }

    fn write(&mut self, part: &Part) {
        self.streams[part.stage + 1].extend(part.written().cloned());
        self.stages[part.stage].state.extend(&part.changes);
    }
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        let (data, before) = (Data::default(), VecDeque::new());
        Self { rules, data, before, time: 0, takings: 0 }
    }

    fn is_stale(&self, part: &Part) -> bool {
        let (shown, lease) = (&part.fence, &self.data.stages[part.stage].lease);
        let other_nonce = self.rules.nonce && shown.nonce != lease.nonce;
        shown.counter != lease.counter || other_nonce
    }

    /// Whether a second part may be written along with the first.
    fn may_go_along(&self, part: &Part) -> bool {
        let Self { rules, data, .. } = self;
        let Stage { delivered, pending, .. } = &data.stages[part.stage];
        let is_fenced = rules.second_fence && self.is_stale(part);
        let is_there = !rules.second_position || part.after == *delivered;
        let is_done = !rules.second_done || pending.is_empty();
        let is_at_end = !rules.second_at_end || end(&data.streams[part.stage]) <= *delivered;
        let is_new = part.ids().next().is_some_and(|first| first > *delivered);
        !is_fenced && is_there && is_done && is_at_end && is_new && !data.is_ahead(part)
    }
}

impl Server for Model {
    fn own_source(&mut self, nonce: &str) -> (Fence, u64, u32) {
        let counter = self.data.source.counter + 1;
        self.data.source = Fence { counter, nonce: nonce.to_owned() };
        (self.data.source.clone(), self.data.batch, self.data.position)
    }

    fn append(&mut self, fence: &Fence, first: u64, frames: &[Vec<Fact>]) -> Appended {
        let Self { rules, data, time, .. } = self;
        if rules.source_fence && *fence != data.source {
            return Appended::Fenced;
        }
        if rules.batches && first > data.batch + 1 {
            return Appended::Gap { last: data.batch };
        }
        for (batch, facts) in (first..).zip(frames) {
            if batch > data.batch || !rules.batches {
                *time += 1;
                data.streams[0].push(Frame { id: *time, facts: facts.clone() });
                data.batch = batch;
                data.position = facts.last().map_or(data.position, |last| last.number + 1);
            }
        }
        Appended::Done { last: data.batch }
    }

    fn take(&mut self, owner: usize, stage: usize) -> Option<Fence> {
        let stage = &mut self.data.stages[stage];
        if stage.owner.is_some_and(|held| held != owner) {
            return None;
        }
        self.takings += 1;
        stage.lease = Fence { counter: stage.lease.counter + 1, nonce: self.takings.to_string() };
        stage.owner = Some(owner);
        Some(stage.lease.clone())
    }

    fn lease(&mut self, stage: usize) -> Fence {
        self.data.stages[stage].lease.clone()
    }

    fn expire(&mut self, stage: usize) {
        self.data.stages[stage].owner = None;
    }

    fn read_new(&mut self, stage: usize, count: usize) -> Vec<Frame> {
        let Data { streams, stages, .. } = &mut self.data;
        let Stage { delivered, pending, .. } = &mut stages[stage];
        let new = streams[stage].iter().filter(|frame| frame.id > *delivered);
        let new: Vec<Frame> = new.take(count).cloned().collect();
        pending.extend(new.iter().map(|frame| frame.id));
        *delivered = new.last().map_or(*delivered, |last| last.id);
        new
    }

    fn read_pending(&mut self, stage: usize) -> Vec<Frame> {
        let Data { streams, stages, .. } = &self.data;
        let is_pending = |frame: &&Frame| stages[stage].pending.contains(&frame.id);
        streams[stage].iter().filter(is_pending).cloned().collect()
    }

    fn load(&mut self, stage: usize) -> State {
        self.data.stages[stage].state.clone()
    }

    fn commit(&mut self, _: usize, commit: &Commit) -> Committed {
        let Commit { first, second } = commit;
        if self.rules.fence && self.is_stale(first) {
            return Committed::Fenced;
        }
        let pending = &self.data.stages[first.stage].pending;
        if self.rules.head && !first.ids().eq(pending.iter().copied().take(first.ids().len())) {
            return Committed::NotHead;
        }
        if self.data.is_ahead(first) {
            return Committed::Refused;
        }
        let along = second.as_ref().filter(|second| self.may_go_along(second));
        let data = &mut self.data;
        data.write(first);
        data.stages[first.stage].pending.retain(|id| !first.ids().any(|done| done == *id));
        if let Some(part) = along {
            data.write(part);
            data.stages[part.stage].delivered = end(&part.outputs);
        }
        if along.is_some() == second.is_some() { Committed::Done } else { Committed::Apart }
    }

    fn remember(&mut self) {
        if self.before.len() == MOMENTS_MAX {
            self.before.pop_front();
        }
        self.before.push_back(self.data.clone());
    }

    fn roll_back(&mut self, moments: usize) {
        for _ in 0..moments {
            self.before.pop_back();
        }
        if let Some(data) = self.before.back() {
            self.data = data.clone();
        }
    }

    fn place(&mut self, stage: usize) -> Place {
        let Data { streams, stages, .. } = &self.data;
        let Stage { state, delivered, pending, .. } = stages[stage].clone();
        let (input, output) = (streams[stage].clone(), streams[stage + 1].clone());
        Place { input, output, state, delivered, pending }
    }
}
