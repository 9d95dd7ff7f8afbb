//! Any bytes as files: of football-data.co.uk, of openfootball, of our own events, of prices with a
//! mapping. Each is read to its end, and what is no row of it is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_ingest::football_data::FileReader;
use marabet_ingest::ndjson::Reader;
use marabet_ingest::prices_file::{Mapping, ROLES, rows};
use marabet_ingest::{Reject, openfootball};

fuzz_target!(|bytes: &[u8]| {
    let mut rejects: Vec<Reject> = Vec::new();
    let mut file = FileReader::new("E0.csv", bytes);
    while let Ok(Some(_)) = file.next_record(&mut rejects) {}
    let _ = openfootball::read("fuzz", bytes, &mut rejects);
    let mut reader = Reader::new("fuzz", bytes);
    while let Ok(Some(_)) = reader.next_event() {}
    let columns = ROLES.map(|role| (role.to_owned(), role.to_owned()));
    if let Ok(mapping) = Mapping::new(columns.into()) {
        let _ = rows("fuzz", bytes, &mapping);
    }
});
