//! Events as typed columns, and back, by their own `serde` forms.
//!
//! One description of each event serves the wire, the published schemas and the columns: what
//! serialises to an object's fields is put into the columns of these names, without an object in
//! between. Knows nothing of files.

mod read;
mod write;

pub(crate) use read::View;
pub(crate) use write::Column;

/// A value that its column cannot take, or a column that a value cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ColumnError(pub(crate) String);

impl serde::ser::Error for ColumnError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl serde::de::Error for ColumnError {
    fn custom<T: std::fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}
