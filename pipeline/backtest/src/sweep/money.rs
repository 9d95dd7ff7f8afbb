//! What the portfolio says of a trial's bets, without an event for each: the same caps and the
//! same account, over the few numbers of a bet that money follows from.
//!
//! Many trials bet at the same prices, so that what a price came to is kept once ([`Slip`]), and
//! a trial keeps its stakes.

use marabet_portfolio::account::{AccountRow, worth};
use marabet_portfolio::caps::allowed;
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::strategy::{Account, BookRules, Rules};
use marabet_schemas::{Instant, MatchKey, Money, StakeFraction};

use crate::measure::Drawdown;
use crate::opportunity::{Catalogue, NONE, OUTCOMES, Row};

/// What a bet at a row came to.
#[derive(Debug, Clone, Copy)]
pub struct Slip {
    at: i64,
    ended_at: i64,
    profit: f64,
    /// The place of the match among all, in the order of their keys.
    of_match: u32,
    book: u32,
    outcome: u32,
}

impl Slip {
    /// Of a row.
    #[must_use]
    pub fn of(row: &Row, house: &House<'_>) -> Self {
        let Row { at, ended_at, profit, book, outcome, match_id, .. } = *row;
        let of_match = house.order.get(match_id as usize).copied().unwrap_or(NONE);
        Self { at, ended_at, profit, of_match, book, outcome }
    }

    fn ended(&self) -> Option<BetOutcome> {
        OUTCOMES.get(self.outcome as usize).copied()
    }
}

/// The account's rules, those of each book, and the order of the matches, with names as numbers.
#[derive(Debug)]
pub struct House<'a> {
    account: &'a Account,
    books: Vec<BookRules>,
    order: Vec<u32>,
}

impl<'a> House<'a> {
    /// The house's rules for the names of a table.
    #[must_use]
    pub fn new(rules: &'a Rules, catalogue: &Catalogue) -> Self {
        let keys: &[MatchKey] = catalogue.matches.all();
        let mut sorted: Vec<usize> = (0..keys.len()).collect();
        sorted.sort_unstable_by(|one, other| keys[*one].cmp(&keys[*other]));
        let mut order = vec![0; keys.len()];
        (0..).zip(sorted).for_each(|(place, number)| order[number] = place);
        let books = catalogue.books.all().iter().map(|name| rules.book(name)).collect();
        Self { account: &rules.account, books, order }
    }
}

/// A trial's bets: which slip, and what share of the bankroll was wanted on it.
#[derive(Debug, Clone, Default)]
pub struct Stakes {
    slips: Vec<u32>,
    shares: Vec<f64>,
}

impl Stakes {
    /// Adds a bet.
    pub fn push(&mut self, slip: u32, share: f64) {
        self.slips.push(slip);
        self.shares.push(share);
    }

    /// How many bets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slips.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slips.is_empty()
    }
}

/// What the portfolio says of a trial over both periods.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// The bankroll at the end.
    pub end: f64,
    /// The largest loss from a peak, as a share of it.
    pub max_drawdown: f64,
}

/// Something that happens to a bet. The derived order is the order in which things happen at one
/// instant to one match: as the bets were made, each found before it ends; and what went to review
/// is returned last, when the match is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Found(u32),
    Ended(u32),
    Closed(u32),
}

/// In canonical order: instant, match, then place among a trial's bets.
type Moment = (i64, u32, bool, u32, Step);

/// Takes a trial's bets, in canonical order, through the portfolio's account and caps.
#[must_use]
pub fn money(stakes: &Stakes, slips: &[Slip], house: &House<'_>) -> Outcome {
    let mut account = AccountRow::new(house.account.bankroll);
    let mut drawdown = Drawdown::default();
    drawdown.reach(house.account.bankroll);
    let mut staked = vec![Money::ZERO; stakes.len()];
    let slip = |bet: u32| &slips[stakes.slips[bet as usize] as usize];
    for (at, _, _, _, step) in moments(stakes, slips) {
        let at = Instant::from_micros(at);
        match step {
            Step::Found(bet) => {
                // The fold stakes no share that is none.
                let share = StakeFraction::new(stakes.shares[bet as usize]).unwrap_or_default();
                let book = &house.books[slip(bet).book as usize];
                let stake = allowed(share, &account.standing(at), house.account, book).stake;
                account.grant(at, stake);
                staked[bet as usize] = stake;
            }
            Step::Ended(bet) => {
                let (slip, stake) = (slip(bet), staked[bet as usize]);
                let Some(outcome) = slip.ended() else { continue };
                let (open, profit) = worth(stake, outcome, slip.profit);
                account.settle(at, stake - open, profit, house.account);
                drawdown.reach(account.bankroll());
            }
            Step::Closed(bet) => account.release(staked[bet as usize]),
        }
    }
    Outcome { end: account.bankroll().units(), max_drawdown: drawdown.worst() }
}

fn moments(stakes: &Stakes, slips: &[Slip]) -> Vec<Moment> {
    let mut moments = Vec::with_capacity(2 * stakes.len());
    for (bet, slip) in (0..).zip(&stakes.slips) {
        let slip = &slips[*slip as usize];
        moments.push((slip.at, slip.of_match, false, bet, Step::Found(bet)));
        if let Some(outcome) = slip.ended() {
            let ended = |closes, step| (slip.ended_at, slip.of_match, closes, bet, step);
            moments.push(ended(false, Step::Ended(bet)));
            // What goes to review stays open until its match is closed, which is when it went.
            if outcome == BetOutcome::Review {
                moments.push(ended(true, Step::Closed(bet)));
            }
        }
    }
    moments.sort_unstable();
    moments
}
