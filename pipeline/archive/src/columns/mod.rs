//! Events as typed columns, and back, by their own `serde` forms.
//!
//! One description of each event serves the wire, the published schemas and the columns: what
//! serialises to an object's fields is put into the columns of these names, without an object in
//! between. Knows nothing of files.

mod column;
mod hot;
mod read;
mod write;

pub(crate) use column::Column;
pub(crate) use hot::Prices;
pub(crate) use read::View;

/// A value that its column cannot take, or a column that a value cannot be read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ColumnError(pub(crate) String);

impl ColumnError {
    /// Says in which field.
    fn in_field(self, name: &str) -> Self {
        Self(format!("`{name}`: {}", self.0))
    }
}

impl From<parquet::errors::ParquetError> for ColumnError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self(error.to_string())
    }
}

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
