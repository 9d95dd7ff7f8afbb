//! Dead letters: looked at, retried once, dropped once.

use marabet_schemas::{Address, Event};
use marabet_streams::{LogError, ShutdownTrigger, Stream};

use crate::support::{Server, lines, seen, spawn_first, until, writer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_retried_as_a_new_fact_that_names_it_and_only_once() {
    let server = Server::start().await;
    let log = server.log(1).await;
    let (_trigger, shutdown) = ShutdownTrigger::new();
    let _tasks = spawn_first(&log, &shutdown);
    let writer = writer(&log).await;
    writer.append(&[seen(1, 1, "refused"), seen(1, 2, "a"), seen(1, 3, "panic")]).await.unwrap();
    writer.close().await.unwrap();
    // The writer cuts the three into frames as it likes, so that the second letter may come later.
    until("two letters", || async {
        log.dead_letters("counting", false, 10).await.unwrap().len() == 2
    })
    .await;
    let letters = log.dead_letters("counting", false, 10).await.unwrap();
    let [refused, panicked] = [letters[0].letter.address, letters[1].letter.address];

    let new = log.retry_dead("counting", refused).await.unwrap();
    let frame = log.frame(Stream::Feed, 0, new.entry).await.unwrap().unwrap();
    assert_eq!(*frame.events[0].as_ref().unwrap(), seen(1, 1, "refused"));
    let raw: Vec<redis::Value> =
        server.say(&["XRANGE", "mb:{00}:feed", &new.entry.to_string(), "+"]).await;
    assert!(format!("{raw:?}").contains(&format!("retry_of\\\":\\\"{refused}")), "{raw:?}");
    let again = log.retry_dead("counting", refused).await.unwrap_err();
    assert!(again.to_string().contains("was retried"), "{again}");

    log.drop_dead("counting", panicked).await.unwrap();
    assert!(matches!(log.drop_dead("counting", panicked).await, Err(LogError::Asked(_))));
    // The fact that was tried again is refused again, under its new address.
    until("its letter", || async {
        let open = log.dead_letters("counting", false, 10).await.unwrap();
        open.iter().any(|entry| entry.letter.address == new)
    })
    .await;
    assert_eq!(log.dead_letters("counting", true, 10).await.unwrap().len(), 3);
    let nowhere: Address = "0/1-1/1".parse().unwrap();
    assert!(log.dead_letter("counting", nowhere).await.is_err());
    assert_eq!(lines(&log, Stream::Feed, 0).await.len(), 4);
    assert!(lines(&log, Stream::Feed, 0).await.iter().all(|line| Event::from_line(line).is_ok()));
}
