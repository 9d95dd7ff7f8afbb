//! `marabet backtest …`: runs `marabet-backtest`, which is a program of its own so that this one
//! does not carry Polars.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::cli::Global;

/// The program's name.
const PROGRAM: &str = "marabet-backtest";

/// Becomes the other program; returns only where it cannot be run.
pub(super) fn execute(arguments: &[OsString], global: &Global) -> anyhow::Result<()> {
    let mut command = Command::new(program());
    command.args(arguments);
    if let Some(config) = &global.config {
        command.arg("--config").arg(config);
    }
    if global.json {
        command.arg("--json");
    }
    let error = command.exec();
    anyhow::bail!(
        "cannot run {PROGRAM}: {error}; build it with `cargo build --release -p {PROGRAM}`, so that \
         it lies beside this program or on the PATH"
    )
}

/// The program that `MARABET_BACKTEST` names, else the one beside this, else that on the PATH.
pub(crate) fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("MARABET_BACKTEST") {
        return named.into();
    }
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM));
    beside.filter(|path| path.exists()).unwrap_or_else(|| PROGRAM.into())
}
