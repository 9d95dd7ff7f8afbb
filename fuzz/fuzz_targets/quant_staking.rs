//! Odds and probabilities of any bits: stakes that the bankroll holds, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marabet_quant::outcome::Outcomes;
use marabet_quant::staking::{
    Caps, Position, SimultaneousBet, capped, exclusive_growth, hedge, kelly, kelly_exclusive,
    kelly_simultaneous, lay_stake, simultaneous_growth,
};

fuzz_target!(|input: (Vec<(f64, [f64; 5])>, f64, f64)| {
    let (bets, fraction, cap) = input;
    let odds: Vec<f64> = bets.iter().map(|bet| bet.0).collect();
    let p: Vec<f64> = bets.iter().map(|bet| bet.1[0]).collect();
    let held = |stakes: &[f64]| {
        assert!(stakes.iter().all(|stake| (0.0..=1.0).contains(stake)), "{stakes:?}");
        assert!(stakes.iter().sum::<f64>() <= 1.0 + 1e-9, "{stakes:?}");
    };
    if let Ok(found) = kelly_exclusive(&odds, &p) {
        held(&found.stakes);
        assert!(!found.log_growth.is_nan());
        let _ = exclusive_growth(&odds, &p, &found.stakes);
    }
    let slate: Vec<SimultaneousBet> = bets
        .iter()
        .take(12)
        .filter_map(|(net_odds, five)| {
            let sum: f64 = five.iter().sum();
            let outcomes = Outcomes::new(five.map(|p| p / sum)).ok()?;
            Some(SimultaneousBet { outcomes, net_odds: *net_odds })
        })
        .collect();
    if let Ok(stakes) = kelly_simultaneous(&slate, fraction, cap) {
        held(&stakes);
        let growth = simultaneous_growth(&slate, &stakes);
        assert!(growth.is_ok_and(|growth| !growth.is_nan()));
    }
    let caps = Caps { each_match: fraction, each_day: cap, whole: 0.1 };
    let groups: Vec<(u64, i64)> = (0..p.len() as u64).map(|n| (n / 2, (n / 3) as i64)).collect();
    if let Ok(stakes) = capped(&p, &groups, &caps) {
        assert!(stakes.iter().sum::<f64>() <= 0.1 + 1e-9, "{stakes:?}");
    }
    let positions: Vec<Position> =
        odds.iter().zip(&p).map(|(&net_odds, &stake)| Position { stake, net_odds }).collect();
    let _ = hedge(&positions, &odds);
    if let [position, ..] = positions[..] {
        let _ = lay_stake(position, fraction, cap);
        let _ = kelly(position.net_odds, position.stake, fraction);
    }
});
