//! Starting over when a stage does not return.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use marabet_streams::watchdog::{self, OnStuck, STUCK_EXIT};

/// What is done when a stage does not return: this process becomes the same program anew, and
/// goes on from the log. Nothing else gets out of a loop without end. A program that reads what
/// cannot be read again only ends, and whoever supervises it decides.
pub(crate) fn on_stuck(may_start_over: bool) -> OnStuck {
    if !may_start_over {
        return watchdog::end_process();
    }
    Arc::new(|what| {
        tracing::error!("{what}; the program starts over and goes on from the log");
        let failed = match std::env::current_exe() {
            Ok(program) => Command::new(program).args(std::env::args_os().skip(1)).exec(),
            Err(error) => error,
        };
        tracing::error!("the program cannot start over: {failed}");
        std::process::exit(STUCK_EXIT)
    })
}
