//! The binary: configuration, command line, wiring.
//!
//! Everything that the other crates do is put together here and nowhere else. Wall clock and
//! process live here too; the stages know neither.

mod backup;
mod cli;
mod command;
mod config;
mod demo;
mod failure;
mod line;
mod output;
mod replay;
mod sources;
mod summary;
mod telemetry;
mod work;

use std::process::ExitCode;

use clap::Parser;

/// What one task allocates another frees, all the time, which the system's own is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let done = telemetry::start(&cli.command, &cli.global).and_then(|telemetry| {
        let done = command::execute(&cli);
        telemetry.close();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, cli.global.json),
    }
}
