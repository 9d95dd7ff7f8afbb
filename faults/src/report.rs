//! What a campaign came to, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::invariants::Compared;
use crate::round::Round;

/// What a campaign came to.
#[derive(Debug)]
pub struct Report {
    seed: u64,
    rounds: u32,
    /// How often each fault happened.
    pub faults: BTreeMap<String, u32>,
    /// Faults that could not happen here, with the reason.
    pub skipped: BTreeMap<String, String>,
    /// Leases taken over.
    pub takeovers: u64,
    /// The longest time in which a group was behind and no stream grew.
    pub pause: Duration,
    /// What was found, by stream.
    pub streams: BTreeMap<&'static str, Compared>,
    /// Alerts told more than once.
    pub alerts_repeated: u64,
    /// Frames passed over.
    pub quarantined: u64,
    /// Bytes cut off the AOF.
    pub bytes_torn: u64,
    /// The last words of processes that ended by themselves; another was started for each.
    pub gave_up: Vec<String>,
}

impl Report {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rounds: 0,
            faults: BTreeMap::new(),
            skipped: BTreeMap::new(),
            takeovers: 0,
            pause: Duration::ZERO,
            streams: BTreeMap::new(),
            alerts_repeated: 0,
            quarantined: 0,
            bytes_torn: 0,
            gave_up: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, round: Round) {
        self.rounds += 1;
        for (fault, times) in round.faults {
            *self.faults.entry(fault).or_default() += times;
        }
        self.skipped.extend(round.skipped);
        self.takeovers += round.seen.takeovers;
        self.pause = self.pause.max(round.seen.pause);
        for (stream, compared) in &round.found.streams {
            self.streams.entry(stream).or_default().add(compared);
        }
        self.alerts_repeated += round.found.alerts_repeated;
        self.quarantined += round.found.quarantined;
        self.bytes_torn += round.bytes_torn;
        self.gave_up.extend(round.gave_up);
    }

    /// How often a process of a stage was killed.
    #[must_use]
    pub fn kills(&self) -> u32 {
        let of_stages = self.faults.iter().filter(|(fault, _)| {
            fault.starts_with("SIGKILL") && !fault.starts_with("SIGKILL Redis")
        });
        of_stages.map(|(_, times)| times).sum()
    }

    /// Whether nothing was lost or doubled, and everything is in order.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.streams.values().all(Compared::is_clean)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} rounds", self.seed, self.rounds)?;
        writeln!(f, "  {:<28}{:>9}", "fault", "times")?;
        for (fault, times) in &self.faults {
            writeln!(f, "  {fault:<28}{times:>9}")?;
        }
        for (fault, why) in &self.skipped {
            writeln!(f, "  {fault:<28}  SKIPPED: {why}")?;
        }
        writeln!(f, "  {:<28}{:>9}", "takeovers", self.takeovers)?;
        writeln!(f, "  {:<28}{:>7.1} s", "longest pause", self.pause.as_secs_f64())?;
        writeln!(f, "  {:<28}{:>9}", "bytes torn off the AOF", self.bytes_torn)?;
        writeln!(f, "  {:<28}{:>9}", "processes that gave up", self.gave_up.len())?;
        for words in &self.gave_up {
            writeln!(f, "    {words}")?;
        }
        writeln!(f, "  {:<28}{:>9}", "frames quarantined", self.quarantined)?;
        writeln!(f, "  {:<28}{:>9}", "alerts told again", self.alerts_repeated)?;
        writeln!(f, "  {:<14}{:>9}{:>7}{:>9}", "stream", "events", "lost", "doubled")?;
        for (stream, compared) in &self.streams {
            let Compared { expected, lost, doubled, disordered } = compared;
            let order = if *disordered { "  OUT OF ORDER" } else { "" };
            writeln!(f, "  {stream:<14}{expected:>9}{lost:>7}{doubled:>9}{order}")?;
        }
        Ok(())
    }
}
