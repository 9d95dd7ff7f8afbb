//! What the source says: a simulated league, as a file that grows.

use std::path::Path;

use anyhow::Context;
use marabet_ingest::simulator::{Settings, Simulation};
use marabet_schemas::Event;

/// The facts of a round, one line each.
pub(crate) struct Facts {
    lines: Vec<String>,
    given: usize,
}

impl Facts {
    /// Of a league of this seed.
    pub(crate) fn of(seed: u64) -> anyhow::Result<Self> {
        let settings = Settings { seed, seasons: 2, sides: 12, ..Settings::default() };
        let league = Simulation::new(settings)?;
        let lines = league.events().map(|event: Event| event.to_line()).collect();
        Ok(Self { lines, given: 0 })
    }

    /// Lets the file hold this share of the facts. It is replaced as a whole, so that no reader
    /// finds half a line.
    pub(crate) fn give(&mut self, share: f64, file: &Path) -> anyhow::Result<()> {
        let count = (self.lines.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        self.given = self.given.max(count.min(self.lines.len()));
        let mut text = self.lines[..self.given].join("\n");
        text.push('\n');
        let new = file.with_extension("new");
        std::fs::write(&new, text).with_context(|| new.display().to_string())?;
        std::fs::rename(&new, file).with_context(|| file.display().to_string())
    }
}
