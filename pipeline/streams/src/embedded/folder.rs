//! The server's data folder: its lock, its socket, and what lies in it.

use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::EmbeddedError;

/// Longest path of a socket that every system takes: Linux allows 107 bytes, others 103.
const SOCKET_PATH_MAX: usize = 100;

/// A data folder that this process owns.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    socket: PathBuf,
    /// Held as long as the folder is owned.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, EmbeddedError> {
        let io = |what: String| move |error| EmbeddedError::Io { what, error };
        let shown = path.display();
        let make = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make.map_err(io(format!("making the data folder {shown}")))?;
        let path = path.canonicalize().map_err(io(format!("the data folder {shown}")))?;
        let lock = lock(&path)?;
        let socket = socket_path(&path)?;
        Ok(Self { path, socket, _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The server's log file.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("redis.log")
    }

    /// The file that names the server's process.
    pub(crate) fn pid_file(&self) -> PathBuf {
        self.path.join("redis.pid")
    }

    /// The mark that the server was stopped cleanly, so that its file need not be checked as long
    /// as it has the length that the mark says.
    pub(crate) fn clean_mark(&self) -> PathBuf {
        self.path.join("stopped-cleanly")
    }

    /// The folder of the append-only file's parts.
    pub(crate) fn aof(&self) -> PathBuf {
        self.path.join("appendonlydir")
    }

    /// The URL of the socket.
    pub(crate) fn url(&self) -> String {
        url_of(&self.socket)
    }
}

/// The URL of a socket.
pub(crate) fn url_of(socket: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut url = "unix://".to_owned();
    for &byte in socket.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// The URL of the socket in a folder that another process owns.
pub(crate) fn url_in(path: &Path) -> Option<String> {
    let socket = socket_path(&path.canonicalize().ok()?).ok()?;
    Some(url_of(&socket))
}

fn lock(path: &Path) -> Result<File, EmbeddedError> {
    let file = path.join("lock");
    let io = |error| EmbeddedError::Io { what: format!("locking {}", file.display()), error };
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut lock = options.open(&file).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(io(error)),
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Without its name the owner is as much in the way.
            let _ = lock.read_to_string(&mut owner);
            let owner = owner.trim();
            let by = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
            return Err(EmbeddedError::InUse { folder: path.to_owned(), by });
        }
    }
    lock.set_len(0).map_err(io)?;
    lock.seek(SeekFrom::Start(0)).map_err(io)?;
    writeln!(lock, "{}", std::process::id()).map_err(io)?;
    Ok(lock)
}

/// The socket in the folder, or, where its path would be too long for a socket, in a private
/// folder with a short name that is the same for the same data folder.
pub(crate) fn socket_path(path: &Path) -> Result<PathBuf, EmbeddedError> {
    let inside = path.join("redis.sock");
    if inside.as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok(inside);
    }
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let short = |folder: &PathBuf| folder.as_os_str().len() <= SOCKET_PATH_MAX - 40;
    let base = runtime.filter(short).unwrap_or_else(|| PathBuf::from("/tmp"));
    let folder = base.join(format!("marabet-{:016x}", hasher.finish()));
    let io = |error| EmbeddedError::Io { what: format!("making {}", folder.display()), error };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io)?;
    // Anyone may make folders in /tmp: one that is not ours alone could hold another's socket.
    let (made, ours) = (folder.metadata().map_err(io)?, path.metadata().map_err(io)?);
    if made.uid() != ours.uid() || made.mode() & 0o077 != 0 {
        let error = std::io::Error::other("it belongs to someone else or is open to others");
        return Err(io(error));
    }
    Ok(folder.join("redis.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner() {
        let temporary = tempfile::tempdir().unwrap();
        let first = Folder::open(temporary.path()).unwrap();
        let error = Folder::open(temporary.path()).unwrap_err();
        let own = format!("process {}", std::process::id());
        assert!(error.to_string().contains(&own), "{error}");
        drop(first);
        Folder::open(temporary.path()).unwrap();
    }

    #[test]
    fn a_deep_folder_has_its_socket_at_a_short_path() {
        let temporary = tempfile::tempdir().unwrap();
        let deep = temporary.path().join("d".repeat(90)).join("e f%g");
        let folder = Folder::open(&deep).unwrap();
        assert!(folder.socket().as_os_str().len() <= SOCKET_PATH_MAX);
        let socket = folder.socket().to_owned();
        drop(folder);
        assert_eq!(Folder::open(&deep).unwrap().socket(), socket);
        std::fs::remove_dir(socket.parent().unwrap()).unwrap();
    }

    #[test]
    fn the_url_of_a_socket_escapes_what_urls_do_not_take() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(&temporary.path().join("a b%c")).unwrap();
        assert!(folder.url().ends_with("/a%20b%25c/redis.sock"), "{}", folder.url());
    }
}
