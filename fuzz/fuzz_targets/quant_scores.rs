//! Forecasts of any bits: scores that are numbers, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::calibrate::{Beta, Calibrator, Isotonic, Platt};
use marabet_quant::score::{
    Bins, calibration_curve, compare, compare_clustered, mean_scores, murphy, sharpness,
};

fuzz_target!(|input: (Vec<Vec<f64>>, Vec<u8>, Vec<f64>, Vec<i64>, f64)| {
    let (forecasts, outcomes, losses, days, level) = input;
    let outcomes: Vec<usize> = outcomes.into_iter().map(usize::from).collect();
    if let Ok(scores) = mean_scores(&forecasts, &outcomes) {
        assert!(scores.rps.is_finite() && scores.brier.is_finite() && !scores.log_loss.is_nan());
    }
    let _ = sharpness(&forecasts);
    let happened: Vec<bool> = outcomes.iter().map(|outcome| outcome % 2 == 0).collect();
    for bins in [Bins::Width(outcomes.len() % 30), Bins::Size(outcomes.len() % 7)] {
        let _ = calibration_curve(&losses, &happened, bins, level);
        let _ = murphy(&losses, &happened, bins);
    }
    let others: Vec<f64> = losses.iter().rev().copied().collect();
    let _ = compare(&losses, &others, level);
    let _ = compare_clustered(&losses, &others, &days, level);
    let maps: [Option<Box<dyn Calibrator>>; 3] = [
        Isotonic::fit(&losses, &happened).ok().map(|map| Box::new(map) as _),
        Platt::fit(&losses, &happened).ok().map(|map| Box::new(map) as _),
        Beta::fit(&losses, &happened).ok().map(|map| Box::new(map) as _),
    ];
    for map in maps.into_iter().flatten() {
        for p in [0.01, 0.5, 0.99] {
            assert!(map.apply(p).is_ok_and(|p| (0.0..=1.0).contains(&p)));
        }
    }
});
