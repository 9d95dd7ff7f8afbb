//! Results of any bits: ratings that stay numbers, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::ratings::{
    Elo, EloTable, Glicko, GlickoTable, Margin, OrderedLogit, Pi, PiTable, Rated, RatingSystem,
};

fuzz_target!(|input: (Vec<(f64, u8, u32, u32, bool)>, [f64; 4], Vec<f64>, Vec<u8>)| {
    let (rows, [a, b, c, ridge], numbers, results) = input;
    let elo = Elo { start: 1500.0, k: a, home_advantage: b, margin: Margin::Power(c) };
    let mut tables: Vec<Box<dyn RatingSystem>> = vec![
        Box::new(PiTable::new(Pi::default()).expect("the defaults are in range")),
        Box::new(GlickoTable::new(Glicko::default()).expect("the defaults are in range")),
    ];
    if let Ok(table) = EloTable::new(elo) {
        tables.push(Box::new(table));
    }
    for table in &mut tables {
        for (day, teams, home_goals, away_goals, neutral) in &rows {
            let names = [teams % 8, teams / 8 % 8].map(|n| format!("T{n}"));
            let (home, away) = (names[0].as_str(), names[1].as_str());
            let (day, home_goals, away_goals) = (*day, *home_goals % 61, *away_goals % 61);
            let neutral = *neutral;
            let _ = table.rate(&Rated { day, home, away, home_goals, away_goals, neutral });
            assert!(table.gap(home, away, neutral).is_finite());
        }
    }
    let weights = vec![1.0; results.len()];
    if let Ok(model) = OrderedLogit::fit(&numbers, 1, &results, &weights, ridge) {
        let p = model.probabilities(&[0.5]);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{p:?}");
    }
});
