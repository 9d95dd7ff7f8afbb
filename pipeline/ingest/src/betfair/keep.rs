//! A live stream, kept as it comes: a message a line, as the historical files have them, and the
//! catalogue beside it. What is kept is read like any other files ([`super::replay`]).
//!
//! The server's lines hold no key; ours, which do, are not kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where a stream is kept.
#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    stream: BufWriter<File>,
}

impl Keeper {
    /// Keeps in this folder, behind what lies there already.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file =
            OpenOptions::new().create(true).append(true).open(folder.join("stream.jsonl"))?;
        Ok(Self { folder: folder.to_owned(), stream: BufWriter::new(file) })
    }

    /// Keeps a line.
    pub(super) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.stream.write_all(line)?;
        self.stream.write_all(b"\n")
    }

    /// Sees that what was kept so far is in the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }

    /// Keeps the catalogue, in the place of an earlier one.
    pub(super) fn catalogue(&mut self, reply: &[u8]) -> io::Result<()> {
        fs::write(self.folder.join("catalogue.json"), reply)
    }
}
