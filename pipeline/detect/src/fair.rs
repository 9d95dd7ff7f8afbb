//! What is fair: the probabilities that a strategy believes, and whose opinion they are.
//!
//! Of a market with a push (a handicap or total on a whole or quarter goal, draw no bet) the
//! probabilities are conditional on the stake being decided, `1 / fair odds`, because that is
//! what a de-vigged price says; [`crate::scores`] finds the five outcomes behind them.

use marabet_quant::devig::{Method, devig_to};
use marabet_quant::outcome::Outcomes;
use marabet_quant::{Market, Odds};
use marabet_schemas::MatchKey;
use marabet_schemas::facts::OddsList;
use marabet_schemas::strategy::FairSource;
use marabet_stage::Within;
use rustc_hash::FxHashMap;

use crate::board::{Board, MarketView, winners};
use crate::rules::Plan;
use crate::state::prices::{BookId, PerSelection, Price};

/// Why there is no fair price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoFair {
    /// Nobody's opinion is known.
    Nothing,
    /// This book's was, and has not been seen for too long.
    Stale(BookId),
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
    /// Why there may be no fair price: the first book of which that is so.
    lacking: NoFair,
    /// Every book for a consensus, by name.
    parties: Vec<(BookId, PerSelection)>,
    /// The sum over them, in this order.
    total: PerSelection,
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
            lacking: NoFair::Nothing,
            parties: Vec::new(),
            total: PerSelection::default(),
            model: None,
        };
        let method = plan.rules.devig;
        let mut devigged = devigged.of_market(board.key, view.market);
        let mut fair_of = |price: &Price, lacking: &mut NoFair| {
            let why = if !price.is_live() || board.is_under_round(view.market, price) {
                NoFair::Nothing
            } else if !board.is_fresh(price, plan) {
                NoFair::Stale(price.book)
            } else if let Some(fair) = devigged.fair(price, method) {
                return Some((price.book, fair));
            } else {
                NoFair::Devig(price.book)
            };
            if *lacking == NoFair::Nothing {
                *lacking = why;
            }
            None
        };
        match plan.rules.fair {
            FairSource::Sharp | FairSource::Blend => {
                let prices = plan.references.iter().filter_map(|book| view.row.price(*book));
                let mut fairs = prices.filter_map(|price| fair_of(price, &mut opinion.lacking));
                opinion.sharp = [fairs.next(), fairs.next()];
            }
            FairSource::Consensus => {
                let prices = view.row.prices.iter();
                opinion.parties =
                    prices.filter_map(|price| fair_of(price, &mut opinion.lacking)).collect();
                for (_, fair) in &opinion.parties {
                    opinion.total.iter_mut().zip(fair).for_each(|(total, p)| *total += p);
                }
            }
            FairSource::Model => {}
        }
        if plan.uses_model() {
            opinion.model = view.model.and_then(|model| conditional(model.0.outcomes()));
        }
        opinion
    }

    /// The fair price against what `offering` offers, its own opinion left out.
    pub(crate) fn without(&self, offering: Option<BookId>) -> Result<FairMarket, NoFair> {
        let lacking = self.lacking;
        let model =
            self.model.map(|probabilities| FairMarket { probabilities, parties: Parties::NoBook });
        match self.source {
            FairSource::Sharp => self.sharp(offering).ok_or(lacking),
            FairSource::Consensus => self.consensus(offering).ok_or(lacking),
            FairSource::Model => model.ok_or(NoFair::Nothing),
            FairSource::Blend => {
                let sharp = self.sharp(offering).ok_or(lacking)?;
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

    /// The mean of the other books' de-vigged probabilities.
    fn consensus(&self, offering: Option<BookId>) -> Option<FairMarket> {
        let own = self.parties.iter().find(|(book, _)| Some(*book) == offering);
        let others = self.parties.len() - usize::from(own.is_some());
        if others < self.books_min {
            return None;
        }
        let own = own.map_or(PerSelection::default(), |(_, fair)| *fair);
        let mut probabilities = self.total;
        for (probability, own) in probabilities.iter_mut().zip(own) {
            *probability = (*probability - own) / others as f64;
        }
        Some(FairMarket { probabilities, parties: Parties::AllBut(offering) })
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
    markets: FxHashMap<Within<Market>, Vec<Kept>>,
}

struct Kept {
    book: BookId,
    method: Method,
    odds: PerSelection,
    fair: Option<PerSelection>,
}

impl Devigged {
    /// What is kept of one market.
    pub(crate) fn of_market(&mut self, key: &MatchKey, market: Market) -> DeviggedMarket<'_> {
        DeviggedMarket { market, kept: self.markets.entry(Within::new(key, market)).or_default() }
    }

    /// Forgets a market.
    pub(crate) fn drop_market(&mut self, key: &MatchKey, market: Market) {
        self.markets.remove(&Within::new(key, market));
    }
}

/// The de-vigged prices of one market.
pub(crate) struct DeviggedMarket<'a> {
    market: Market,
    kept: &'a mut Vec<Kept>,
}

impl DeviggedMarket<'_> {
    /// The fair probabilities behind a book's price; none where the method has none for it.
    fn fair(&mut self, price: &Price, method: Method) -> Option<PerSelection> {
        let sought = (price.book, method);
        let place = self.kept.binary_search_by_key(&sought, |kept| (kept.book, kept.method));
        if let Ok(place) = place
            && self.kept[place].odds == price.odds
        {
            return self.kept[place].fair;
        }
        let fair = devig_price(self.market, price.odds, method);
        let entry = Kept { book: price.book, method, odds: price.odds, fair };
        match place {
            Ok(place) => self.kept[place] = entry,
            Err(place) => self.kept.insert(place, entry),
        }
        fair
    }
}

/// The fair probabilities behind odds; none where the method has none for them.
pub(crate) fn devig_price(
    market: Market,
    odds: PerSelection,
    method: Method,
) -> Option<PerSelection> {
    let odds = odds_of(market, odds);
    let fair = devig_to(method, &odds, winners(market)).ok()?;
    let mut probabilities = PerSelection::default();
    probabilities[..odds.len()].copy_from_slice(&fair.probabilities);
    Some(probabilities)
}

/// Stored odds as they were quoted.
pub(crate) fn odds_of(market: Market, odds: PerSelection) -> OddsList {
    let odds = &odds[..market.selections().len()];
    odds.iter().map(|odds| Odds::new(*odds).expect("odds were checked when they came")).collect()
}
