//! Means and grids of any bits: a distribution with every market priced, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::matrix::{Halves, ScoreMatrix};
use marabet_quant::prices::{Board, all_with_halves};

fuzz_target!(|input: ([f64; 4], Vec<Vec<f64>>)| {
    let ([lambda, mu, rho, share], grid) = input;
    let _ = Board::from_means(lambda, mu, rho);
    let _ = Halves::dixon_coles(lambda, mu, rho, share);
    for matrix in [ScoreMatrix::dixon_coles(lambda, mu, rho), ScoreMatrix::from_grid(&grid)] {
        let Ok(matrix) = matrix else { continue };
        let sum: f64 = matrix.iter().map(|(_, _, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        // A large matrix takes long to split.
        if matrix.goals_max() > 40 {
            continue;
        }
        let Ok(halves) = Halves::split(&matrix, share) else { continue };
        for market in all_with_halves(&halves).markets {
            for one in market.selections {
                assert!(one.outcomes.check().is_ok(), "{} {}", market.market, one.selection);
            }
        }
    }
});
