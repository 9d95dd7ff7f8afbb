//! Our own events as lines of JSON, from standard input or a file, and to one.
//!
//! One line is one event in the wire form that `schemas/json` publishes. Only facts are taken:
//! what the stages derive, and what puts a model or a configuration in force, cannot be said
//! from outside. Each bad line is a reject with its number, the column where reading stopped,
//! and the reason; the next line is read as if nothing had been.

mod file;
mod pipe;
mod reader;

use std::io::{self, Write};

use marabet_schemas::Event;

pub use file::NdjsonFile;
pub use pipe::NdjsonPipe;
pub use reader::{LINE_BYTES_MAX, Reader};

/// Writes events as lines and returns how many.
///
/// # Errors
/// What `out` reports.
pub fn write(events: impl IntoIterator<Item = Event>, out: &mut impl Write) -> io::Result<u64> {
    let mut line = Vec::with_capacity(512);
    let mut count = 0;
    for event in events {
        line.clear();
        event.write(&mut line);
        line.push(b'\n');
        out.write_all(&line)?;
        count += 1;
    }
    Ok(count)
}
