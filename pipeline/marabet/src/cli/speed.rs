//! How fast what is past is taken through the line.

use std::str::FromStr;

/// Event time against time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Speed {
    /// As fast as it goes.
    Max,
    /// So many seconds of event time a second.
    Times(f64),
}

impl Speed {
    /// Event seconds a second; none for as fast as it goes.
    pub(crate) fn times(self) -> Option<f64> {
        match self {
            Self::Max => None,
            Self::Times(times) => Some(times),
        }
    }
}

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.strip_suffix('x').unwrap_or(text).parse::<f64>().ok();
        let factor = factor.filter(|factor| factor.is_finite() && *factor > 0.0);
        factor.map(Self::Times).ok_or("write a factor such as 60x, or max")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_or_max() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("60x".parse(), Ok(Speed::Times(60.0)));
        assert_eq!("1".parse(), Ok(Speed::Times(1.0)));
        for text in ["", "fast", "0x", "-1", "NaNx"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
