//! Why there is a bet: from it back to the quote, the prediction, the model and its training.
//!
//! The board notes where each step of a bet stands as it reads the log: its [`Trail`]. To explain
//! a bet is then a handful of reads by address, however long the log is. Who has no board at hand
//! [`search`]es the log for the bet, with a board of that one match, and reads the same trail.

mod chain;
mod search;
mod trail;

pub use chain::{Arithmetic, Chain, ConfigInForce, Found, Prediction};
pub use search::search;
pub use trail::Trail;
