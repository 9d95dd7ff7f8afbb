//! `marabet simulate`

use std::io::{self, BufWriter, Write};

use marabet_ingest::simulator::{Settings, Simulation};
use serde::Serialize;

use crate::cli::SimulateArgs;
use crate::output::{Answer, say};

/// The files that were written.
#[derive(Serialize)]
struct Written {
    seed: u64,
    matches: usize,
    files: Vec<String>,
}

impl Answer for Written {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.files.iter().try_for_each(|file| writeln!(out, "{file}"))
    }
}

/// The league that the arguments describe.
pub(crate) fn simulation(seed: u64, seasons: u8, sides: u8) -> anyhow::Result<Simulation> {
    Ok(Simulation::new(Settings { seed, seasons, sides, ..Settings::default() })?)
}

pub(super) fn execute(arguments: &SimulateArgs, json: bool) -> anyhow::Result<()> {
    let league = simulation(arguments.seed, arguments.seasons, arguments.teams)?;
    let Some(folder) = &arguments.csv else {
        return write_events(&league);
    };
    let files = league.write_csv(folder)?;
    let files = files.iter().map(|file| file.display().to_string()).collect();
    say(&Written { seed: arguments.seed, matches: league.truths().len(), files }, json)
}

/// Writes the events, one JSON object a line; a reader that has gone away ends it quietly.
fn write_events(league: &Simulation) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    for event in league.events() {
        line.clear();
        event.write(&mut line);
        line.push(b'\n');
        match out.write_all(&line) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    Ok(out.flush()?)
}
