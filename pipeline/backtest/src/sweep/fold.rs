//! From rows to bets: detection's rules of which price is bet at, and with what stake.
//!
//! What the stage decides event by event follows from the rows alone, look by look: one bet a
//! payoff while it stands, the best net price of the look, stakes together beside those that
//! stand. The stakes are the stage's own functions.

use marabet_detect::stake::{BETS_MAX, STAKE_MIN, is_full, stakes};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::staking::{HeldBet, JointBet};
use marabet_schemas::strategy::Strategy;
use rustc_hash::FxHashMap;

use super::masks::Candidate;
use crate::opportunity::{Catalogue, NONE, Row};

/// A bet at a row.
#[derive(Debug, Clone, Copy)]
pub struct Bet<'a> {
    /// What is bet at.
    pub candidate: Candidate<'a>,
    /// Rises when a bet on the payoff was void and another was made.
    pub occurrence: u16,
    /// The stake as a share of the bankroll.
    pub share: f64,
}

impl Bet<'_> {
    fn is_void(&self, look: u32) -> bool {
        self.candidate.row.void_from <= look
    }
}

/// What many strategies ask of one match: the scores behind its fair prices, and the stakes that
/// follow from them.
#[derive(Default)]
pub struct Memo {
    scores: FxHashMap<[u64; 7], Option<ScoreMatrix>>,
    stakes: FxHashMap<Box<[u64]>, Vec<f64>>,
    /// The question whose answer is looked for.
    question: Vec<u64>,
}

impl Memo {
    /// Forgets everything, before the next match.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.stakes.clear();
    }
}

/// Appends the bets that a strategy makes of the rows of one match that pass its filters, which
/// stand in the order of look and row. Every row is one that the catalogue
/// [knows](Catalogue::knows).
pub fn fold<'a>(
    passing: &[Candidate<'a>],
    rules: &Strategy,
    catalogue: &Catalogue,
    memo: &mut Memo,
    made: &mut Vec<Bet<'a>>,
) {
    let first = made.len();
    for look in passing.chunk_by(|one, next| one.row.look == next.row.look) {
        let wanted = wanted(look, rules, catalogue, &made[first..]);
        if !wanted.is_empty() {
            stake(wanted, rules, catalogue, memo, first, made);
        }
    }
}

/// The payoffs of a look that are bet at, each at its best offer; the shares are still nothing.
fn wanted<'a>(
    look: &[Candidate<'a>],
    rules: &Strategy,
    catalogue: &Catalogue,
    made: &[Bet<'_>],
) -> Vec<Bet<'a>> {
    let mut wanted = Vec::new();
    let number = look[0].row.look;
    let stands = |bet: &&Bet<'_>| !bet.is_void(number);
    if is_full(made.len(), made.iter().filter(stands).map(|bet| bet.share), rules) {
        return wanted;
    }
    for (place, candidate) in look.iter().enumerate() {
        let payoff = candidate.row.payoff;
        let of_payoff = |bet: &&Bet<'_>| bet.candidate.row.payoff == payoff;
        let is_seen = look[..place].iter().any(|seen| seen.row.payoff == payoff);
        if is_seen || made.iter().filter(stands).any(|bet| of_payoff(&bet)) {
            continue;
        }
        if let Some(best) = best(look, payoff, catalogue) {
            let occurrence = made.iter().filter(of_payoff).count() as u16;
            wanted.push(Bet { candidate: best, occurrence, share: 0.0 });
        }
    }
    wanted
}

/// The best offer of a payoff: of the market looked at, and of those found elsewhere for its best
/// trigger.
fn best<'a>(look: &[Candidate<'a>], payoff: u32, catalogue: &Catalogue) -> Option<Candidate<'a>> {
    let of_payoff = || look.iter().filter(|one| one.row.payoff == payoff);
    let better = |one: &&Candidate<'_>, other: &&Candidate<'_>| {
        let (one, other) = (one.row, other.row);
        let by_price = other.net_odds.total_cmp(&one.net_odds);
        let book = |row: &Row| catalogue.books.get(row.book);
        let market = |row: &Row| catalogue.markets.get(row.market);
        by_price
            .then_with(|| book(one).cmp(&book(other)))
            .then_with(|| market(one).cmp(&market(other)))
    };
    let is_trigger = |one: &&Candidate<'_>| one.row.trigger && one.row.via == NONE;
    let trigger = of_payoff().filter(is_trigger).min_by(better)?.row.row;
    of_payoff().filter(|one| one.row.via == NONE || one.row.via == trigger).min_by(better).copied()
}

fn stake<'a>(
    mut wanted: Vec<Bet<'a>>,
    rules: &Strategy,
    catalogue: &Catalogue,
    memo: &mut Memo,
    first: usize,
    made: &mut Vec<Bet<'a>>,
) {
    ask(&mut wanted, &made[first..], rules, catalogue, memo);
    let room = BETS_MAX.saturating_sub(made.len() - first);
    made.extend(wanted.into_iter().take(room).filter(|bet| bet.share >= STAKE_MIN));
}

/// Gives the wanted bets of a look the stakes that the strategy asks for beside those that stand.
fn ask(
    wanted: &mut [Bet<'_>],
    made: &[Bet<'_>],
    rules: &Strategy,
    catalogue: &Catalogue,
    memo: &mut Memo,
) {
    let look = wanted[0].candidate.row;
    let number = look.look;
    let standing = || made.iter().filter(move |bet| !bet.is_void(number));
    if rules.flat_stake.is_none() {
        memo.ask(look, standing(), wanted, rules);
        if let Some(known) = memo.stakes.get(&memo.question[..]) {
            wanted.iter_mut().zip(known).for_each(|(bet, share)| bet.share = *share);
            return;
        }
    }
    let of = |bet: &Bet<'_>| joint(bet.candidate.row, catalogue);
    let holds = |bet: &Bet<'_>| Some(HeldBet { bet: of(bet)?, stake: bet.share });
    let held: Option<Vec<HeldBet>> = standing().map(holds).collect();
    let bets: Option<Vec<JointBet>> = wanted.iter().map(of).collect();
    let asked = held.zip(bets).and_then(|(held, bets)| {
        if rules.flat_stake.is_some() {
            return stakes(rules, || None, &held, &bets);
        }
        let scores = memo.scores(look, catalogue);
        stakes(rules, || scores, &held, &bets)
    });
    let asked = asked.unwrap_or_else(|| vec![0.0; wanted.len()]);
    wanted.iter_mut().zip(&asked).for_each(|(bet, share)| bet.share = *share);
    if rules.flat_stake.is_none() {
        memo.stakes.insert(memo.question.as_slice().into(), asked);
    }
}

impl Memo {
    /// Notes what the stakes depend on: the scores, the strategy's share of Kelly and cap, what
    /// stands and what is wanted.
    fn ask<'a>(
        &mut self,
        look: &Row,
        standing: impl Iterator<Item = &'a Bet<'a>>,
        wanted: &[Bet<'_>],
        rules: &Strategy,
    ) {
        let price = |row: &Row| {
            [u64::from(row.market) << 32 | u64::from(row.selection), row.net_odds.to_bits()]
        };
        self.question.clear();
        self.question.extend(recipe(look));
        self.question.extend([rules.kelly_fraction.to_bits(), rules.match_max.get().to_bits()]);
        self.question.push(wanted.len() as u64);
        for bet in wanted {
            self.question.extend(price(bet.candidate.row));
        }
        for bet in standing {
            self.question.extend(price(bet.candidate.row));
            self.question.push(bet.share.to_bits());
        }
    }

    /// The scores behind the fair price of a look; none where no matrix has it.
    fn scores(&mut self, look: &Row, catalogue: &Catalogue) -> Option<&ScoreMatrix> {
        let made = self.scores.entry(recipe(look));
        made.or_insert_with(|| catalogue.scores(look)?.matrix()).as_ref()
    }
}

fn recipe(look: &Row) -> [u64; 7] {
    let ([home, away, rho], [one, two, three]) =
        (look.goals.map(f64::to_bits), look.fair.map(f64::to_bits));
    [home, away, rho, one, two, three, u64::from(look.fair_market)]
}

fn joint(row: &Row, catalogue: &Catalogue) -> Option<JointBet> {
    let market = *catalogue.markets.get(row.market)?;
    let selection = *market.selections().get(row.selection as usize)?;
    Some(JointBet { market, selection, net_odds: row.net_odds })
}
