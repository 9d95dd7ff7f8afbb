//! What the rule needs of each match, gathered from facts.

use std::collections::{BTreeMap, HashMap};

use marabet_quant::Market;
use marabet_quant::devig::{Method, devig};
use marabet_schemas::facts::{Aggregate, Phase, ResultStatus, Statistic};
use marabet_schemas::{Body, Book, Event, Instant, MatchKey};

/// Whose prices are bet at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Prices {
    /// The best of the books that the files name.
    Books,
    /// The best of any book, as the files state it.
    Maxima,
}

/// One match as the rule sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct PaperMatch {
    /// Which.
    pub key: MatchKey,
    /// When its prices were known.
    pub at: Instant,
    /// The kick-off.
    pub kickoff: Instant,
    /// When its result was known.
    pub ended: Instant,
    /// Home, draw or away, from 0.
    pub result: usize,
    /// Means over books, before the match.
    pub mean: Option<[f64; 3]>,
    /// Maxima over books, before the match.
    pub max: Option<[f64; 3]>,
    /// Means over books at the close.
    pub closing_mean: Option<[f64; 3]>,
    /// Maxima at the close.
    pub closing_max: Option<[f64; 3]>,
    /// Over how many books, where the files say so.
    pub counted: Option<u16>,
    /// What each named book offered before the match, by name.
    pub books: Vec<(Book, [f64; 3])>,
    /// Pinnacle's closing probabilities, de-vigged (power).
    pub closing: Option<[f64; 3]>,
}

/// Gathers matches from the facts of a competition.
#[derive(Debug, Default)]
pub struct Collector {
    open: HashMap<MatchKey, PaperMatch>,
    done: BTreeMap<MatchKey, PaperMatch>,
}

impl Collector {
    /// Takes in a fact.
    pub fn observe(&mut self, event: &Event) {
        let Some(key) = &event.key else { return };
        match &event.body {
            Body::Fixture(fixture) => {
                let open = self.open.entry(key.clone()).or_insert_with(|| PaperMatch {
                    key: key.clone(),
                    at: event.at,
                    kickoff: fixture.kickoff,
                    ended: event.at,
                    result: 0,
                    mean: None,
                    max: None,
                    closing_mean: None,
                    closing_max: None,
                    counted: None,
                    books: Vec::new(),
                    closing: None,
                });
                open.kickoff = fixture.kickoff;
            }
            Body::Aggregate(aggregate) if aggregate.market == Market::MATCH_ODDS => {
                if let Some(open) = self.open.get_mut(key) {
                    aggregated(open, aggregate);
                }
            }
            Body::Quote(quote) if quote.market == Market::MATCH_ODDS => {
                let (Some(open), Some(odds)) = (self.open.get_mut(key), three(&quote.odds)) else {
                    return;
                };
                match quote.phase {
                    Phase::Pre => open.books.push((quote.book.clone(), odds)),
                    Phase::Closing if quote.book.as_str() == "pinnacle" => {
                        let fair = devig(Method::Power, &quote.odds).ok();
                        open.closing = fair.and_then(|fair| fair.probabilities.try_into().ok());
                    }
                    _ => {}
                }
            }
            Body::Result(result) if result.status == ResultStatus::Played => {
                let (Some(mut open), Some([home, away])) = (self.open.remove(key), result.score)
                else {
                    return;
                };
                open.ended = event.at;
                open.result = match home.cmp(&away) {
                    std::cmp::Ordering::Greater => 0,
                    std::cmp::Ordering::Equal => 1,
                    std::cmp::Ordering::Less => 2,
                };
                self.done.insert(key.clone(), open);
            }
            Body::MatchClosed(_) => drop(self.open.remove(key)),
            _ => {}
        }
    }

    /// The matches that were played, in the order of their keys.
    #[must_use]
    pub fn finish(self) -> Vec<PaperMatch> {
        self.done.into_values().collect()
    }
}

fn aggregated(open: &mut PaperMatch, aggregate: &Aggregate) {
    let odds = three(&aggregate.odds);
    match (aggregate.statistic, aggregate.phase) {
        (Statistic::Avg, Phase::Pre) => {
            open.mean = odds;
            open.counted = aggregate.books.or(open.counted);
        }
        (Statistic::Max, Phase::Pre) => open.max = odds,
        (Statistic::Avg, Phase::Closing) => open.closing_mean = odds,
        (Statistic::Max, Phase::Closing) => open.closing_max = odds,
        (_, Phase::InPlay) => {}
    }
}

fn three(odds: &[marabet_quant::Odds]) -> Option<[f64; 3]> {
    let decimals: Vec<f64> = odds.iter().map(|odds| odds.decimal()).collect();
    decimals.try_into().ok()
}
