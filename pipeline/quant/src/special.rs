//! Laws that intervals and tests need: normal, Student's t, and their inverses.

/// The standard normal distribution function.
pub(crate) fn normal_cdf(x: f64) -> f64 {
    libm::erfc(-x / std::f64::consts::SQRT_2) / 2.0
}

/// The standard normal quantile of `p` inside 0..1, by the root of the distribution function.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    debug_assert!(p > 0.0 && p < 1.0, "{p} has no quantile");
    let density = |x: f64| libm::exp(-x * x / 2.0) / (2.0 * std::f64::consts::PI).sqrt();
    // Beyond 40 standard deviations no f64 probability lies.
    crate::root::falling(-40.0, 40.0, 0.0, |x| (p - normal_cdf(x), -density(x)))
        .expect("the distribution function passes every probability inside 0..1")
}

/// The probability that a Student t variable of `freedom` degrees is beyond ±`t`.
pub(crate) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
}

/// The quantile of `p`, above one half, of Student's law of `freedom` degrees.
pub(crate) fn student_quantile(p: f64, freedom: f64) -> f64 {
    debug_assert!((0.5..1.0).contains(&p), "{p} is not above one half");
    let beyond = 2.0 * (1.0 - p);
    let log_scale = libm::lgamma((freedom + 1.0) / 2.0)
        - libm::lgamma(freedom / 2.0)
        - libm::log(freedom * std::f64::consts::PI) / 2.0;
    let density =
        |t: f64| libm::exp(log_scale - (freedom + 1.0) / 2.0 * libm::log1p(t * t / freedom));
    // The law of one degree has the longest tail: 1e17 holds all that an f64 tells from one.
    let falls = |t: f64| (student_two_sided(t, freedom) - beyond, -2.0 * density(t));
    crate::root::falling(0.0, 1e17, 1.0, falls)
        .expect("the distribution function passes every probability inside 0..1")
}

/// The regularised incomplete beta function by Lentz's continued fraction (Abramowitz and Stegun
/// 26.5.8), on the side where it converges fast.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    const TERMS_MAX: u32 = 10_000;
    const TINY: f64 = 1e-300;
    let bounded = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut numerator, mut denominator) = (1.0, 1.0 / bounded(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = denominator;
    for term in 1..TERMS_MAX {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        for coefficient in [even, odd] {
            denominator = 1.0 / bounded(1.0 + coefficient * denominator);
            numerator = bounded(1.0 + coefficient / numerator);
            fraction *= denominator * numerator;
        }
        if (denominator * numerator - 1.0).abs() < 1e-15 {
            break;
        }
    }
    libm::exp(log_front) * fraction / a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_law_has_its_tabled_values() {
        assert!((normal_cdf(1.959963984540054) - 0.975).abs() < 1e-15);
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-12);
        assert!((normal_quantile(0.001) + 3.090232306167813).abs() < 1e-12);
        assert_eq!(normal_quantile(0.5), 0.0);
    }

    #[test]
    fn students_law_has_its_tabled_values() {
        // Two-sided 5 % points of the usual table.
        for (freedom, t) in [(1.0, 12.7062047), (10.0, 2.2281389), (30.0, 2.0422725)] {
            assert!((student_two_sided(t, freedom) - 0.05).abs() < 1e-8, "{freedom}");
        }
        for (freedom, t) in [(1.0, 12.706204736432095), (9.0, 2.2621571628540993), (1e6, 1.9599664)]
        {
            assert!((student_quantile(0.975, freedom) / t - 1.0).abs() < 1e-7, "{freedom}");
        }
        let many = student_two_sided(1.959963984540054, 1e7);
        assert!((many - 0.05).abs() < 1e-7, "{many}");
        assert_eq!(student_two_sided(0.0, 5.0), 1.0);
        assert_eq!(student_two_sided(f64::INFINITY, 5.0), 0.0);
    }
}
