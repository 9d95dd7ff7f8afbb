//! The settlement of a bet by the goals that were scored.
//!
//! Knows no odds and no money: an [`Outcome`] says what share of the stake won or was lost.

use crate::outcome::Outcome;
use crate::value::{Market, MarketKind, Period, Selection};

/// Why a bet cannot be settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// The market does not offer the selection.
    #[error("market {market} has no selection `{selection}`")]
    Selection {
        /// The market of the bet.
        market: Market,
        /// What was bet on.
        selection: Selection,
    },
    /// The market is settled on a half, and the half's score is not known.
    #[error("market {0} is settled on a half: give the score at half-time")]
    Period(Market),
    /// A side has fewer goals at full time than at half-time.
    #[error("the half-time score {half:?} is above the full-time score {full:?}")]
    Scores {
        /// Home and away goals at half-time.
        half: (u8, u8),
        /// Home and away goals at full time.
        full: (u8, u8),
    },
}

/// What a full-time score means for a bet.
///
/// `home` and `away` are the goals of ninety minutes and stoppage time.
///
/// # Errors
/// [`SettleError::Selection`] when the market does not offer the selection;
/// [`SettleError::Period`] for a market on a half, which [`settle_periods`] settles.
pub fn settle(
    market: &Market,
    selection: Selection,
    home: u8,
    away: u8,
) -> Result<Outcome, SettleError> {
    settle_periods(market, selection, (home, away), None)
}

/// What the scores at full time and, where known, at half-time mean for a bet on any period.
///
/// # Errors
/// As [`settle`]; a market on a half needs `half_time`. [`SettleError::Scores`] when a side has
/// fewer goals at full time than at half-time.
pub fn settle_periods(
    market: &Market,
    selection: Selection,
    full_time: (u8, u8),
    half_time: Option<(u8, u8)>,
) -> Result<Outcome, SettleError> {
    let (home, away) = match (market.period, half_time) {
        (Period::FullTime, _) => full_time,
        (_, None) => return Err(SettleError::Period(*market)),
        (half, Some((home, away))) => {
            if home > full_time.0 || away > full_time.1 {
                return Err(SettleError::Scores { half: (home, away), full: full_time });
            }
            match half {
                Period::SecondHalf => (full_time.0 - home, full_time.1 - away),
                _ => (home, away),
            }
        }
    };
    outcome(market.kind, selection, home, away)
        .ok_or(SettleError::Selection { market: *market, selection })
}

/// The outcome by the goals of the market's own period; `None` when the market does not offer
/// the selection.
pub(crate) fn outcome(
    kind: MarketKind,
    selection: Selection,
    home: u8,
    away: u8,
) -> Option<Outcome> {
    use MarketKind as K;
    use Selection as S;
    let (home, away) = (i32::from(home), i32::from(away));
    let lead = home - away;
    let goals = home + away;
    let over = |count: i32, line: crate::value::Line| {
        Outcome::from_margin(4 * count - i32::from(line.quarters()))
    };
    let on_line = |outcome: Outcome| match selection {
        S::Home | S::Over => Some(outcome),
        S::Away | S::Under => Some(outcome.mirrored()),
        _ => None,
    };
    let yes_no = |happened: bool| match selection {
        S::Yes => Some(Outcome::won(happened)),
        S::No => Some(Outcome::won(!happened)),
        _ => None,
    };
    if !(Market::full_time(kind).selections().contains(&selection)) {
        return None;
    }
    match kind {
        K::MatchOdds => three_way(selection, lead),
        K::EuropeanHandicap(given) => three_way(selection, lead + i32::from(given)),
        K::DoubleChance => match selection {
            S::HomeOrDraw => Some(Outcome::won(lead >= 0)),
            S::HomeOrAway => Some(Outcome::won(lead != 0)),
            S::DrawOrAway => Some(Outcome::won(lead <= 0)),
            _ => None,
        },
        K::DrawNoBet => on_line(Outcome::from_margin(4 * lead)),
        K::AsianHandicap(line) => {
            on_line(Outcome::from_margin(4 * lead + i32::from(line.quarters())))
        }
        K::Totals(line) => on_line(over(goals, line)),
        K::HomeTotals(line) => on_line(over(home, line)),
        K::AwayTotals(line) => on_line(over(away, line)),
        K::BothTeamsToScore => yes_no(home > 0 && away > 0),
        K::HomeCleanSheet => yes_no(away == 0),
        K::AwayCleanSheet => yes_no(home == 0),
        K::HomeWinToNil => yes_no(home > 0 && away == 0),
        K::AwayWinToNil => yes_no(away > 0 && home == 0),
        K::OddEven => match selection {
            S::Odd => Some(Outcome::won(goals % 2 == 1)),
            S::Even => Some(Outcome::won(goals % 2 == 0)),
            _ => None,
        },
    }
}

/// Home, draw or away by the home side's lead after any handicap.
fn three_way(selection: Selection, lead: i32) -> Option<Outcome> {
    match selection {
        Selection::Home => Some(Outcome::won(lead > 0)),
        Selection::Draw => Some(Outcome::won(lead == 0)),
        Selection::Away => Some(Outcome::won(lead < 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{HalfLoss, HalfWin, Loss, Push, Win};

    fn check(market: &str, selection: Selection, expected: &[((u8, u8), Outcome)]) {
        let market: Market = market.parse().unwrap();
        for ((home, away), outcome) in expected {
            let settled = settle(&market, selection, *home, *away).unwrap();
            assert_eq!(settled, *outcome, "{market} {selection} at {home}-{away}");
        }
    }

    #[test]
    fn a_handicap_is_the_home_sides_and_the_away_side_has_its_mirror() {
        let level_and_one = |zero, one| [((1, 1), zero), ((2, 1), one)];
        check("ah@-0.25", Selection::Home, &level_and_one(HalfLoss, Win));
        check("ah@-0.25", Selection::Away, &level_and_one(HalfWin, Loss));
        check("ah@-0.5", Selection::Home, &level_and_one(Loss, Win));
        check("ah@-0.75", Selection::Home, &level_and_one(Loss, HalfWin));
        check("ah@-1", Selection::Home, &level_and_one(Loss, Push));
        check("ah@-1", Selection::Away, &level_and_one(Win, Push));
        check("ah@-1.25", Selection::Home, &level_and_one(Loss, HalfLoss));
        check("ah@-1.25", Selection::Away, &level_and_one(Win, HalfWin));
        check("ah@0.25", Selection::Home, &[((0, 0), HalfWin), ((0, 1), Loss)]);
        check("ah@0.75", Selection::Home, &[((0, 0), Win), ((0, 1), HalfLoss)]);
        check("ah@0.75", Selection::Away, &[((0, 0), Loss), ((0, 1), HalfWin)]);
    }

    #[test]
    fn a_quarter_line_is_half_the_stake_on_each_of_its_neighbours() {
        for quarters in -12..=12 {
            let line = crate::value::Line::from_quarters(quarters).unwrap();
            for home in 0..6 {
                for away in 0..6 {
                    let profit = |line| {
                        let market = Market::full_time(MarketKind::AsianHandicap(line));
                        settle(&market, Selection::Home, home, away).unwrap().profit(3.0)
                    };
                    let split = line.halves().map(profit);
                    assert_eq!(profit(line), (split[0] + split[1]) / 2.0, "{line} {home}-{away}");
                }
            }
        }
    }

    #[test]
    fn totals_count_the_goals_of_whom_they_name() {
        check("ou@2.25", Selection::Over, &[((1, 1), HalfLoss), ((3, 0), Win)]);
        check("ou@2.25", Selection::Under, &[((1, 1), HalfWin), ((1, 0), Win)]);
        check("ou@3", Selection::Over, &[((3, 0), Push), ((2, 2), Win)]);
        check("ou.home@1.75", Selection::Over, &[((2, 5), HalfWin), ((1, 5), Loss)]);
        check("ou.away@0.5", Selection::Under, &[((2, 0), Win), ((2, 1), Loss)]);
    }

    #[test]
    fn yes_and_no_markets_settle_on_who_scored() {
        check("btts", Selection::Yes, &[((1, 1), Win), ((1, 0), Loss)]);
        check("cs.home", Selection::Yes, &[((0, 0), Win), ((2, 1), Loss)]);
        check("cs.away", Selection::No, &[((0, 0), Loss), ((2, 1), Win)]);
        check("wtn.home", Selection::Yes, &[((1, 0), Win), ((0, 0), Loss), ((2, 1), Loss)]);
        check("wtn.away", Selection::Yes, &[((0, 1), Win), ((0, 0), Loss)]);
        check("oe", Selection::Even, &[((0, 0), Win), ((2, 1), Loss)]);
        check("eh@-1", Selection::Draw, &[((2, 1), Win), ((1, 1), Loss)]);
        check("dc", Selection::HomeOrAway, &[((2, 1), Win), ((1, 1), Loss)]);
    }

    #[test]
    fn a_half_is_settled_on_its_own_goals_and_only_when_they_are_known() {
        let second: Market = "ou@1.5/2h".parse().unwrap();
        let first: Market = "1x2/1h".parse().unwrap();
        let at = |market, selection| settle_periods(market, selection, (2, 1), Some((0, 1)));
        assert_eq!(at(&second, Selection::Over), Ok(Win));
        assert_eq!(at(&first, Selection::Away), Ok(Win));
        let unknown = settle(&first, Selection::Away, 2, 1).unwrap_err();
        assert!(unknown.to_string().contains("1x2/1h"));
        let impossible = settle_periods(&first, Selection::Away, (0, 0), Some((1, 0)));
        assert!(matches!(impossible, Err(SettleError::Scores { .. })));
    }

    #[test]
    fn a_selection_that_the_market_does_not_offer_is_refused() {
        let market: Market = "ah@-0.5".parse().unwrap();
        for selection in [Selection::Draw, Selection::Over, Selection::Yes] {
            let refused = settle(&market, selection, 1, 0);
            assert_eq!(refused, Err(SettleError::Selection { market, selection }));
        }
    }
}
