//! Keys of tables: a match, and a part of it.

use std::fmt;
use std::str::FromStr;

use marabet_schemas::MatchKey;

/// A part of a match as the key of a row: a market, or a strategy. Written `match|part`.
///
/// The order is that of the matches and then of the parts, so the rows of a match stand together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Within<P> {
    pub(crate) key: MatchKey,
    pub(crate) part: P,
}

impl<P> Within<P> {
    pub(crate) fn new(key: &MatchKey, part: P) -> Self {
        Self { key: key.clone(), part }
    }
}

impl<P: fmt::Display> fmt::Display for Within<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.key, self.part)
    }
}

impl<P: FromStr<Err: fmt::Display>> FromStr for Within<P> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A match key has five parts without the separator in them; what follows is the part.
        let (at, _) = text
            .match_indices('|')
            .nth(4)
            .ok_or_else(|| format!("`{text}` is no match with a part; write match|part"))?;
        let key = text[..at].parse().map_err(|error| format!("{error}"))?;
        let part = text[at + 1..].parse().map_err(|error| format!("{error}"))?;
        Ok(Self { key, part })
    }
}

/// The key of a table's only row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Only;

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only")
    }
}

impl FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "only" { Ok(Self) } else { Err(format!("`{text}` is not `only`")) }
    }
}

#[cfg(test)]
mod tests {
    use marabet_quant::Market;
    use marabet_schemas::StrategyName;

    use super::*;

    #[test]
    fn a_key_reads_back_as_it_is_written_whatever_the_part_holds() {
        let key: MatchKey = "E0|2024-25|A|B|1".parse().unwrap();
        let market: Within<Market> = Within::new(&key, "ah@-0.25".parse().unwrap());
        assert_eq!(market.to_string(), "E0|2024-25|A|B|1|ah@-0.25");
        assert_eq!(market.to_string().parse(), Ok(market));
        let strategy: Within<StrategyName> = Within::new(&key, "a|b".into());
        assert_eq!(strategy.to_string().parse(), Ok(strategy));
        assert!("E0|2024-25|A|B|1".parse::<Within<StrategyName>>().is_err());
        assert!("E0|2024-25|A|B|1|darts".parse::<Within<Market>>().is_err());
    }
}
