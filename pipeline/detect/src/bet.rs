//! Bets as they are told and as they are remembered.
//!
//! The first alert is the price of record: its book, price and stake settle the bet and measure
//! it. A revision changes what is shown alone, and carries the better price with the stake of
//! record.

use marabet_quant::Odds;
use marabet_quant::payoff::Payoff;
use marabet_schemas::bets::{Fair, OtherPrice, ReferencePrice, ValueBet};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, StakeFraction};

use crate::board::{Board, MarketView};
use crate::fair::{Parties, devig_price, odds_of};
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::rules::Plan;
use crate::state::prices::Price;
use crate::state::rows::BetRecord;
use crate::value::Verdict;

/// Most other prices that are listed with a bet.
const OTHERS_MAX: usize = 10;

/// A verdict with everything that it takes to write it down.
pub(crate) enum Prepared {
    /// A refusal.
    Refused(Refusal),
    /// A bet and its record.
    Bet(Box<(ValueBet, BetRecord)>),
    /// A better price for the bet at this place.
    Shown(usize, Box<ValueBet>),
}

/// Makes what is told from a verdict.
pub(crate) fn prepare(
    board: &Board<'_>,
    plan: &Plan,
    bets: &[BetRecord],
    verdict: Verdict,
) -> Option<Prepared> {
    match verdict {
        Verdict::Refuse(refusal) => Some(Prepared::Refused(refusal)),
        Verdict::Bet { payoff, occurrence, top_up, offers, stake } => {
            let record = record(board, plan, (payoff, occurrence, top_up), &offers[0], stake)?;
            let told = told(board, plan, &record, &offers)?;
            Some(Prepared::Bet(Box::new((told, record))))
        }
        Verdict::Show { bet, offers } => {
            let mut record = bets[bet].clone();
            record.shown = (record.shown.0.saturating_add(1), offers[0].net_odds);
            Some(Prepared::Shown(bet, Box::new(told(board, plan, &record, &offers)?)))
        }
    }
}

/// The bet's record; none without a known kick-off, at which nothing is bet.
fn record(
    board: &Board<'_>,
    plan: &Plan,
    (payoff, occurrence, top_up): (Payoff, u16, u16),
    offer: &Offer,
    stake: f64,
) -> Option<BetRecord> {
    let id = BetId::of(&plan.name, board.key, &payoff.to_string(), occurrence, top_up);
    Some(BetRecord {
        id,
        payoff,
        occurrence,
        top_up,
        book: board.rules.book(offer.price.book).name.clone(),
        market: offer.market,
        selection: offer.selection(),
        odds: Odds::new(offer.odds()).ok()?,
        net_odds: offer.net_odds,
        ev: offer.ev,
        stake: StakeFraction::new(stake).ok()?,
        quoted_at: offer.price.at,
        kickoff: board.row.kickoff()?,
        in_play: board.in_play,
        shown: (0, offer.net_odds),
        settled: None,
    })
}

/// The event that tells of a bet at the first of the offers.
fn told(board: &Board<'_>, plan: &Plan, record: &BetRecord, offers: &[Offer]) -> Option<ValueBet> {
    let offer = &offers[0];
    let kickoff = board.row.kickoff()?;
    let stale = board.last_seen(&offer.price).plus_seconds(plan.rules.max_age_s.into());
    Some(ValueBet {
        bet: record.id,
        revision: record.shown.0,
        strategy: plan.name.clone(),
        config: board.rules.number?,
        book: board.rules.book(offer.price.book).name.clone(),
        market: offer.market,
        selection: offer.selection(),
        odds: Odds::new(offer.odds()).ok()?,
        net_odds: offer.net_odds,
        fair: fair(board, plan, offer),
        ev: offer.ev,
        stake: record.stake,
        quoted_at: offer.price.at,
        kickoff,
        expires: if board.in_play { stale } else { stale.min(kickoff) },
        occurrence: record.occurrence,
        top_up: record.top_up,
        in_play: board.in_play,
        others: offers[1..]
            .iter()
            .take(OTHERS_MAX)
            .filter_map(|offer| other(board, offer))
            .collect(),
    })
}

fn other(board: &Board<'_>, offer: &Offer) -> Option<OtherPrice> {
    Some(OtherPrice {
        book: board.rules.book(offer.price.book).name.clone(),
        market: offer.market,
        selection: offer.selection(),
        odds: Odds::new(offer.odds()).ok()?,
        net_odds: offer.net_odds,
    })
}

/// How the fair price came about.
fn fair(board: &Board<'_>, plan: &Plan, offer: &Offer) -> Fair {
    let view = board.market(offer.fair_market);
    let outcomes = &offer.outcomes;
    Fair {
        source: plan.rules.fair,
        references: view.map_or_else(Vec::new, |view| references(board, plan, &view, offer)),
        devig: plan.rules.devig,
        model: view
            .and_then(|view| view.model)
            .filter(|_| plan.uses_model())
            .map(|model| model.0.model().clone()),
        probability: offer.probability(),
        outcomes: [
            outcomes.win,
            outcomes.half_win,
            outcomes.push,
            outcomes.half_loss,
            outcomes.loss,
        ],
    }
}

/// The prices that took part in the fair price, by the names of their books.
fn references(
    board: &Board<'_>,
    plan: &Plan,
    view: &MarketView<'_>,
    offer: &Offer,
) -> Vec<ReferencePrice> {
    let takes_part = |price: &&Price| match offer.fair.parties {
        Parties::NoBook => false,
        Parties::Book(book) => price.book == book,
        Parties::AllBut(but) => {
            Some(price.book) != but
                && board.is_reference(view.market, price, plan)
                && devig_price(view.market, price.odds, plan.rules.devig).is_some()
        }
    };
    debug_assert!(plan.rules.fair != FairSource::Model || offer.fair.parties == Parties::NoBook);
    let reference = |price: &Price| ReferencePrice {
        book: board.rules.book(price.book).name.clone(),
        market: view.market,
        odds: odds_of(view.market, price.odds),
        at: price.at,
    };
    view.row.prices.iter().filter(takes_part).map(reference).collect()
}
