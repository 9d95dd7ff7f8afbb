//! The stage's state: tables of rows, all of it, and nothing that could be computed from it.

pub(crate) mod pack;
pub(crate) mod prices;
pub(crate) mod rows;

use marabet_quant::Market;
use marabet_schemas::control::ConfigPublished;
use marabet_schemas::{Book, Instant, MatchKey, StrategyName};
use marabet_stage::{Only, Rows, Table, Within};

use prices::{MarketRow, SeenRow};
use rows::{BetsRow, MatchRow, ModelRow, PlayRow, RefusedRow};

/// Every table.
pub(crate) struct State {
    /// The rules in force.
    pub(crate) config: Table<Only, ConfigPublished>,
    /// The books' names; a book's place here is its number in the other rows.
    pub(crate) books: Table<Only, Vec<Book>>,
    /// Where each match stands. Changes with every event.
    pub(crate) matches: Table<MatchKey, MatchRow>,
    /// When books' prices were last looked at.
    pub(crate) seen: Table<MatchKey, SeenRow>,
    /// Prices.
    pub(crate) markets: Table<Within<Market>, MarketRow>,
    /// What the model makes of each market, where a strategy in force asks for it.
    pub(crate) models: Table<Within<Market>, ModelRow>,
    /// Prices taken in play, where a strategy in force asks for them.
    pub(crate) running: Table<Within<Market>, MarketRow>,
    /// What the model makes of each market in play, likewise.
    pub(crate) running_models: Table<Within<Market>, ModelRow>,
    /// What happened last in each match that is played.
    pub(crate) play: Table<MatchKey, PlayRow>,
    /// Bets.
    pub(crate) bets: Table<Within<StrategyName>, BetsRow>,
    /// Which refusals were recorded.
    pub(crate) refused: Table<Within<StrategyName>, RefusedRow>,
    /// When matches were closed. The rows stay, some seventy bytes each, so that what comes for
    /// a closed match is known to be late.
    pub(crate) closed: Table<MatchKey, Instant>,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self {
            config: Table::new("config"),
            books: Table::new("books"),
            matches: Table::new("match"),
            seen: Table::new("seen"),
            markets: Table::new("market"),
            models: Table::new("model"),
            running: Table::new("running"),
            running_models: Table::new("running_model"),
            play: Table::new("play"),
            bets: Table::new("bets"),
            refused: Table::new("refused"),
            closed: Table::new("closed"),
        }
    }

    pub(crate) fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![
            &mut self.config,
            &mut self.books,
            &mut self.matches,
            &mut self.seen,
            &mut self.markets,
            &mut self.models,
            &mut self.running,
            &mut self.running_models,
            &mut self.play,
            &mut self.bets,
            &mut self.refused,
            &mut self.closed,
        ]
    }

    /// The markets of a match that have prices, in order.
    pub(crate) fn markets_of<'a>(
        &'a self,
        key: &'a MatchKey,
    ) -> impl Iterator<Item = (Market, &'a MarketRow)> {
        self.markets.rows_of(key).map(|(market, row)| (*market, row))
    }

    /// The markets of a match that have prices taken in play, in order.
    pub(crate) fn running_of<'a>(
        &'a self,
        key: &'a MatchKey,
    ) -> impl Iterator<Item = (Market, &'a MarketRow)> {
        self.running.rows_of(key).map(|(market, row)| (*market, row))
    }

    /// The strategies that have bets on a match, with these, in order.
    pub(crate) fn bets_of<'a>(
        &'a self,
        key: &'a MatchKey,
    ) -> impl Iterator<Item = (&'a StrategyName, &'a BetsRow)> {
        self.bets.rows_of(key)
    }

    /// The strategies that have bets or refusals on a match, in order.
    pub(crate) fn strategies_of(&self, key: &MatchKey) -> Vec<StrategyName> {
        let with_bets = self.bets.rows_of(key).map(|(strategy, _)| strategy.clone());
        let refused = self.refused.rows_of(key).map(|(strategy, _)| strategy.clone());
        with_bets.chain(refused).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markets_of_a_match_are_its_own_and_match_odds_come_first() {
        let mut state = State::new();
        let keys = ["E0|24|A|B|1", "E0|24|A|B|2", "E0|24|A|C|1"].map(|key| key.parse().unwrap());
        for key in &keys {
            for market in ["ou@2.5", "1x2/1h", "ah@-0.5", "1x2", "dc"] {
                let market: Market = market.parse().unwrap();
                let row = MarketRow::new(&market, Instant::default());
                state.markets.insert(Within::new(key, market), row);
            }
        }
        let markets: Vec<String> =
            state.markets_of(&keys[1]).map(|(market, _)| market.to_string()).collect();
        assert_eq!(markets, ["1x2", "1x2/1h", "dc", "ou@2.5", "ah@-0.5"]);
    }
}
