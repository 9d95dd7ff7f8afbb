//! The historical files, however they are packed: plain, gzip, bzip2, zip, and archives (tar)
//! of them. What a file is shows in its first bytes, not in its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

/// The largest message that is taken, in bytes; images of hundreds of markets have some 10 MB.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// The largest file within an archive, unpacked.
const ENTRY_BYTES_MAX: u64 = 4 << 30;

/// Why a file is none of the stream.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read, or ends within what it is packed in.
    #[error("{file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// It holds nothing.
    #[error("{file} is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// Its first line is no message.
    #[error("{file} holds no messages of the exchange stream: it begins with `{begins}`")]
    NoStream {
        /// The file.
        file: String,
        /// Its first characters.
        begins: String,
    },
}

/// What takes a line: the name of its stream, its number from 1, its bytes. It says whether to
/// go on with the stream.
pub type Line<'a> = dyn FnMut(&str, u64, &[u8]) -> bool + 'a;

/// Takes the lines of each stream of the file, one after the other: a stream for itself, or as
/// many as an archive holds. Returns how many streams there were.
///
/// # Errors
/// [`FileError`]; what came before it was taken.
pub fn lines(path: &Path, line: &mut Line<'_>) -> Result<u64, FileError> {
    let name = path.display().to_string();
    let io = |error| FileError::Io { file: name.clone(), error };
    let file = File::open(path).map_err(io)?;
    stream(&name, Box::new(BufReader::with_capacity(1 << 16, file)), 3, line)
}

/// The files below the paths, each path a file or a folder, in order.
///
/// # Errors
/// What the file system reports.
pub fn found(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut todo: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                todo.push(entry?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn stream<'a>(
    name: &str,
    mut reader: Box<dyn BufRead + 'a>,
    depth: u8,
    line: &mut Line<'_>,
) -> Result<u64, FileError> {
    let io = |error| FileError::Io { file: name.to_owned(), error };
    let head = reader.fill_buf().map_err(io)?.to_vec();
    if head.is_empty() {
        return Err(FileError::Empty { file: name.to_owned() });
    }
    let is_tar = head.len() >= 262 && &head[257..262] == b"ustar";
    let buffered = |inner: Box<dyn Read + 'a>| Box::new(BufReader::with_capacity(1 << 16, inner));
    match head.as_slice() {
        _ if depth == 0 => plain(name, reader, &head, line),
        [0x1f, 0x8b, ..] => {
            let inner: Box<dyn Read + 'a> = Box::new(MultiGzDecoder::new(reader));
            stream(name, buffered(inner), depth - 1, line)
        }
        [b'B', b'Z', b'h', ..] => {
            let inner: Box<dyn Read + 'a> = Box::new(MultiBzDecoder::new(reader));
            stream(name, buffered(inner), depth - 1, line)
        }
        [b'P', b'K', 3 | 5, ..] => zipped(name, reader, depth, line),
        _ if is_tar => archived(name, reader, depth, line),
        _ => plain(name, reader, &head, line),
    }
}

fn zipped(
    name: &str,
    mut reader: Box<dyn BufRead + '_>,
    depth: u8,
    line: &mut Line<'_>,
) -> Result<u64, FileError> {
    let io = |error| FileError::Io { file: name.to_owned(), error };
    // Its table of contents stands at the end: the whole is needed before the first entry.
    let mut bytes = Vec::new();
    reader.by_ref().take(ENTRY_BYTES_MAX).read_to_end(&mut bytes).map_err(io)?;
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| io(io::Error::other(error)))?;
    let mut count = 0;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|error| io(io::Error::other(error)))?;
        if entry.is_file() {
            let inner =
                entry.name().map_or_else(|_| format!("{name}/{at}"), |n| format!("{name}/{n}"));
            let limited: Box<dyn Read + '_> = Box::new(entry.take(ENTRY_BYTES_MAX));
            count += stream(&inner, Box::new(BufReader::new(limited)), depth - 1, line)?;
        }
    }
    Ok(count)
}

fn archived(
    name: &str,
    reader: Box<dyn BufRead + '_>,
    depth: u8,
    line: &mut Line<'_>,
) -> Result<u64, FileError> {
    let io = |error| FileError::Io { file: name.to_owned(), error };
    let mut archive = tar::Archive::new(reader);
    let mut count = 0;
    for entry in archive.entries().map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.header().entry_type().is_file() {
            let inner = format!("{name}/{}", entry.path().map_err(io)?.display());
            count += stream(&inner, Box::new(BufReader::new(entry)), depth - 1, line)?;
        }
    }
    Ok(count)
}

fn plain(
    name: &str,
    mut reader: Box<dyn BufRead + '_>,
    head: &[u8],
    line: &mut Line<'_>,
) -> Result<u64, FileError> {
    let begins = head.iter().find(|byte| !byte.is_ascii_whitespace());
    if begins != Some(&b'{') {
        let begins = String::from_utf8_lossy(&head[..head.len().min(40)]).into_owned();
        return Err(FileError::NoStream { file: name.to_owned(), begins });
    }
    let io = |error| FileError::Io { file: name.to_owned(), error };
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let taken = reader.by_ref().take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes);
        if taken.map_err(io)? == 0 {
            break;
        }
        let message = bytes.trim_ascii();
        if !message.is_empty() && !line(name, number, message) {
            break;
        }
    }
    Ok(1)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LINES: &str = "{\"op\":\"mcm\",\"pt\":1}\r\n\n{\"op\":\"mcm\",\"pt\":2}";

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn bz2(bytes: &[u8]) -> Vec<u8> {
        let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            out.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        out.into_inner().unwrap()
    }

    fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default();
            out.start_file(*name, options).unwrap();
            out.write_all(bytes).unwrap();
        }
        out.finish().unwrap().into_inner()
    }

    fn read(bytes: &[u8]) -> Result<(u64, Vec<String>), FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let mut lines_read = Vec::new();
        let count = lines(&path, &mut |_, number, line| {
            lines_read.push(format!("{number} {}", String::from_utf8_lossy(line)));
            true
        })?;
        Ok((count, lines_read))
    }

    #[test]
    fn a_stream_is_read_however_it_is_packed() {
        let plain = LINES.as_bytes().to_vec();
        let expected = ["1 {\"op\":\"mcm\",\"pt\":1}", "3 {\"op\":\"mcm\",\"pt\":2}"];
        for packed in [plain.clone(), gz(&plain), bz2(&plain), zip(&[("a", plain.clone())])] {
            let (count, lines) = read(&packed).unwrap();
            assert_eq!((count, lines.as_slice()), (1, &expected.map(str::to_owned)[..]));
        }
        let many = [("BASIC/2017/1.1.bz2", bz2(&plain)), ("1.2.gz", gz(&plain)), ("1.3", plain)];
        for packed in [tar(&many), gz(&tar(&many)), zip(&many)] {
            let (count, lines) = read(&packed).unwrap();
            assert_eq!((count, lines.len()), (3, 6));
        }
    }

    #[test]
    fn what_is_no_stream_is_refused_by_name() {
        assert!(matches!(read(b""), Err(FileError::Empty { .. })));
        assert!(matches!(read(b"<html>"), Err(FileError::NoStream { .. })));
        let whole = bz2(LINES.repeat(1000).as_bytes());
        assert!(matches!(read(&whole[..whole.len() / 2]), Err(FileError::Io { .. })));
        assert!(matches!(read(&b"PK\x03\x04broken"[..]), Err(FileError::Io { .. })));
    }
}
