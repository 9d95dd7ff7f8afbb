//! The server's process: starting it, adopting one that survived, stopping it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::aof::{self, Repair};
use super::folder::Folder;
use super::socket::{self, Answer};
use super::{EmbeddedError, EmbeddedOptions, find};
use crate::clock;

/// How often a starting server is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// How long a server may take to write down what it has and end.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A server that runs on a folder.
#[derive(Debug)]
pub(crate) struct Server {
    pid: u32,
    /// None for a server that another process started.
    child: Option<Child>,
}

impl Server {
    /// Adopts the server that runs on the folder, or starts one.
    pub(crate) fn adopt_or_start(
        folder: &Folder,
        options: &EmbeddedOptions,
    ) -> Result<(Self, Option<Repair>), EmbeddedError> {
        if let Some(server) = Self::adopt(folder, options)? {
            return Ok((server, None));
        }
        let program = find::server(options.server.as_deref())?;
        let marked = std::fs::read_to_string(folder.clean_mark()).ok();
        let length = aof::length(&folder.aof())?.to_string();
        // A file that was cut after the clean stop is not what the mark speaks of.
        let repair = if marked.is_some_and(|marked| marked == length) {
            None
        } else {
            aof::repair(&folder.aof(), &folder.path().join("damaged"))?
        };
        // From here on the file changes, and the mark would be a lie.
        let _ = std::fs::remove_file(folder.clean_mark());
        let _ = std::fs::remove_file(folder.socket());
        let server = Self::start(&program, folder, options)?;
        Ok((server, repair))
    }

    /// The server that survived its last owner, if there is one.
    fn adopt(folder: &Folder, options: &EmbeddedOptions) -> Result<Option<Self>, EmbeddedError> {
        let noted = std::fs::read_to_string(folder.pid_file()).unwrap_or_default();
        let noted = noted.trim().parse().ok().filter(|&pid| runs_on(pid, folder.path()));
        match (socket::ask(folder.socket(), "PING"), noted) {
            (Answer::Nobody, None) => return Ok(None),
            (Answer::Nobody | Answer::Silence, Some(pid)) => {
                return Err(EmbeddedError::Orphan { folder: folder.path().to_owned(), pid });
            }
            _ => {}
        }
        wait_ready(folder, options.ready_within, || None)?;
        let Answer::Said(dir) = socket::ask(folder.socket(), "CONFIG GET dir") else {
            return Ok(None);
        };
        let found = dir.lines().nth(1).unwrap_or_default().to_owned();
        if Path::new(&found) != folder.path() {
            let (socket, folder) = (folder.socket().to_owned(), folder.path().to_owned());
            return Err(EmbeddedError::Stranger { socket, folder, found });
        }
        let Answer::Said(info) = socket::ask(folder.socket(), "INFO server") else {
            return Ok(None);
        };
        let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")?.parse().ok());
        Ok(pid.map(|pid| Self { pid, child: None }))
    }

    fn start(
        program: &Path,
        folder: &Folder,
        options: &EmbeddedOptions,
    ) -> Result<Self, EmbeddedError> {
        let mut command = Command::new(program);
        let mut set = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            command.arg(format!("--{name}")).arg(value);
        };
        set("dir", &folder.path());
        set("port", &"0");
        set("unixsocket", &folder.socket());
        set("unixsocketperm", &"700");
        set("pidfile", &folder.pid_file());
        set("logfile", &folder.log());
        set("daemonize", &"no");
        set("appendonly", &"yes");
        set("appendfsync", &"everysec");
        // Redis itself would cut a torn end back to the last whole command, which may stand in the
        // middle of a transaction. What is written next then belongs to that transaction at the
        // start after, and half of an append comes true without its other half: we cut.
        set("aof-load-truncated", &"no");
        set("save", &"");
        // The file is rewritten often under load, and what it then holds is small: to compress it,
        // or to begin at the server's own 64 MB, would cost more processor than it spares disk.
        set("rdbcompression", &"no");
        set("auto-aof-rewrite-min-size", &"256mb");
        set("maxmemory", &options.memory_max.to_string());
        set("maxmemory-policy", &"noeviction");
        // A key press that ends the program must not end the server before it: it stays out of
        // the terminal's group and is stopped when the program has finished.
        command.process_group(0);
        command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let what = format!("starting {}", program.display());
        let mut child = command.spawn().map_err(|error| EmbeddedError::Io { what, error })?;
        let ready = wait_ready(folder, options.ready_within, || {
            child.try_wait().ok().flatten().map(|status| status.to_string())
        });
        if let Err(error) = ready {
            // It would go on loading, and stand in the way of the next start.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        Ok(Self { pid: child.id(), child: Some(child) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.child.is_none()
    }

    /// How the server ended, if it did.
    pub(crate) fn ended(&mut self, folder: &Folder) -> Option<String> {
        let lives = match &mut self.child {
            Some(child) => return child.try_wait().ok()?.map(|status| status.to_string()),
            None if Path::new("/proc/self").exists() => is_alive(self.pid),
            None => socket::ask(folder.socket(), "PING") != Answer::Nobody,
        };
        (!lives).then(|| "an unknown status".to_owned())
    }

    /// Stops it: it writes down and syncs what it has, and ends.
    pub(crate) fn stop(mut self, folder: &Folder) {
        let asked = clock::moment();
        let mut clean = socket::shut_down(folder.socket(), STOP_WITHIN);
        while self.ended(folder).is_none() {
            if asked.elapsed() > STOP_WITHIN {
                tracing::warn!("redis-server (process {}) did not stop in time", self.pid);
                if let Some(child) = &mut self.child {
                    // Its file is checked at the next start.
                    let _ = child.kill();
                    let _ = child.wait();
                }
                return;
            }
            std::thread::sleep(ASK_EVERY);
            clean = clean || socket::shut_down(folder.socket(), STOP_WITHIN);
        }
        if clean && let Ok(length) = aof::length(&folder.aof()) {
            // Without the mark the file is checked, which finds nothing.
            let _ = std::fs::write(folder.clean_mark(), length.to_string());
        }
    }
}

/// Waits until the server answers, has ended, or the time is over.
fn wait_ready(
    folder: &Folder,
    within: Duration,
    mut ended: impl FnMut() -> Option<String>,
) -> Result<(), EmbeddedError> {
    let started = clock::moment();
    loop {
        if let Answer::Said(answer) = socket::ask(folder.socket(), "PING")
            && answer == "+PONG"
        {
            return Ok(());
        }
        if let Some(status) = ended() {
            return Err(EmbeddedError::Ended { status, log: last_lines(&folder.log()) });
        }
        if started.elapsed() > within {
            return Err(EmbeddedError::NotReady { within, log: folder.log() });
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// The last lines of a log, on one line.
fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// Whether the process lives, as far as /proc says.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in parentheses comes the state; Z is a process that has ended.
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Whether the process is a server that works in the folder.
fn runs_on(pid: u32, folder: &Path) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let works_in = std::fs::read_link(format!("/proc/{pid}/cwd"));
    is_alive(pid)
        && (name.contains("redis") || name.contains("valkey"))
        && works_in.is_ok_and(|path| path == folder)
}
