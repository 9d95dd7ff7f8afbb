//! What an import costs on one core: rows of CSV into the archive's files. Beside it the rows read
//! into matches alone, and their cells told apart by the `csv` crate, which makes nothing of them.
//!
//! The history is a simulated league's, with `MARABET_DATA` set all real seasons of
//! football-data.co.uk, unpacked. Throughput is in rows.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]
#![allow(clippy::print_stderr, reason = "sizes are said beside the times")]

use std::ffi::OsStr;
use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use marabet_archive::{Archive, ArchiveError, Imported, Importer};
use marabet_ingest::football_data::{Loader, Timeline, Timing};
use marabet_ingest::seasons;
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_schemas::ArtefactHash;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As the program has it by default.
const PARTITIONS: u16 = 4;

/// The files of all seasons that are there, unpacked into a folder.
fn history(folder: &Path) -> (&'static str, Vec<PathBuf>) {
    let Some(data) = std::env::var_os("MARABET_DATA") else {
        let settings = Settings { seasons: 30, ..Settings::default() };
        return ("simulated", Simulation::new(settings).unwrap().write_csv(folder).unwrap());
    };
    let packed = seasons::find(&[Path::new(&data).join("football_data_uk")]).unwrap();
    let unpack = |file: &PathBuf| {
        let plain = folder.join(file.strip_prefix(&data).unwrap());
        fs::create_dir_all(plain.parent().unwrap()).unwrap();
        if file.extension() != Some(OsStr::new("gz")) {
            fs::copy(file, &plain).unwrap();
            return plain;
        }
        let plain = plain.with_extension("");
        let mut unpacked = flate2::read::MultiGzDecoder::new(File::open(file).unwrap());
        // A file that is damaged on purpose is unpacked as far as it goes.
        drop(io::copy(&mut unpacked, &mut File::create(&plain).unwrap()));
        plain
    };
    ("real", packed.iter().map(unpack).collect())
}

fn matches(files: &[PathBuf]) -> (ArtefactHash, Timeline) {
    let (mut loader, mut rejects) = (Loader::new(Timing::default()), Vec::new());
    loader.files(files, &mut rejects).unwrap();
    (loader.fingerprint(), loader.finish(&mut rejects))
}

/// As the program imports, but one partition after the other. Like the program it does not give the
/// memory of the timelines back.
fn import(files: &[PathBuf], folder: &Path) -> (Imported, Vec<Timeline>) {
    let (print, timeline) = matches(files);
    let archive = Archive::at(folder.to_str().unwrap()).unwrap();
    let importer = Importer::begin(&archive, PARTITIONS, &print, "bench").unwrap();
    let timelines = timeline.split(PARTITIONS, |key| key.partition(PARTITIONS));
    let parts = importer.into_partitions().into_iter().zip(&timelines);
    let imported = parts.map(|(mut partition, timeline)| {
        timeline.try_for_each(|known| partition.push(known))?;
        partition.finish()
    });
    (imported.sum::<Result<Imported, ArchiveError>>().unwrap(), timelines)
}

fn cells(files: &[PathBuf]) -> usize {
    let mut cells = 0;
    for file in files {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file).unwrap();
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap() {
            cells += black_box(&record).len();
        }
    }
    cells
}

fn rows(c: &mut Criterion) {
    let home = tempfile::tempdir().unwrap();
    let (name, files) = history(&home.path().join("csv"));
    let rows = matches(&files).1.counts().rows;
    let (imported, _) = import(&files, &home.path().join("once"));
    eprintln!(
        "{name}: {} files, {rows} rows, {} facts; {} files of {} bytes",
        files.len(),
        imported.events,
        imported.files,
        imported.bytes
    );
    let mut group = c.benchmark_group("import");
    group.sample_size(10);
    group.throughput(Throughput::Elements(rows));
    group.bench_function("rows_to_archive", |b| {
        // Each beside the others: what was just removed slows down what comes after it.
        let mut number = 0;
        b.iter_with_large_drop(|| {
            number += 1;
            import(&files, &home.path().join(format!("archive-{number}")))
        });
    });
    group.bench_function("rows_to_matches", |b| b.iter(|| matches(&files)));
    group.bench_function("rows_to_cells_by_csv", |b| b.iter(|| cells(&files)));
    group.finish();
}

/// On one core, also what is done beside: files on their way to the disk.
fn on_one(c: &mut Criterion) {
    #[cfg(target_os = "linux")]
    {
        let mut one = rustix::thread::CpuSet::new();
        let allowed = rustix::thread::sched_getaffinity(None).unwrap();
        one.set((0..).find(|&core| allowed.is_set(core)).unwrap());
        rustix::thread::sched_setaffinity(None, &one).unwrap();
    }
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
    rows(c);
}

criterion_group!(benches, on_one);
criterion_main!(benches);
