//! What a server does for one partition: the rules, without Redis.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A fact: which match it is about, and its number in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact {
    pub(crate) game: u8,
    pub(crate) number: u32,
}

/// An entry's place in the order of the server's time.
pub(crate) type Id = u64;

/// A frame of the feed.
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

/// What is to be committed: what follows from each frame, and the rows that changed.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) fence: Fence,
    pub(crate) outputs: Vec<(Id, Vec<String>)>,
    pub(crate) changes: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Committed {
    Done,
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

/// What lies in a server: the facts of the feed by frame, the derived events by frame, the rows,
/// and how many frames are pending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    pub(crate) feed: Vec<Vec<Fact>>,
    /// For each frame of the feed that was acknowledged, what was derived under its ID.
    pub(crate) derived: Vec<Vec<String>>,
    pub(crate) state: State,
    /// For each frame of the feed whether it was acknowledged.
    pub(crate) acknowledged: Vec<bool>,
    /// Derived entries under IDs that the feed does not have.
    pub(crate) strange: usize,
}

/// What writers and owners ask of a server.
pub(crate) trait Server {
    /// The fence, the number of the last batch, and how many facts of the source are there.
    fn own_source(&mut self, nonce: &str) -> (Fence, u64, u32);
    fn append(&mut self, fence: &Fence, first: u64, frames: &[Vec<Fact>]) -> Appended;
    /// None while another has the lease.
    fn take(&mut self, owner: usize) -> Option<Fence>;
    /// The fence of the last taking.
    fn lease(&mut self) -> Fence;
    /// The deadline of the lease passes.
    fn expire(&mut self);
    fn read_new(&mut self, count: usize) -> Vec<Frame>;
    fn read_pending(&mut self) -> Vec<Frame>;
    fn load(&mut self) -> State;
    fn commit(&mut self, owner: usize, commit: &Commit) -> Committed;
    /// Remembers how everything is, after whatever may have changed it.
    fn remember(&mut self);
    /// The server crashes and is again as it was so many remembered moments ago.
    fn roll_back(&mut self, moments: usize);
    fn contents(&mut self) -> Contents;
}

/// Which rules hold. All do; a test shows that each is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) fence: bool,
    pub(crate) nonce: bool,
    pub(crate) head: bool,
    pub(crate) batches: bool,
    pub(crate) source_fence: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fence: true, nonce: true, head: true, batches: true, source_fence: true }
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
    feed: Vec<Frame>,
    derived: Vec<(Id, Vec<String>)>,
    state: State,
    /// The group: up to where it was handed frames, and which of them are not acknowledged.
    delivered: Id,
    pending: BTreeSet<Id>,
    lease: Fence,
    owner: Option<usize>,
    source: Fence,
    batch: u64,
    position: u32,
}

/// Moments that can be rolled back to.
pub(crate) const MOMENTS_MAX: usize = 4;

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        let (data, before) = (Data::default(), VecDeque::new());
        Self { rules, data, before, time: 0, takings: 0 }
    }

    fn is_stale(&self, shown: &Fence) -> bool {
        let Data { lease, .. } = &self.data;
        let other_nonce = self.rules.nonce && shown.nonce != lease.nonce;
        self.rules.fence && (shown.counter != lease.counter || other_nonce)
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
                data.feed.push(Frame { id: *time, facts: facts.clone() });
                data.batch = batch;
                data.position = facts.last().map_or(data.position, |last| last.number + 1);
            }
        }
        Appended::Done { last: data.batch }
    }

    fn take(&mut self, owner: usize) -> Option<Fence> {
        if self.data.owner.is_some_and(|held| held != owner) {
            return None;
        }
        self.takings += 1;
        let counter = self.data.lease.counter + 1;
        self.data.lease = Fence { counter, nonce: self.takings.to_string() };
        self.data.owner = Some(owner);
        Some(self.data.lease.clone())
    }

    fn lease(&mut self) -> Fence {
        self.data.lease.clone()
    }

    fn expire(&mut self) {
        self.data.owner = None;
    }

    fn read_new(&mut self, count: usize) -> Vec<Frame> {
        let delivered = self.data.delivered;
        let new = self.data.feed.iter().filter(|frame| frame.id > delivered);
        let new: Vec<Frame> = new.take(count).cloned().collect();
        self.data.pending.extend(new.iter().map(|frame| frame.id));
        self.data.delivered = new.last().map_or(delivered, |last| last.id);
        new
    }

    fn read_pending(&mut self) -> Vec<Frame> {
        let pending = &self.data.pending;
        self.data.feed.iter().filter(|frame| pending.contains(&frame.id)).cloned().collect()
    }

    fn load(&mut self) -> State {
        self.data.state.clone()
    }

    fn commit(&mut self, _: usize, commit: &Commit) -> Committed {
        if self.is_stale(&commit.fence) {
            return Committed::Fenced;
        }
        let data = &mut self.data;
        let shown = commit.outputs.iter().map(|(id, _)| *id);
        if self.rules.head && !shown.clone().eq(data.pending.iter().copied().take(shown.len())) {
            return Committed::NotHead;
        }
        let written = commit.outputs.iter().filter(|(_, events)| !events.is_empty());
        let last = data.derived.last().map_or(0, |(id, _)| *id);
        if written.clone().any(|(id, _)| *id <= last) {
            return Committed::Refused;
        }
        data.derived.extend(written.cloned());
        data.state.extend(commit.changes.iter().map(|(game, count)| (*game, *count)));
        for id in shown {
            data.pending.remove(&id);
        }
        Committed::Done
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

    fn contents(&mut self) -> Contents {
        let Data { feed, derived, state, delivered, pending, .. } = &self.data;
        let is_done = |id: &Id| id <= delivered && !pending.contains(id);
        let under = |id: Id| derived.iter().find(|one| one.0 == id).map(|one| one.1.clone());
        let done = feed.iter().filter(|frame| is_done(&frame.id));
        let known = |id: Id| feed.iter().any(|frame| frame.id == id);
        Contents {
            feed: feed.iter().map(|frame| frame.facts.clone()).collect(),
            derived: done.map(|frame| under(frame.id).unwrap_or_default()).collect(),
            state: state.clone(),
            acknowledged: feed.iter().map(|frame| is_done(&frame.id)).collect(),
            strange: derived.iter().filter(|(id, _)| !known(*id)).count(),
        }
    }
}
