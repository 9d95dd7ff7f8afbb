//! Single prices gathered into complete markets.
//!
//! Most providers tell one price at a time: this selection, at this book, at these odds. A quote
//! is one book's complete market. What is still incomplete at the end is refused as such.

use std::collections::BTreeMap;

use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::facts::{OddsList, Phase, Quote};
use marabet_schemas::{Book, Instant, Source};

/// The prices of one match, book by book and market by market.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    markets: BTreeMap<(Book, Market), Prices>,
}

#[derive(Debug, Clone, Default)]
struct Prices {
    odds: [Option<Odds>; 3],
    sizes: [Option<f64>; 3],
    stated: Option<Instant>,
    refused: bool,
}

/// A market that is complete, or what is missing of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Whole {
    /// All prices are there.
    Quote {
        /// The quote.
        quote: Quote,
        /// When the provider last saw it, where it says so.
        stated: Option<Instant>,
    },
    /// Some are not, and none was refused already.
    Incomplete {
        /// Whose market.
        book: Book,
        /// Which.
        market: Market,
    },
}

impl Gathered {
    /// Takes in a price. False when the market has no such selection.
    pub fn price(
        &mut self,
        book: &Book,
        market: Market,
        selection: Selection,
        odds: Option<Odds>,
        stated: Option<Instant>,
    ) -> bool {
        let Some(at) = market.selections().iter().position(|known| *known == selection) else {
            return false;
        };
        let prices = self.markets.entry((book.clone(), market)).or_default();
        match odds {
            Some(odds) => prices.odds[at] = Some(odds),
            None => prices.refused = true,
        }
        prices.stated = prices.stated.max(stated);
        true
    }

    /// Takes in the markets of another gathering. Where both have one, the one that was seen later
    /// stands: an exchange is told of once for each of its regions.
    pub fn merge(&mut self, other: Self) {
        for (place, prices) in other.markets {
            match self.markets.get(&place) {
                Some(known) if known.stated >= prices.stated && !known.refused => {}
                _ => drop(self.markets.insert(place, prices)),
            }
        }
    }

    /// Takes in what can be staked at a price.
    pub fn size(&mut self, book: &Book, market: Market, selection: Selection, size: f64) {
        let at = market.selections().iter().position(|known| *known == selection);
        let prices = self.markets.get_mut(&(book.clone(), market));
        if let (Some(at), Some(prices)) = (at, prices) {
            prices.sizes[at] = Some(size);
        }
    }

    /// The markets, each complete or not. A price that is seen after the kick-off is one in play.
    pub fn whole(self, src: &Source, kickoff: Instant, now: Instant) -> Vec<Whole> {
        let whole = |((book, market), prices): ((Book, Market), Prices)| {
            let count = market.selections().len();
            let odds: OddsList = prices.odds.into_iter().take(count).flatten().collect();
            if odds.len() < count {
                return (!prices.refused).then_some(Whole::Incomplete { book, market });
            }
            let sizes: Vec<f64> = prices.sizes.into_iter().take(count).flatten().collect();
            let sizes = (sizes.len() == count).then_some(sizes);
            let is_running = prices.stated.unwrap_or(now) >= kickoff;
            let phase = if is_running { Phase::InPlay } else { Phase::Pre };
            let quote = Quote { src: src.clone(), book, market, odds, phase, sizes };
            Some(Whole::Quote { quote, stated: prices.stated })
        };
        self.markets.into_iter().filter_map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_make_a_quote_when_all_of_a_market_are_there() {
        let (book, market) = (Book::new("a"), Market::MATCH_ODDS);
        let (kickoff, now) = (Instant::default().plus_seconds(10), Instant::default());
        let mut gathered = Gathered::default();
        let odds = |number| Odds::new(number).ok();
        assert!(gathered.price(&book, market, Selection::Home, odds(2.0), None));
        assert!(!gathered.price(&book, market, Selection::Over, odds(2.0), None));
        let early = gathered.clone().whole(&"s".into(), kickoff, now);
        assert_eq!(early, [Whole::Incomplete { book: book.clone(), market }]);
        gathered.price(&book, market, Selection::Away, odds(4.0), None);
        gathered.price(&book, market, Selection::Draw, odds(3.0), Some(kickoff));
        match gathered.clone().whole(&"s".into(), kickoff, now).as_slice() {
            [Whole::Quote { quote, stated }] => {
                assert_eq!(
                    quote.odds.iter().map(|o| o.decimal()).collect::<Vec<_>>(),
                    [2.0, 3.0, 4.0]
                );
                assert_eq!((quote.phase, *stated), (Phase::InPlay, Some(kickoff)));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_market_with_a_refused_price_is_not_refused_again() {
        let (book, market) = (Book::new("a"), Market::MATCH_ODDS);
        let mut gathered = Gathered::default();
        gathered.price(&book, market, Selection::Home, None, None);
        assert!(gathered.whole(&"s".into(), Instant::default(), Instant::default()).is_empty());
    }
}
