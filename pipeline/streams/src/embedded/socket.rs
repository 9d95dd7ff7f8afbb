//! Speaking to the server over its socket before there is a client: a line in, a line out.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long the server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What became of asking the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nobody listens.
    Nobody,
    /// Someone listens, and did not answer in time.
    Silence,
    /// It answered this line, such as `+PONG` or `-LOADING …`; of an answer of several parts,
    /// all texts, one a line.
    Said(String),
}

/// Sends one command.
pub(crate) fn ask(socket: &Path, command: &str) -> Answer {
    let Ok(mut stream) = UnixStream::connect(socket) else { return Answer::Nobody };
    let asked = stream
        .set_read_timeout(Some(ANSWER_WITHIN))
        .and_then(|()| stream.set_write_timeout(Some(ANSWER_WITHIN)))
        .and_then(|()| stream.write_all(format!("{command}\r\n").as_bytes()));
    if asked.is_err() {
        return Answer::Silence;
    }
    match answer(&mut BufReader::new(stream)) {
        Some(text) => Answer::Said(text),
        None => Answer::Silence,
    }
}

/// Asks the server to end, and waits until it has closed the connection, which it does last.
/// False when it would not, as while it writes its first file, or did not in time.
pub(crate) fn shut_down(socket: &Path, within: Duration) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return true };
    let asked = stream
        .set_read_timeout(Some(within))
        .and_then(|()| stream.write_all(b"SHUTDOWN NOSAVE\r\n"));
    // The only answer that there is to it says why not.
    asked.is_ok() && matches!(stream.read(&mut [0; 64]), Ok(0))
}

fn answer(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&bytes| bytes > 0)?;
    let line = line.trim_end();
    let count = || line[1..].parse::<usize>().ok();
    match line.as_bytes().first()? {
        b'$' => {
            let mut text = vec![0; count()? + 2];
            reader.read_exact(&mut text).ok()?;
            text.truncate(text.len() - 2);
            String::from_utf8(text).ok()
        }
        b'*' => {
            let parts: Option<Vec<String>> =
                (0..count()?.min(100)).map(|_| answer(reader)).collect();
            Some(parts?.join("\n"))
        }
        _ => Some(line.to_owned()),
    }
}
