//! Any bytes as replies of The Odds API: read or refused, and every price that is read is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_ingest::the_odds_api::parse::{self, Parsed, Wanted};
use marabet_schemas::{Body, Instant};

fn check(parsed: &Parsed) {
    for (_, body) in parsed.matches.iter().flat_map(|shown| &shown.facts) {
        if let Body::Quote(quote) = body {
            assert_eq!(quote.odds.len(), quote.market.selections().len());
            assert!(quote.odds.iter().all(|odds| (1.0..=1000.0).contains(&odds.decimal())));
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(&parse::odds("fuzz", bytes, Wanted { lay: true }, Instant::default()));
    check(&parse::historical("fuzz", bytes, Wanted::default()).1);
    check(&parse::events("fuzz", bytes));
    check(&parse::scores("fuzz", bytes, |_| false));
    let _ = parse::refusal(&String::from_utf8_lossy(bytes));
});
