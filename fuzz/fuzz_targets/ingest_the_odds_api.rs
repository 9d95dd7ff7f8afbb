//! See `ingest::the_odds_api`.
#![no_main]

#[path = "../src/ingest.rs"]
mod ingest;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| ingest::the_odds_api(bytes));
