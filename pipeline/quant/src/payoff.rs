//! The identity of a bet: what it pays in which score, whatever market it is sold in.
//!
//! Home in 1X2 and home on an Asian handicap of −0.5 are the same bet, and so are draw-no-bet and
//! a handicap of 0. Two bets have equal [`Payoff`]s exactly when every score brings them the
//! same outcome.

use std::fmt;
use std::str::FromStr;

use crate::value::{Line, Market, MarketKind, Period, Selection, ValueError, text_serde};

/// What a bet pays in each score, as the one bet that stands for all that pay the same.
///
/// Written `ah@-0.5:home`, `1x2:draw`, `ou@2.5/1h:over`; any bet so written reads as the payoff
/// that it has. A bet that no score can lose is `ou@-0.5:over`, one that none can win
/// `ou@-0.5:under`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Payoff {
    market: Market,
    selection: Selection,
}

/// Why a bet has no payoff, or a text names none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PayoffError {
    /// The market does not offer the selection.
    #[error("market {market} has no selection `{selection}`")]
    Selection {
        /// The market of the bet.
        market: Market,
        /// What was bet on.
        selection: Selection,
    },
    /// The text has no colon.
    #[error("a payoff is written MARKET:SELECTION, such as ah@-0.5:home, got `{0}`")]
    Form(String),
    /// The market or the selection is not known.
    #[error(transparent)]
    Value(#[from] ValueError),
}

impl Payoff {
    /// The payoff of a bet.
    ///
    /// # Errors
    /// [`PayoffError::Selection`] when the market does not offer the selection.
    pub fn new(market: &Market, selection: Selection) -> Result<Self, PayoffError> {
        if !market.selections().contains(&selection) {
            return Err(PayoffError::Selection { market: *market, selection });
        }
        let (kind, selection) = representative(market.kind, selection);
        // A bet that cannot be lost, or won, is the same in every period.
        let period = if is_settled_by_any_score(kind) { Period::FullTime } else { market.period };
        Ok(Self { market: Market { kind, period }, selection })
    }

    /// The market of the bet that stands for all with this payoff.
    #[must_use]
    pub fn market(&self) -> Market {
        self.market
    }

    /// The selection of the bet that stands for all with this payoff.
    #[must_use]
    pub fn selection(&self) -> Selection {
        self.selection
    }
}

/// A line of which every count of goals is above.
const BELOW_ALL: i16 = -2;

fn is_settled_by_any_score(kind: MarketKind) -> bool {
    matches!(kind, MarketKind::Totals(line) if line.quarters() <= BELOW_ALL)
}

/// The bet that stands for all with the payoff of this one.
fn representative(kind: MarketKind, selection: Selection) -> (MarketKind, Selection) {
    use MarketKind as K;
    use Selection as S;
    match (kind, selection) {
        (K::MatchOdds, S::Home) => (handicap(-2), S::Home),
        (K::MatchOdds, S::Away) => (handicap(2), S::Away),
        (K::DoubleChance, S::HomeOrDraw) => (handicap(2), S::Home),
        (K::DoubleChance, S::DrawOrAway) => (handicap(-2), S::Away),
        (K::DrawNoBet, _) => (handicap(0), selection),
        (K::EuropeanHandicap(0), S::Draw) => (K::MatchOdds, S::Draw),
        (K::EuropeanHandicap(goals), S::Home | S::Away) => {
            let to_the_draw = if selection == S::Home { -2 } else { 2 };
            // Beyond the lines of the Asian handicap the European one stands for itself.
            match Line::from_quarters(4 * i16::from(goals) + to_the_draw) {
                Ok(line) => (K::AsianHandicap(line), selection),
                Err(_) => (kind, selection),
            }
        }
        (K::Totals(line) | K::HomeTotals(line) | K::AwayTotals(line), _)
            if line.quarters() <= BELOW_ALL =>
        {
            (K::Totals(half_goals(-1)), selection)
        }
        (K::HomeCleanSheet, S::Yes) => (K::AwayTotals(half_goals(1)), S::Under),
        (K::HomeCleanSheet, S::No) => (K::AwayTotals(half_goals(1)), S::Over),
        (K::AwayCleanSheet, S::Yes) => (K::HomeTotals(half_goals(1)), S::Under),
        (K::AwayCleanSheet, S::No) => (K::HomeTotals(half_goals(1)), S::Over),
        other => other,
    }
}

fn handicap(quarters: i16) -> MarketKind {
    MarketKind::AsianHandicap(Line::from_quarters(quarters).expect("a line near zero exists"))
}

fn half_goals(halves: i16) -> Line {
    Line::from_quarters(2 * halves).expect("a line near zero exists")
}

impl fmt::Display for Payoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.market, self.selection)
    }
}

impl FromStr for Payoff {
    type Err = PayoffError;
    fn from_str(text: &str) -> Result<Self, PayoffError> {
        let (market, selection) =
            text.split_once(':').ok_or_else(|| PayoffError::Form(text.to_owned()))?;
        Self::new(&market.parse()?, selection.parse()?)
    }
}

text_serde!(
    Payoff,
    "^[a-z0-9.]+(@-?[0-9]+(\\.[0-9]+)?)?(/[12]h)?:[a-z_]+$",
    "what a bet pays: the market and selection that stand for all bets of this payoff"
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::outcome::Outcome;
    use crate::settle;

    fn payoff(text: &str) -> Payoff {
        text.parse().unwrap()
    }

    #[test]
    fn bets_that_pay_the_same_have_one_payoff() {
        for (one, other) in [
            ("1x2:home", "ah@-0.5:home"),
            ("1x2:away", "ah@0.5:away"),
            ("dnb:home", "ah@0:home"),
            ("dc:home_or_draw", "ah@0.5:home"),
            ("dc:draw_or_away", "ah@-0.5:away"),
            ("eh@-1:home", "ah@-1.5:home"),
            ("eh@-1:away", "ah@-0.5:away"),
            ("eh@0:draw", "1x2:draw"),
            ("ou.home@0.5:over", "cs.away:no"),
            ("ou.away@0.5:under", "cs.home:yes"),
            ("ou@-3:over", "ou.home@-0.5/1h:over"),
        ] {
            assert_eq!(payoff(one), payoff(other), "{one} and {other}");
        }
        assert_ne!(payoff("1x2:home"), payoff("1x2/1h:home"));
        assert_ne!(payoff("ah@-0.25:home"), payoff("ah@-0.5:home"));
    }

    /// Every bet with lines in −8..=8 goals.
    fn bets() -> Vec<(Market, Selection)> {
        use MarketKind as K;
        let mut kinds = vec![
            K::MatchOdds,
            K::DoubleChance,
            K::DrawNoBet,
            K::BothTeamsToScore,
            K::OddEven,
            K::HomeCleanSheet,
            K::AwayCleanSheet,
            K::HomeWinToNil,
            K::AwayWinToNil,
        ];
        kinds.extend((-8..=8).map(K::EuropeanHandicap));
        for quarters in -32..=32 {
            let line = Line::from_quarters(quarters).unwrap();
            kinds.extend([K::Totals(line), K::HomeTotals(line), K::AwayTotals(line)]);
            kinds.push(K::AsianHandicap(line));
        }
        let of_kind = |kind| {
            let market = Market::full_time(kind);
            market.selections().iter().map(move |selection| (market, *selection))
        };
        kinds.into_iter().flat_map(of_kind).collect()
    }

    #[test]
    fn payoffs_are_equal_exactly_when_every_score_brings_the_same_outcome() {
        let mut by_outcomes: BTreeMap<Vec<Outcome>, Payoff> = BTreeMap::new();
        let mut by_payoff: BTreeMap<Payoff, Vec<Outcome>> = BTreeMap::new();
        for (market, selection) in bets() {
            let payoff = Payoff::new(&market, selection).unwrap();
            let scores = (0..=24).flat_map(|home| (0..=24).map(move |away| (home, away)));
            let outcomes: Vec<Outcome> = scores
                .map(|(home, away)| settle::settle(&market, selection, home, away).unwrap())
                .collect();
            let named = (market, selection);
            assert_eq!(*by_outcomes.entry(outcomes.clone()).or_insert(payoff), payoff, "{named:?}");
            assert_eq!(*by_payoff.entry(payoff).or_insert(outcomes.clone()), outcomes, "{named:?}");
        }
        assert!(by_payoff.len() > 300 && by_payoff.len() < bets().len());
    }

    #[test]
    fn a_payoff_stands_for_itself_and_reads_back_as_it_is_written() {
        for (market, selection) in bets() {
            let payoff = Payoff::new(&market, selection).unwrap();
            assert_eq!(Payoff::new(&payoff.market(), payoff.selection()), Ok(payoff));
            assert_eq!(payoff.to_string().parse(), Ok(payoff));
            let json = serde_json::to_string(&payoff).unwrap();
            assert_eq!(serde_json::from_str::<Payoff>(&json).unwrap(), payoff);
        }
    }

    #[test]
    fn a_handicap_beyond_the_asian_lines_stands_for_itself() {
        for goals in [i8::MIN, -100, 100, i8::MAX] {
            let market = Market::full_time(MarketKind::EuropeanHandicap(goals));
            for selection in market.selections() {
                let payoff = Payoff::new(&market, *selection).unwrap();
                let at = |home, away| {
                    let bet = (payoff.market(), payoff.selection());
                    settle::settle(&bet.0, bet.1, home, away).unwrap()
                };
                for (home, away) in [(128, 0), (129, 0), (0, 127), (0, 128), (100, 0), (0, 100)] {
                    let own = settle::settle(&market, *selection, home, away).unwrap();
                    assert_eq!(own, at(home, away), "{market} {selection} {home}-{away}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_names_no_bet_is_refused() {
        for text in ["", "1x2", "1x2:over", "ou@2.5:home", "corners:over", "1x2:home:home"] {
            assert!(text.parse::<Payoff>().is_err(), "{text} was taken for a payoff");
        }
    }
}
