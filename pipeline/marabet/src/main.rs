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
mod work;

use std::process::ExitCode;

use clap::Parser;

/// What one task allocates another frees, all the time, which the system's own is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    start_logging(&cli.global.log_level, cli.global.log_format);
    match command::execute(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, cli.global.json),
    }
}

fn start_logging(level: &str, format: cli::LogFormat) {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(&filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        cli::LogFormat::Human => builder.init(),
        cli::LogFormat::Json => builder.json().init(),
    }
}
