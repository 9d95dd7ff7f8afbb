//! The five outcomes of a bet from the matrix of scores.

use super::ScoreMatrix;
use crate::outcome::{Outcome, Outcomes};
use crate::payoff::{Payoff, PayoffError};
use crate::value::{Line, Market, MarketKind, Period, Selection};

/// Why a matrix has no price for a bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpricedMarket {
    /// The market does not offer the selection.
    #[error("market {market} has no selection `{selection}`")]
    Selection {
        /// The market of the bet.
        market: Market,
        /// What was bet on.
        selection: Selection,
    },
    /// The market is settled on a half, and the matrix is of the whole match.
    #[error("market {0} is settled on a half: price it from the halves' own score matrices")]
    Period(Market),
}

impl ScoreMatrix {
    /// The probabilities of the five outcomes of a bet on the full match.
    ///
    /// Bets of one [`Payoff`] get the same digits, and the two sides of a line mirrored ones.
    ///
    /// # Errors
    /// [`UnpricedMarket::Period`] for a market on a half, which [`super::Halves`] prices;
    /// [`UnpricedMarket::Selection`] when the market does not offer the selection.
    pub fn outcomes(
        &self,
        market: &Market,
        selection: Selection,
    ) -> Result<Outcomes, UnpricedMarket> {
        let refused = UnpricedMarket::Selection { market: *market, selection };
        match (Payoff::new(market, selection), market.period) {
            (Err(PayoffError::Selection { .. }), _) => Err(refused),
            (Ok(payoff), Period::FullTime) => self.of_kind(payoff).ok_or(refused),
            _ => Err(UnpricedMarket::Period(*market)),
        }
    }

    /// The probabilities of the five outcomes of a payoff on the full match.
    ///
    /// # Errors
    /// [`UnpricedMarket::Period`] for a payoff on a half.
    pub fn payoff_outcomes(&self, payoff: &Payoff) -> Result<Outcomes, UnpricedMarket> {
        self.outcomes(&payoff.market(), payoff.selection())
    }

    /// The outcomes of a payoff when the matrix is of the payoff's own period.
    pub(super) fn of_kind(&self, payoff: Payoff) -> Option<Outcomes> {
        use MarketKind as K;
        use Selection as S;
        let selection = payoff.selection();
        let on_line = |outcomes: Outcomes| match selection {
            S::Home | S::Over => Some(outcomes),
            S::Away | S::Under => Some(outcomes.mirrored()),
            _ => None,
        };
        let yes_or_no = |yes: f64| match selection {
            S::Yes | S::HomeOrAway | S::Even => Some(Outcomes::won(yes)),
            S::No | S::Draw | S::Odd => Some(Outcomes::won(yes).mirrored()),
            _ => None,
        };
        let above = |goals: &[f64], line: Line| above_line(goals, 0, -line.quarters());
        let ahead = |quarters: i16| above_line(self.leads(), self.first_lead(), quarters);
        match payoff.market().kind {
            K::AsianHandicap(line) => on_line(ahead(line.quarters())),
            K::Totals(line) => on_line(above(self.total_goals(), line)),
            K::HomeTotals(line) => on_line(above(self.home_goals(), line)),
            K::AwayTotals(line) => on_line(above(self.away_goals(), line)),
            K::DrawNoBet => on_line(ahead(0)),
            K::MatchOdds => self.three_way(selection, 0),
            K::EuropeanHandicap(given) => self.three_way(selection, i32::from(given)),
            K::DoubleChance => match selection {
                S::HomeOrAway => Some(Outcomes::won(self.lead(0)).mirrored()),
                S::HomeOrDraw => Some(self.three_way(S::Away, 0)?.mirrored()),
                S::DrawOrAway => Some(self.three_way(S::Home, 0)?.mirrored()),
                _ => None,
            },
            K::BothTeamsToScore => {
                let rows = self.rows().skip(1);
                yes_or_no(rows.map(|row| row[1..].iter().sum::<f64>()).sum())
            }
            K::OddEven => yes_or_no(self.total_goals().iter().step_by(2).sum()),
            K::HomeCleanSheet => yes_or_no(self.away_goals()[0]),
            K::AwayCleanSheet => yes_or_no(self.home_goals()[0]),
            K::HomeWinToNil => yes_or_no(self.rows().skip(1).map(|row| row[0]).sum()),
            K::AwayWinToNil => yes_or_no(self.cells()[1..self.side].iter().sum()),
        }
    }

    fn first_lead(&self) -> i32 {
        -i32::from(self.goals_max())
    }

    /// Home, draw or away after `given` goals to the home side.
    fn three_way(&self, selection: Selection, given: i32) -> Option<Outcomes> {
        let handicapped = |halves: i32| {
            let quarters = i16::try_from(4 * given + halves).expect("an i8 of goals fits");
            above_line(self.leads(), self.first_lead(), quarters)
        };
        match selection {
            Selection::Home => Some(handicapped(-2)),
            Selection::Draw => Some(Outcomes::won(self.lead(-given))),
            Selection::Away => Some(handicapped(2).mirrored()),
            _ => None,
        }
    }
}

/// The outcomes of a bet that a count of goals, given `quarters` quarter goals, is above zero.
///
/// `law` are the probabilities of the counts from `first` up.
fn above_line(law: &[f64], first: i32, quarters: i16) -> Outcomes {
    let line = Threshold::of(i32::from(quarters));
    let place = |count: i32| usize::try_from(count - first).unwrap_or(0).min(law.len());
    let (wins_from, loses_below) = (place(line.wins_from), place(line.loses_below));
    let mut outcomes = Outcomes {
        win: sum(&law[wins_from..]),
        loss: sum(&law[..loses_below]),
        ..Outcomes::default()
    };
    if let Some(between) = line.between {
        outcomes.add(between, sum(&law[loses_below..wins_from]));
    }
    outcomes
}

/// The probability of all counts of a slice: a plain zero for none, and no more than one.
pub(super) fn sum(law: &[f64]) -> f64 {
    law.iter().fold(0.0, |sum, p| sum + p).min(1.0)
}

/// Where a line parts the counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threshold {
    /// From this count up the whole stake wins.
    pub(crate) wins_from: i32,
    /// Below this count the whole stake is lost.
    pub(crate) loses_below: i32,
    /// What the one count between brings, where there is one.
    pub(crate) between: Option<Outcome>,
}

impl Threshold {
    /// Of a bet that a count plus `quarters` quarter goals is above zero: two quarters above the
    /// line the whole stake wins, two below it is lost.
    pub(crate) fn of(quarters: i32) -> Self {
        let wins_from = (5 - quarters).div_euclid(4);
        let loses_below = (2 - quarters).div_euclid(4);
        let between =
            (loses_below < wins_from).then(|| Outcome::from_margin(4 * loses_below + quarters));
        Self { wins_from, loses_below, between }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settle::settle;

    fn matrix() -> ScoreMatrix {
        ScoreMatrix::dixon_coles(1.62, 1.13, -0.08).unwrap()
    }

    fn outcomes(market: &str, selection: Selection) -> Outcomes {
        matrix().outcomes(&market.parse().unwrap(), selection).unwrap()
    }

    fn markets() -> Vec<Market> {
        let mut markets: Vec<Market> = ["1x2", "dc", "dnb", "btts", "oe", "cs.home", "cs.away"]
            .iter()
            .chain(&["wtn.home", "wtn.away", "eh@-128", "eh@127", "ou@-2"])
            .map(|text| text.parse().unwrap())
            .collect();
        for quarters in -24..=24 {
            let line = Line::from_quarters(quarters).unwrap();
            let kinds = [
                MarketKind::AsianHandicap(line),
                MarketKind::Totals(line),
                MarketKind::HomeTotals(line),
                MarketKind::AwayTotals(line),
                MarketKind::EuropeanHandicap(i8::try_from(quarters).unwrap()),
            ];
            markets.extend(kinds.map(Market::full_time));
        }
        markets
    }

    #[test]
    fn every_bet_has_the_outcomes_that_settling_each_score_gives() {
        let matrix = matrix();
        for market in markets() {
            for selection in market.selections() {
                let mut expected = Outcomes::default();
                for (home, away, p) in matrix.iter() {
                    expected.add(settle(&market, *selection, home, away).unwrap(), p);
                }
                let priced = matrix.outcomes(&market, *selection).unwrap();
                for ((outcome, p), (_, q)) in priced.iter().zip(expected.iter()) {
                    assert!((p - q).abs() < 1e-13, "{market} {selection} {outcome}: {p}, not {q}");
                }
                assert!(priced.check().is_ok(), "{market} {selection}");
            }
        }
    }

    #[test]
    fn bets_of_one_payoff_get_the_same_digits() {
        let digits = |market, selection| outcomes(market, selection);
        assert_eq!(digits("1x2", Selection::Home), digits("ah@-0.5", Selection::Home));
        assert_eq!(digits("dnb", Selection::Away), digits("ah@0", Selection::Away));
        assert_eq!(digits("dc", Selection::HomeOrDraw), digits("ah@0.5", Selection::Home));
        assert_eq!(digits("cs.away", Selection::No), digits("ou.home@0.5", Selection::Over));
    }

    #[test]
    fn a_line_and_its_mirror_agree() {
        let mirrored_match = ScoreMatrix::dixon_coles(1.13, 1.62, -0.08).unwrap();
        for quarters in -24..=24 {
            let line = Line::from_quarters(quarters).unwrap();
            let market = Market::full_time(MarketKind::AsianHandicap(line));
            let home = matrix().outcomes(&market, Selection::Home).unwrap();
            let away = matrix().outcomes(&market, Selection::Away).unwrap();
            assert_eq!(home.mirrored(), away, "{market}");
            let other = Market::full_time(MarketKind::AsianHandicap(line.mirrored()));
            let elsewhere = mirrored_match.outcomes(&other, Selection::Away).unwrap();
            for ((_, p), (_, q)) in home.iter().zip(elsewhere.iter()) {
                assert!((p - q).abs() < 1e-14, "{market}");
            }
        }
    }

    #[test]
    fn a_half_is_refused_by_name() {
        let market: Market = "1x2/1h".parse().unwrap();
        let refused = matrix().outcomes(&market, Selection::Home);
        assert_eq!(refused, Err(UnpricedMarket::Period(market)));
        let market: Market = "ou@-1/2h".parse().unwrap();
        assert!(matrix().outcomes(&market, Selection::Over).is_err());
        let market: Market = "ou@2.5".parse().unwrap();
        let refused = matrix().outcomes(&market, Selection::Home);
        assert_eq!(refused, Err(UnpricedMarket::Selection { market, selection: Selection::Home }));
    }
}
