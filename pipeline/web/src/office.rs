//! What the server can ask beside the log: jobs and their schedule, the ledger, reports.

use std::fmt;
use std::path::PathBuf;

use marabet_jobs::{JobsError, Registry, Scheduler};
use marabet_ledger::{Filed, Ledger, LedgerError};

use crate::problem::Problem;

/// The back office of a line. Without one the server shows the log alone, and says so.
pub struct Office {
    /// The kinds of jobs that may be asked for.
    pub registry: Registry,
    /// The plans by which jobs are due.
    pub scheduler: Scheduler,
    /// Money, placements and history in SQL.
    pub ledger: Ledger,
    /// Where what the log has dropped is filed.
    pub filed: Filed,
    /// The folder in whose folders backtests leave their reports.
    pub reports: PathBuf,
}

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Office").field("reports", &self.reports).finish_non_exhaustive()
    }
}

impl From<JobsError> for Problem {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::NoJob(id) => Self::not_found(format!("there is no job `{id}`; see /jobs")),
            JobsError::State { .. } => Self::conflict(error.to_string()),
            JobsError::Log(error) => error.into(),
            JobsError::Unreadable { .. } => {
                tracing::error!("{error}");
                Self::internal(error.to_string())
            }
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Away { .. } => Self::unavailable(error.to_string()),
            error => {
                tracing::error!("{error}");
                Self::internal(error.to_string())
            }
        }
    }
}
