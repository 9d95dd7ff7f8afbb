//! The ledger: bets, stakes, settlements, money and models in SQL, for questions that a log
//! answers slowly; and the records of jobs, backtests and alerts.
//!
//! A [`Ledger`] lies in SQLite (`sqlite:path`) or PostgreSQL (`postgres://…`); the statements are
//! the same. What [`follow`] takes in from the streams `bets` and `grants` is a view: the rows of
//! a batch and how far the stream was taken in are written in one transaction, so each event
//! counts exactly once, whatever dies on the way. [`rebuild`] writes the same rows again, also
//! while they are followed; what the log has dropped it draws from where it is filed
//! ([`Earlier`]).
//! The records below them ([`records`]) are the ledger's own and are not rebuilt.
//!
//! The crate knows no stage, and decides nothing: nobody bets by what stands here.

mod apply;
pub mod clock;
mod database;
mod earlier;
mod error;
mod follow;
mod migrate;
mod money;
mod rebuild;
pub mod records;
pub mod report;
mod status;

pub use database::{Dialect, Ledger};
pub use earlier::{Earlier, EarlierFrames, Filed};
pub use error::LedgerError;
pub use follow::{GROUP_BETS, GROUP_GRANTS, follow};
pub use migrate::{MIGRATIONS, Migration, Pending};
pub use rebuild::{Rebuilt, rebuild};
pub use status::{Status, StreamStatus};
