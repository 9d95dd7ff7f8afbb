//! An archive in a bucket, over a server that speaks as much of S3 as an archive needs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use marabet_archive::{Archive, Days};
use marabet_schemas::Event;

use crate::support::{FEED, import, season};

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// PUT (also only where nothing is there), GET, DELETE, and lists in pages of two.
fn serve(objects: Objects) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let objects = Arc::clone(&objects);
            std::thread::spawn(move || answer(stream, &objects));
        }
    });
    at
}

fn answer(stream: TcpStream, objects: &Objects) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim().split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let (status, body) = reply(&method, &target, &headers, body, objects);
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"x\"\r\n\
             last-modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&body).ok()?;
    }
}

fn reply(
    method: &str,
    target: &str,
    headers: &BTreeMap<String, String>,
    body: Vec<u8>,
    objects: &Objects,
) -> (&'static str, Vec<u8>) {
    if !headers.get("authorization").is_some_and(|signed| signed.contains("AWS4-HMAC-SHA256")) {
        return ("403 Forbidden", b"unsigned".to_vec());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decode = |text: &str| text.replace("%3D", "=").replace("%2F", "/");
    let key = decode(path.trim_start_matches("/bets/").trim_start_matches("/bets"));
    let mut objects = objects.lock().unwrap();
    match method {
        "GET" if key.is_empty() => {
            let value = |name: &str| {
                let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                pairs.find(|(found, _)| *found == name).map(|(_, value)| decode(value))
            };
            let (prefix, after) = (value("prefix"), value("continuation-token"));
            ("200 OK", listing(&objects, &prefix.unwrap_or_default(), &after.unwrap_or_default()))
        }
        "GET" => match objects.get(&key) {
            Some(object) => ("200 OK", object.clone()),
            None => ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
        },
        "PUT" if headers.contains_key("if-none-match") && objects.contains_key(&key) => {
            ("412 Precondition Failed", Vec::new())
        }
        "PUT" => {
            objects.insert(key, body);
            ("200 OK", Vec::new())
        }
        "DELETE" => {
            objects.remove(&key);
            ("204 No Content", Vec::new())
        }
        _ => ("405 Method Not Allowed", Vec::new()),
    }
}

fn listing(objects: &BTreeMap<String, Vec<u8>>, prefix: &str, after: &str) -> Vec<u8> {
    let found: Vec<(&String, &Vec<u8>)> =
        objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after).collect();
    let entry = |(key, object): &(&String, &Vec<u8>)| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>\
             <ETag>\"x\"</ETag><Size>{}</Size></Contents>",
            object.len()
        )
    };
    let page: String = found.iter().take(2).map(entry).collect();
    let next = found.get(2).map_or(String::new(), |_| {
        format!("<NextContinuationToken>{}</NextContinuationToken>", found[1].0)
    });
    format!("<ListBucketResult>{page}{next}</ListBucketResult>").into_bytes()
}

#[test]
fn an_archive_lies_in_a_bucket_as_it_lies_in_a_folder() {
    let objects = Objects::default();
    let at = serve(Arc::clone(&objects));
    // This process' other tests use no bucket.
    temporarily_set(&[
        ("AWS_ENDPOINT", &at),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ]);
}

/// Runs the check in a process of its own that has these variables: to set them in this one, where
/// other tests run beside, would be unsound.
fn temporarily_set(variables: &[(&str, &str)]) {
    let itself = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(itself);
    command.args(["--exact", "bucket::in_a_bucket", "--nocapture"]);
    command.envs(variables.iter().copied()).env("MARABET_TEST_BUCKET", "s3://bets/archive");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The check itself, run by the test above.
#[test]
fn in_a_bucket() {
    let Ok(location) = std::env::var("MARABET_TEST_BUCKET") else { return };
    let archive = Archive::at(&location).unwrap();
    assert!(archive.existing().is_err(), "nothing is there yet");
    let events = season();
    import(&archive, 2, &events);
    import(&archive, 2, &events);
    assert_eq!(archive.verify().unwrap().faults, [""; 0]);
    let found: Vec<Event> =
        archive.events_in_time(&FEED, &Days::ALL).unwrap().map(Result::unwrap).collect();
    assert_eq!(found.len(), events.len());
    let rows: u64 = archive.status().unwrap().iter().map(|holding| holding.rows).sum();
    assert_eq!(rows, events.len() as u64);
    let wrong = Archive::at("ftp://bets").unwrap_err().to_string();
    assert!(wrong.contains("s3://bucket/prefix"), "{wrong}");
}
