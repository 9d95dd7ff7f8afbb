//! Any bytes as Pinnacle's fixtures and odds: read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_ingest::pinnacle::parse;

fuzz_target!(|bytes: &[u8]| {
    let mut rejects = Vec::new();
    let _ = parse::fixtures("fuzz", bytes, &mut rejects);
    let _ = parse::odds("fuzz", bytes, true, &mut rejects);
});
