//! The files of football-data.co.uk: results, statistics and odds since 1993.
//!
//! A [`FileReader`] reads one file row by row; a [`Loader`] takes in many and makes a
//! [`Timeline`] of them, whose events come in the order in which things became known. What the
//! files do not state about instants follows a rule, see [`instants`].

mod books;
mod cells;
mod columns;
mod competitions;
mod day;
pub mod fetch;
mod file;
mod header;
pub mod instants;
mod record;
pub mod replay;
mod row;
mod timeline;
pub mod upcoming;

pub use books::code;
pub(crate) use competitions::of_path as competition_of_path;
pub use competitions::{is_known, season};
pub(crate) use file::first_record;
pub use file::{Counts, FileError, FileReader, LINE_BYTES_MAX};
pub use header::Header;
pub use instants::{Instants, Timing};
use marabet_schemas::Source;
pub use record::{Record, Standing};
pub use timeline::{Events, Loader, Match, Timeline};

/// The name of this source in facts.
pub const SOURCE: &str = "football-data";
const SRC: Source = Source::known(SOURCE);
