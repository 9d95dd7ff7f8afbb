//! Why a decision came out otherwise than it did live.

use marabet_schemas::bets::ValueBet;
use marabet_schemas::strategy::Rules;
use marabet_schemas::{Body, Event};
use marabet_streams::Stream;
use serde_json::Value;

use super::difference::{Difference, Differences};
use super::overrides::Overrides;

/// What is known of why the first differing event of a stream differs.
pub(crate) fn of(
    difference: &Difference,
    all: &Differences,
    overrides: &Overrides,
    rules: Option<&Rules>,
) -> String {
    let now = rules.and_then(|rules| overrides.over(rules).ok());
    if let (Some(bet), None, Some(now)) =
        (bet(difference.live.as_ref()), &difference.replayed, &now)
        && let Some(reason) = refusal(bet, now)
    {
        return format!("live it was a bet; now {reason}");
    }
    if let (None, Some(bet), Some(live)) =
        (&difference.live, bet(difference.replayed.as_ref()), rules)
        && let Some(reason) = refusal(bet, live)
    {
        return format!("now it is a bet; live {reason}");
    }
    let mut reasons = Vec::new();
    if let (Some(live), Some(replayed)) = (&difference.live, &difference.replayed) {
        reasons.push(fields(live, replayed));
    }
    if let Some(rules) = rules.filter(|_| !overrides.is_empty()) {
        reasons.push(format!("the rules were changed: {}", overrides.describe(rules).join(", ")));
    }
    let earlier = Stream::ALL.into_iter().take_while(|stream| *stream != difference.stream);
    for stream in earlier {
        if let Some(first) = all.first.get(&stream) {
            reasons.push(format!(
                "what it follows from differs too, first {stream} at {}",
                first.address
            ));
            break;
        }
    }
    if reasons.len() < 2 && overrides.is_empty() {
        reasons.push(
            "the facts are those that were archived, so the stages of this program decide \
             otherwise than those of the program that ran live"
                .to_owned(),
        );
    }
    reasons.join("; ")
}

fn bet(event: Option<&Event>) -> Option<&ValueBet> {
    match &event?.body {
        Body::ValueBet(bet) => Some(bet),
        _ => None,
    }
}

/// Why these rules do not let this bet be made, as far as the bet itself shows it.
fn refusal(bet: &ValueBet, rules: &Rules) -> Option<String> {
    let name = &bet.strategy;
    let Some(strategy) = rules.strategies.get(name) else {
        return Some(format!("no strategy `{name}` is in force"));
    };
    if bet.ev < strategy.ev_min {
        return Some(format!(
            "its expected value of {:.4} lies below strategies.{name}.ev_min = {}",
            bet.ev, strategy.ev_min
        ));
    }
    if bet.odds < strategy.odds_min || strategy.odds_max < bet.odds {
        return Some(format!(
            "its odds of {} lie outside strategies.{name}.odds_min = {} and odds_max = {}",
            bet.odds, strategy.odds_min, strategy.odds_max
        ));
    }
    if strategy.fair != bet.fair.source {
        return Some(format!(
            "strategies.{name}.fair is another source than {:?}",
            bet.fair.source
        ));
    }
    let family = bet.market.family();
    if !strategy.markets.is_empty() && !strategy.markets.iter().any(|market| market == family) {
        return Some(format!("strategies.{name}.markets leave {family} out"));
    }
    if !rules.book(&bet.book).bettable {
        return Some(format!("books.{}.bettable is false", bet.book));
    }
    None
}

/// The fields in which two versions of an event differ.
fn fields(live: &Event, replayed: &Event) -> String {
    let json = |event: &Event| serde_json::from_str(&event.to_line()).unwrap_or(Value::Null);
    let mut found = Vec::new();
    differing("", &json(live), &json(replayed), &mut found);
    /// So many fields tell enough.
    const SHOWN: usize = 4;
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("{more} more fields"));
    }
    found.join(", ")
}

fn differing(path: &str, live: &Value, replayed: &Value, found: &mut Vec<String>) {
    if live == replayed {
        return;
    }
    if let (Value::Object(a), Value::Object(b)) = (live, replayed) {
        let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for name in names {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned();
            let (a, b) = (value(a).unwrap_or(Value::Null), value(b).unwrap_or(Value::Null));
            differing(&below, &a, &b, found);
        }
        return;
    }
    found.push(format!("{path} was {live} live and is {replayed} now"));
}
