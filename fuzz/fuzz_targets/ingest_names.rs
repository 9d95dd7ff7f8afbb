//! See `ingest::names`.
#![no_main]

#[path = "../src/ingest.rs"]
mod ingest;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|names: (&str, &str)| ingest::names(names.0, names.1));
