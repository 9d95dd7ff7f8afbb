//! Identities made from content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::address::as_text;
use crate::{MatchKey, StrategyName};

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        // The length before each part keeps ("ab", "c") apart from ("a", "bc").
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Bytes of the longest hash.
const BYTES_MAX: usize = 32;

/// Each event carries hashes, so they are written at once and not a byte at a time.
fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 2 * BYTES_MAX];
    for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 0xf)];
    }
    f.write_str(str::from_utf8(&text[..2 * bytes.len()]).expect("digits are text"))
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    // A digit is below sixteen, so that the cast is exact.
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(bytes)
}

/// The text is no such hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no {1}")]
pub struct NoHash(String, &'static str);

/// Makes an [`ArtefactHash`] of bytes that come piece by piece.
#[derive(Debug, Clone, Default)]
pub struct ArtefactHasher(Sha256);

impl ArtefactHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all of them.
    #[must_use]
    pub fn finish(self) -> ArtefactHash {
        ArtefactHash(self.0.finalize().into())
    }
}

/// SHA-256 of an artefact's bytes: the address of a model or a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtefactHash([u8; 32]);

impl ArtefactHash {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ArtefactHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for ArtefactHash {
    type Err = NoHash;
    fn from_str(text: &str) -> Result<Self, NoHash> {
        let wrong = || NoHash(text.to_owned(), "hash; write 64 hexadecimal digits");
        read_hex(text).map(Self).ok_or_else(wrong)
    }
}

as_text!(ArtefactHash, "ArtefactHash", "SHA-256 in hexadecimal");

/// The identity of a bet, made from what it is and not from where it stands in the log: the same
/// log, however it was framed and partitioned, gives the same identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BetId([u8; 8]);

impl BetId {
    /// The bet of a strategy on a payoff of a match; `occurrence` counts from 0 and rises when
    /// open bets were voided and the selection was armed again, `top_up` when a stake was added.
    #[must_use]
    pub fn of(
        strategy: &StrategyName,
        key: &MatchKey,
        payoff: &str,
        occurrence: u16,
        top_up: u16,
    ) -> Self {
        let hash = sha256(&[
            strategy.as_str().as_bytes(),
            key.as_str().as_bytes(),
            payoff.as_bytes(),
            &occurrence.to_le_bytes(),
            &top_up.to_le_bytes(),
        ]);
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        Self(id)
    }
}

impl fmt::Display for BetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl FromStr for BetId {
    type Err = NoHash;
    fn from_str(text: &str) -> Result<Self, NoHash> {
        let wrong = || NoHash(text.to_owned(), "bet; write its 16 hexadecimal digits");
        read_hex(text).map(Self).ok_or_else(wrong)
    }
}

as_text!(BetId, "BetId", "16 hexadecimal digits, made from what the bet is");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bet_is_known_by_what_it_is() {
        let key: MatchKey = "E0|2024-25|A|B|1".parse().unwrap();
        let bet = BetId::of(&"sharp".into(), &key, "1x2:home", 0, 0);
        assert_eq!(bet.to_string().parse::<BetId>().unwrap(), bet);
        assert_ne!(bet, BetId::of(&"model".into(), &key, "1x2:home", 0, 0));
        assert_ne!(bet, BetId::of(&"sharp".into(), &key, "1x2:home", 1, 0));
        assert!("xyz".parse::<BetId>().is_err());
    }
}
