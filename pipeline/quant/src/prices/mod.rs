//! The price list of a match: every market that a score matrix can price.

mod board;
mod list;

pub use board::Board;
pub use list::{
    CorrectScore, MarketPrices, OtherScores, PriceList, SelectionPrice, WinningMargin, all,
    all_with_halves,
};
