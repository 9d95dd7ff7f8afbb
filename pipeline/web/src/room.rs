//! Room for connections: how many there may be, and what one is told for which there is none.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{MEDIA_TYPE, Problem};

/// File descriptors for all that is no connection of ours: Redis, the ledger, files, and the
/// connections that are being refused.
const DESCRIPTORS_KEPT: u64 = 512;
/// Most refused connections that are waited for at a time, so that they hear it; others are told so and
/// closed at once.
const ANSWERS_MAX: usize = 256;
/// How long one may take to hear that it is refused.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// How many connections there may be.
pub(crate) struct Room {
    places: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    answer: Arc<[u8]>,
    was_full: bool,
}

impl Room {
    /// Room for so many connections, or for as many as the system lets this process have.
    pub(crate) fn new(connections_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(possible(connections_max))),
            answers: Arc::new(Semaphore::new(ANSWERS_MAX)),
            answer: answer().into_bytes().into(),
            was_full: false,
        }
    }

    /// A place for a connection, given back when it is dropped; none where it was refused.
    pub(crate) fn place_for(
        &mut self,
        socket: TcpStream,
    ) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            self.was_full = false;
            return Some((socket, place));
        }
        if !self.was_full {
            tracing::warn!("connections are refused: there are as many as there may be");
            self.was_full = true;
        }
        match Arc::clone(&self.answers).try_acquire_owned() {
            Ok(answering) => drop(tokio::spawn(refuse(socket, self.answer.clone(), answering))),
            // Nobody waits until it was heard.
            Err(_) => drop(socket.into_std().and_then(|mut socket| socket.write(&self.answer))),
        }
        None
    }
}

async fn refuse(mut socket: TcpStream, answer: Arc<[u8]>, _answering: OwnedSemaphorePermit) {
    let telling = async {
        socket.write_all(&answer).await?;
        socket.shutdown().await?;
        // A socket that is closed before it was read takes back what was written.
        let mut unread = [0; 1_024];
        while socket.read(&mut unread).await? > 0 {}
        std::io::Result::Ok(())
    };
    // Who does not listen is not told.
    let _ = tokio::time::timeout(ANSWER_TIME, telling).await;
}

fn answer() -> String {
    let problem = Problem::unavailable("the server has no room for another connection; try again");
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// How many of these connections the system lets this process have, whose soft limit is raised as
/// far as that takes and it may be.
fn possible(wanted: usize) -> usize {
    let needed = wanted as u64 + DESCRIPTORS_KEPT;
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return wanted };
    let raised = limit.maximum.map_or(needed, |most| most.min(needed));
    let changed = Rlimit { current: Some(raised), maximum: limit.maximum };
    let have = if setrlimit(Resource::Nofile, changed).is_ok() { raised } else { current };
    let possible = usize::try_from(have.saturating_sub(DESCRIPTORS_KEPT)).unwrap_or(wanted).max(1);
    if possible < wanted {
        tracing::warn!(
            "there is room for {possible} connections, not for {wanted}: the system gives this \
             process {have} file descriptors; raise its limit (LimitNOFILE, ulimit -n)"
        );
    }
    possible.min(wanted)
}
