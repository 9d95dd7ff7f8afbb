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

#[cfg(test)]
mod tests {
    use super::*;

    /// Names the file in which the runs of the test's own process are counted.
    const RUNS: &str = "MARABET_TEST_RUNS";

    #[test]
    fn a_program_whose_stage_does_not_return_starts_over_in_its_own_process() {
        if let Some(runs) = std::env::var_os(RUNS) {
            let before = std::fs::read_to_string(&runs).unwrap_or_default();
            let run = format!("{before}{} ", std::process::id());
            std::fs::write(&runs, run).unwrap();
            if before.is_empty() {
                on_stuck(true)("a stage does not return");
            }
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let test = "line::restart::tests::a_program_whose_stage_does_not_return_starts_over_in_its_own_process";
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(RUNS, &runs)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let runs = std::fs::read_to_string(&runs).unwrap();
        let runs: Vec<&str> = runs.split_whitespace().collect();
        assert!(runs.len() == 2 && runs[0] == runs[1], "{runs:?}");
    }
}
