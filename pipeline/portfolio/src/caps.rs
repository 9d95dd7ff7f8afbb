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
/// shares of the bankroll, what is not used; the book's limit. What remains is rounded down to the
/// book's step.
#[must_use]
pub fn allowed(
    share: StakeFraction,
    standing: &Standing,
    account: &Account,
    book: &BookRules,
) -> Allowed {
    let Standing { bankroll, open, day } = *standing;
    let nothing = Money::ZERO;
    let asked = bankroll.times(share.get()).max(nothing);
    let of_bankroll = |share: StakeFraction| bankroll.times(share.get());
    let limits = [
        (Cap::Bankroll, Some(bankroll - open)),
        (Cap::Open, Some(of_bankroll(account.open_max) - open)),
        (Cap::Day, Some(of_bankroll(account.day_max) - day)),
        (Cap::Book, book.limit),
    ];
    let (mut stake, mut capped_by) = (asked, Vec::new());
    for (cap, limit) in limits {
        let Some(limit) = limit.map(|limit| limit.max(nothing)) else { continue };
        if limit < asked {
            stake = stake.min(limit);
            capped_by.push(cap);
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
        let allowed = allowed(share(wanted), &Standing { bankroll, open, day }, &account(), book);
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
    fn a_lost_bankroll_stakes_nothing() {
        let any = BookRules::default();
        for bankroll in [0, -500] {
            check(0.02, [bankroll, 0, 0], &any, 0, &[]);
        }
    }
}
