//! What the benches share: made-up facts in the shape and mix of real ones.

pub mod league;
pub mod timing;

use marabet_schemas::facts::{Phase, Quote};
use marabet_schemas::{Event, Instant, MatchKey};

/// A book's 1X2 quote on one of 300 matches; `n` varies match, book and price.
///
/// # Panics
/// Never: the numbers it makes are odds.
#[must_use]
pub fn quote(n: u32) -> Event {
    let (home, away) = (format!("Home {}", n % 300), format!("Away {}", n % 300));
    let key =
        MatchKey::new(&"E0".into(), "2024-25", &home, &away, 1).expect("plain names make a key");
    let price = |low: f64| {
        let odds = low + f64::from(n % 97) / 100.0;
        odds.try_into().expect("a price above one is odds")
    };
    let quote = Quote {
        src: "bench".into(),
        book: format!("book-{:02}", n % 30).as_str().into(),
        market: marabet_quant::Market::MATCH_ODDS,
        odds: [price(1.8), price(3.2), price(3.9)].into(),
        phase: Phase::Pre,
        sizes: None,
    };
    Event::of(key, Instant::from_micros(1_723_830_000_000_000 + i64::from(n)), quote)
}
