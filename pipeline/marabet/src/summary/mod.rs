//! What a run amounts to, as a person reads it; the sums themselves are `marabet_views`'.

mod text;

pub(crate) use marabet_views::summary::{
    Bets, StrategySummary, Streams, Summary, by_frequency, canonical, summarise,
};
