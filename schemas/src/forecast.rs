//! What a model makes of a market, as every quote of that market carries it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::bets::{ModelView, OutcomeRow};

/// What a model makes of one market of a match.
///
/// Each book's quote of the market carries the same one: a copy of it costs a count, and its JSON
/// is made once.
#[derive(Clone)]
pub struct Forecast(Arc<Made>);

struct Made {
    model: ModelView,
    outcomes: Vec<OutcomeRow>,
    json: OnceLock<Arc<str>>,
}

impl Forecast {
    /// The model's view of the match, and the outcome probabilities that follow from it, one row
    /// a selection of the market, in canonical order.
    #[must_use]
    pub fn new(model: ModelView, outcomes: Vec<OutcomeRow>) -> Self {
        Self(Arc::new(Made { model, outcomes, json: OnceLock::new() }))
    }

    /// The model's view of the match.
    #[must_use]
    pub fn model(&self) -> &ModelView {
        &self.0.model
    }

    /// Outcome probabilities, one row a selection.
    #[must_use]
    pub fn outcomes(&self) -> &[OutcomeRow] {
        &self.0.outcomes
    }

    /// Its fields as the tail of a JSON object: `"model":…,"outcomes":…}`.
    ///
    /// # Panics
    /// Never: it holds finite numbers, which JSON can say.
    #[must_use]
    pub fn json_tail(&self) -> &Arc<str> {
        #[derive(Serialize)]
        struct Fields<'a> {
            model: &'a ModelView,
            #[serde(skip_serializing_if = "<[OutcomeRow]>::is_empty")]
            outcomes: &'a [OutcomeRow],
        }
        self.0.json.get_or_init(|| {
            let fields = Fields { model: self.model(), outcomes: self.outcomes() };
            let json = serde_json::to_string(&fields).expect("a forecast is plain data");
            json[1..].into()
        })
    }
}

impl PartialEq for Forecast {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.model() == other.model() && self.outcomes() == other.outcomes())
    }
}

impl fmt::Debug for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Made { model, outcomes, json: _ } = &*self.0;
        f.debug_struct("Forecast").field("model", model).field("outcomes", outcomes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ArtefactHash;
    use crate::bets::{Priced, Unpriced};
    use crate::facts::{OddsList, Phase, Quote};

    fn priced(outcomes: &[OutcomeRow]) -> Priced {
        let quote = Quote {
            src: "s\"".into(),
            book: "b".into(),
            market: "1x2".parse().unwrap(),
            odds: OddsList::new(),
            phase: Phase::Pre,
            sizes: None,
        };
        let hash = ArtefactHash::of(b"model");
        let model = ModelView { number: 7, hash, lambda: 1.4, mu: 1.1, rho: 0.1, running: None };
        let forecast = Some(Forecast::new(model, outcomes.to_vec()));
        Priced { quote, forecast, unpriced: None }
    }

    #[test]
    fn a_priced_quote_is_written_as_it_serialises_and_reads_back() {
        let whole = priced(&[[0.4, 0.0, 0.1, 0.0, 0.5], [0.1 + 0.2, 0.0, 0.1, 0.0, 0.6]]);
        let unpriced =
            Priced { forecast: None, unpriced: Some(Unpriced::NoModel), ..whole.clone() };
        let both = Priced { unpriced: Some(Unpriced::Market), ..whole.clone() };
        for one in [whole, priced(&[]), unpriced, both] {
            let mut written = Vec::new();
            one.write(&mut written).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string(&one).unwrap());
            let json = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<Priced>(&json).unwrap(), one);
        }
    }

    #[test]
    fn outcomes_without_their_model_are_refused() {
        let mut json = serde_json::to_value(priced(&[[1.0, 0.0, 0.0, 0.0, 0.0]])).unwrap();
        json.as_object_mut().unwrap().remove("model");
        let error = serde_json::from_value::<Priced>(json).unwrap_err().to_string();
        assert!(error.contains("without the `model`"), "{error}");
    }
}
