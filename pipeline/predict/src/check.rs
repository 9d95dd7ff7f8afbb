//! Facts that cannot be true, whatever came before them.

use marabet_quant::Market;
use marabet_quant::goals::TrainingSetBuilder;
use marabet_schemas::bets::BetPlaced;
use marabet_schemas::facts::{Aggregate, MatchResult, Quote, ResultStatus};
use marabet_schemas::{Body, Money};

/// Whether an event can be a fact; says why not.
pub(crate) fn fact(body: &Body) -> Result<(), String> {
    match body {
        Body::Quote(quote) => of_quote(quote),
        Body::Aggregate(aggregate) => of_aggregate(aggregate),
        Body::Result(result) => of_result(result),
        Body::BetPlaced(placed) => of_placed(placed),
        Body::Priced(_)
        | Body::ValueBet(_)
        | Body::Refused(_)
        | Body::Settlement(_)
        | Body::Grant(_) => {
            Err(format!("`{}` is derived by the line; it is no fact", body.kind().name()))
        }
        _ => Ok(()),
    }
}

fn one_a_selection(market: &Market, what: &str, count: usize) -> Result<(), String> {
    let selections = market.selections().len();
    if count == selections {
        Ok(())
    } else {
        Err(format!("market {market} has {selections} selections, got {count} {what}"))
    }
}

fn of_quote(quote: &Quote) -> Result<(), String> {
    one_a_selection(&quote.market, "odds", quote.odds.len())?;
    let Some(sizes) = &quote.sizes else { return Ok(()) };
    one_a_selection(&quote.market, "sizes", sizes.len())?;
    match sizes.iter().find(|size| !(size.is_finite() && **size >= 0.0)) {
        Some(size) => Err(format!("a size must be finite and not negative, got {size}")),
        None => Ok(()),
    }
}

fn of_aggregate(aggregate: &Aggregate) -> Result<(), String> {
    one_a_selection(&aggregate.market, "odds", aggregate.odds.len())
}

fn of_result(result: &MatchResult) -> Result<(), String> {
    let [home, away] = match (result.status, result.score) {
        (ResultStatus::Played | ResultStatus::Awarded, None) => {
            return Err("a match that was played or awarded has a score, got none".to_owned());
        }
        (ResultStatus::Played | ResultStatus::Awarded, Some(score)) => score,
        (ResultStatus::Abandoned | ResultStatus::Void, _) => return Ok(()),
    };
    let most = TrainingSetBuilder::GOALS_MAX;
    if u32::from(home.max(away)) > most {
        return Err(format!("{home}-{away} is no score: at most {most} goals a side are taken"));
    }
    match result.half_time {
        Some([first_home, first_away])
            if result.status == ResultStatus::Played
                && (first_home > home || first_away > away) =>
        {
            Err(format!(
                "a match at {first_home}-{first_away} by half-time cannot end {home}-{away}"
            ))
        }
        _ => Ok(()),
    }
}

fn of_placed(placed: &BetPlaced) -> Result<(), String> {
    if placed.stake > Money::ZERO {
        Ok(())
    } else {
        Err(format!("a placed bet has a positive stake, got {}", placed.stake))
    }
}
