//! Garbage into every public function of markets, stakes and scores: an error, or an answer that
//! is one; never a panic, never NaN.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use marabet_quant::blend::{Case, blend, fit_exponents, fit_weight, pool};
use marabet_quant::bootstrap::{Observation, bets_to_confirm, ratio_interval};
use marabet_quant::calibrate::{Beta, Calibrator, Isotonic, Platt};
use marabet_quant::consensus::{Rule, consensus, weighted};
use marabet_quant::devig::{Method, devig, devig_array, devig_to, price_with_margin};
use marabet_quant::implied::{
    implied_means, implied_means_and_rho, implied_means_from_lines, implied_means_with_total,
};
use marabet_quant::matrix::{Halves, ScoreMatrix};
use marabet_quant::outcome::Outcomes;
use marabet_quant::payoff::Payoff;
use marabet_quant::prices::{self, Board};
use marabet_quant::score::{
    Bins, brier, calibration_curve, closing_line_value, compare, compare_clustered, ignorance,
    log_loss, mean_scores, murphy, rps, sharpness,
};
use marabet_quant::settle::{settle, settle_periods};
use marabet_quant::staking::{
    Book, Caps, JointBet, Position, SimultaneousBet, arbitrage, capped, exclusive_growth, flat,
    hedge, joint_growth, kelly, kelly_exclusive, kelly_joint, kelly_outcomes, kelly_simultaneous,
    lay_stake, proportional, simultaneous_growth, target_profit,
};
use marabet_quant::{Line, Market, MarketKind, Odds, Period, Selection};
use proptest::prelude::*;
use proptest::sample::select;

/// Numbers of every kind: any bits, the usual traps, and some that make sense.
fn number() -> impl Strategy<Value = f64> {
    let traps = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.0 - f64::EPSILON,
        1.0 + f64::EPSILON,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        f64::MIN,
    ];
    prop_oneof![any::<f64>(), select(traps), 0.0..1.0_f64, 1.0..10.0_f64, -5.0..60.0_f64]
}

fn numbers(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), count)
}

/// Odds of every size that the type takes.
fn odds() -> impl Strategy<Value = Odds> {
    let extreme = select(vec![1.0 + f64::EPSILON, 1.0001, 1e3, 1e9, 1e300, f64::MAX]);
    prop_oneof![1.01..20.0_f64, extreme, 1.0..1e6_f64]
        .prop_filter_map("no odds", |decimal| Odds::new(decimal).ok())
}

/// Some distribution, or none.
fn forecast() -> impl Strategy<Value = Vec<f64>> {
    let scaled = prop::collection::vec(0.0..1.0_f64, 2..5).prop_map(|weights| {
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    });
    prop_oneof![scaled, numbers(0..5)]
}

fn market() -> impl Strategy<Value = Market> {
    use MarketKind as K;
    let line = (-400..=400_i16).prop_map(|quarters| Line::from_quarters(quarters).unwrap());
    let kind = prop_oneof![
        select(vec![K::MatchOdds, K::DoubleChance, K::DrawNoBet, K::OddEven, K::HomeWinToNil]),
        select(vec![K::BothTeamsToScore, K::HomeCleanSheet, K::AwayCleanSheet, K::AwayWinToNil]),
        line.clone().prop_map(K::Totals),
        line.clone().prop_map(K::HomeTotals),
        line.clone().prop_map(K::AwayTotals),
        line.prop_map(K::AsianHandicap),
        any::<i8>().prop_map(K::EuropeanHandicap),
    ];
    let period = select(vec![Period::FullTime, Period::FirstHalf, Period::SecondHalf]);
    (kind, period).prop_map(|(kind, period)| Market { kind, period })
}

fn selection() -> impl Strategy<Value = Selection> {
    let all = ["1x2", "dc", "ou@2.5", "btts", "oe"];
    let of_market = |text: &&str| text.parse::<Market>().unwrap().selections().to_vec();
    select(all.iter().flat_map(of_market).collect::<Vec<Selection>>())
}

fn matrix() -> impl Strategy<Value = ScoreMatrix> {
    prop_oneof![
        (0.0..=50.0_f64, 0.0..=50.0_f64)
            .prop_map(|(lambda, mu)| ScoreMatrix::independent(lambda, mu).unwrap()),
        (0.0..4.0_f64, 0.0..4.0_f64)
            .prop_map(|(lambda, mu)| ScoreMatrix::independent(lambda, mu).unwrap()),
        (0..6_u8, 0..6_u8).prop_map(|(home, away)| {
            ScoreMatrix::from_fn(5, |h, a| f64::from(u8::from((h, a) == (home, away)))).unwrap()
        }),
    ]
}

fn distribution(ps: &[f64], target: f64) -> bool {
    let sum: f64 = ps.iter().sum();
    (sum - target).abs() < 1e-6 && ps.iter().all(|p| (0.0..=1.0).contains(p))
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

#[test]
fn balanced_books_of_prices_that_pay_nothing_still_add_up_to_one() {
    let odds = [Odds::new(1.0_f64.next_up()).unwrap(); 3];
    let fair = devig(Method::BalancedBooks, &odds).unwrap();
    assert!(distribution(&fair.probabilities, 1.0), "{fair:?}");
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn odds_of_any_size_have_fair_probabilities_or_an_error(
        odds in prop::collection::vec(odds(), 0..8), target in number(), margin in number(),
        probabilities in numbers(0..6),
    ) {
        for method in Method::ALL {
            if let Ok(fair) = devig(method, &odds) {
                prop_assert!(distribution(&fair.probabilities, 1.0), "{method} {odds:?} {fair:?}");
                prop_assert!(fair.parameter.is_none_or(|p| p.value.is_finite()), "{method} {fair:?}");
            }
            if let [one, two, three, ..] = odds[..]
                && let Ok(fair) = devig_array(method, [one, two, three])
            {
                prop_assert!(distribution(&fair.probabilities, 1.0), "{method} {fair:?}");
            }
            if let Ok(fair) = devig_to(method, &odds, target) {
                prop_assert!(distribution(&fair.probabilities, target), "{method} {fair:?}");
            }
            let fair = devig(method, &odds).map(|fair| fair.probabilities);
            for probabilities in [fair.unwrap_or_default(), probabilities.clone()] {
                if let Ok(priced) = price_with_margin(method, &probabilities, margin) {
                    let overround: f64 = priced.iter().map(|odds| 1.0 / odds.decimal()).sum();
                    let wanted = probabilities.iter().sum::<f64>() + margin;
                    prop_assert!((overround - wanted).abs() < 1e-6, "{method} {probabilities:?} {margin}");
                }
            }
        }
    }

    #[test]
    fn matrices_of_any_numbers_are_distributions_or_errors(
        ns in prop::array::uniform4(number()), cells in numbers(0..10), width in 0..5_usize,
        (home, away) in any::<(u8, u8)>(),
    ) {
        let mut made = vec![
            ScoreMatrix::dixon_coles(ns[0], ns[1], ns[2]),
            ScoreMatrix::independent(ns[0], ns[1]),
            ScoreMatrix::from_fn(home % 4, |h, a| cells.get(usize::from(h + a)).copied().unwrap_or(0.0)),
            Halves::dixon_coles(ns[0], ns[1], ns[2], ns[3]).map(|halves| halves.full_time().clone()),
            ScoreMatrix::independent(ns[0].min(6.0), ns[1].min(6.0))
                .and_then(|whole| Halves::split(&whole, ns[3]))
                .map(|halves| halves.first().clone()),
        ];
        if width > 0 {
            let rows: Vec<&[f64]> = cells.chunks(width).collect();
            made.push(ScoreMatrix::from_grid(&rows));
        }
        for matrix in made.into_iter().flatten() {
            let ps: Vec<f64> = matrix.iter().map(|(_, _, p)| p).collect();
            prop_assert!(distribution(&ps, 1.0));
            for law in [matrix.leads(), matrix.total_goals(), matrix.home_goals(), matrix.away_goals()] {
                // Sums of cells: one and a rounding at most.
                let scaled: Vec<f64> = law.iter().map(|p| p * (1.0 - 1e-12)).collect();
                prop_assert!(distribution(&scaled, 1.0), "{law:?}");
            }
            prop_assert!(matrix.tail() >= 0.0 && matrix.get(home, away) >= 0.0);
            if let Ok(shifted) = matrix.shifted(home, away) {
                prop_assert!((shifted.means().0 - matrix.means().0 - f64::from(home)).abs() < 1e-6);
            }
        }
        let _ = Board::from_means(ns[0], ns[1], ns[2]);
    }

    #[test]
    fn any_bet_is_settled_and_priced_or_refused(
        matrix in matrix(), market in market(), selection in selection(),
        scores in any::<(u8, u8, u8, u8)>(),
    ) {
        let (home, away, half_home, half_away) = scores;
        let settled = settle(&market, selection, home, away);
        let offered = market.selections().contains(&selection);
        prop_assert_eq!(settled.is_ok(), offered && market.period == Period::FullTime);
        let _ = settle_periods(&market, selection, (home, away), Some((half_home, half_away)));
        prop_assert_eq!(Payoff::new(&market, selection).is_ok(), offered);
        let priced = matrix.outcomes(&market, selection);
        prop_assert_eq!(priced.is_ok(), settled.is_ok());
        if let Ok(outcomes) = priced {
            prop_assert!(outcomes.check().is_ok(), "{outcomes:?}");
        }
    }

    #[test]
    fn any_prices_imply_means_or_an_error(
        ns in prop::array::uniform5(number()), one in -400..=400_i16, other in -400..=400_i16,
    ) {
        let [a, b, c, p, rho] = ns;
        let [one, other] = [one, other].map(|quarters| Line::from_quarters(quarters).unwrap());
        // Sums that are wrong are refused at once: right ones go further.
        let sum = a + b + c;
        for results in [[a, b, c], [a / sum, b / sum, c / sum]] {
            let means = [
                implied_means(results, rho),
                implied_means_with_total(results, (one, p), rho),
                implied_means_and_rho(results, (one, p)).map(|implied| implied.means),
                implied_means_from_lines((one, p), (other, a), rho),
            ];
            for means in means.into_iter().flatten() {
                prop_assert!(means.lambda > 0.0 && means.lambda <= 50.0, "{means:?}");
                prop_assert!(means.mu > 0.0 && means.mu <= 50.0, "{means:?}");
            }
        }
    }

    #[test]
    fn any_stake_is_a_fraction_or_an_error(
        ns in prop::array::uniform8(number()), odds in numbers(0..5), ps in numbers(0..5),
        offered in prop::collection::vec(prop::collection::vec(odds(), 0..4), 0..4),
    ) {
        let [n, p, fraction, win, half_win, push, half_loss, loss] = ns;
        let raw = Outcomes { win, half_win, push, half_loss, loss };
        let sum = raw.sum();
        let scaled = Outcomes {
            win: win / sum,
            half_win: half_win / sum,
            push: push / sum,
            half_loss: half_loss / sum,
            loss: loss / sum,
        };
        let single = [
            kelly(n, p, fraction),
            kelly_outcomes(&raw, n, fraction),
            kelly_outcomes(&scaled, n, fraction),
        ];
        for found in single.into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&found.stake), "{found:?}");
            prop_assert!(!found.log_growth.is_nan() && !found.expected_return.is_nan(), "{found:?}");
        }
        if let Ok(found) = kelly_exclusive(&odds, &ps) {
            prop_assert!(found.stakes.iter().all(|s| (0.0..=1.0).contains(s)), "{found:?}");
            prop_assert!(!found.log_growth.is_nan(), "{found:?} {odds:?} {ps:?}");
        }
        for stakes in [&ps, &vec![p; odds.len()]] {
            if let Ok(growth) = exclusive_growth(&odds, &ps, stakes) {
                prop_assert!(!growth.is_nan(), "{odds:?} {ps:?} {stakes:?}");
            }
            let caps = Caps { each_match: n, each_day: p, whole: fraction };
            let groups: Vec<(u64, i64)> = (0..stakes.len()).map(|at| (at as u64 / 2, 7)).collect();
            if let Ok(within) = capped(stakes, &groups, &caps) {
                prop_assert!(within.iter().sum::<f64>() <= fraction + 1e-12, "{within:?}");
            }
        }
        let bets: Vec<SimultaneousBet> = odds
            .iter()
            .flat_map(|odds| [raw, scaled].map(|outcomes| SimultaneousBet { outcomes, net_odds: *odds }))
            .collect();
        for bets in [&bets[..], &bets[..bets.len().min(1)]] {
            if let Ok(stakes) = kelly_simultaneous(bets, fraction, p) {
                prop_assert!(stakes.iter().all(|s| (0.0..=1.0).contains(s)), "{stakes:?}");
                let growth = simultaneous_growth(bets, &stakes);
                prop_assert!(growth.as_ref().is_ok_and(|g| !g.is_nan()), "{growth:?}");
            }
        }
        for amount in [flat(n, p), proportional(n, p), target_profit(n, p)].into_iter().flatten() {
            prop_assert!(amount >= 0.0, "{amount}");
        }
        let books: Vec<Book> =
            offered.into_iter().map(|odds| Book { odds, commission: p }).collect();
        if let Ok(found) = arbitrage(&books) {
            let shares: Vec<f64> = found.prices.iter().map(|price| price.stake_share).collect();
            prop_assert!(distribution(&shares, 1.0), "{found:?}");
        }
        let held: Vec<Position> =
            ps.iter().map(|stake| Position { stake: *stake, net_odds: n }).collect();
        if let Ok(found) = hedge(&held, &odds) {
            prop_assert!(found.stakes.iter().all(|stake| *stake >= 0.0), "{found:?}");
        }
        if let Ok(stake) = lay_stake(Position { stake: p, net_odds: n }, win, loss) {
            prop_assert!(stake >= 0.0);
        }
        prop_assert!(!scaled.check().is_ok_and(|()| closing_line_value(2.0, &scaled).is_nan()));
    }

    #[test]
    fn any_forecast_has_scores_or_an_error(
        forecasts in prop::collection::vec(forecast(), 0..6),
        outcomes in prop::collection::vec(0..5_usize, 0..6),
        level in number(), bins in prop_oneof![0..12_usize, Just(usize::MAX)],
        losses in prop::array::uniform2(numbers(0..6)),
        clusters in prop::collection::vec(0..3_i64, 0..6),
    ) {
        for (forecast, outcome) in forecasts.iter().zip(&outcomes) {
            for score in [rps, brier, log_loss, ignorance] {
                if let Ok(score) = score(forecast, *outcome) {
                    prop_assert!(score >= 0.0, "{score} {forecast:?}");
                }
            }
        }
        if let Ok(means) = mean_scores(&forecasts, &outcomes) {
            prop_assert!(means.log_loss >= 0.0 && means.rps >= 0.0);
        }
        if let Ok(entropy) = sharpness(&forecasts) {
            prop_assert!(entropy >= -1e-12);
        }
        let ps: Vec<f64> = forecasts.iter().filter_map(|f| f.first().copied()).collect();
        let happened: Vec<bool> = outcomes.iter().map(|outcome| *outcome == 0).collect();
        for bins in [Bins::Width(bins), Bins::Size(bins)] {
            if let Ok(curve) = calibration_curve(&ps, &happened, bins, level) {
                prop_assert!(curve.bins.iter().all(|b| b.low <= b.high && b.count > 0), "{curve:?}");
            }
            if let Ok(parts) = murphy(&ps, &happened, bins) {
                prop_assert!(parts.brier >= 0.0 && parts.reliability >= 0.0, "{parts:?}");
            }
        }
        let compared = [
            compare(&losses[0], &losses[1], level),
            compare_clustered(&losses[0], &losses[1], &clusters, level),
        ];
        for found in compared.into_iter().flatten() {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&found.p_value), "{found:?}");
        }
    }

    #[test]
    fn any_opinions_are_pooled_or_refused(
        books in prop::collection::vec(forecast(), 0..5), weights in numbers(0..5), weight in number(),
        outcomes in prop::collection::vec(0..4_usize, 0..6),
    ) {
        let rules =
            [Rule::Mean, Rule::Median, Rule::TrimmedMean(weight), Rule::GeometricMean];
        for pooled in rules.into_iter().filter_map(|rule| consensus(rule, &books).ok()) {
            prop_assert!(distribution(&pooled, 1.0), "{pooled:?}");
        }
        if let Ok(pooled) = weighted(&books, &weights) {
            prop_assert!(distribution(&pooled, 1.0), "{pooled:?} {weights:?}");
        }
        let sources: Vec<&[f64]> = books.iter().map(Vec::as_slice).collect();
        if let Ok(pooled) = pool(&sources, &weights) {
            prop_assert!(distribution(&pooled, 1.0), "{pooled:?} {weights:?}");
        }
        if let [model, market, ..] = sources[..] {
            if let Ok(pooled) = blend(model, market, weight) {
                prop_assert!(distribution(&pooled, 1.0), "{pooled:?}");
            }
            let pair = [model, market];
            let cases: Vec<Case<'_>> =
                outcomes.iter().map(|outcome| Case { sources: &pair, outcome: *outcome }).collect();
            for fit in [fit_weight(&cases), fit_exponents(&cases)].into_iter().flatten() {
                prop_assert!(fit.exponents.iter().all(|e| e.is_finite()), "{fit:?}");
            }
        }
    }

    #[test]
    fn any_record_is_calibrated_or_refused(
        ps in numbers(0..12), happened in prop::collection::vec(any::<bool>(), 0..12), p in number(),
    ) {
        let happened = &happened[..happened.len().min(ps.len())];
        let ps = &ps[..happened.len()];
        let mut mapped = Vec::new();
        if let Ok(map) = Isotonic::fit(ps, happened) {
            mapped.extend([map.apply(p), map.apply(0.5)]);
        }
        if let Ok(map) = Platt::fit(ps, happened) {
            prop_assert!(map.slope >= 0.0, "{map:?}");
            mapped.extend([map.apply(p), map.apply(0.5)]);
        }
        if let Ok(map) = Beta::fit(ps, happened) {
            prop_assert!(map.a >= 0.0 && map.b >= 0.0, "{map:?}");
            mapped.extend([map.apply(p), map.apply(0.5)]);
        }
        for q in mapped.into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&q), "{q}");
        }
    }

    #[test]
    fn any_yields_have_an_interval_or_an_error(
        rows in prop::collection::vec((0..4_i64, number(), number()), 0..8),
        ns in prop::array::uniform4(number()), resamples in 0..300_u32, seed in any::<u64>(),
    ) {
        let observations: Vec<Observation> = rows
            .into_iter()
            .map(|(cluster, numerator, denominator)| Observation { cluster, numerator, denominator })
            .collect();
        if let Ok(found) = ratio_interval(&observations, ns[0], resamples, seed) {
            prop_assert!(found.low <= found.high, "{found:?}");
        }
        if let Ok(bets) = bets_to_confirm(ns[0], ns[1], ns[2], ns[3]) {
            prop_assert!(bets >= 0.0, "{bets}");
        }
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn any_bets_of_a_match_are_staked_tilted_to_and_listed_or_refused(
        matrix in matrix(),
        bets in prop::collection::vec((market(), selection(), number()), 0..5),
        ns in prop::array::uniform5(number()),
    ) {
        let joint: Vec<JointBet> = bets
            .iter()
            .map(|(market, selection, net_odds)| JointBet {
                market: *market,
                selection: *selection,
                net_odds: *net_odds,
            })
            .collect();
        let served: Vec<JointBet> = joint
            .iter()
            .copied()
            .filter(|bet| kelly_joint(&matrix, &[*bet], 1.0, 1.0).is_ok())
            .collect();
        for bets in [&joint, &served] {
            if let Ok(stakes) = kelly_joint(&matrix, bets, ns[0], ns[1]) {
                prop_assert!(stakes.iter().all(|s| (0.0..=1.0).contains(s)), "{stakes:?}");
                let growth = joint_growth(&matrix, bets, &stakes);
                prop_assert!(!growth.is_ok_and(f64::is_nan), "{stakes:?}");
            }
        }
        let priced: Vec<_> = bets.iter().map(|(m, s, p)| (*m, *s, *p)).collect();
        let wanted = Outcomes { win: ns[0], half_win: ns[1], push: ns[2], half_loss: ns[3], loss: ns[4] };
        let targets: Vec<_> = bets.iter().map(|(m, s, _)| (*m, *s, wanted)).collect();
        let tilted = [matrix.tilted_to_prices(&priced), matrix.tilted(&targets)];
        for tilted in tilted.into_iter().flatten() {
            let ps: Vec<f64> = tilted.iter().map(|(_, _, p)| p).collect();
            prop_assert!(distribution(&ps, 1.0));
        }
        for prices in &prices::all(&matrix).markets {
            for price in &prices.selections {
                prop_assert!(price.outcomes.check().is_ok(), "{price:?}");
            }
        }
        let board = Board::of(&matrix);
        for line in Board::total_lines() {
            prop_assert!(board.over(line).unwrap().check().is_ok());
        }
    }
}
