//! The embedded server: one owner, a clean stop, and what crashes leave behind.

use marabet_streams::embedded::EmbeddedError;
use marabet_streams::{EmbeddedOptions, EmbeddedRedis, Heir, Log, LogError, LogOptions, Namespace};

use crate::support::{Server, kill, until};

async fn start(folder: &std::path::Path) -> Result<EmbeddedRedis, EmbeddedError> {
    EmbeddedRedis::start(folder, EmbeddedOptions::default()).await
}

async fn say(redis: &EmbeddedRedis, words: &[&str]) -> redis::RedisResult<redis::Value> {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.query_async(&mut connection).await
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_after_a_clean_stop_everything_is_there() {
    let server = Server::start().await;
    let folder = server.folder.path().to_owned();
    let refused = start(&folder).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::InUse { .. }), "{refused}");

    let pid = server.redis.pid().unwrap();
    let _: redis::Value = server.say(&["SET", "kept", "yes"]).await;
    let Server { redis, folder: temporary } = server;
    redis.stop().await;
    assert!(!std::path::Path::new(&format!("/proc/{pid}/cwd")).exists(), "it still runs");
    let again = start(temporary.path()).await.unwrap();
    assert_eq!(
        say(&again, &["GET", "kept"]).await.unwrap(),
        redis::Value::BulkString(b"yes".into())
    );
    assert_eq!((again.repairs().len(), again.is_adopted()), (0, false));
}

#[tokio::test]
async fn an_heir_goes_on_with_the_server_when_its_owner_ends() {
    let server = Server::start().await;
    let heir = Heir::wait(server.folder.path(), EmbeddedOptions::default()).unwrap();
    assert_eq!((heir.url(), heir.has_inherited()), (server.redis.url(), false));
    let _: redis::Value = server.say(&["SET", "kept", "yes"]).await;
    let Server { redis, folder } = server;
    redis.stop().await;
    until("the heir has the server", || async { heir.has_inherited() }).await;
    let url = heir.url();
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let kept: String = redis::cmd("GET").arg("kept").query_async(&mut connection).await.unwrap();
    assert_eq!(kept, "yes");
    assert!(start(folder.path()).await.is_err(), "it is in use");
    heir.stop().await;
    start(folder.path()).await.unwrap();
}

#[tokio::test]
async fn settings_that_would_lose_the_log_are_refused() {
    let server = Server::start().await;
    for (setting, value, named) in [
        ("maxmemory-policy", "allkeys-lru", "allkeys-lru"),
        ("appendonly", "no", "`appendonly` is `no`"),
    ] {
        let before: Vec<String> = server.say(&["CONFIG", "GET", setting]).await;
        let _: String = server.say(&["CONFIG", "SET", setting, value]).await;
        let namespace = Namespace::new("mb", 1).unwrap();
        let opened = Log::open(&server.redis.url(), namespace, LogOptions::default()).await;
        let error = opened.unwrap_err();
        assert!(matches!(error, LogError::Settings(_)), "{error}");
        assert!(
            error.to_string().contains(named) && error.to_string().contains("fix it"),
            "{error}"
        );
        let _: String = server.say(&["CONFIG", "SET", setting, &before[1]]).await;
    }
}

#[tokio::test]
async fn a_torn_end_of_the_file_is_repaired_and_reported() {
    let server = Server::start().await;
    for number in 0..50 {
        let _: String = server.say(&["SET", &format!("key{number}"), "value"]).await;
    }
    kill(server.redis.pid().unwrap());
    let Server { redis, folder } = server;
    // The guard must not start it again before the file is torn.
    drop(redis);
    let aof = folder.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let size = aof.metadata().unwrap().len();
    let file = std::fs::File::options().write(true).open(&aof).unwrap();
    file.set_len(size - 7).unwrap();
    // A mark of a clean stop speaks of the file as it was then.
    std::fs::write(folder.path().join("stopped-cleanly"), size.to_string()).unwrap();

    let again = start(folder.path()).await.unwrap();
    let repairs = again.repairs();
    assert_eq!(repairs.len(), 1);
    assert_eq!(repairs[0].bytes_cut + repairs[0].bytes_left, size - 7);
    assert!(repairs[0].bytes_cut > 0 && repairs[0].copy.metadata().unwrap().len() == size - 7);
    assert_eq!(say(&again, &["GET", "key49"]).await.unwrap(), redis::Value::Nil);
    assert_eq!(
        say(&again, &["GET", "key48"]).await.unwrap(),
        redis::Value::BulkString(b"value".into())
    );
}

#[tokio::test]
async fn a_server_that_survived_its_owner_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    // An owner that is killed runs no destructors: its lock goes with it and its server stays.
    let redis = std::process::Command::new("redis-server")
        .args(["--port", "0", "--appendonly", "yes", "--save", "", "--dir"])
        .arg(folder.path())
        .arg("--unixsocket")
        .arg(folder.path().join("redis.sock"))
        .arg("--pidfile")
        .arg(folder.path().join("redis.pid"))
        .stdout(std::process::Stdio::null())
        .spawn();
    let mut survivor = redis.unwrap();
    while !folder.path().join("redis.sock").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let adopted = start(folder.path()).await.unwrap();
    assert!(adopted.is_adopted());
    assert_eq!(adopted.pid(), Some(survivor.id()));
    let waiting = std::thread::spawn(move || survivor.wait().unwrap());
    adopted.stop().await;
    assert!(waiting.join().unwrap().success(), "it was stopped cleanly");
}

#[tokio::test]
async fn a_server_without_its_socket_is_not_joined_by_a_second_one() {
    let server = Server::start().await;
    let pid = server.redis.pid().unwrap();
    let socket = server.redis.socket().to_owned();
    std::fs::remove_file(&socket).unwrap();
    // The owner goes without being able to stop it: as if it had been killed.
    let Server { redis, folder } = server;
    let owner = std::thread::spawn(move || std::mem::forget(redis));
    owner.join().unwrap();
    // The lock of the forgotten owner is this process's own, so that the folder stays in use.
    let refused = start(folder.path()).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::InUse { .. }), "{refused}");
    kill(pid);
}
