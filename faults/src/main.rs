//! `make faults SEED=… KILLS=…`: runs the campaign and prints its table.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it tells a person")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use marabet_faults::Campaign;

/// Kills where nothing else is asked for.
const KILLS: u32 = 60;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<ExitCode> {
    let seed = number("SEED")?.unwrap_or(1);
    let kills = number("KILLS")?.map_or(Ok(KILLS), u32::try_from).context("KILLS is too many")?;
    let program = program()?;
    let campaign = Campaign { program, seed, kills, say: |line| eprintln!("{line}") };
    let report = campaign.run().await?;
    print!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A number, where the variable is set to something.
fn number(variable: &str) -> anyhow::Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => {
            let fault = || format!("{variable} is `{text}`, it must be a whole number");
            Ok(Some(text.parse().with_context(fault)?))
        }
        _ => Ok(None),
    }
}

/// The program under test: the one beside this one.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("marabet");
    anyhow::ensure!(program.is_file(), "there is no {}; run `make faults`", program.display());
    Ok(program)
}
