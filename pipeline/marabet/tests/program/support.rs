//! What the tests of the whole program share.
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program, with nothing of this machine's configuration.
pub(crate) fn marabet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marabet"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MARABET_")) {
        command.env_remove(name);
    }
    command
}

/// What a command says as JSON.
pub(crate) fn json(command: &mut Command) -> Value {
    let output = run(command.arg("--json"));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{command:?} printed no JSON: {error}\n{}", text(&output)))
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?} failed\n{}", text(&output));
    output
}

/// What a command printed on both streams.
pub(crate) fn text(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    format!("{stdout}{}", String::from_utf8_lossy(&output.stderr))
}

/// The collection of real data, where `MARABET_DATA` names it. Without it a test that needs it
/// says so; where it is demanded, it fails.
pub(crate) fn real_data() -> Option<PathBuf> {
    match std::env::var_os("MARABET_DATA") {
        Some(path) => Some(PathBuf::from(path)),
        None => {
            let demanded = std::env::var_os("MARABET_DATA_DEMANDED").is_some();
            assert!(!demanded, "MARABET_DATA is demanded and not set");
            eprintln!("MARABET_DATA is not set: nothing was checked on real data");
            None
        }
    }
}

/// Numbers close to each other.
pub(crate) fn close(found: &Value, expected: f64, tolerance: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected} ± {tolerance}");
}

/// A file of this text in a folder.
pub(crate) fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Starts the private server of a command's configuration and holds it open. Whoever starts it stops
/// it at its end, so nobody else may come first.
pub(crate) fn hold_server(mut command: Command) -> Child {
    let mut held = command.arg("redis").stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(held.stdout.take().unwrap());
    let last = said.lines().map(Result::unwrap).find(|line| line.contains("held until"));
    assert!(last.is_some(), "the server is not held");
    held
}

/// How long a process may take to end when its test does.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A process that ends with the test, however that ends.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// SIGKILL: nothing is given back, nothing is said.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: one that is killed leaves its private Redis to the next of its folder, and
        // no other comes.
        let pid = self.0.id().to_string();
        let asked = Instant::now();
        if let Ok(None) = self.0.try_wait() {
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
        }
        while let Ok(None) = self.0.try_wait()
            && asked.elapsed() < END_WITHIN
        {
            std::thread::sleep(Duration::from_millis(20));
        }
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
