use super::{Law, Local, LogRates, Matches, Shape};
use crate::goals::jet::{Jet, Real};

/// A law that is given as the probability of a score, from which its derivatives follow.
pub(in crate::goals) trait ScoreLaw {
    /// The law's own parameters.
    const SHAPES: &'static [Shape];

    /// `ln P(x, y) + ln x! + ln y!`; `None` where the probability is not positive.
    fn ln_p<T: Real>(x: u16, y: u16, ln_lambda: T, ln_mu: T, shapes: &[T]) -> Option<T>;
}

/// A [`ScoreLaw`] as a [`Law`], in `N = 2 + shapes` local variables.
pub(in crate::goals) struct ByScore<S, const N: usize>(pub(in crate::goals) S);

impl<S: ScoreLaw, const N: usize> Law for ByScore<S, N> {
    const SHAPES: &'static [Shape] = S::SHAPES;
    const CONCAVE: bool = false;
    type Prepared = ();

    fn prepare(&self, _shapes: &[f64], _goals_max: u16) {}

    fn log_likelihood(
        &self,
        (): &(),
        matches: Matches<'_>,
        rates: &LogRates,
        shapes: &[f64],
        local: &mut Local,
    ) -> Option<f64> {
        let ln_lambda = Jet::<N>::variable(rates.ln_lambda, 0);
        let ln_mu = Jet::variable(rates.ln_mu, 1);
        let shapes: [Jet<N>; N] = std::array::from_fn(|index| {
            shapes.get(index).map_or(Jet::constant(0.0), |&s| Jet::variable(s, 2 + index))
        });
        let mut sum = Jet::<N>::constant(0.0);
        for score in matches.scores {
            let term = S::ln_p(score.home, score.away, ln_lambda, ln_mu, &shapes)?;
            sum = sum + term.times(score.weight);
        }
        local.first[..N].copy_from_slice(&sum.first);
        for (row, second) in local.second.iter_mut().zip(&sum.second) {
            row[..N].copy_from_slice(second);
        }
        Some(sum.value)
    }
}
