//! How much of a wanted stake the caps leave.

use marabet_schemas::bets::Cap;
use marabet_schemas::strategy::{Account, BookRules};
use marabet_schemas::{Money, StakeFraction};

/// Where a strategy's money stands when it asks for a stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// What it owns, stakes not yet settled included.
    pub bankroll: Money,
    /// What is staked and not settled.
    pub open: Money,
    /// What it staked on the day of the bet.
    pub day: Money,
    /// What it lost on the day of the bet, winnings taken off; negative for a day that won.
    pub lost_day: Money,
    /// What it lost in the seven days up to the bet's.
    pub lost_week: Money,
    /// A loss limit was reached, and its days without a stake are not over.
    pub cools_off: bool,
}

/// A stake, and what made it smaller than the one wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// What was wanted: the share of the bankroll, to the nearest hundredth.
    pub asked: Money,
    /// What is left of it; never negative.
    pub stake: Money,
    /// Every cap that lies below what was wanted, and `Rounding` where the book's step took
    /// something; in the order of [`Cap`].
    pub capped_by: Vec<Cap>,
}

/// The stake that the caps leave.
///
/// The limits are: of the bankroll what is not open; of `account.open_max` and `account.day_max`,
/// shares of the bankroll, what is not used; the book's limit; `account.stake_max`; of
/// `account.loss_day_max` and `account.loss_week_max` what is not lost yet, so that a stake never
/// loses more than may be lost. While the strategy cools off it is nothing. What remains is
/// rounded down to the book's step.
#[must_use]
pub fn allowed(
    share: StakeFraction,
    standing: &Standing,
    account: &Account,
    book: &BookRules,
) -> Allowed {
    let Standing { bankroll, open, day, lost_day, lost_week, cools_off } = *standing;
    let nothing = Money::ZERO;
    let asked = bankroll.times(share.get()).max(nothing);
    let of_bankroll = |share: StakeFraction| bankroll.times(share.get());
    let limits = [
        (Cap::Bankroll, Some(bankroll - open)),
        (Cap::Open, Some(of_bankroll(account.open_max) - open)),
        (Cap::Day, Some(of_bankroll(account.day_max) - day)),
        (Cap::Book, book.limit),
        (Cap::Stake, account.stake_max),
        (Cap::Loss, account.loss_day_max.map(|most| most - lost_day)),
        (Cap::Loss, account.loss_week_max.map(|most| most - lost_week)),
        (Cap::CoolOff, cools_off.then_some(nothing)),
    ];
    let (mut stake, mut capped_by) = (asked, Vec::new());
    for (cap, limit) in limits {
        let Some(limit) = limit.map(|limit| limit.max(nothing)) else { continue };
        if limit < asked {
            stake = stake.min(limit);
            if capped_by.last() != Some(&cap) {
                capped_by.push(cap);
            }
        }
    }
    let rounded = stake.rounded_down_to(book.rounding);
    if rounded < stake {
        capped_by.push(Cap::Rounding);
    }
    Allowed { asked, stake: rounded, capped_by }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(cents: i64) -> Money {
        Money::from_cents(cents)
    }

    fn share(share: f64) -> StakeFraction {
        StakeFraction::new(share).unwrap()
    }

    fn account() -> Account {
        Account { open_max: share(0.5), day_max: share(0.25), ..Account::default() }
    }

    #[track_caller]
    fn check(wanted: f64, standing: [i64; 3], book: &BookRules, stake: i64, caps: &[Cap]) {
        let [bankroll, open, day] = standing.map(cents);
        let standing = Standing { bankroll, open, day, ..Standing::default() };
        let allowed = allowed(share(wanted), &standing, &account(), book);
        assert_eq!((allowed.stake, &*allowed.capped_by), (cents(stake), caps));
        assert!(allowed.stake <= allowed.asked || allowed.asked == Money::ZERO);
    }

    #[test]
    fn every_cap_leaves_what_it_leaves_and_is_named() {
        let any = BookRules::default();
        let limited = BookRules { limit: Some(cents(1_000)), ..any.clone() };
        let coarse = BookRules { rounding: cents(500), ..any.clone() };
        check(0.02, [100_000, 0, 0], &any, 2_000, &[]);
        check(0.02, [100_000, 49_000, 0], &any, 1_000, &[Cap::Open]);
        check(0.02, [100_000, 0, 24_500], &any, 500, &[Cap::Day]);
        check(0.02, [100_000, 49_000, 24_500], &any, 500, &[Cap::Open, Cap::Day]);
        check(0.02, [100_000, 0, 25_000], &any, 0, &[Cap::Day]);
        check(0.02, [100_000, 99_000, 0], &any, 0, &[Cap::Bankroll, Cap::Open]);
        check(0.02, [100_000, 0, 0], &limited, 1_000, &[Cap::Book]);
        check(0.0223, [100_000, 0, 0], &coarse, 2_000, &[Cap::Rounding]);
        check(0.002, [100_000, 0, 0], &coarse, 0, &[Cap::Rounding]);
        check(0.0, [100_000, 0, 0], &any, 0, &[]);
    }

    #[test]
    fn a_stake_stays_within_what_may_be_lost_and_is_nothing_while_cooling_off() {
        let limits = Account {
            stake_max: Some(cents(1_500)),
            loss_day_max: Some(cents(3_000)),
            loss_week_max: Some(cents(10_000)),
            ..account()
        };
        let standing = |lost_day, lost_week, cools_off| Standing {
            bankroll: cents(100_000),
            lost_day: cents(lost_day),
            lost_week: cents(lost_week),
            cools_off,
            ..Standing::default()
        };
        for (standing, stake, caps) in [
            (standing(0, 0, false), 1_500, vec![Cap::Stake]),
            (standing(2_000, 2_000, false), 1_000, vec![Cap::Stake, Cap::Loss]),
            (standing(2_500, 9_800, false), 200, vec![Cap::Stake, Cap::Loss]),
            (standing(-5_000, 0, false), 1_500, vec![Cap::Stake]),
            (standing(3_100, 3_100, false), 0, vec![Cap::Stake, Cap::Loss]),
            (standing(0, 0, true), 0, vec![Cap::Stake, Cap::CoolOff]),
        ] {
            let allowed = allowed(share(0.02), &standing, &limits, &BookRules::default());
            assert_eq!((allowed.stake, allowed.capped_by), (cents(stake), caps), "{standing:?}");
        }
    }

    #[test]
    fn a_lost_bankroll_stakes_nothing() {
        let any = BookRules::default();
        for bankroll in [0, -500] {
            check(0.02, [bankroll, 0, 0], &any, 0, &[]);
        }
    }
}
