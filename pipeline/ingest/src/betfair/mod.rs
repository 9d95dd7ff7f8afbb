//! The Betfair Exchange: its historical files and its live stream.
//!
//! [`wire`] reads the messages, [`book`] keeps the markets and says what is news, [`tape`] puts
//! both together and asks which match an event is; [`files`] opens the historical archives, and
//! [`live`] holds the connection. The catalogue ([`catalogue`]) tells names that the stream
//! leaves out.

pub mod book;
pub mod catalogue;
pub mod definition;
pub mod files;
mod keep;
pub mod ladder;
mod line;
pub mod live;
pub mod markets;
pub mod replay;
mod scan;
pub mod session;
pub mod tape;
pub mod wire;

pub use scan::ScanError;

/// The name of this source in facts and in the configuration.
pub const SOURCE: &str = "betfair";
/// The exchange as a book.
pub const BOOK: &str = "betfair_exchange";
/// The last prices traded there, where a file holds nothing else: a reference, never an offer.
pub const LAST_TRADED_BOOK: &str = "betfair_exchange_traded";
