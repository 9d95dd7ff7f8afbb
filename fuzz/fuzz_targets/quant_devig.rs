//! Odds of any bits: fair probabilities or an error, and the margin can be put back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig_to, price_with_margin};

fuzz_target!(|input: (Vec<f64>, f64, f64)| {
    let (numbers, target, margin) = input;
    let odds: Vec<Odds> = numbers.iter().filter_map(|n| Odds::new(*n).ok()).collect();
    for method in Method::ALL {
        for target in [1.0, target] {
            let Ok(fair) = devig_to(method, &odds, target) else { continue };
            let sum: f64 = fair.probabilities.iter().sum();
            assert!((sum - target).abs() < 1e-6, "{method}: {odds:?} to {target}: {fair:?}");
            assert!(fair.probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{fair:?}");
            let _ = price_with_margin(method, &fair.probabilities, margin);
        }
        let _ = price_with_margin(method, &numbers, margin);
    }
});
