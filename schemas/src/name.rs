//! Names of things, each a type of its own so that none is taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Makes a name: short text that is cheap to copy.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(with = "String")] SmolStr);

        impl $name {
            /// The name from its text.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(SmolStr::new(text))
            }

            /// The name from a text that the program has, which costs nothing.
            #[must_use]
            pub const fn known(text: &'static str) -> Self {
                Self(SmolStr::new_static(text))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::new(text))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

name! {
    /// A bookmaker or exchange, by its canonical name: `pinnacle`, `bet365`.
    Book
}
name! {
    /// Where a fact came from: `football-data`, `simulator`, `stdin`.
    Source
}
name! {
    /// A competition, by its canonical code: `E0` is the English Premier League.
    Competition
}
name! {
    /// A strategy, by the name that its configuration gives it.
    StrategyName
}

impl Book {
    /// Whether its prices are offers that one can back at. Three kinds of book are none, and say so
    /// at the end of their names: an exchange's prices for laying (`matchbook_lay`), its last
    /// traded ones (`betfair_exchange_traded`), and prices of which a provider does not say whose
    /// they are (`api_football_live`).
    #[must_use]
    pub fn is_offer(&self) -> bool {
        !["_lay", "_traded", "_live"].iter().any(|kind| self.as_str().ends_with(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_for_laying_last_traded_ones_and_those_of_nobody_are_no_offers() {
        for (book, is_offer) in [
            ("bet365", true),
            ("betfair_exchange", true),
            ("betfair_exchange_lay", false),
            ("betfair_exchange_traded", false),
            ("api_football_live", false),
            ("playlay", true),
        ] {
            assert_eq!(Book::new(book).is_offer(), is_offer, "{book}");
        }
    }
}
