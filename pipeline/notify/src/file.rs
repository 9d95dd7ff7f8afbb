//! Messages in files: for programs one JSON object a line, for people their text beside it.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{Channel, Message, SendError};

/// Appends each message to `<folder>/alerts.ndjson` and `<folder>/alerts.txt`.
///
/// The JSON line is written first, with one call, and is on the disk when the message counts as
/// sent. A line that a crash cut short is ended when the file is opened again, so that it spoils
/// no other.
pub struct FileChannel {
    name: String,
    files: Arc<Mutex<Files>>,
}

struct Files {
    json: (PathBuf, std::fs::File),
    text: (PathBuf, std::fs::File),
}

/// A file that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open {path} for alerts: {error}", path = path.display())]
pub struct OpenError {
    path: PathBuf,
    error: std::io::Error,
}

impl FileChannel {
    /// The name of the file for programs.
    pub const JSON: &'static str = "alerts.ndjson";
    /// The name of the file for people.
    pub const TEXT: &'static str = "alerts.txt";

    /// A channel of this name into a folder, which is made where there is none.
    ///
    /// # Errors
    /// [`OpenError`] when the folder or a file in it cannot be made or written.
    pub fn open(name: impl Into<String>, folder: &Path) -> Result<Self, OpenError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| OpenError { path: folder.to_owned(), error })?;
        let open = |file: &str| {
            let path = folder.join(file);
            match open_for_append(&path) {
                Ok(file) => Ok((path, file)),
                Err(error) => Err(OpenError { path, error }),
            }
        };
        let files = Files { json: open(Self::JSON)?, text: open(Self::TEXT)? };
        Ok(Self { name: name.into(), files: Arc::new(Mutex::new(files)) })
    }
}

/// Opens a file to append to, and ends a last line that has no end.
fn open_for_append(path: &Path) -> std::io::Result<std::fs::File> {
    let mut file = std::fs::OpenOptions::new().create(true).read(true).append(true).open(path)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

impl Files {
    fn append(&mut self, message: &Message) -> Result<(), SendError> {
        let fault = |path: &Path, error: std::io::Error| {
            // A part of the line may be there.
            SendError::Unclear(format!("cannot write to {}: {error}", path.display()))
        };
        let (path, file) = &mut self.json;
        file.write_all(format!("{}\n", message.json).as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|error| fault(path, error))?;
        let (path, file) = &mut self.text;
        file.write_all(format!("{}\n\n", message.text).as_bytes())
            .map_err(|error| fault(path, error))
    }
}

#[async_trait]
impl Channel for FileChannel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let (files, message) = (Arc::clone(&self.files), message.clone());
        let append = move || files.lock().unwrap_or_else(PoisonError::into_inner).append(&message);
        tokio::task::spawn_blocking(append)
            .await
            .unwrap_or_else(|error| Err(SendError::Unclear(format!("writing ended: {error}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8) -> Message {
        Message {
            key: format!("bet:{number}"),
            title: "a bet".to_owned(),
            text: format!("a bet\n  number {number}"),
            json: format!("{{\"number\":{number}}}"),
            buttons: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_line_that_a_crash_cut_short_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("alerts");
        FileChannel::open("file", &folder).unwrap().send(&message(1)).await.unwrap();
        let json = folder.join(FileChannel::JSON);
        std::fs::OpenOptions::new().append(true).open(&json).unwrap().write_all(b"{\"num").unwrap();
        FileChannel::open("file", &folder).unwrap().send(&message(2)).await.unwrap();
        let written = std::fs::read_to_string(&json).unwrap();
        assert_eq!(written, "{\"number\":1}\n{\"num\n{\"number\":2}\n");
        let text = std::fs::read_to_string(folder.join(FileChannel::TEXT)).unwrap();
        assert_eq!(text, "a bet\n  number 1\n\na bet\n  number 2\n\n");
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = FileChannel::open("file", &file.join("alerts")).err().unwrap();
        assert!(error.to_string().contains("file/alerts"), "{error}");
    }
}
