//! The score matrix behind a fair price: what the five outcomes of a bet with a push, and the
//! joint stakes of a match, are read from.
//!
//! Nobody quotes a matrix. It is made from what the strategy's sources do say (the model's
//! expected goals, or those that the fair prices of results, totals and handicaps imply) and then
//! tilted to the fair price of the market in question, which it reproduces.

use marabet_quant::implied::{
    implied_means, implied_means_and_rho, implied_means_from_lines, implied_means_with_total,
};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::{Line, Market, MarketKind, Period};
use marabet_schemas::{MatchKey, StrategyName};
use marabet_stage::Within;
use rustc_hash::FxHashMap;

use crate::board::{Board, MarketView};
use crate::fair::{Devigged, FairMarket, Opinion};
use crate::rules::Plan;
use crate::state::prices::{BookId, PerSelection};

/// Expected goals of the home and away side where no price says more: an ordinary match of
/// Europe's leagues.
const ORDINARY_GOALS: (f64, f64) = (1.5, 1.2);

/// What is known of a match's scores.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Known {
    /// The model's expected goals and its correction of low scores.
    model: Option<(f64, f64, f64)>,
    /// Fair probabilities of home, draw and away.
    results: Option<[f64; 3]>,
    /// A total and the fair probability of its over.
    total: Option<(Line, f64)>,
    /// A handicap and the fair probability of its home side.
    handicap: Option<(Line, f64)>,
}

impl Known {
    /// Takes in the fair probabilities of a market. Of several lines the one whose sides are
    /// nearest to even says most, and the first of equals counts.
    pub(crate) fn add(&mut self, market: Market, fair: &PerSelection) {
        if market.period != Period::FullTime {
            return;
        }
        let nearer = |known: Option<(Line, f64)>, line| {
            let off = |p: f64| (p - 0.5).abs();
            let keeps = known.is_some_and(|(_, p)| off(p) <= off(fair[0]));
            if keeps { known } else { Some((line, fair[0])) }
        };
        match market.kind {
            MarketKind::MatchOdds => self.results = Some(*fair),
            MarketKind::Totals(line) => self.total = nearer(self.total, line),
            MarketKind::AsianHandicap(line) => self.handicap = nearer(self.handicap, line),
            _ => {}
        }
    }

    /// The matrix of a Dixon–Coles law that agrees with what is known as far as such a law can.
    fn matrix(&self) -> ScoreMatrix {
        let (lambda, mu, rho) = self.goals();
        ScoreMatrix::dixon_coles(lambda, mu, rho)
            .or_else(|_| ScoreMatrix::independent(lambda, mu))
            .or_else(|_| ScoreMatrix::independent(ORDINARY_GOALS.0, ORDINARY_GOALS.1))
            .expect("ordinary means make a matrix")
    }

    /// What is known once its expected goals and its correction of low scores are.
    pub(crate) fn of_goals([lambda, mu, rho]: [f64; 3]) -> Self {
        Self { model: Some((lambda, mu, rho)), ..Self::default() }
    }

    /// Expected goals of both sides and the correction of low scores that agree with it.
    pub(crate) fn goals(&self) -> (f64, f64, f64) {
        if let Some(model) = self.model {
            return model;
        }
        let implied = match (self.results, self.total, self.handicap) {
            (Some(results), Some(total), _) => implied_means_and_rho(results, total)
                .map(|implied| (implied.means, implied.rho))
                .or_else(|_| implied_means_with_total(results, total, 0.0).map(|m| (m, 0.0)))
                .ok(),
            (None, Some(total), Some(handicap)) => {
                implied_means_from_lines(handicap, total, 0.0).map(|m| (m, 0.0)).ok()
            }
            _ => None,
        };
        let implied = implied.or_else(|| Some((implied_means(self.results?, 0.0).ok()?, 0.0)));
        implied.map_or((ORDINARY_GOALS.0, ORDINARY_GOALS.1, 0.0), |(means, rho)| {
            (means.lambda, means.mu, rho)
        })
    }

    /// The matrix that has this market's fair price and is otherwise as near as can be to what is
    /// known; none where no matrix has that price.
    pub(crate) fn tilted_to(&self, market: Market, fair: &PerSelection) -> Option<ScoreMatrix> {
        // The last selection's probability follows from the others'.
        let fixed = market.selections().iter().zip(fair).take(market.selections().len() - 1);
        let targets: Vec<_> = fixed.map(|(selection, p)| (market, *selection, *p)).collect();
        self.matrix().tilted_to_prices(&targets).ok()
    }
}

/// The matrices last made, one a strategy and match: computed from the state, and so no part of
/// it.
#[derive(Default)]
pub(crate) struct Scores {
    kept: FxHashMap<Within<StrategyName>, Kept>,
}

struct Kept {
    known: Known,
    market: Market,
    fair: PerSelection,
    matrix: Option<ScoreMatrix>,
}

impl Scores {
    /// The matrix behind a market's fair price against what `offering` offers; none where no
    /// matrix has that price.
    pub(crate) fn behind(
        &mut self,
        board: &Board<'_>,
        plan: &Plan,
        view: &MarketView<'_>,
        fair: &FairMarket,
        offering: Option<BookId>,
        devigged: &mut Devigged,
    ) -> Option<&ScoreMatrix> {
        let known = self.known(board, plan, view, offering, devigged);
        let at = Within::new(board.key, plan.name.clone());
        let make = || Kept {
            known,
            market: view.market,
            fair: fair.probabilities,
            matrix: known.tilted_to(view.market, &fair.probabilities),
        };
        let kept = self.kept.entry(at).or_insert_with(make);
        let is_same =
            kept.known == known && kept.market == view.market && kept.fair == fair.probabilities;
        if !is_same {
            *kept = make();
        }
        kept.matrix.as_ref()
    }

    /// What the strategy's sources say of the match's scores against what `offering` offers.
    pub(crate) fn known(
        &self,
        board: &Board<'_>,
        plan: &Plan,
        view: &MarketView<'_>,
        offering: Option<BookId>,
        devigged: &mut Devigged,
    ) -> Known {
        match view.model.filter(|_| plan.uses_model()) {
            Some(model) => {
                let view = model.0.model();
                Known::of_goals([view.lambda, view.mu, view.rho])
            }
            None => known_prices(board, plan, offering, devigged),
        }
    }

    /// Forgets a match's matrix of a strategy.
    pub(crate) fn drop_match(&mut self, key: &MatchKey, strategy: &StrategyName) {
        self.kept.remove(&Within::new(key, strategy.clone()));
    }
}

/// What the strategy's fair prices of the match's markets say, the offering book left out.
fn known_prices(
    board: &Board<'_>,
    plan: &Plan,
    offering: Option<BookId>,
    devigged: &mut Devigged,
) -> Known {
    let mut known = Known::default();
    for (market, row) in board.markets() {
        use MarketKind as K;
        if !matches!(market.kind, K::MatchOdds | K::Totals(_) | K::AsianHandicap(_)) {
            continue;
        }
        let view = MarketView { market, row, model: None };
        let opinion = Opinion::of(board, plan, &view, devigged);
        if let Ok(fair) = opinion.without(offering) {
            known.add(market, &fair.probabilities);
        }
    }
    known
}

/// Whether a bet on this market can come back: then its five outcomes are not told by the
/// conditional probability alone.
pub(crate) fn can_push(market: Market) -> bool {
    match market.kind {
        MarketKind::DrawNoBet => true,
        MarketKind::EuropeanHandicap(_) => false,
        _ => market.line().is_some_and(|line| line.quarters().rem_euclid(4) != 2),
    }
}

#[cfg(test)]
mod tests {
    use marabet_quant::Selection;

    use super::*;

    fn market(text: &str) -> Market {
        text.parse().unwrap()
    }

    fn price(matrix: &ScoreMatrix, text: &str, selection: Selection) -> f64 {
        matrix.outcomes(&market(text), selection).unwrap().conditional_win().unwrap()
    }

    #[test]
    fn the_matrix_has_the_markets_fair_price_whatever_else_is_known() {
        let results = [0.45, 0.28, 0.27];
        let mut known = Known::default();
        for step in 0..3 {
            match step {
                1 => known.add(market("1x2"), &results),
                2 => known.add(market("ou@2.5"), &[0.52, 0.48, 0.0]),
                _ => {}
            }
            let matrix = known.tilted_to(market("ah@-0.25"), &[0.53, 0.47, 0.0]).unwrap();
            assert!((price(&matrix, "ah@-0.25", Selection::Home) - 0.53).abs() < 1e-10);
            let matrix = known.tilted_to(market("1x2"), &[0.4, 0.3, 0.3]).unwrap();
            for (p, q) in matrix.match_odds().iter().zip([0.4, 0.3, 0.3]) {
                assert!((p - q).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn what_is_known_is_kept_where_the_market_does_not_contradict_it() {
        let source = ScoreMatrix::dixon_coles(1.7, 1.0, -0.06).unwrap();
        let mut known = Known::default();
        known.add(market("1x2"), &source.match_odds());
        let over = price(&source, "ou@2.5", Selection::Over);
        known.add(market("ou@2.5"), &[over, 1.0 - over, 0.0]);
        let home = price(&source, "ah@-1", Selection::Home);
        let matrix = known.tilted_to(market("ah@-1"), &[home, 1.0 - home, 0.0]).unwrap();
        let outcomes = |of: &ScoreMatrix| of.outcomes(&market("ah@-1"), Selection::Home).unwrap();
        for ((outcome, p), (_, q)) in outcomes(&matrix).iter().zip(outcomes(&source).iter()) {
            assert!((p - q).abs() < 1e-7, "{outcome}: {p}, not {q}");
        }
    }

    #[test]
    fn of_several_lines_the_most_even_says_most() {
        let mut known = Known::default();
        known.add(market("ou@1.5"), &[0.75, 0.25, 0.0]);
        known.add(market("ou@2.5"), &[0.52, 0.48, 0.0]);
        known.add(market("ou@2.75"), &[0.48, 0.52, 0.0]);
        known.add(market("ou@2/1h"), &[0.5, 0.5, 0.0]);
        assert_eq!(known.total.unwrap().0.goals(), 2.5);
    }

    #[test]
    fn a_bet_can_come_back_on_a_whole_or_quarter_goal_alone() {
        for (text, can) in [
            ("ah@0", true),
            ("ah@-0.25", true),
            ("ah@-0.5", false),
            ("ah@-1.5", false),
            ("ou@2.75", true),
            ("ou@3", true),
            ("ou@2.5", false),
            ("dnb", true),
            ("eh@-1", false),
            ("1x2", false),
            ("btts", false),
        ] {
            assert_eq!(can_push(market(text)), can, "{text}");
        }
    }
}
