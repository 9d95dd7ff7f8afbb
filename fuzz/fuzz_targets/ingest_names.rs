//! Any text as the names of sides: a name means itself, and likeness knows no order.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use marabet_ingest::names::normal::normal;
use marabet_ingest::names::pool::{Pool, Verdict, judge};

fuzz_target!(|names: (&str, &str)| {
    let mut pool = Pool::default();
    for name in [names.0, names.1] {
        let _ = normal(name).signature;
        pool.learn(&name.into(), name);
    }
    for name in [names.0, names.1] {
        let verdict = judge(&[&pool], name, &BTreeSet::new(), true);
        assert!(!matches!(verdict, Verdict::Different), "a covered pool asks");
    }
});
