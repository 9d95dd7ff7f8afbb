//! One hash for the bets of a backtest: that of the live line's own alerts.

use std::io::{self, Read};

use marabet_schemas::Instant;
use sha2::{Digest, Sha256};

use crate::played::PlayedBet;

/// SHA-256, in hexadecimal, of bets in canonical order (event time, match, place within the
/// match): every digit of what an alert says.
#[must_use]
pub fn of_bets<'a>(bets: impl IntoIterator<Item = &'a PlayedBet>) -> String {
    let mut hasher = Sha256::new();
    for bet in bets {
        hasher.update(line(bet.at, bet));
    }
    hex(&hasher.finalize())
}

/// SHA-256 of bytes, in hexadecimal.
#[must_use]
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of what a reader holds, in hexadecimal.
///
/// # Errors
/// Those of reading.
pub fn of_file(mut file: impl Read) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn line(at: Instant, bet: &PlayedBet) -> String {
    let PlayedBet { key, bet: id, strategy, book, market, selection, odds, ev, share, .. } = bet;
    let odds = marabet_quant::Odds::new(*odds).map_or_else(|_| odds.to_string(), |o| o.to_string());
    let at_us = at.micros();
    format!("{at_us} {key} {id} {strategy} {book} {market} {selection} {odds} {ev} {share}\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}
