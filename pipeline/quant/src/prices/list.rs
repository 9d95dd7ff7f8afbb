//! Every market of a match, in one order.

use crate::matrix::{Halves, ScoreMatrix, UnpricedMarket};
use crate::outcome::Outcomes;
use crate::value::{Line, Market, MarketKind, Period, Selection};

/// A selection and how a bet on it may end.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct SelectionPrice {
    /// The selection.
    pub selection: Selection,
    /// The probabilities of the five outcomes.
    pub outcomes: Outcomes,
    /// The odds at which the bet is worth nothing; none for a bet that cannot win.
    pub fair_odds: Option<f64>,
}

/// A market with all its selections.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MarketPrices {
    /// The market.
    pub market: Market,
    /// In the canonical order of the market.
    pub selections: Vec<SelectionPrice>,
}

/// The probability of one score.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct CorrectScore {
    /// Home goals.
    pub home: u8,
    /// Away goals.
    pub away: u8,
    /// How likely.
    pub probability: f64,
}

/// The probabilities of the scores that are not listed, by result.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct OtherScores {
    /// Any other home win.
    pub home: f64,
    /// Any other draw.
    pub draw: f64,
    /// Any other away win.
    pub away: f64,
}

/// The probability that the match ends this far apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct WinningMargin {
    /// Home goals minus away goals.
    pub lead: i32,
    /// Whether every wider margin on that side counts too.
    pub or_more: bool,
    /// How likely.
    pub probability: f64,
}

/// All prices of a match.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PriceList {
    /// The markets with outcomes, full time first, then the halves where they were given.
    pub markets: Vec<MarketPrices>,
    /// The scores up to five goals a side.
    pub correct_scores: Vec<CorrectScore>,
    /// The scores beyond.
    pub other_scores: OtherScores,
    /// From home by four or more to away by four or more; zero is the draw.
    pub winning_margins: Vec<WinningMargin>,
    /// `[at half-time][at full time]`, each home, draw, away; where the halves were given.
    pub half_time_full_time: Option<[[f64; 3]; 3]>,
}

/// All prices of a match from its score matrix: every market over the full match, on the usual
/// lines (totals 0.5 to 6.5, a side's 0.5 to 4.5, handicaps −3 to 3).
#[must_use]
pub fn all(matrix: &ScoreMatrix) -> PriceList {
    list(matrix, priced(Period::FullTime, |market, selection| matrix.outcomes(market, selection)))
}

/// All prices of a match from the matrices of its halves: those of [`all`], the same markets on
/// either half, and half-time/full-time.
#[must_use]
pub fn all_with_halves(halves: &Halves) -> PriceList {
    let outcomes = |market: &Market, selection| halves.outcomes(market, selection);
    let mut markets = priced(Period::FullTime, outcomes);
    markets.extend(priced(Period::FirstHalf, outcomes));
    markets.extend(priced(Period::SecondHalf, outcomes));
    let half_time_full_time = Some(halves.half_time_full_time());
    PriceList { half_time_full_time, ..list(halves.full_time(), markets) }
}

fn list(matrix: &ScoreMatrix, markets: Vec<MarketPrices>) -> PriceList {
    const GOALS_LISTED: u8 = 5;
    const MARGIN_LISTED: i32 = 4;
    let mut correct_scores = Vec::new();
    let mut other_scores = OtherScores { home: 0.0, draw: 0.0, away: 0.0 };
    for (home, away, probability) in matrix.iter() {
        if home <= GOALS_LISTED && away <= GOALS_LISTED {
            correct_scores.push(CorrectScore { home, away, probability });
            continue;
        }
        let other = match home.cmp(&away) {
            std::cmp::Ordering::Greater => &mut other_scores.home,
            std::cmp::Ordering::Equal => &mut other_scores.draw,
            std::cmp::Ordering::Less => &mut other_scores.away,
        };
        *other += probability;
    }
    let end = i32::from(matrix.goals_max());
    let winning_margins = (-MARGIN_LISTED..=MARGIN_LISTED).rev().map(|lead| {
        let or_more = lead.abs() == MARGIN_LISTED;
        let probability = if or_more {
            (MARGIN_LISTED..=end).map(|margin| matrix.lead(margin * lead.signum())).sum()
        } else {
            matrix.lead(lead)
        };
        WinningMargin { lead, or_more, probability }
    });
    PriceList {
        markets,
        correct_scores,
        other_scores,
        winning_margins: winning_margins.collect(),
        half_time_full_time: None,
    }
}

fn priced(
    period: Period,
    outcomes: impl Fn(&Market, Selection) -> Result<Outcomes, UnpricedMarket>,
) -> Vec<MarketPrices> {
    let of_market = |kind| {
        let market = Market { kind, period };
        let price = |selection: &Selection| {
            let outcomes = outcomes(&market, *selection)
                .expect("a market's own selections are priced in the period of its matrix");
            let fair_odds = outcomes.fair_odds();
            SelectionPrice { selection: *selection, outcomes, fair_odds }
        };
        MarketPrices { market, selections: market.selections().iter().map(price).collect() }
    };
    kinds().map(of_market).collect()
}

/// The markets of the list in their order.
fn kinds() -> impl Iterator<Item = MarketKind> {
    use MarketKind as K;
    let lines = |low: i16, high: i16| {
        (low..=high).map(|quarters| Line::from_quarters(quarters).expect("a usual line exists"))
    };
    [K::MatchOdds, K::DoubleChance, K::DrawNoBet, K::BothTeamsToScore, K::OddEven]
        .into_iter()
        .chain([K::HomeCleanSheet, K::AwayCleanSheet, K::HomeWinToNil, K::AwayWinToNil])
        .chain(lines(-12, 12).map(K::AsianHandicap))
        .chain((-3..=3).filter(|goals| *goals != 0).map(K::EuropeanHandicap))
        .chain(lines(2, 26).map(K::Totals))
        .chain(lines(2, 18).map(K::HomeTotals))
        .chain(lines(2, 18).map(K::AwayTotals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selection_of_the_list_has_outcomes_that_add_up_to_one() {
        let halves = Halves::dixon_coles(1.6, 1.1, -0.05, 0.45).unwrap();
        let list = all_with_halves(&halves);
        assert_eq!(list.markets.len(), 3 * all(halves.full_time()).markets.len());
        for prices in &list.markets {
            for price in &prices.selections {
                assert!(price.outcomes.check().is_ok(), "{} {}", prices.market, price.selection);
            }
        }
        let table = list.half_time_full_time.unwrap();
        assert!((table.iter().flatten().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn scores_and_margins_hold_the_whole_match() {
        for (lambda, mu) in [(1.6, 1.1), (0.0, 0.0), (9.0, 0.3)] {
            let list = all(&ScoreMatrix::independent(lambda, mu).unwrap());
            let listed: f64 = list.correct_scores.iter().map(|score| score.probability).sum();
            let other = list.other_scores;
            let sum = listed + other.home + other.draw + other.away;
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            let margins: f64 = list.winning_margins.iter().map(|m| m.probability).sum();
            assert!((margins - 1.0).abs() < 1e-12, "{margins}");
        }
    }

    #[test]
    fn the_list_reads_as_json() {
        let list = all(&ScoreMatrix::independent(1.6, 1.1).unwrap());
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json["markets"][0]["market"], "1x2");
        assert_eq!(json["markets"][0]["selections"][1]["selection"], "draw");
        assert_eq!(json["winning_margins"][0]["lead"], 4);
    }
}
