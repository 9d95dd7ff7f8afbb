//! `marabet config …`

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::{ConfigCommand, Global};
use crate::config::{Config, load};
use crate::output::{Answer, say};

/// What is in force, and where it comes from.
#[derive(Serialize)]
struct Checked {
    file: Option<String>,
    overrides: Vec<String>,
    config: Config,
}

impl Answer for Checked {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.file {
            Some(file) => writeln!(out, "# {file} is good")?,
            None => writeln!(out, "# no file; the defaults hold")?,
        }
        for variable in &self.overrides {
            writeln!(out, "# overridden by {variable}")?;
        }
        let text = toml::to_string(&self.config).map_err(io::Error::other)?;
        write!(out, "{text}")
    }
}

pub(super) fn execute(command: &ConfigCommand, global: &Global) -> anyhow::Result<()> {
    let ConfigCommand::Check = command;
    let loaded = load(super::file(global), std::env::vars())?;
    let checked = Checked {
        file: loaded.file.map(|file| file.display().to_string()),
        overrides: loaded.overrides,
        config: loaded.config.without_secrets(),
    };
    say(&checked, global.json)
}
