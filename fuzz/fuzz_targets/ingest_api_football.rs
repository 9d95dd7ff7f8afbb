//! Any bytes as replies of API-Football: each list that they might hold is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_ingest::api_football::{details, envelope, fixtures, odds};

fuzz_target!(|bytes: &[u8]| {
    let Ok(envelope) = envelope::unwrap("fuzz", bytes) else { return };
    let (items, mut rejects) = (&envelope.items, Vec::new());
    let _ = fixtures::read("fuzz", items, &mut rejects);
    let _ = odds::read("fuzz", items, &mut rejects);
    let _ = details::statistics("fuzz", items, &mut rejects);
    let _ = details::events("fuzz", items, &mut rejects);
    let _ = details::line_ups("fuzz", items, &mut rejects);
    let _ = details::injuries("fuzz", items, &mut rejects);
    let _ = details::teams("fuzz", items, &mut rejects);
    let _ = details::standings("fuzz", items, &mut rejects);
});
