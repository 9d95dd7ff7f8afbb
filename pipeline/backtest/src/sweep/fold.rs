//! From rows to bets: detection's rules of which price is bet at, and with what stake.
//!
//! What the stage decides event by event follows from the rows alone, look by look: one bet a
//! payoff while it stands, the best net price of the look, stakes together beside those that
//! stand. The stakes are the stage's own functions.

use std::collections::HashMap;

use marabet_detect::stake::{BETS_MAX, STAKE_MIN, is_full, stakes};
use marabet_quant::Odds;
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::staking::{HeldBet, JointBet};
use marabet_schemas::{Instant, StakeFraction};

use super::Trial;
use crate::account::{Made, MadeEnd};
use crate::opportunity::{Catalogue, NONE, OUTCOMES, Row};

/// Stakes of single bets, which many strategies share: by row, fraction of Kelly and cap.
#[derive(Debug, Default)]
pub struct Memo {
    stakes: HashMap<Single, f64>,
}

impl Memo {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.stakes.clear();
    }
}

/// A bet alone on its match, and what its stake depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    goals: [u64; 3],
    fair: [u64; 3],
    market: (u32, u32, u32),
    net_odds: u64,
    fraction: u64,
    cap: u64,
}

/// A bet that was made on the match.
struct Standing {
    payoff: u32,
    bet: JointBet,
    stake: f64,
    void_from: u32,
}

impl Standing {
    fn is_void(&self, look: u32) -> bool {
        self.void_from <= look
    }
}

/// A bet that is wanted.
struct Wanted<'a> {
    row: &'a Row,
    occurrence: u16,
}

/// The bets that a strategy makes of the rows that pass its filters, which stand in the order of
/// match, look and row.
#[must_use]
pub fn fold(rows: &[Row], trial: &Trial, catalogue: &Catalogue, memo: &mut Memo) -> Vec<Made> {
    let mut made = Vec::new();
    for of_match in rows.chunk_by(|one, next| one.match_id == next.match_id) {
        let mut standing: Vec<Standing> = Vec::new();
        for look in of_match.chunk_by(|one, next| one.look == next.look) {
            let wanted = wanted(look, trial, catalogue, &standing);
            if !wanted.is_empty() {
                stake(&wanted, trial, catalogue, memo, &mut standing, &mut made);
            }
        }
    }
    made
}

/// The payoffs of a look that are bet at, each at its best offer.
fn wanted<'a>(
    look: &'a [Row],
    trial: &Trial,
    catalogue: &Catalogue,
    standing: &[Standing],
) -> Vec<Wanted<'a>> {
    let mut wanted = Vec::new();
    let mut seen: Vec<u32> = Vec::new();
    for row in look {
        if seen.contains(&row.payoff) {
            continue;
        }
        seen.push(row.payoff);
        let number = row.look;
        let stands = |bet: &&Standing| !bet.is_void(number);
        if standing.iter().filter(stands).any(|bet| bet.payoff == row.payoff) {
            continue;
        }
        let open = standing.iter().filter(stands).map(|bet| bet.stake);
        if is_full(standing.len(), open, &trial.rules) {
            continue;
        }
        if let Some(best) = best(look, row.payoff, catalogue) {
            let before = standing.iter().filter(|bet| bet.payoff == row.payoff).count();
            wanted.push(Wanted { row: best, occurrence: before as u16 });
        }
    }
    wanted
}

/// The best offer of a payoff: of the market looked at, and of those found elsewhere for its best
/// trigger.
fn best<'a>(look: &'a [Row], payoff: u32, catalogue: &Catalogue) -> Option<&'a Row> {
    let of_payoff = || look.iter().filter(|row| row.payoff == payoff);
    let better = |one: &&Row, other: &&Row| {
        let book = |row: &Row| catalogue.books.get(row.book);
        let market = |row: &Row| catalogue.markets.get(row.market);
        let by_price = other.net_odds.total_cmp(&one.net_odds);
        by_price
            .then_with(|| book(one).cmp(&book(other)))
            .then_with(|| market(one).cmp(&market(other)))
    };
    let trigger = of_payoff().filter(|row| row.trigger && row.via == NONE).min_by(better)?;
    of_payoff().filter(|row| row.via == NONE || row.via == trigger.row).min_by(better)
}

fn stake(
    wanted: &[Wanted<'_>],
    trial: &Trial,
    catalogue: &Catalogue,
    memo: &mut Memo,
    standing: &mut Vec<Standing>,
    made: &mut Vec<Made>,
) {
    let look = wanted[0].row.look;
    let held: Vec<HeldBet> = standing
        .iter()
        .filter(|bet| !bet.is_void(look))
        .map(|bet| HeldBet { bet: bet.bet, stake: bet.stake })
        .collect();
    let Some(bets) =
        wanted.iter().map(|wanted| joint(wanted.row, catalogue)).collect::<Option<Vec<JointBet>>>()
    else {
        return;
    };
    let asked = asked(wanted[0].row, &held, &bets, trial, catalogue, memo);
    let room = BETS_MAX.saturating_sub(standing.len());
    for (place, ((wanted, bet), stake)) in wanted.iter().zip(bets).zip(asked).enumerate() {
        if place >= room || stake < STAKE_MIN {
            continue;
        }
        let Some(one) = bet_of(wanted, stake, catalogue) else { continue };
        let Row { payoff, void_from, .. } = *wanted.row;
        standing.push(Standing { payoff, bet, stake, void_from });
        made.push(one);
    }
}

fn joint(row: &Row, catalogue: &Catalogue) -> Option<JointBet> {
    let market = *catalogue.markets.get(row.market)?;
    let selection = *market.selections().get(row.selection as usize)?;
    Some(JointBet { market, selection, net_odds: row.net_odds })
}

/// The stakes that the strategy asks for.
fn asked(
    first: &Row,
    held: &[HeldBet],
    bets: &[JointBet],
    trial: &Trial,
    catalogue: &Catalogue,
    memo: &mut Memo,
) -> Vec<f64> {
    let rules = &trial.rules;
    let matrix = || -> Option<ScoreMatrix> { catalogue.scores(first)?.matrix() };
    let is_alone = held.is_empty() && bets.len() == 1 && rules.flat_stake.is_none();
    if !is_alone {
        let made = if rules.flat_stake.is_some() { None } else { matrix() };
        let asked = stakes(rules, || made.as_ref(), held, bets);
        return asked.unwrap_or_else(|| vec![0.0; bets.len()]);
    }
    let single = Single {
        goals: first.goals.map(f64::to_bits),
        fair: first.fair.map(f64::to_bits),
        market: (first.fair_market, first.market, first.selection),
        net_odds: first.net_odds.to_bits(),
        fraction: rules.kelly_fraction.to_bits(),
        cap: rules.match_max.get().to_bits(),
    };
    let stake = *memo.stakes.entry(single).or_insert_with(|| {
        let made = matrix();
        stakes(rules, || made.as_ref(), held, bets).map_or(0.0, |stakes| stakes[0])
    });
    vec![stake]
}

fn bet_of(wanted: &Wanted<'_>, stake: f64, catalogue: &Catalogue) -> Option<Made> {
    let row = wanted.row;
    let market = *catalogue.markets.get(row.market)?;
    let ended = OUTCOMES.get(row.outcome as usize).map(|outcome| MadeEnd {
        at: Instant::from_micros(row.ended_at),
        outcome: *outcome,
        profit: row.profit,
        clv: (!row.clv.is_nan()).then_some(row.clv),
    });
    Some(Made {
        key: catalogue.matches.get(row.match_id)?.clone(),
        at: Instant::from_micros(row.at),
        quoted_at: Instant::from_micros(row.quoted_at),
        kickoff: Instant::from_micros(row.kickoff),
        book: catalogue.books.get(row.book)?.clone(),
        market,
        selection: *market.selections().get(row.selection as usize)?,
        payoff: catalogue.payoff(row.payoff)?,
        occurrence: wanted.occurrence,
        odds: Odds::new(row.odds).ok()?,
        net_odds: row.net_odds,
        probability: row.probability,
        ev: row.ev,
        share: StakeFraction::new(stake).ok()?,
        ended,
    })
}
