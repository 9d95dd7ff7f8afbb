//! Spans for a collector of OpenTelemetry: a real one over HTTP, which decodes what it gets.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;

use crate::faces::{address_of, ask, terminate};
use crate::kills::{over, season, server, wait_for};
use crate::support::{Process, file, run, text};

/// What a collector was sent.
#[derive(Default)]
struct Received {
    spans: Vec<Span>,
    /// The attributes of the processes that sent them.
    resources: Vec<BTreeMap<String, String>>,
    /// The header that a collector lets senders in by.
    keys: BTreeSet<String>,
}

/// A collector on loopback. It ends with the test's process.
#[derive(Clone)]
struct Collector {
    url: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { url, received: Arc::default() };
        let taking = collector.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let taking = taking.clone();
                std::thread::spawn(move || while taking.take(&socket).is_some() {});
            }
        });
        collector
    }

    /// Takes one request of a connection; none when it has ended.
    fn take(&self, mut socket: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(socket);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_ascii_lowercase());
        }
        assert_eq!(head[0], "post /v1/traces http/1.1");
        let header = |name: &str| head.iter().find_map(|line| line.strip_prefix(name));
        assert_eq!(header("content-type: "), Some("application/x-protobuf"));
        let mut body = vec![0; header("content-length: ")?.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        let mut received = self.received.lock().unwrap();
        received.keys.extend(header("x-key: ").map(str::to_owned));
        for of_process in request.resource_spans {
            let resource = of_process.resource.unwrap_or_default();
            received.resources.push(attributes(&resource.attributes));
            let scopes = of_process.scope_spans.into_iter();
            received.spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        drop(received);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
                      content-length: 0\r\n\r\n";
        socket.write_all(answer.as_bytes()).ok()
    }

    fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().spans.clone()
    }

    fn has(&self, name: &str) -> bool {
        self.received.lock().unwrap().spans.iter().any(|span| span.name == name)
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|one| one.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        other => format!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    attributes(&span.attributes).remove(key)
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program on a log in this folder, telling a collector at this address.
fn telling(folder: &Path, url: &str) -> Command {
    let mut command = over(folder, "mb");
    command.env("MARABET_TELEMETRY__OTLP", url);
    command
}

/// The season's events as a file.
fn events(folder: &Path) -> std::path::PathBuf {
    file(folder, "season.ndjson", &String::from_utf8(season()).unwrap())
}

#[test]
fn a_frame_is_one_trace_from_the_feed_to_the_stake_and_alerts_jobs_and_requests_are_spans_too() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let collector = Collector::start();
    let mut running = telling(folder, &collector.url);
    running
        .args(["run", "--event-time", "--events"])
        .arg(events(folder))
        .env("MARABET_WEB__ADDRESS", "127.0.0.1:0")
        .env("MARABET_TELEMETRY__SERVICE", "line-of-the-test")
        .env("MARABET_TELEMETRY__HEADERS__X-KEY", "{ env = 'COLLECTOR_KEY' }")
        .env("COLLECTOR_KEY", "let-me-in")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut running = Process(running.spawn().unwrap());
    let address = address_of(&mut running.0);
    let caller = "GET /api/v1/settings HTTP/1.1\r\n\
                  traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    assert!(ask(&address, caller, "").starts_with("HTTP/1.1 200"));
    run(over(folder, "mb").args(["jobs", "run", "evaluate"]));
    let wanted =
        ["feed", "predict", "detect", "portfolio", "alert", "job evaluate", "GET /api/v1/settings"];
    for name in wanted {
        wait_for(name, || collector.has(name));
    }
    terminate(&mut running.0);

    let spans = collector.spans();
    let named = |name: &'static str| spans.iter().filter(move |span| span.name == name);
    // A frame that led to a bet: its whole way is one trace, which begins in the feed.
    let origins: BTreeMap<&[u8], &Span> =
        named("feed").map(|span| (&span.trace_id[..], span)).collect();
    let way = named("portfolio").find_map(|last| {
        let origin = origins.get(&last.trace_id[..])?;
        let of_trace = |name| named(name).find(|span| span.trace_id == last.trace_id);
        Some([*origin, of_trace("predict")?, of_trace("detect")?, last])
    });
    let [origin, rest @ ..] = way.expect("no frame went the whole way");
    assert!(origin.parent_span_id.is_empty());
    assert_eq!(origin.kind, SpanKind::Producer as i32);
    for span in rest {
        assert_eq!(span.parent_span_id, origin.span_id, "{span:?}");
        for key in ["partition", "entry"] {
            assert_eq!(attribute(span, key), attribute(origin, key), "{span:?}");
        }
        assert_eq!(attribute(span, "stage").as_deref(), Some(&*span.name));
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        assert!(span.end_time_unix_nano > origin.start_time_unix_nano);
    }

    // A bet is told within the telling of its frame, which is linked to the frames it comes from.
    let alert = named("alert").next().unwrap();
    let tell = named("tell").find(|tell| tell.span_id == alert.parent_span_id).unwrap();
    assert_eq!(tell.trace_id, alert.trace_id);
    assert!(!tell.links.is_empty());
    let came_from = |link: &_| {
        let link: &opentelemetry_proto::tonic::trace::v1::span::Link = link;
        origins.get(&link.trace_id[..]).is_some_and(|origin| origin.span_id == link.span_id)
    };
    assert!(tell.links.iter().any(came_from), "{tell:?}");
    assert_eq!(attribute(alert, "channel").as_deref(), Some("file"));
    assert_eq!(attribute(alert, "bet").unwrap().len(), 16);

    let job = named("job evaluate").next().unwrap();
    assert_eq!(attribute(job, "outcome").as_deref(), Some("done"));
    let request = named("GET /api/v1/settings").next().unwrap();
    assert_eq!(request.kind, SpanKind::Server as i32);
    assert_eq!(attribute(request, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(hex(&request.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&request.parent_span_id), "00f067aa0ba902b7");

    let received = collector.received.lock().unwrap();
    assert_eq!(received.keys, BTreeSet::from(["let-me-in".to_owned()]));
    assert_eq!(received.resources[0]["service.name"], "line-of-the-test");
    assert_eq!(received.resources[0]["service.namespace"], "mb");
}

#[test]
fn a_line_of_the_log_names_the_span_in_which_it_was_written() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let _server = server(folder);
    let collector = Collector::start();
    let arguments = ["--log-format", "json", "--log-level", "info", "run", "--stages", "jobs"];
    let mut running = telling(folder, &collector.url);
    running.args(arguments).stderr(Stdio::piped());
    let mut running = Process(running.spawn().unwrap());
    let lines = BufReader::new(running.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    run(over(folder, "mb").args(["jobs", "run", "weekly_report"]));
    let said = lines
        .map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap())
        .find(|line| !line["trace_id"].is_null())
        .expect("no line names its trace");
    assert_eq!(said["span"]["kind"], "weekly_report", "{said}");
    wait_for("the span of that line", || collector.has("job weekly_report"));
    let spans = collector.spans();
    let span = spans.iter().find(|span| span.name == "job weekly_report").unwrap();
    assert_eq!(said["trace_id"], hex(&span.trace_id));
    assert_eq!(said["span_id"], hex(&span.span_id));
}

#[test]
fn a_collector_that_is_away_is_said_once_and_holds_nothing_up() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let events = events(folder);
    let ran = run(telling(folder, &format!("http://{nobody}"))
        .args(["run", "--event-time", "--until-done", "--events"])
        .arg(&events));
    let said = text(&ran);
    assert_eq!(said.matches("takes no spans").count(), 1, "{said}");
    assert!(said.contains(&nobody.to_string()), "{said}");

    let check = |key: &str, value: &str| {
        let mut command = over(folder, "mb");
        let wrong = command.args(["config", "check"]).env(key, value).output().unwrap();
        assert_eq!(wrong.status.code(), Some(3), "{}", text(&wrong));
        assert!(text(&wrong).contains(key), "{}", text(&wrong));
    };
    check("MARABET_TELEMETRY__OTLP", "localhost:4318");
    check("MARABET_TELEMETRY__SHARE", "2");
    let without_key = telling(folder, "http://127.0.0.1:1")
        .args(["run", "--until-done"])
        .env("MARABET_TELEMETRY__HEADERS__X-KEY", "{ env = 'NOT_SET' }")
        .output()
        .unwrap();
    assert!(!without_key.status.success());
    assert!(text(&without_key).contains("NOT_SET"), "{}", text(&without_key));
}
