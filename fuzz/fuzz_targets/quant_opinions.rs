//! Books and models of any bits: one distribution, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::blend::{Case, blend, fit_exponents, fit_weight, pool};
use marabet_quant::consensus::{Rule, consensus, weighted};

fuzz_target!(|input: (Vec<Vec<f64>>, Vec<f64>, f64, Vec<u8>)| {
    let (mut books, weights, share, outcomes) = input;
    // Scaled to one, half of them go further than the first check.
    for book in books.iter_mut().step_by(2) {
        let sum: f64 = book.iter().sum();
        book.iter_mut().for_each(|p| *p /= sum);
    }
    let distribution = |p: &[f64]| {
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{p:?}");
        assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
    };
    for rule in [Rule::Mean, Rule::Median, Rule::TrimmedMean(share), Rule::GeometricMean] {
        let _ = consensus(rule, &books).map(|p| distribution(&p));
    }
    let _ = weighted(&books, &weights).map(|p| distribution(&p));
    let sources: Vec<&[f64]> = books.iter().map(Vec::as_slice).collect();
    let _ = pool(&sources, &weights).map(|p| distribution(&p));
    if let [one, other, ..] = sources[..] {
        let _ = blend(one, other, share).map(|p| distribution(&p));
    }
    let cases: Vec<Case<'_>> = sources
        .chunks(2)
        .zip(outcomes)
        .map(|(sources, outcome)| Case { sources, outcome: outcome.into() })
        .collect();
    let _ = fit_weight(&cases);
    let _ = fit_exponents(&cases);
});
