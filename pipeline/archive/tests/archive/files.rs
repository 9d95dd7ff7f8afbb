//! Files that are cut off, changed, foreign, newer or missing; history that is imported twice;
//! many files as one.

use std::fs;
use std::path::Path;

use marabet_archive::{Archive, Days, Importer};
use marabet_schemas::{ArtefactHash, Event};

use crate::support::{FEED, archive, frames, import, paths, season, try_import};

/// An archive of a season in a folder, with its first file.
fn filled(folder: &Path) -> (Archive, std::path::PathBuf) {
    let archive = archive(folder);
    import(&archive, 1, &season());
    let file = paths(&archive, folder).remove(0);
    (archive, file)
}

/// What reading the feed fails with.
fn fault(archive: &Archive) -> String {
    let frames = archive.frames(&FEED, 0, &Days::ALL);
    match frames {
        Ok(mut frames) => frames.find_map(Result::err).expect("a fault").to_string(),
        Err(error) => error.to_string(),
    }
}

/// What is done to a file's bytes.
type Change = dyn Fn(Vec<u8>) -> Vec<u8>;

#[test]
fn a_truncated_a_foreign_a_changed_and_a_newer_file_are_named_with_what_to_do() {
    let cases: [(&str, &Change, &str); 4] = [
        ("cut off", &|bytes| bytes[..bytes.len() / 2].to_vec(), "cut off or damaged"),
        ("foreign", &|_| b"not a Parquet file at all".to_vec(), "was not written by the archive"),
        (
            "changed",
            &|mut bytes| {
                let middle = bytes.len() / 3;
                bytes[middle] ^= 0x40;
                bytes
            },
            "was changed after it was written",
        ),
        (
            "newer",
            &|bytes| {
                let text = b"marabet.form\x18\x011";
                let at = bytes.windows(text.len()).position(|part| part == text).unwrap();
                let mut newer = bytes;
                newer[at + text.len() - 1] = b'9';
                newer
            },
            "newer version",
        ),
    ];
    for (name, change, expected) in cases {
        let home = tempfile::tempdir().unwrap();
        let (archive, file) = filled(home.path());
        let changed = change(fs::read(&file).unwrap());
        fs::write(&file, &changed).unwrap();
        let said = fault(&archive);
        let named = file.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(expected) && said.contains(named), "{name}: {said}");
        assert_eq!(archive.verify().unwrap().faults.len(), 1, "{name}");
        // Whether it can be compacted or not, the file stays as it is.
        let _ = archive.compact();
        assert!(fs::read(&file).unwrap() == changed, "{name}: overwritten");
    }
}

#[test]
fn a_file_under_another_name_and_one_that_is_missing_are_named() {
    let home = tempfile::tempdir().unwrap();
    let (archive, file) = filled(home.path());
    fs::copy(&file, file.with_file_name("copy.parquet")).unwrap();
    assert!(fault(&archive).contains("copy.parquet"));
    fs::remove_file(file.with_file_name("copy.parquet")).unwrap();

    assert!(paths(&archive, home.path()).len() > 1, "a season lies in two years");
    fs::remove_file(&file).unwrap();
    assert!(fault(&archive).contains("put the missing files back"), "{}", fault(&archive));
}

#[test]
fn a_folder_without_an_archive_is_said_to_be_one() {
    let home = tempfile::tempdir().unwrap();
    let error = archive(home.path()).existing().unwrap_err();
    assert!(error.to_string().contains("holds no archive"), "{error}");
}

#[test]
fn imported_history_reads_back_in_order_whatever_the_partitions() {
    let events = season();
    for partitions in [1, 3] {
        let home = tempfile::tempdir().unwrap();
        let archive = archive(home.path());
        import(&archive, partitions, &events);
        let found: Vec<Event> =
            archive.events_in_time(&FEED, &Days::ALL).unwrap().map(Result::unwrap).collect();
        let place = |event: &Event| (event.at, event.key.clone());
        let mut expected = events.clone();
        expected.sort_by_key(place);
        assert_eq!(found.len(), expected.len());
        let mut found = found;
        found.sort_by_key(place);
        assert_eq!(found, expected, "{partitions} partitions");
    }
}

#[test]
fn to_import_again_changes_nothing_and_something_else_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let (archive, file) = filled(home.path());
    let before = fs::read(&file).unwrap();
    import(&archive, 1, &season());
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(archive.verify().unwrap().faults, [""; 0]);

    // An import that was interrupted goes on.
    fs::remove_file(&file).unwrap();
    import(&archive, 1, &season());
    assert_eq!(fs::read(&file).unwrap(), before);

    let other = ArtefactHash::of(b"other files");
    let error = Importer::begin(&archive, 1, &other, "other files").err().unwrap();
    assert!(error.to_string().contains("nothing was overwritten"), "{error}");
}

#[test]
fn a_file_of_many_that_is_another_is_named_and_left_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let (archive, events) = (archive(home.path()), season());
    // More files than are on their way at once.
    let first = import(&archive, 24, &events);
    let files = paths(&archive, home.path());
    assert!(files.len() > 40 && first.files == files.len() as u64, "{first:?}");
    assert_eq!((first.events, first.files_there), (events.len() as u64, 0));
    let sizes = files.iter().map(|file| fs::metadata(file).unwrap().len());
    assert_eq!(first.bytes, sizes.sum::<u64>());
    fs::remove_file(&files[2]).unwrap();
    let again = import(&archive, 24, &events);
    assert_eq!((again.files, again.files_there + 1), (first.files, first.files));

    fs::write(&files[0], "mine").unwrap();
    fs::remove_file(&files[2]).unwrap();
    let error = try_import(&archive, 24, &events).unwrap_err().to_string();
    let name = files[0].strip_prefix(home.path()).unwrap().display().to_string();
    assert!(error.contains(&name) && error.contains("nothing was overwritten"), "{error}");
    assert_eq!(fs::read(&files[0]).unwrap(), b"mine");
    let folders = files.iter().map(|file| file.parent().unwrap());
    let names = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.all(|name| name.ends_with(".parquet")), "nothing half is left");
}

#[test]
fn many_files_of_a_day_become_one_with_the_same_frames() {
    let home = tempfile::tempdir().unwrap();
    let (archive, file) = filled(home.path());
    let before = frames(&archive, 0);
    // A file that a paused owner wrote of a part that another file contains.
    let place = &archive.files(&FEED, &Days::ALL).unwrap()[0];
    let inside = place.to_string().replace(
        &place.last.to_string(),
        &marabet_schemas::EntryId { seq: place.last.seq - 1, ..place.last }.to_string(),
    );
    fs::copy(&file, home.path().join(&inside)).unwrap();
    assert_eq!(frames(&archive, 0), before, "a contained file is passed over");
    assert_eq!(archive.verify().unwrap().superseded, 1);
    let compacted = archive.compact().unwrap();
    assert_eq!(compacted.superseded, 1);
    assert!(!home.path().join(inside).exists());
    assert_eq!(frames(&archive, 0), before);
}
