//! Our own events as lines, through a file and through a pipe.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::io::{BufReader, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use marabet_ingest::ndjson::{NdjsonFile, NdjsonPipe, write};
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_ingest::{Batch, RejectKind, Source};
use marabet_schemas::Event;

fn simulated() -> Vec<Event> {
    let settings = Settings { seasons: 1, sides: 6, ..Settings::default() };
    Simulation::new(settings).unwrap().into_events().collect()
}

fn lines(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = write(events.iter().cloned(), &mut bytes).unwrap();
    assert_eq!(written, events.len() as u64);
    bytes
}

async fn drain(source: &mut dyn Source) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    while let Some(batch) = source.next().await.unwrap() {
        if let Some(last) = batches.last() {
            let next = last.first.map(|first| first + last.events.len() as u64);
            assert_eq!(batch.first, next);
        }
        assert!(batch.events.len() + batch.rejects.len() <= 256);
        batches.push(batch);
    }
    batches
}

fn events(batches: Vec<Batch>) -> Vec<Event> {
    batches.into_iter().flat_map(|batch| batch.events).collect()
}

#[tokio::test]
async fn a_file_is_read_back_as_it_was_written_and_goes_on_from_any_event() {
    let expected = simulated();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson.gz");
    let mut packed = GzEncoder::new(std::fs::File::create(&path).unwrap(), Compression::fast());
    packed.write_all(&lines(&expected)).unwrap();
    packed.finish().unwrap();

    let open = || NdjsonFile::open("recording".into(), &path).unwrap();
    let batches = drain(&mut open()).await;
    assert!(batches.len() > 3);
    let mut again = open();
    again.resume(777).await.unwrap();
    let rest = drain(&mut again).await;
    assert_eq!(rest[0].first, Some(777));
    assert_eq!(events(rest), expected[777..]);
    assert_eq!(events(batches), expected);

    let error = open().resume(1_000_000).await.unwrap_err();
    assert!(error.to_string().contains("not the one"), "{error}");
    let missing = NdjsonFile::open("recording".into(), &folder.path().join("x")).unwrap_err();
    assert!(missing.to_string().contains("cannot read"), "{missing}");
}

#[tokio::test]
async fn a_pipe_hands_on_what_has_come_and_keeps_bad_lines_with_their_numbers() {
    let expected = simulated();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut source = NdjsonPipe::new("stdin".into(), BufReader::new(reader));
    source.resume(41).await.unwrap();

    writer.write_all(&lines(&expected[..1])).unwrap();
    let first = source.next().await.unwrap().unwrap();
    assert_eq!((first.first, &first.events[..]), (None, &expected[..1]));

    let rest = lines(&expected[1..]);
    std::thread::spawn(move || {
        writer.write_all(b"nonsense\n").unwrap();
        writer.write_all(&rest).unwrap();
    });
    let batches = drain(&mut source).await;
    let rejects: Vec<_> = batches.iter().flat_map(|batch| &batch.rejects).collect();
    let places: Vec<_> = rejects.iter().map(|reject| (reject.line, reject.kind)).collect();
    assert_eq!(places, [(2, RejectKind::Malformed)]);
    assert_eq!(events(batches), expected[1..]);
}
