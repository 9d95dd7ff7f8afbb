//! The line as processes: each stage for itself, started again whenever one is gone.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

use crate::schedule::Stage;

/// Where everything of a round lies, and how its processes are told.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
    /// Whoever runs `predict` or `detect` runs both, so that the one takes the other along.
    pub(crate) together: bool,
}

impl Place {
    /// The file that the source reads.
    pub(crate) fn events(&self) -> PathBuf {
        self.folder.join("events.ndjson")
    }

    /// The file of alerts.
    pub(crate) fn alerts(&self) -> PathBuf {
        self.folder.join("alerts").join("alerts.ndjson")
    }

    /// The program over the log of this prefix.
    pub(crate) fn command(&self, prefix: &str) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MARABET_")) {
            command.env_remove(name);
        }
        command
            .env("MARABET_LOG__REDIS_URL", &self.url)
            .env("MARABET_LOG__FOLDER", &self.folder)
            .env("MARABET_LOG__PREFIX", prefix)
            .env("MARABET_NOTIFY__CONSOLE", "false")
            .env("MARABET_NOTIFY__FOLDER", self.folder.join("alerts"))
            // A model every season's third is enough of them; each start of the source trains anew.
            .env("MARABET_TRAINING__EVERY_DAYS", "90")
            .env("MARABET_TRAINING__MATCHES_MIN", "60")
            .env("MARABET_STRATEGIES__SHARP__EV_MIN", "0.02")
            .env("MARABET_STRATEGIES__SHARP__MAX_AGE_S", "86400")
            .env("MARABET_STRATEGIES__MODEL__FAIR", "model")
            .env("MARABET_STRATEGIES__MODEL__EV_MIN", "0.05")
            .env("MARABET_STRATEGIES__MODEL__MAX_AGE_S", "86400")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Where a process writes what it has to say.
    fn said(&self, stage: Stage, which: usize) -> PathBuf {
        self.folder.join(format!("{}-{which}.log", stage.name()))
    }
}

/// All processes of the line.
pub(crate) struct Processes {
    place: Place,
    all: Vec<Process>,
    /// The last words of processes that ended though nobody had killed them.
    pub(crate) gave_up: Vec<String>,
}

struct Process {
    stage: Stage,
    which: usize,
    child: Child,
}

impl Processes {
    pub(crate) fn start(place: &Place) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for stage in Stage::ALL {
            for which in 0..stage.processes() {
                all.push(Process { stage, which, child: spawn(place, stage, which)? });
            }
        }
        Ok(Self { place: place.clone(), all, gave_up: Vec::new() })
    }

    fn find(&mut self, stage: Stage, which: usize) -> anyhow::Result<&mut Process> {
        let found = self.all.iter_mut().find(|one| one.stage == stage && one.which == which);
        found.with_context(|| format!("there is no process {which} of {}", stage.name()))
    }

    /// SIGKILL: nothing is given back, nothing is said. Another one is started at once.
    pub(crate) fn kill(&mut self, stage: Stage, which: usize) -> anyhow::Result<()> {
        let place = self.place.clone();
        let process = self.find(stage, which)?;
        process.child.kill()?;
        process.child.wait()?;
        process.child = spawn(&place, stage, which)?;
        Ok(())
    }

    /// Asks a process to end, and starts another when it has.
    pub(crate) fn hand_over(&mut self, stage: Stage, which: usize) -> anyhow::Result<()> {
        let place = self.place.clone();
        let process = self.find(stage, which)?;
        signal(&process.child, Signal::TERM)?;
        process.child.wait()?;
        process.child = spawn(&place, stage, which)?;
        Ok(())
    }

    /// Stops a process where it stands.
    pub(crate) fn freeze(&mut self, stage: Stage, which: usize) -> anyhow::Result<u32> {
        let process = self.find(stage, which)?;
        signal(&process.child, Signal::STOP)?;
        Ok(process.child.id())
    }

    /// Lets a process go on that was frozen, unless it was killed meanwhile.
    pub(crate) fn thaw(&mut self, stage: Stage, which: usize, id: u32) -> anyhow::Result<()> {
        let process = self.find(stage, which)?;
        if process.child.id() == id { signal(&process.child, Signal::CONT) } else { Ok(()) }
    }

    /// Starts those again that have ended by themselves, as a supervisor would.
    pub(crate) fn look_after(&mut self) -> anyhow::Result<()> {
        let place = self.place.clone();
        for process in &mut self.all {
            if let Some(status) = process.child.try_wait()? {
                let said = std::fs::read_to_string(place.said(process.stage, process.which))?;
                let last = said.lines().next_back().unwrap_or_default();
                self.gave_up.push(format!("{}, {status}: {last}", process.stage.name()));
                process.child = spawn(&place, process.stage, process.which)?;
            }
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.all {
            // It may have ended already.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(child.id())?).context("a process has a number")?;
    Ok(kill_process(pid, signal)?)
}

/// What a process of a stage runs.
fn stages(place: &Place, stage: Stage) -> &'static str {
    match stage {
        Stage::Predict | Stage::Detect if place.together => "predict,detect",
        _ => stage.name(),
    }
}

fn spawn(place: &Place, stage: Stage, which: usize) -> anyhow::Result<Child> {
    let mut command = place.command("mb");
    command.args(["run", "--event-time", "--stages", stages(place, stage)]);
    if stage == Stage::Ingest {
        command.arg("--events").arg(place.events());
    }
    command.stderr(append(&place.said(stage, which))?);
    command.spawn().with_context(|| format!("starting {}", place.program.display()))
}

fn append(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).append(true).open(path);
    file.with_context(|| path.display().to_string())
}
