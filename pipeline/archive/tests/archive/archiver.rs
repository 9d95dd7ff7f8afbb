//! The archiver against a real server: killed, paused, ahead of the log, without a disk.

use std::time::Duration;

use marabet_archive::Days;
use marabet_schemas::ArtefactHash;
use marabet_schemas::control::{ModelPublished, Training};
use marabet_schemas::{Event, Instant};
use marabet_streams::{Stream, TrimOptions, trim};

use crate::support::{
    Archiving, FEED, Server, append, archive, archived, archived_feed, feed, season,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_archiver_that_is_killed_again_and_again_archives_each_entry_once() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    let facts = season();
    for (round, part) in facts.chunks(facts.len().div_ceil(4)).enumerate() {
        let archiver = Archiving::start(&log, &archive);
        // In pieces, so that there are many frames.
        for piece in part.chunks(23) {
            append(&log, piece).await;
        }
        tokio::time::sleep(Duration::from_millis(1_900 + 137 * round as u64)).await;
        archiver.kill();
    }
    // A lease of the killed one runs out before another archives.
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    assert_eq!(archived_feed(&archive), feed(&log).await);
    let verified = archive.verify().unwrap();
    assert_eq!(verified.faults, [""; 0]);

    // What is archived may be dropped, and is still there afterwards.
    let whole = feed(&log).await;
    let required = vec![(Stream::Feed, marabet_archive::GROUP.to_owned())];
    let retention = Duration::ZERO;
    trim(&log, &TrimOptions { retention, required, ..TrimOptions::default() }).await.unwrap();
    append(&log, &facts[..50]).await;
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    let found = archived_feed(&archive);
    for (partition, frames) in whole {
        assert_eq!(found[&partition][..frames.len()], frames, "partition {partition}");
    }
    assert_eq!(archive.verify().unwrap().faults, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_archived_before_the_file_that_names_it() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    let hash = log.put_artefact(b"a model").await.unwrap();
    let at = Instant::from_micros(1);
    let training = Training { from: at, to: at, matches: 1, cut: Vec::new() };
    let family = "dixon_coles".to_owned();
    let model = ModelPublished { competition: "E0".into(), number: 1, hash, family, training };
    append(&log, &[Event::global(at, model)]).await;
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    assert_eq!(&*archive.artefact(&hash).unwrap(), b"a model");
    std::fs::write(home.path().join(format!("artefacts/{hash}")), "another").unwrap();
    assert!(archive.artefact(&hash).unwrap_err().to_string().contains("another hash"));
    assert!(archive.artefact(&ArtefactHash::of(b"x")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_lost_is_set_aside_and_the_archive_goes_on() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    let facts = season();
    for piece in facts[..200].chunks(20) {
        append(&log, piece).await;
    }
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    // A server that lost its last entries: they are gone, and later ones come.
    let before = feed(&log).await;
    for (partition, frames) in &before {
        let key = format!("mb:{{{partition:02}}}:feed");
        for frame in &frames[frames.len() - 2..] {
            let _: i64 = server.say(&["XDEL", &key, &frame.id.to_string()]).await;
        }
    }
    append(&log, &facts[200..260]).await;
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    assert_eq!(archived_feed(&archive), feed(&log).await);
    let aside = home.path().join("set-aside/feed");
    assert!(aside.is_dir(), "what the log lost is kept apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_were_dropped_unarchived_are_a_gap_that_is_named() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    let facts = season();
    for piece in facts[..200].chunks(20) {
        append(&log, piece).await;
    }
    for partition in 0..2 {
        let key = format!("mb:{{{partition:02}}}:feed");
        let _: i64 = server.say(&["XTRIM", &key, "MAXLEN", "3"]).await;
    }
    let archiver = Archiving::start(&log, &archive);
    archived(&log).await;
    archiver.stop().await;
    let error = archive.frames(&FEED, 0, &Days::ALL).unwrap().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("lacks what comes after"), "{error}");
    assert!(!archive.verify().unwrap().faults.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_to_loses_nothing() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    append(&log, &season()[..100]).await;
    // A file stands where the folder should be.
    std::fs::write(home.path().join("feed"), "in the way").unwrap();
    let archiver = Archiving::start(&log, &archive);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(std::fs::read(home.path().join("feed")).unwrap(), b"in the way");
    std::fs::remove_file(home.path().join("feed")).unwrap();
    archived(&log).await;
    archiver.stop().await;
    assert_eq!(archived_feed(&archive), feed(&log).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_another_number_of_partitions_is_refused() {
    let server = Server::start().await;
    let log = server.log().await;
    let home = tempfile::tempdir().unwrap();
    let archive = archive(home.path());
    crate::support::import(&archive, 4, &season()[..10]);
    let archiver = Archiving::start(&log, &archive);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let files = crate::support::paths(&archive, home.path());
    archiver.kill();
    assert_eq!(crate::support::paths(&archive, home.path()), files);
    assert!(archive.found(2, None).unwrap_err().to_string().contains("4 partitions"));
}
