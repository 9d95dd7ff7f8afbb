//! Which fault happens when: a function of the seed.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stage that runs as processes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each name is the stage")]
pub enum Stage {
    Ingest,
    Predict,
    Detect,
    Portfolio,
    Notify,
}

impl Stage {
    /// Every stage, in the order of the line.
    pub const ALL: [Self; 5] =
        [Self::Ingest, Self::Predict, Self::Detect, Self::Portfolio, Self::Notify];

    /// The name, as the command line takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Predict => "predict",
            Self::Detect => "detect",
            Self::Portfolio => "portfolio",
            Self::Notify => "notify",
        }
    }

    /// How many processes run it. A source has one reader of its file.
    #[must_use]
    pub const fn processes(self) -> usize {
        match self {
            Self::Ingest | Self::Notify => 1,
            Self::Predict | Self::Detect | Self::Portfolio => 2,
        }
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A process gets SIGKILL.
    Kill(Stage, usize),
    /// A process gets SIGSTOP, and SIGCONT after so many ms: a lease may pass meanwhile.
    Freeze(Stage, usize, u64),
    /// Redis gets SIGKILL and is started again.
    KillRedis,
    /// The same, and the last file of its AOF is cut at this share (in thousandths) of what was
    /// written within the last second: what a crash of the machine takes back.
    TearRedis(u16),
    /// Every connection is cut.
    Cut,
    /// What goes over the connections takes so many ms longer, for so many ms.
    Delay(u64, u64),
    /// The disk of Redis is full for so many ms.
    FullDisk(u64),
    /// Redis has no memory left for new facts, for so many ms.
    ShortMemory(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(stage, _) => write!(f, "SIGKILL {}", stage.name()),
            Self::Freeze(..) => f.write_str("SIGSTOP, then SIGCONT"),
            Self::KillRedis => f.write_str("SIGKILL Redis"),
            Self::TearRedis(_) => f.write_str("SIGKILL Redis, AOF torn"),
            Self::Cut => f.write_str("connections cut"),
            Self::Delay(..) => f.write_str("connections delayed"),
            Self::FullDisk(_) => f.write_str("disk full"),
            Self::ShortMemory(_) => f.write_str("memory bound reached"),
        }
    }
}

/// A fault, and how long after the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// In ms.
    pub after_ms: u64,
    /// What happens.
    pub fault: Fault,
}

/// The faults of a round with so many kills, in their order.
#[must_use]
pub fn plan(seed: u64, kills: u32) -> Vec<Planned> {
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(seed));
    let mut faults: Vec<Fault> = (0..kills as usize)
        .map(|number| {
            // Each stage in turn, so that none is spared.
            let stage = Stage::ALL[number % Stage::ALL.len()];
            Fault::Kill(stage, chance.below(stage.processes() as u64) as usize)
        })
        .collect();
    let some = |one_in: u32| (kills / one_in).max(1);
    for number in 0..some(15).max(3) {
        let stage = Stage::ALL[1 + number as usize % (Stage::ALL.len() - 1)];
        let which = chance.below(stage.processes() as u64) as usize;
        faults.push(Fault::Freeze(stage, which, 500 + chance.below(7_500)));
    }
    let redis = some(12).max(5);
    let torn = redis.div_ceil(2).max(2);
    faults.extend((0..redis - torn).map(|_| Fault::KillRedis));
    faults.extend((0..torn).map(|_| Fault::TearRedis(chance.below(1_001) as u16)));
    faults.extend((0..some(15)).map(|_| Fault::Cut));
    faults.extend(
        (0..some(20)).map(|_| Fault::Delay(20 + chance.below(300), 300 + chance.below(1_200))),
    );
    faults.extend((0..some(30)).map(|_| Fault::FullDisk(500 + chance.below(2_000))));
    faults.extend((0..some(30)).map(|_| Fault::ShortMemory(300 + chance.below(1_500))));
    chance.shuffle(&mut faults);
    faults.into_iter().map(|fault| Planned { after_ms: 20 + chance.below(600), fault }).collect()
}

struct Chance(ChaCha8Rng);

impl Chance {
    /// A number below this bound. That some are likelier by one in 2^50 does not matter here.
    fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    /// Fisher and Yates' shuffle.
    fn shuffle<T>(&mut self, of: &mut [T]) {
        for last in (1..of.len()).rev() {
            of.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_reproduces_its_schedule_and_another_gives_another() {
        assert_eq!(plan(7, 60), plan(7, 60));
        assert_ne!(plan(7, 60), plan(8, 60));
    }

    #[test]
    fn every_stage_is_killed_and_redis_at_least_five_times_twice_with_a_torn_file() {
        for (seed, kills) in [(1, 50), (2, 60), (3, 20)] {
            let faults: Vec<Fault> =
                plan(seed, kills).into_iter().map(|planned| planned.fault).collect();
            let count = |of: &dyn Fn(&Fault) -> bool| faults.iter().filter(|one| of(one)).count();
            let killed = |stage| count(&|one| matches!(one, Fault::Kill(of, _) if *of == stage));
            assert!(Stage::ALL.iter().all(|stage| killed(*stage) >= kills as usize / 5));
            assert_eq!(Stage::ALL.map(killed).iter().sum::<usize>(), kills as usize);
            let torn = count(&|one| matches!(one, Fault::TearRedis(_)));
            assert!(torn >= 2 && torn + count(&|one| *one == Fault::KillRedis) >= 5);
        }
    }
}
