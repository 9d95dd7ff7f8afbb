//! The streams as Parquet files, and back.
//!
//! # Layout
//!
//! ```text
//! archive.json                          what the archive is: form, partitions
//! <stream>/date=YYYY-MM-DD/partition=07/<first>-<last>.parquet
//! dead-<stage>/date=…/partition=…/…     dead letters, the column `line` alone
//! artefacts/<sha-256>                   models, as they are
//! quarantine.json                       frames that stages pass over
//! set-aside/…                           files that the log no longer agrees with
//! ```
//!
//! `<stream>` is `feed`, `priced`, `bets` or `grants` (one partition, 00). `date` is the UTC day
//! of the entry ID, the log's own clock; a file never spans days. History that was imported stands
//! under the first day of its events' year. Within a partition, files in the order of their names
//! and rows in the order of the file are the order of the log.
//!
//! # Columns
//!
//! Every row is one event. The envelope:
//!
//! | column | type | |
//! |---|---|---|
//! | `ms`, `seq` | uint64 | the entry's ID: rows of one frame share it |
//! | `index` | uint32 | the event's place in its frame |
//! | `kind` | text | `quote`, `match.closed`, … |
//! | `version` | uint32 | the kind's version |
//! | `key` | text | `E0\|2024-25\|Man United\|Fulham\|1`; null for what concerns no match |
//! | `at` | timestamp\[µs, UTC\] | event time (SQL of DuckDB asks for `"at"`, a word of its own) |
//! | `assumed` | bool | `at` is set by a rule |
//! | `line` | text | the JSON as it was, for what is no event of these columns; else null |
//! | `causes` | text | grants alone, in a frame's first row: the frames of the partitions' bets that it follows from, `partition/ID`, in the order in which they were taken |
//!
//! Then one nullable structure a kind, named as the kind with `_` for `.`, whose fields are those
//! of the JSON: `quote.book`, `quote.odds` (a list of float64), `fixture.kickoff` (a timestamp),
//! `match_closed.src`. In a row only that of its own kind is set. What holds a map is JSON text:
//! `config_published.rules`. The feed has every kind of fact; `priced` has them too, with `priced`
//! (in it `quote`, `model`, `outcomes`) for `quote`; `bets` has `value_bet`, `refused`,
//! `settlement` and what is passed on; `grants` has `grant` and what is passed on.
//!
//! # Reading
//!
//! [`Archive::files`] lists, [`Archive::frames`] reads a partition in the log's order, and
//! [`Archive::events_in_time`] all partitions as one line of events; [`Archive::events_of`] leaves
//! out other competitions, of which [`Archive::leagues`] says which there are. A file is seen to be what its
//! name says, and its data's hash is compared, before any of it is used.

mod archive;
mod archiver;
mod block;
mod chunk;
mod columns;
mod compact;
mod error;
mod file;
mod import;
mod landing;
mod leagues;
mod merge;
mod place;
mod schema;
mod store;
mod verify;

pub use archive::{About, Archive, Days, Marks, PartitionFrames};
pub use archiver::{ArchiverOptions, GROUP, run_archive};
pub use compact::Compacted;
pub use error::ArchiveError;
pub use file::{Content, Frames, OpenFile};
pub use import::{Imported, Importer, PartitionImporter};
pub use leagues::Leagues;
pub use merge::EventsInTime;
pub use place::{Place, day_of};
pub use schema::{FORM, Holding, column_name};
pub use verify::{HoldingStatus, Verified};
