//! The end of the append-only file after a crash.
//!
//! The file is a sequence of commands as clients send them: `*2`, then `$3` and three bytes, and
//! so on, each ended by CR LF. A transaction stands between `MULTI` and `EXEC`. A crash leaves
//! the last command, or the last transaction, unfinished: what is whole before it is kept.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::EmbeddedError;
use crate::clock;

/// What was cut off the end of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The file.
    pub file: PathBuf,
    /// How many bytes were cut.
    pub bytes_cut: u64,
    /// How many are left.
    pub bytes_left: u64,
    /// The copy of the file as it was.
    pub copy: PathBuf,
}

impl std::fmt::Display for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the end of {} was torn by a crash: {} bytes of {} were cut off; the file as it was is {}",
            self.file.display(),
            self.bytes_cut,
            self.bytes_left + self.bytes_cut,
            self.copy.display()
        )
    }
}

/// Most bytes after the first fault that a crash can explain, where they are not merely the
/// beginning of a command: what a disk may have got out of order in a second or two.
const GARBAGE_MAX: u64 = 16 << 20;

/// Checks the last part of an append-only file and cuts off what a crash left unfinished.
/// Copies of the part go to `copies`.
pub(crate) fn repair(folder: &Path, copies: &Path) -> Result<Option<Repair>, EmbeddedError> {
    let Some(file) = last_part(folder)? else { return Ok(None) };
    let io = |error| EmbeddedError::Io { what: format!("checking {}", file.display()), error };
    let size = file.metadata().map_err(io)?.len();
    let reader = BufReader::with_capacity(1 << 20, File::open(&file).map_err(io)?);
    let End { good, torn } = scan(reader).map_err(io)?;
    if good == size {
        return Ok(None);
    }
    if !torn && size - good > GARBAGE_MAX {
        return Err(EmbeddedError::Damaged { file, at: good, size });
    }
    std::fs::create_dir_all(copies).map_err(io)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let copy = copies.join(format!("{name}.{}", clock::wall_us() / 1000));
    std::fs::copy(&file, &copy).map_err(io)?;
    let part = File::options().write(true).open(&file).map_err(io)?;
    part.set_len(good).and_then(|()| part.sync_all()).map_err(io)?;
    Ok(Some(Repair { file, bytes_cut: size - good, bytes_left: good, copy }))
}

/// How long the part is that was written last; 0 where there is none.
pub(crate) fn length(folder: &Path) -> Result<u64, EmbeddedError> {
    let Some(file) = last_part(folder)? else { return Ok(0) };
    let io = |error| EmbeddedError::Io { what: format!("measuring {}", file.display()), error };
    Ok(file.metadata().map_err(io)?.len())
}

/// The part that was written last, by the manifest: `file … seq … type i`, the last such line.
fn last_part(folder: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let manifest = folder.join("appendonly.aof.manifest");
    let text = match std::fs::read_to_string(&manifest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| EmbeddedError::Io {
            what: format!("reading {}", manifest.display()),
            error,
        })?,
    };
    let name = text.lines().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["file", name, "seq", _, "type", "i"] => Some(name),
            _ => None,
        }
    });
    Ok(name.map(|name| folder.join(name)).filter(|file| file.is_file()))
}

/// Where the good part of a file ends.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Bytes up to the end of the last whole command or transaction.
    good: u64,
    /// What follows is the beginning of a command or transaction, and then the end of the file.
    torn: bool,
}

/// What a line or a command turned out to be.
enum Found {
    Command { name: Vec<u8> },
    Note,
    Torn,
    Garbage,
}

fn scan(mut reader: impl BufRead) -> io::Result<End> {
    let (mut at, mut good, mut in_transaction) = (0, 0, false);
    loop {
        if reader.fill_buf()?.is_empty() {
            return Ok(End { good, torn: good != at });
        }
        match command(&mut reader, &mut at)? {
            Found::Torn => return Ok(End { good, torn: true }),
            Found::Garbage => return Ok(End { good, torn: false }),
            Found::Note => {}
            Found::Command { name } if name.eq_ignore_ascii_case(b"multi") => in_transaction = true,
            Found::Command { name } if name.eq_ignore_ascii_case(b"exec") => in_transaction = false,
            Found::Command { .. } => {}
        }
        if !in_transaction {
            good = at;
        }
    }
}

/// Longest line of a header: `*` or `$`, and a number.
const HEADER_MAX: u64 = 64;

fn command(reader: &mut impl BufRead, at: &mut u64) -> io::Result<Found> {
    let parts = match header(reader, at)? {
        Header::Number(b'*', parts) if parts > 0 => parts,
        Header::Note => return Ok(Found::Note),
        Header::Torn => return Ok(Found::Torn),
        _ => return Ok(Found::Garbage),
    };
    let mut name = Vec::new();
    for part in 0..parts {
        let bytes = match header(reader, at)? {
            Header::Number(b'$', bytes) => bytes,
            Header::Torn => return Ok(Found::Torn),
            _ => return Ok(Found::Garbage),
        };
        let mut text = Vec::new();
        if part == 0 && bytes <= HEADER_MAX {
            *at += reader.by_ref().take(bytes).read_to_end(&mut text)? as u64;
            if (text.len() as u64) < bytes {
                return Ok(Found::Torn);
            }
            name = text;
        } else {
            let passed = io::copy(&mut reader.by_ref().take(bytes), &mut io::sink())?;
            *at += passed;
            if passed < bytes {
                return Ok(Found::Torn);
            }
        }
        let mut end = Vec::new();
        *at += reader.by_ref().take(2).read_to_end(&mut end)? as u64;
        match &end[..] {
            b"\r\n" => {}
            b"" | b"\r" => return Ok(Found::Torn),
            _ => return Ok(Found::Garbage),
        }
    }
    Ok(Found::Command { name })
}

enum Header {
    Number(u8, u64),
    Note,
    Torn,
    Other,
}

fn header(reader: &mut impl BufRead, at: &mut u64) -> io::Result<Header> {
    let mut line = Vec::new();
    *at += reader.by_ref().take(HEADER_MAX).read_until(b'\n', &mut line)? as u64;
    let Some(line) = line.strip_suffix(b"\r\n") else {
        let started = matches!(line.first(), None | Some(b'*' | b'$' | b'#'));
        let digits = line.iter().skip(1).all(|byte| byte.is_ascii_digit() || *byte == b'\r');
        let short = (line.len() as u64) < HEADER_MAX && !line.ends_with(b"\n");
        let torn = started && short && (digits || line.first() == Some(&b'#'));
        return Ok(if torn { Header::Torn } else { Header::Other });
    };
    match line.split_first() {
        // An annotation, such as a time stamp.
        Some((b'#', _)) => Ok(Header::Note),
        Some((&kind, number)) => {
            let number = std::str::from_utf8(number).ok().and_then(|text| text.parse().ok());
            Ok(number.map_or(Header::Other, |number| Header::Number(kind, number)))
        }
        None => Ok(Header::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> String {
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        text
    }

    fn end(text: &str) -> (u64, bool) {
        let End { good, torn } = scan(text.as_bytes()).unwrap();
        (good, torn)
    }

    #[test]
    fn a_file_cut_anywhere_is_good_up_to_its_last_whole_transaction() {
        let single = command(&["SELECT", "0"]) + "#TS:1628217470\r\n";
        let transaction = command(&["MULTI"])
            + &command(&["XADD", "s", "1-1", "d", "a\r\nb"])
            + &command(&["EXEC"]);
        let whole = single.clone() + &transaction + &transaction;
        let ends =
            [command(&["SELECT", "0"]).len(), single.len(), single.len() + transaction.len()];
        assert_eq!(end(&whole), (whole.len() as u64, false));
        for cut in 0..whole.len() {
            let good = ends.iter().filter(|&&end| end <= cut).max().copied().unwrap_or(0);
            assert_eq!(end(&whole[..cut]), (good as u64, good != cut), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_beginning_of_a_command_is_not_taken_for_a_torn_end() {
        let good = command(&["SET", "a", "b"]);
        for garbage in ["\0\0\0\0", "nonsense\r\n", "*2\r\nx", "*1\r\n$3\r\nSETxx", "*x\r\n"] {
            assert_eq!(end(&(good.clone() + garbage)), (good.len() as u64, false), "{garbage:?}");
        }
    }

    #[test]
    fn the_last_part_of_the_manifest_is_repaired_and_a_copy_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        assert!(repair(folder, &folder.join("copies")).unwrap().is_none());

        let manifest = "file a.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n";
        std::fs::write(folder.join("appendonly.aof.manifest"), manifest).unwrap();
        let whole = command(&["SET", "a", "b"]);
        std::fs::write(folder.join("a.2.incr.aof"), whole.clone() + "*3\r\n$3\r\nSE").unwrap();
        let repair = super::repair(folder, &folder.join("copies")).unwrap().unwrap();
        assert_eq!((repair.bytes_cut, repair.bytes_left), (10, whole.len() as u64));
        assert_eq!(std::fs::read_to_string(folder.join("a.2.incr.aof")).unwrap(), whole);
        assert!(std::fs::read_to_string(repair.copy).unwrap().ends_with("$3\r\nSE"));
    }
}
