//! What a bet was worth at the closing line.

use crate::matrix::{ScoreMatrix, TiltError};
use crate::outcome::Outcomes;
use crate::value::{Market, Selection};

/// The closing-line value of a bet: its expected profit per unit staked at the closing
/// probabilities. For a bet that is won or lost it is `net_odds · closing probability − 1`.
///
/// `net_odds` are decimal and net of commission, those at which the bet was placed; `closing` are
/// its outcomes at the close, de-vigged.
#[must_use]
pub fn closing_line_value(net_odds: f64, closing: &Outcomes) -> f64 {
    closing.expected_return(net_odds)
}

/// The closing outcomes of a bet whose own line was not quoted at the close: `prior`, a matrix of
/// the match, is tilted to the closing prices, and the bet is priced from it.
///
/// `closing` holds bets of the same match with their de-vigged closing probabilities, as two-way
/// prices see them. The nearer its lines to the bet's, the less `prior` matters.
///
/// # Errors
/// [`TiltError`] when a bet is none, a probability lies outside 0..1 or the prices contradict each
/// other.
pub fn reprice(
    prior: &ScoreMatrix,
    closing: &[(Market, Selection, f64)],
    market: &Market,
    selection: Selection,
) -> Result<Outcomes, TiltError> {
    Ok(prior.tilted_to_prices(closing)?.outcomes(market, selection)?)
}

/// [`closing_line_value`] of a bet whose line moved, by [`reprice`]: a figure to be flagged.
///
/// # Errors
/// As [`reprice`].
pub fn closing_line_value_repriced(
    net_odds: f64,
    prior: &ScoreMatrix,
    closing: &[(Market, Selection, f64)],
    market: &Market,
    selection: Selection,
) -> Result<f64, TiltError> {
    Ok(closing_line_value(net_odds, &reprice(prior, closing, market, selection)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bet_that_is_won_or_lost_has_odds_times_probability_less_one() {
        let closing = Outcomes::two_way(0.52).unwrap();
        assert!((closing_line_value(2.0, &closing) - 0.04).abs() < 1e-15);
    }

    #[test]
    fn a_line_that_did_not_move_is_re_priced_to_its_own_price() {
        let prior = ScoreMatrix::independent(1.5, 1.2).unwrap();
        let market: Market = "ah@-0.25".parse().unwrap();
        let closing = [(market, Selection::Home, 0.55)];
        let outcomes = reprice(&prior, &closing, &market, Selection::Home).unwrap();
        assert!((outcomes.conditional_win().unwrap() - 0.55).abs() < 1e-12);
    }

    #[test]
    fn a_line_that_moved_towards_the_bet_is_worth_more() {
        let prior = ScoreMatrix::independent(1.5, 1.2).unwrap();
        let taken: Market = "ah@-0.25".parse().unwrap();
        let moved: Market = "ah@-0.75".parse().unwrap();
        let closing = [(moved, Selection::Home, 0.5)];
        let value =
            closing_line_value_repriced(1.95, &prior, &closing, &taken, Selection::Home).unwrap();
        let other = [(taken, Selection::Home, 0.5)];
        let unmoved =
            closing_line_value_repriced(1.95, &prior, &other, &taken, Selection::Home).unwrap();
        assert!(value > 0.1 && unmoved < 0.0, "{value} {unmoved}");
    }

    #[test]
    fn the_re_priced_line_hardly_depends_on_the_prior() {
        let bet: Market = "ou@2.5".parse().unwrap();
        let closing = [
            ("ou@2.75".parse().unwrap(), Selection::Over, 0.5),
            ("1x2".parse().unwrap(), Selection::Home, 0.45),
        ];
        let over = |lambda, mu| {
            let prior = ScoreMatrix::independent(lambda, mu).unwrap();
            reprice(&prior, &closing, &bet, Selection::Over).unwrap().win
        };
        assert!((over(1.5, 1.2) - over(1.7, 1.3)).abs() < 0.01);
    }
}
