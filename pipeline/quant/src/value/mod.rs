//! The field's values as types: odds, probabilities, lines, markets, selections.
//!
//! Each is checked when it is made, so that no later code needs to ask whether a price is
//! positive or a line is a whole number of quarter goals.

mod line;
mod market;
mod odds;
mod probability;

pub use line::Line;
pub use market::{Market, MarketKind, Period, Selection};
pub use odds::Odds;
pub use probability::Probability;

/// Why a value of the field could not be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// Decimal odds pay the stake back and more: they are finite and above one.
    #[error("decimal odds must be finite and above 1, got {0}")]
    Odds(f64),
    /// A probability lies in the closed unit interval.
    #[error("a probability must lie in 0..=1, got {0}")]
    Probability(f64),
    /// A line is a whole number of quarter goals.
    #[error("a line must be a multiple of 0.25 between -100 and 100, got {0}")]
    Line(f64),
    /// The text names no market that is known here.
    #[error("unknown market `{0}`; known forms: {known}", known = MarketKind::FORMS)]
    Market(String),
    /// The text names no selection that is known here.
    #[error("unknown selection `{0}`")]
    Selection(String),
}

/// Serialises a type as the text of its `Display` and reads it back by `FromStr`.
macro_rules! text_serde {
    ($type:ty, $pattern:expr, $description:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($description)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                from.deserialize_str(Text)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "pattern": $pattern, "description": $description
                })
            }
        }
    };
}
pub(crate) use text_serde;
