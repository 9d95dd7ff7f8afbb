//! Where decisions are kept: a trait, a file that several processes share, and one in memory.
//!
//! The file is only ever appended to, a line at a time, so that `marabet names` can answer while
//! `marabet run` reads on; each notices what the other wrote by the file's length.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::record::Record;

/// Keeps the record of names.
pub trait Store: Send {
    /// What was recorded since the last call, by anyone.
    ///
    /// # Errors
    /// What the place reports.
    fn news(&mut self) -> io::Result<Vec<Record>>;

    /// Records more. It is also among the next news.
    ///
    /// # Errors
    /// What the place reports; then it is not recorded.
    fn record(&mut self, record: &Record) -> io::Result<()>;
}

/// A record that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    news: Vec<Record>,
}

impl Store for MemoryStore {
    fn news(&mut self) -> io::Result<Vec<Record>> {
        Ok(std::mem::take(&mut self.news))
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.news.push(record.clone());
        Ok(())
    }
}

/// A record in a file, one JSON object a line.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    file: File,
    read: u64,
}

impl FileStore {
    /// Opens the file, making it where there is none.
    ///
    /// # Errors
    /// What the file system reports.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
        Ok(Self { path: path.to_owned(), file, read: 0 })
    }
}

impl Store for FileStore {
    fn news(&mut self) -> io::Result<Vec<Record>> {
        if self.file.metadata()?.len() <= self.read {
            return Ok(Vec::new());
        }
        self.file.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        self.file.read_to_end(&mut text)?;
        // A line that is still being written is read next time.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read += whole as u64;
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let records = lines.filter_map(|line| serde_json::from_slice(line).ok());
        Ok(records.collect())
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let fault = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        };
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        // One write: lines of two processes do not mix.
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Evidence, Written};
    use super::*;

    fn decided(name: &str) -> Record {
        Record::Decided {
            written: Written { src: "a".into(), table: "England".into(), name: name.into() },
            side: "Man United".into(),
            evidence: Evidence::Person,
            at: marabet_schemas::Instant::default(),
        }
    }

    #[test]
    fn what_one_process_records_another_reads_and_a_torn_or_broken_line_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.ndjson");
        let (mut run, mut person) =
            (FileStore::open(&path).unwrap(), FileStore::open(&path).unwrap());
        person.record(&decided("United")).unwrap();
        assert_eq!(run.news().unwrap(), [decided("United")]);
        assert!(run.news().unwrap().is_empty());

        person.file.write_all(b"{broken}\n{\"record\":").unwrap();
        assert!(run.news().unwrap().is_empty());
        person.file.write_all(b"1}\n").unwrap();
        person.record(&decided("Man U")).unwrap();
        assert_eq!(run.news().unwrap(), [decided("Man U")]);
        assert_eq!(FileStore::open(&path).unwrap().news().unwrap().len(), 2);
    }
}
