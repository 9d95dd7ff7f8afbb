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
