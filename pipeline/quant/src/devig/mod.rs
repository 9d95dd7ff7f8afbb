//! Taking the margin out of a book's odds.

mod method;

pub use method::Method;
