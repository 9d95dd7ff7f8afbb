//! The fingerprint of a partition's bets, line by line in the order of the log.

use marabet_schemas::{Body, Event};

/// FNV-1a (64 bits) of the lines, and how many of them are bets or better prices for bets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    hash: u64,
    /// Value bets, revisions included.
    pub(crate) bets: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, bets: 0 }
    }
}

impl Digest {
    /// Takes in the next event of the partition.
    pub(crate) fn add(&mut self, event: &Event) {
        self.bets += u64::from(matches!(event.body, Body::ValueBet(_)));
        for byte in event.to_line().bytes().chain([b'\n']) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
