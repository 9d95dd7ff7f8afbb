//! What is fair: the probabilities that a strategy believes, and whose opinion they are.
//!
//! Of a market with a push (a handicap or total on a whole or quarter goal, draw no bet) the
//! probabilities are conditional on the stake being decided, `1 / fair odds`, because that is
//! what a de-vigged price says; [`crate::scores`] finds the five outcomes behind them.

use std::collections::HashMap;

use marabet_quant::devig::{Method, devig_to};
use marabet_quant::outcome::Outcomes;
use marabet_quant::{Market, Odds};
use marabet_schemas::MatchKey;
use marabet_schemas::strategy::FairSource;

use crate::board::{Board, MarketView, winners};
use crate::rules::Plan;
use crate::state::prices::{BookId, PerSelection, Price};
use crate::state::within::Within;

/// Why there is no fair price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFair {
    /// Nobody's opinion is known.
    Nothing,
    /// This book's is, and the method cannot take its margin out.
    Devig(BookId),
}

/// Whose prices made a fair price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parties {
    /// The model's alone.
    NoBook,
    /// One reference book's.
    Book(BookId),
    /// Those of all books but the one that offers.
    AllBut(Option<BookId>),
}

/// The fair probabilities of a market's selections.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FairMarket {
    pub(crate) probabilities: PerSelection,
    pub(crate) parties: Parties,
}

/// What a strategy's sources say of a market, from which the fair price against any one book
/// follows by leaving that book out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opinion {
    source: FairSource,
    market: Market,
    model_weight: f64,
    books_min: usize,
    /// The first two reference books that have a price, de-vigged: the second stands in where
    /// the first is the one that offers.
    sharp: [Option<(BookId, PerSelection)>; 2],
    /// The first book whose margin the method cannot take out.
    failed: Option<BookId>,
    /// Every book for a consensus, by name.
    parties: Vec<(BookId, PerSelection)>,
    /// The model's probabilities, conditional like the books'.
    model: Option<PerSelection>,
}

impl Opinion {
    /// What the strategy's sources say of this market now.
    pub(crate) fn of(
        board: &Board<'_>,
        plan: &Plan,
        view: &MarketView<'_>,
        devigged: &mut Devigged,
    ) -> Self {
        let mut opinion = Self {
            source: plan.rules.fair,
            market: view.market,
            model_weight: plan.rules.model_weight,
            books_min: usize::from(plan.rules.consensus_books_min.max(1)),
            sharp: [None; 2],
            failed: None,
            parties: Vec::new(),
            model: None,
        };
        let method = plan.rules.devig;
        let mut fair_of = |price: &Price, failed: &mut Option<BookId>| {
            let fair = devigged.fair(board.key, view.market, price, method);
            if fair.is_none() {
                failed.get_or_insert(price.book);
            }
            fair.map(|fair| (price.book, fair))
        };
        match plan.rules.fair {
            FairSource::Sharp | FairSource::Blend => {
                let prices = plan.references.iter().filter_map(|book| view.row.price(*book));
                let mut fairs = prices
                    .filter(|price| board.is_reference(view.market, price, plan))
                    .filter_map(|price| fair_of(price, &mut opinion.failed));
                opinion.sharp = [fairs.next(), fairs.next()];
            }
            FairSource::Consensus => {
                let prices = view.row.prices.iter();
                opinion.parties = prices
                    .filter(|price| board.is_reference(view.market, price, plan))
                    .filter_map(|price| fair_of(price, &mut opinion.failed))
                    .collect();
            }
            FairSource::Model => {}
        }
        if plan.uses_model() {
            opinion.model = view.model.and_then(|model| conditional(&model.outcomes));
        }
        opinion
    }

    /// The fair price against what `offering` offers, its own opinion left out.
    pub(crate) fn without(&self, offering: Option<BookId>) -> Result<FairMarket, NoFair> {
        let nothing = self.failed.map_or(NoFair::Nothing, NoFair::Devig);
        let model =
            self.model.map(|probabilities| FairMarket { probabilities, parties: Parties::NoBook });
        match self.source {
            FairSource::Sharp => self.sharp(offering).ok_or(nothing),
            FairSource::Consensus => self.consensus(offering).ok_or(nothing),
            FairSource::Model => model.ok_or(NoFair::Nothing),
            FairSource::Blend => {
                let sharp = self.sharp(offering).ok_or(nothing)?;
                Ok(self.pooled(sharp, model.ok_or(NoFair::Nothing)?))
            }
        }
    }

    fn sharp(&self, offering: Option<BookId>) -> Option<FairMarket> {
        let others = self.sharp.iter().flatten().find(|(book, _)| Some(*book) != offering);
        others.map(|(book, probabilities)| FairMarket {
            probabilities: *probabilities,
            parties: Parties::Book(*book),
        })
    }

    /// The mean of the other books' de-vigged probabilities, summed in the order of their names.
    fn consensus(&self, offering: Option<BookId>) -> Option<FairMarket> {
        let mut sum = PerSelection::default();
        let mut books = 0_u16;
        for (_, fair) in self.parties.iter().filter(|(book, _)| Some(*book) != offering) {
            for (sum, probability) in sum.iter_mut().zip(fair) {
                *sum += probability;
            }
            books += 1;
        }
        let enough = usize::from(books) >= self.books_min;
        enough.then(|| FairMarket {
            probabilities: sum.map(|sum| sum / f64::from(books)),
            parties: Parties::AllBut(offering),
        })
    }

    /// The logarithmic pool of a sharp price and the model, `p ∝ model^w · sharp^(1 − w)`
    /// (Genest and Zidek 1986, equation 2.3). A double chance is pooled by the results that it
    /// leaves out, of which one happens.
    fn pooled(&self, sharp: FairMarket, model: FairMarket) -> FairMarket {
        let selections = self.market.selections().len();
        let complement = winners(self.market) > 1.0;
        let turned = |p: f64| if complement { 1.0 - p } else { p };
        let mut pooled = PerSelection::default();
        for (at, pooled) in pooled[..selections].iter_mut().enumerate() {
            let (m, s) = (turned(model.probabilities[at]), turned(sharp.probabilities[at]));
            *pooled = libm::pow(m, self.model_weight) * libm::pow(s, 1.0 - self.model_weight);
        }
        let sum: f64 = pooled.iter().sum();
        let mut probabilities = PerSelection::default();
        for (probability, weight) in probabilities.iter_mut().zip(&pooled[..selections]) {
            *probability = turned(weight / sum);
        }
        FairMarket { probabilities, parties: sharp.parties }
    }
}

/// Each selection's probability of winning what is decided; none where nothing ever is.
fn conditional(outcomes: &[[f64; 5]]) -> Option<PerSelection> {
    let mut probabilities = PerSelection::default();
    for (probability, row) in probabilities.iter_mut().zip(outcomes) {
        *probability = Outcomes::new(*row).ok()?.conditional_win()?;
    }
    Some(probabilities)
}

/// De-vigged prices, kept until the price is another: computed from the state, and so no part of
/// it.
#[derive(Default)]
pub(crate) struct Devigged {
    markets: HashMap<Within<Market>, Vec<Kept>>,
}

struct Kept {
    book: BookId,
    method: Method,
    odds: PerSelection,
    fair: Option<PerSelection>,
}

impl Devigged {
    /// The fair probabilities behind a book's price; none where the method has none for it.
    pub(crate) fn fair(
        &mut self,
        key: &MatchKey,
        market: Market,
        price: &Price,
        method: Method,
    ) -> Option<PerSelection> {
        let kept = self.markets.entry(Within::new(key, market)).or_default();
        let sought = (price.book, method);
        let place = kept.binary_search_by_key(&sought, |kept| (kept.book, kept.method));
        if let Ok(place) = place
            && kept[place].odds == price.odds
        {
            return kept[place].fair;
        }
        let fair = devig_price(market, price.odds, method);
        let entry = Kept { book: price.book, method, odds: price.odds, fair };
        match place {
            Ok(place) => kept[place] = entry,
            Err(place) => kept.insert(place, entry),
        }
        fair
    }

    /// Forgets a market.
    pub(crate) fn drop_market(&mut self, key: &MatchKey, market: Market) {
        self.markets.remove(&Within::new(key, market));
    }
}

/// The fair probabilities behind odds; none where the method has none for them.
pub(crate) fn devig_price(
    market: Market,
    odds: PerSelection,
    method: Method,
) -> Option<PerSelection> {
    let odds: Vec<Odds> = odds_of(market, odds);
    let fair = devig_to(method, &odds, winners(market)).ok()?;
    let mut probabilities = PerSelection::default();
    probabilities[..odds.len()].copy_from_slice(&fair.probabilities);
    Some(probabilities)
}

/// Stored odds as they were quoted.
pub(crate) fn odds_of(market: Market, odds: PerSelection) -> Vec<Odds> {
    let odds = &odds[..market.selections().len()];
    odds.iter().map(|odds| Odds::new(*odds).expect("odds were checked when they came")).collect()
}
