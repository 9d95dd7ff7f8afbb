//! Fair probabilities from a book's odds: ten ways to take the margin out, and back in.
//!
//! A book's implied probabilities `π = 1/odds` add up to the overround, more than one at a
//! bookmaker and less than one across an exchange's best prices. Each method is a rule by which
//! the book moved the fair probabilities `p` to `π`; undone, it makes them add up to one, or to
//! another target where several selections win. A method that would leave a selection without a
//! positive probability refuses and names it; nothing is clipped.
//!
//! Of a two-way market with a push (a handicap on a whole goal) the probabilities are those of
//! what is decided: see [`crate::outcome::Outcomes::conditional_win`].

mod inverse;
mod jensen_shannon;
mod method;
mod methods;

pub use inverse::price_with_margin;
pub use method::{Method, UnknownMethod};

use crate::value::Odds;

/// What a method found out about the book, by its customary name.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Parameter {
    /// `z`, `k`, `c`, `step` or `distance`; the methods say what each means.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

/// Fair probabilities and the margin that was taken out.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Fair {
    /// One for each selection, in the order of the odds; they add up to the target.
    pub probabilities: Vec<f64>,
    /// The overround less the target: 0.03 for a book of 103 %.
    pub margin: f64,
    /// The sum of `1/odds`.
    pub overround: f64,
    /// What the method found out, where it has a parameter.
    pub parameter: Option<Parameter>,
}

/// [`Fair`] for a market whose number of selections is known when it is compiled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FairArray<const N: usize> {
    /// One for each selection, in the order of the odds; they add up to one.
    pub probabilities: [f64; N],
    /// The overround less one.
    pub margin: f64,
    /// The sum of `1/odds`.
    pub overround: f64,
    /// What the method found out, where it has a parameter.
    pub parameter: Option<Parameter>,
}

/// Why odds have no fair probabilities by a method, or probabilities no odds.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum DevigError {
    /// A market has a choice.
    #[error("a market has at least two selections, got {0}")]
    TooFew(usize),
    /// The target is no number of winners.
    #[error("the probabilities of {selections} selections cannot add up to {target}")]
    Target {
        /// What they were to add up to.
        target: f64,
        /// How many they are.
        selections: usize,
    },
    /// A selection would have no probability.
    #[error(
        "the {method} method gives selection {selection} the probability {value}; \
         use another method for these odds"
    )]
    NoProbability {
        /// By which method.
        method: Method,
        /// Place of the selection in the odds, from 0.
        selection: usize,
        /// What its probability would be.
        value: f64,
    },
    /// The method's equation has no solution.
    #[error(
        "the {method} method has no solution for an overround of {overround} and a sum of {target}"
    )]
    NoSolution {
        /// By which method.
        method: Method,
        /// The sum of the implied probabilities.
        overround: f64,
        /// The sum of the fair ones.
        target: f64,
    },
    /// What is to be priced is no probability.
    #[error(
        "a probability to be priced must lie inside 0..1, got {value} for selection {selection}"
    )]
    Probability {
        /// Place of the selection, from 0.
        selection: usize,
        /// What it was.
        value: f64,
    },
    /// The margin is not a number, or more than the market can hold.
    #[error("a margin of {margin} cannot be put on {selections} selections")]
    Margin {
        /// What it was.
        margin: f64,
        /// How many selections there are.
        selections: usize,
    },
    /// A selection would be offered at odds of one or less, or at none.
    #[error(
        "the {method} method would offer selection {selection} at an implied probability of \
         {implied}; take a smaller margin or another method"
    )]
    NoOdds {
        /// By which method.
        method: Method,
        /// Place of the selection, from 0.
        selection: usize,
        /// One over the odds that it would have.
        implied: f64,
    },
}

/// The fair probabilities of a market of which one selection wins.
///
/// # Errors
/// [`DevigError::TooFew`] below two selections; [`DevigError::NoProbability`] when the method
/// leaves a selection without a positive probability; [`DevigError::NoSolution`] when its
/// equation has none.
pub fn devig(method: Method, odds: &[Odds]) -> Result<Fair, DevigError> {
    devig_to(method, odds, 1.0)
}

/// The fair probabilities of a market of which several selections win: they add up to
/// `target_sum`, three for a place among the first three.
///
/// Shin's formula reads `(1 − z)p² + zp = t·π²/Σπ` for a target `t`, which is his for one and
/// leaves `p = π` where the overround is the target.
///
/// # Errors
/// As [`devig`]; [`DevigError::Target`] unless `target_sum` lies above zero and below the number
/// of selections.
pub fn devig_to(method: Method, odds: &[Odds], target_sum: f64) -> Result<Fair, DevigError> {
    let mut probabilities: Vec<f64> = odds.iter().map(|odds| 1.0 / odds.decimal()).collect();
    let overround: f64 = probabilities.iter().sum();
    let parameter = methods::take_out(method, &mut probabilities, overround, target_sum)?;
    Ok(Fair { probabilities, margin: overround - target_sum, overround, parameter })
}

/// [`devig`] without an allocation, for a fixed number of selections.
///
/// # Errors
/// As [`devig`].
pub fn devig_array<const N: usize>(
    method: Method,
    odds: [Odds; N],
) -> Result<FairArray<N>, DevigError> {
    let mut probabilities = odds.map(|odds| 1.0 / odds.decimal());
    let overround: f64 = probabilities.iter().sum();
    let parameter = methods::take_out(method, &mut probabilities, overround, 1.0)?;
    Ok(FairArray { probabilities, margin: overround - 1.0, overround, parameter })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn odds(decimals: &[f64]) -> Vec<Odds> {
        decimals.iter().map(|decimal| Odds::new(*decimal).unwrap()).collect()
    }

    fn check(method: Method, decimals: &[f64], expected: &[f64], tolerance: f64) -> Fair {
        let fair = devig(method, &odds(decimals)).unwrap();
        for (p, q) in fair.probabilities.iter().zip(expected) {
            assert!((p - q).abs() < tolerance, "{method} of {decimals:?}: {p}, not {q}");
        }
        assert!((fair.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{fair:?}");
        fair
    }

    const GOTO_README: [f64; 3] = [0.7753528189788175, 0.17479473292721065, 0.04985244809397199];

    #[test]
    fn goto_gives_the_numbers_of_its_readme() {
        check(Method::Goto, &[1.2, 3.4, 5.6], &GOTO_README, 1e-15);
    }

    #[test]
    fn shin_gives_the_numbers_of_the_shin_package() {
        let expected = [0.37299406033208965, 0.4047794109200184, 0.2222265287474275];
        let fair = check(Method::Shin, &[2.6, 2.4, 4.3], &expected, 1e-11);
        let z = fair.parameter.unwrap();
        assert_eq!(z.name, "z");
        assert!((z.value - 0.01694251276407055).abs() < 1e-11, "{z:?}");
    }

    #[test]
    fn two_selections_have_the_closed_form_of_shin_and_the_additive_probabilities() {
        let fair = check(Method::Shin, &[1.5, 2.74], &[0.65085158151, 0.34914841849], 1e-11);
        assert!((fair.parameter.unwrap().value - 0.03172728540647).abs() < 1e-13);
        let additive = devig(Method::Additive, &odds(&[1.5, 2.74])).unwrap();
        for (p, q) in fair.probabilities.iter().zip(&additive.probabilities) {
            assert!((p - q).abs() < 1e-15);
        }
    }

    /// By the methods' definitions, to thirty digits by a solver of its own.
    #[test]
    fn balanced_books_and_jensen_shannon_solve_their_equations() {
        let matches = [[4.20, 3.70, 1.95], [2.45, 3.70, 2.90], [2.05, 3.20, 3.80]];
        let insiders = [0.010593010593, 0.0116305608916, 0.0317313863928];
        let balanced = [
            [0.229937962778, 0.262457474485, 0.507604562738],
            [0.401198872329, 0.261683232144, 0.337117895527],
            [0.47101959647, 0.289969755976, 0.239010647554],
        ];
        let distances = [0.00548306751156, 0.00584546880609, 0.016103084627];
        let alike = [
            [0.231521613009, 0.263410823, 0.505067563991],
            [0.400050035867, 0.262959429336, 0.336990534797],
            [0.46505798338, 0.291589197048, 0.243352819572],
        ];
        for (at, decimals) in matches.iter().enumerate() {
            let fair = check(Method::BalancedBooks, decimals, &balanced[at], 1e-12);
            assert!((fair.parameter.unwrap().value - insiders[at]).abs() < 1e-12);
            let fair = check(Method::JensenShannon, decimals, &alike[at], 1e-12);
            assert!((fair.parameter.unwrap().value - distances[at]).abs() < 1e-12);
        }
    }

    /// README of the R package `implied`, whose solver stops at 1.2e-4.
    #[test]
    fn the_three_matches_of_the_implied_package_come_out() {
        let matches = [[4.20, 3.70, 1.95], [2.45, 3.70, 2.90], [2.05, 3.20, 3.80]];
        let margins = [0.02118602, 0.02326112, 0.06346277];
        let basic = [
            [0.2331556, 0.2646631, 0.5021813],
            [0.3988848, 0.2641264, 0.3369888],
            [0.4586948, 0.2938514, 0.2474538],
        ];
        let proportional_to_odds = [
            [0.2310332, 0.2632083, 0.5057585],
            [0.4004096, 0.2625166, 0.3370739],
            [0.4666506, 0.2913457, 0.2420036],
        ];
        let odds_ratio = [
            [0.2320048, 0.2636415, 0.5043537],
            [0.3996912, 0.2633869, 0.3369219],
            [0.4634406, 0.2919032, 0.2446562],
        ];
        let power = [
            [0.2311414, 0.2630644, 0.5057942],
            [0.4003156, 0.2627189, 0.3369655],
            [0.4667139, 0.2908985, 0.2423876],
        ];
        let shin = [
            [0.2315716, 0.2635742, 0.5048542],
            [0.4000221, 0.2629271, 0.3370508],
            [0.4645882, 0.2919788, 0.2434331],
        ];
        for row in 0..3 {
            let fair = check(Method::Multiplicative, &matches[row], &basic[row], 1e-7);
            assert!((fair.margin - margins[row]).abs() < 1e-8);
            let weights = &proportional_to_odds[row];
            check(Method::DifferentialMargin, &matches[row], weights, 1e-7);
            check(Method::OddsRatio, &matches[row], &odds_ratio[row], 1e-4);
            check(Method::Power, &matches[row], &power[row], 1e-4);
            check(Method::Shin, &matches[row], &shin[row], 1e-5);
        }
    }

    #[test]
    fn methods_that_are_one_under_two_names_agree() {
        let odds = odds(&[1.7, 3.9, 5.5, 21.0]);
        let of = |method| devig(method, &odds).unwrap();
        assert_eq!(
            of(Method::Additive).probabilities,
            of(Method::DifferentialMargin).probabilities
        );
        let (ratio, shift) = (of(Method::OddsRatio), of(Method::Logarithmic));
        assert_eq!(ratio.probabilities, shift.probabilities);
        let (c, log_c) = (ratio.parameter.unwrap().value, shift.parameter.unwrap().value);
        assert!((libm::log(c) - log_c).abs() < 1e-15);
    }

    #[test]
    fn an_exchange_below_one_is_served_by_every_method() {
        for decimals in [vec![2.1, 2.1], vec![2.02, 3.9, 4.6], vec![1.02, 90.0, 400.0]] {
            for method in Method::ALL {
                let fair = devig(method, &odds(&decimals)).unwrap();
                assert!(fair.margin < 0.0 || decimals[0] < 1.1);
                let sum: f64 = fair.probabilities.iter().sum();
                assert!((sum - 1.0).abs() < 1e-13, "{method}: {fair:?}");
                assert!(fair.probabilities.iter().all(|p| 0.0 < *p && *p < 1.0), "{fair:?}");
            }
        }
        let shin = devig(Method::Shin, &odds(&[2.02, 3.9, 4.6])).unwrap();
        assert!(shin.parameter.unwrap().value < 0.0);
    }

    #[test]
    fn a_market_with_several_winners_adds_up_to_their_number() {
        let relegation = odds(&[1.53, 1.67, 1.25, 2.38, 2.38, 4.5, 5.5, 6.5, 7.0]);
        for method in Method::ALL {
            let fair = devig_to(method, &relegation, 3.0).unwrap();
            let sum: f64 = fair.probabilities.iter().sum();
            assert!((sum - 3.0).abs() < 1e-13, "{method}: {sum}");
            assert!(fair.margin > 0.0 && fair.probabilities.iter().all(|p| *p < 1.0));
        }
        for target in [0.0, -1.0, 9.0, f64::NAN, f64::INFINITY] {
            let refused = devig_to(Method::Power, &relegation, target);
            assert!(matches!(refused, Err(DevigError::Target { .. })), "{target}");
        }
    }

    #[test]
    fn a_method_that_leaves_a_longshot_without_probability_says_which_and_refuses() {
        let clarke = odds(&[0.87, 0.2, 0.1, 0.05, 0.02, 0.01].map(|implied| 1.0 / implied));
        let refused = devig(Method::Additive, &clarke).unwrap_err();
        let DevigError::NoProbability { method, selection, value } = refused else {
            panic!("{refused}");
        };
        assert_eq!((method, selection), (Method::Additive, 4));
        assert!((value - (0.02 - 0.25 / 6.0)).abs() < 1e-12);
        for served in [Method::Multiplicative, Method::Power, Method::Shin, Method::OddsRatio] {
            assert!(devig(served, &clarke).is_ok(), "{served}");
        }
    }

    #[test]
    fn a_market_without_a_choice_is_refused() {
        for method in Method::ALL {
            assert_eq!(devig(method, &[]), Err(DevigError::TooFew(0)));
            assert_eq!(devig(method, &odds(&[1.98])), Err(DevigError::TooFew(1)));
        }
    }

    #[test]
    fn a_fair_book_is_left_as_it_is() {
        for method in Method::ALL {
            let fair = devig(method, &odds(&[2.0, 4.0, 4.0])).unwrap();
            for (p, q) in fair.probabilities.iter().zip([0.5, 0.25, 0.25]) {
                assert!((p - q).abs() < 1e-15, "{method}: {fair:?}");
            }
        }
    }

    #[test]
    fn a_method_reads_back_as_it_is_written() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), method);
        }
        assert!("Shin".parse::<Method>().is_err());
    }

    #[test]
    fn the_fixed_path_gives_the_same_digits() {
        let decimals = [1.44, 4.8, 8.1];
        for method in Method::ALL {
            let fixed = devig_array(method, decimals.map(|d| Odds::new(d).unwrap())).unwrap();
            let fair = devig(method, &odds(&decimals)).unwrap();
            assert_eq!(fixed.probabilities.to_vec(), fair.probabilities);
            assert_eq!(fixed.parameter, fair.parameter);
        }
    }
}
