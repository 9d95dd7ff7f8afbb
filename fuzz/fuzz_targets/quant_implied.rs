//! Probabilities of any bits: expected goals that have them, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::Line;
use marabet_quant::implied::{
    implied_means, implied_means_and_rho, implied_means_from_lines, implied_means_with_total,
};

fuzz_target!(|input: ([f64; 3], f64, f64, i16, i16)| {
    let (p, over, rho, one, other) = input;
    let (Ok(one), Ok(other)) = (Line::from_quarters(one), Line::from_quarters(other)) else {
        return;
    };
    let sum: f64 = p.iter().sum();
    for p in [p, p.map(|p| p / sum)] {
        let found = [
            implied_means(p, rho),
            implied_means_with_total(p, (one, over), rho),
            implied_means_and_rho(p, (one, over)).map(|implied| implied.means),
            implied_means_from_lines((one, over), (other, p[0]), rho),
        ];
        for means in found.into_iter().flatten() {
            assert!(means.lambda > 0.0 && means.lambda <= 50.0, "{means:?}");
            assert!(means.mu > 0.0 && means.mu <= 50.0, "{means:?}");
        }
    }
});
