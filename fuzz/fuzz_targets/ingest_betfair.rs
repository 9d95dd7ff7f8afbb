//! Any lines as messages of the exchange, and any bytes as its catalogue: the books that they make
//! tell whole quotes alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_ingest::betfair::catalogue::Catalogue;
use marabet_ingest::betfair::tape::{Tape, TapeSettings};
use marabet_schemas::{Body, Instant};

fuzz_target!(|bytes: &[u8]| {
    let (mut news, mut rejects) = (Vec::new(), Vec::new());
    let mut catalogue = Catalogue::default();
    catalogue.read("fuzz", bytes, &mut rejects);
    let mut tape = Tape::new(TapeSettings::default(), catalogue);
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        tape.read("fuzz", number, line, &mut news, &mut rejects);
    }
    tape.seen(Instant::default(), &mut news);
    for fact in news.iter().flat_map(|news| &news.facts) {
        if let Body::Quote(quote) = fact {
            assert_eq!(quote.odds.len(), quote.market.selections().len());
        }
    }
});
