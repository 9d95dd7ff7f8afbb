//! Reading the answers of Redis about streams.

use marabet_schemas::EntryId;
use marabet_schemas::frame::{BadLine, Frame};
use redis::Value;

use crate::error::LogError;

/// An entry as Redis answers it: its ID and its fields, which are gone once it was deleted.
pub(crate) struct Entry {
    /// The ID.
    pub(crate) id: EntryId,
    /// The lines of its frame; an error for an entry that is no frame; none for one that is gone.
    pub(crate) lines: Option<Result<String, BadLine>>,
    /// The frames of other slots that it follows from, in the order in which they were taken:
    /// what the account's stages write down.
    pub(crate) causes: Option<String>,
}

impl Entry {
    /// The entry's frame. One that is gone, or is no frame, yields a bad line.
    pub(crate) fn into_frame(self) -> Frame {
        self.into_frame_by(Frame::decode)
    }

    /// The same, with the lines made into a frame in this way.
    pub(crate) fn into_frame_by(self, read: impl FnOnce(EntryId, &str) -> Frame) -> Frame {
        match self.lines {
            Some(Ok(lines)) => read(self.id, &lines),
            Some(Err(bad)) => Frame { id: self.id, events: vec![Err(bad)], lines: None },
            None => {
                let reason = "the entry was deleted before it was processed".to_owned();
                let bad = BadLine { line: String::new(), reason, newer: false };
                Frame { id: self.id, events: vec![Err(bad)], lines: None }
            }
        }
    }
}

/// The text of a bulk or simple string.
pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// An entry ID.
pub(crate) fn entry_id(value: &Value) -> Option<EntryId> {
    text(value)?.parse().ok()
}

/// An array's elements.
pub(crate) fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(elements) => Some(elements),
        _ => None,
    }
}

/// The entries of an answer to `XRANGE`.
pub(crate) fn entries(answer: Value) -> Result<Vec<Entry>, LogError> {
    let Value::Array(entries) = answer else {
        return Err(LogError::unexpected("XRANGE", &answer));
    };
    entries.into_iter().map(entry).collect()
}

/// The entries of an answer to `XREAD` or `XREADGROUP` of one stream; none after a timeout.
pub(crate) fn read_one(answer: Value) -> Result<Vec<Entry>, LogError> {
    Ok(read_many(answer)?.into_iter().flat_map(|(_, entries)| entries).collect())
}

/// The entries of an answer to `XREAD` or `XREADGROUP`, by stream; none after a timeout.
pub(crate) fn read_many(answer: Value) -> Result<Vec<(String, Vec<Entry>)>, LogError> {
    let unexpected = |found: &Value| LogError::unexpected("XREADGROUP", found);
    let streams = match answer {
        Value::Nil => return Ok(Vec::new()),
        Value::Array(streams) => streams,
        other => return Err(unexpected(&other)),
    };
    let mut read = Vec::with_capacity(streams.len());
    for stream in streams {
        let Some([key, entries]) = array(stream).and_then(|pair| <[Value; 2]>::try_from(pair).ok())
        else {
            return Err(unexpected(&Value::Nil));
        };
        let key = text(&key).ok_or_else(|| unexpected(&key))?.to_owned();
        read.push((key, self::entries(entries)?));
    }
    Ok(read)
}

fn entry(value: Value) -> Result<Entry, LogError> {
    let pair = array(value).and_then(|pair| <[Value; 2]>::try_from(pair).ok());
    let Some([id, fields]) = pair else {
        return Err(LogError::unexpected("XRANGE", &Value::Nil));
    };
    let id = entry_id(&id).ok_or_else(|| LogError::unexpected("XRANGE", &id))?;
    let Value::Array(fields) = fields else { return Ok(Entry { id, lines: None, causes: None }) };
    let mut fields = fields.into_iter();
    let (mut lines, mut causes) = (None, None);
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        let Value::BulkString(bytes) = value else { continue };
        // The lines with a fault become bad lines; the rest of the frame is as it was.
        let lossy = |error: std::string::FromUtf8Error| {
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        };
        match text(&name) {
            Some("d") => lines = Some(String::from_utf8(bytes).unwrap_or_else(lossy)),
            Some("c") => causes = String::from_utf8(bytes).ok(),
            _ => {}
        }
    }
    let lines = lines.ok_or_else(|| {
        let reason = "the entry is no frame: it has no field `d`".to_owned();
        BadLine { line: String::new(), reason, newer: false }
    });
    Ok(Entry { id, lines: Some(lines), causes })
}
