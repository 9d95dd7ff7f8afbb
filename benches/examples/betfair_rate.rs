//! How fast files of the exchange become quotes, on one core: market updates a second, with and
//! without unpacking. `benches/peers/betfair.sh` runs it beside a peer.
//!
//! Arguments: files of the stream. Times are processor time of this thread, medians of five.

#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::path::PathBuf;

use marabet_ingest::betfair::catalogue::Catalogue;
use marabet_ingest::betfair::files;
use marabet_ingest::betfair::tape::{Tape, TapeCounts, TapeSettings};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Repetitions; the median counts.
const TIMES: usize = 5;
/// Least nanoseconds of one repetition.
const SPENT_MIN: u64 = 50_000_000;

/// Nanoseconds that this thread was on a processor.
fn on_processor() -> Outcome<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}

/// What came of a file, and the seconds that it took.
fn timed(
    mut work: impl FnMut() -> Outcome<(TapeCounts, usize)>,
) -> Outcome<(TapeCounts, usize, f64)> {
    let mut seconds = Vec::with_capacity(TIMES);
    let mut last = (TapeCounts::default(), 0);
    for _ in 0..TIMES {
        let began = on_processor()?;
        let mut spent = 0;
        let mut runs = 0_u32;
        // The system counts in ticks, so that a short file is read until some have passed.
        while spent < SPENT_MIN {
            last = work()?;
            runs += 1;
            spent = on_processor()? - began;
        }
        seconds.push(spent as f64 / 1e9 / f64::from(runs));
    }
    seconds.sort_by(f64::total_cmp);
    Ok((last.0, last.1, seconds[TIMES / 2]))
}

fn tape(lines: impl Fn(&mut dyn FnMut(&[u8])) -> Outcome<()>) -> Outcome<(TapeCounts, usize)> {
    let mut tape = Tape::new(TapeSettings::default(), Catalogue::default());
    let (mut news, mut rejects, mut facts) = (Vec::new(), Vec::new(), 0);
    lines(&mut |line| {
        tape.read("bench", 1, line, &mut news, &mut rejects);
        facts += news.drain(..).map(|one| one.facts.len()).sum::<usize>();
    })?;
    Ok((tape.counts(), facts))
}

fn main() -> Outcome<()> {
    println!(
        "{:<44} {:>9} {:>9} {:>7} {:>12} {:>12} {:>7}",
        "file", "updates", "prices", "facts", "updates/s", "unpacked/s", "MB/s"
    );
    let (mut all, mut packed_seconds, mut plain_seconds) = (0, 0.0, 0.0);
    for path in std::env::args().skip(1).map(PathBuf::from) {
        let (counts, facts, packed) = timed(|| {
            tape(|take| {
                files::lines(&path, &mut |_, _, line| {
                    take(line);
                    true
                })?;
                Ok(())
            })
        })?;
        let mut plain: Vec<Vec<u8>> = Vec::new();
        files::lines(&path, &mut |_, _, line| {
            plain.push(line.to_vec());
            true
        })?;
        let bytes: usize = plain.iter().map(Vec::len).sum();
        let (_, _, unpacked) = timed(|| {
            tape(|take| {
                plain.iter().for_each(|line| take(line));
                Ok(())
            })
        })?;
        let rate = |seconds: f64| counts.market_changes as f64 / seconds;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!(
            "{name:<44.44} {:>9} {:>9} {facts:>7} {:>12.0} {:>12.0} {:>7.0}",
            counts.market_changes,
            counts.prices,
            rate(packed),
            rate(unpacked),
            bytes as f64 / unpacked / 1e6
        );
        all += counts.market_changes;
        packed_seconds += packed;
        plain_seconds += unpacked;
    }
    let rate = |seconds: f64| f64::from(u32::try_from(all).unwrap_or(u32::MAX)) / seconds;
    println!(
        "all: {all} updates; {:.0}/s unpacking, {:.0}/s unpacked",
        rate(packed_seconds),
        rate(plain_seconds)
    );
    Ok(())
}
