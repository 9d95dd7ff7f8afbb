//! Numbers as people read them.

/// Stands for a number that is not there.
pub const NONE: &str = "–";

/// `+3.2 %`, with a true minus.
#[must_use]
pub fn signed_percent(value: f64, digits: usize) -> String {
    let text = format!("{:+.digits$} %", value * 100.0);
    text.replace('-', "−")
}

/// `3.2 %`.
#[must_use]
pub fn percent(value: f64, digits: usize) -> String {
    format!("{:.digits$} %", value * 100.0).replace('-', "−")
}

/// A number that may be missing.
#[must_use]
pub fn or_none(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), show)
}

/// `12,345`.
#[must_use]
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whole units of money, grouped, with a true minus.
#[must_use]
pub fn money(units: f64) -> String {
    let text = grouped(units.abs().round() as u64);
    if units < -0.5 { format!("−{text}") } else { text }
}

/// An interval of percentages.
#[must_use]
pub fn interval(ends: Option<[f64; 2]>, digits: usize) -> String {
    ends.map_or_else(
        || NONE.to_owned(),
        |[low, high]| format!("{} … {}", signed_percent(low, digits), signed_percent(high, digits)),
    )
}

/// A probability: `0.3 %`, `< 0.1 %`.
#[must_use]
pub fn chance(p: f64) -> String {
    if p < 0.001 { "< 0.1 %".to_owned() } else { percent(p, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(signed_percent(-0.0312, 1), "−3.1 %");
        assert_eq!(signed_percent(0.02, 2), "+2.00 %");
        assert_eq!((grouped(1_234_567), grouped(12)), ("1,234,567".into(), "12".into()));
        assert_eq!((money(-1_234.4), money(0.2)), ("−1,234".into(), "0".into()));
        assert_eq!(chance(0.0004), "< 0.1 %");
        assert_eq!(interval(None, 1), NONE);
    }
}
