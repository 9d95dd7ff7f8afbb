//! The model's 1X2 forecasts beside the closing odds, over the matches that have both.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use marabet_quant::Market;
use marabet_quant::devig::devig;
use marabet_quant::score::mean_scores;
use marabet_schemas::bets::Priced;
use marabet_schemas::facts::{Phase, ResultStatus};
use marabet_schemas::strategy::ClosingRules;
use marabet_schemas::{Body, Event, MatchKey};

use super::ModelAndClosing;

/// Gathers forecasts and results from priced facts.
#[derive(Debug)]
pub struct Forecasts {
    closing: ClosingRules,
    matches: BTreeMap<MatchKey, Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    model: Option<[f64; 3]>,
    /// The closing forecast, with its reference's place among the references.
    closing: Option<(usize, [f64; 3])>,
    score: Option<[u8; 2]>,
}

/// Mean scores over the matches that have forecasts of both and a result.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scores {
    /// Ranked probability score.
    pub rps: ModelAndClosing,
    /// Log-loss, in nats.
    pub log_loss: ModelAndClosing,
    /// Over how many matches.
    pub matches: u64,
}

impl Forecasts {
    /// Takes closing odds by these rules.
    #[must_use]
    pub fn new(closing: ClosingRules) -> Self {
        Self { closing, matches: BTreeMap::new() }
    }

    /// Takes in one event of the priced stream.
    pub fn observe(&mut self, event: &Event) {
        let Some(key) = &event.key else { return };
        match &event.body {
            Body::Fixture(_) => {
                self.matches.entry(key.clone()).or_default();
            }
            Body::Priced(priced) if priced.quote.market == Market::MATCH_ODDS => {
                self.priced(key, priced);
            }
            Body::Result(result) if result.status == ResultStatus::Played => {
                self.matches.entry(key.clone()).or_default().score = result.score;
            }
            _ => {}
        }
    }

    fn priced(&mut self, key: &MatchKey, priced: &Priced) {
        let quote = &priced.quote;
        let gathered = self.matches.entry(key.clone()).or_default();
        if quote.phase != Phase::InPlay
            && let [home, draw, away] = *priced.outcomes()
        {
            gathered.model = Some([home[0], draw[0], away[0]]);
        }
        if quote.phase != Phase::Closing {
            return;
        }
        let rank = self.closing.references.iter().position(|book| *book == quote.book);
        let better = |rank: &usize| gathered.closing.is_none_or(|(known, _)| *rank <= known);
        if let Some(rank) = rank.filter(better)
            && let Ok(fair) = devig(self.closing.devig, &quote.odds)
            && let [home, draw, away] = fair.probabilities[..]
        {
            gathered.closing = Some((rank, [home, draw, away]));
        }
    }

    /// Drops what was gathered of a match.
    pub fn forget(&mut self, key: &MatchKey) {
        self.matches.remove(key);
    }

    /// How many matches there were.
    #[must_use]
    pub fn matches(&self) -> u64 {
        self.matches.len() as u64
    }

    /// The mean scores.
    #[must_use]
    pub fn score(&self) -> Scores {
        let (mut models, mut closings, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for gathered in self.matches.values() {
            if let (Some(model), Some((_, closing)), Some([home, away])) =
                (gathered.model, gathered.closing, gathered.score)
            {
                models.push(model);
                closings.push(closing);
                outcomes.push(match home.cmp(&away) {
                    Ordering::Greater => 0,
                    Ordering::Equal => 1,
                    Ordering::Less => 2,
                });
            }
        }
        let (Ok(model), Ok(closing)) =
            (mean_scores(&models, &outcomes), mean_scores(&closings, &outcomes))
        else {
            return Scores::default();
        };
        let beside =
            |model, closing| ModelAndClosing { model: Some(model), closing: Some(closing) };
        Scores {
            rps: beside(model.rps, closing.rps),
            log_loss: beside(model.log_loss, closing.log_loss),
            matches: outcomes.len() as u64,
        }
    }
}
