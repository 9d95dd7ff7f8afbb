//! What the model in force makes of a market. All of it can be computed again: nothing here is
//! state.

use std::collections::BTreeMap;
use std::sync::Arc;

use marabet_quant::Market;
use marabet_quant::inplay::{Tempo, final_scores};
use marabet_quant::matrix::ScoreMatrix;
use marabet_schemas::bets::{ModelView, OutcomeRow, Running, Unpriced};
use marabet_schemas::{ArtefactHash, Forecast, MatchKey};
use marabet_stage::{Artefacts, Fault};
use rustc_hash::FxHashMap;

use crate::Artefact;
use crate::running;
use crate::state::ModelRow;

/// Most matches whose score matrix is kept. Beyond it all are dropped and made again at need.
const MATCHES_MAX: usize = 4_096;

/// The models in force, parsed, and the score matrices of the matches that they have priced.
#[derive(Default)]
pub(crate) struct Pricing {
    models: BTreeMap<ArtefactHash, Arc<Artefact>>,
    matches: FxHashMap<MatchKey, PricedMatch>,
}

/// Most markets of a match whose outcomes are kept. What comes beyond is computed each time.
const MARKETS_MAX: usize = 64;

/// What is to be priced.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: &'a MatchKey,
    pub(crate) neutral: bool,
    pub(crate) market: &'a Market,
    /// Where the match stands, for a price in play.
    pub(crate) running: Option<Running>,
}

/// A match as one model sees it.
struct PricedMatch {
    model: ModelRow,
    neutral: bool,
    seen: Result<(ModelView, ScoreMatrix), Unpriced>,
    /// What came of the markets that were asked for, none where the score matrix does not price
    /// it; each book quotes the same ones.
    markets: BTreeMap<Market, Option<Forecast>>,
    /// The scores of the match under way, as it stood when a price was last taken in play; none
    /// where there is no forecast.
    running: Option<(Running, Option<ScoreMatrix>)>,
}

impl PricedMatch {
    fn asked(&mut self, asked: Asked<'_>) -> Result<Forecast, Unpriced> {
        match asked.running {
            None => self.price(asked.market),
            Some(running) => self.price_in_play(asked.market, running),
        }
    }

    fn price_in_play(&mut self, market: &Market, now: Running) -> Result<Forecast, Unpriced> {
        let (view, before) = self.seen.as_ref().map_err(|why| *why)?;
        if self.running.as_ref().is_none_or(|(of, _)| *of != now) {
            let scores = final_scores(before, &running::state(&now), &Tempo::default());
            self.running = Some((now, scores.ok()));
        }
        let scores = self.running.as_ref().and_then(|(_, scores)| scores.as_ref());
        let outcomes = outcomes(scores.ok_or(Unpriced::NoMatrix)?, market);
        let view = ModelView { running: Some(now), ..view.clone() };
        Ok(Forecast::new(view, outcomes.ok_or(Unpriced::Market)?))
    }

    fn price(&mut self, market: &Market) -> Result<Forecast, Unpriced> {
        let (view, matrix) = self.seen.as_ref().map_err(|why| *why)?;
        let forecast = match self.markets.get(market) {
            Some(known) => known.clone(),
            None => {
                let outcomes = outcomes(matrix, market);
                let forecast = outcomes.map(|outcomes| Forecast::new(view.clone(), outcomes));
                if self.markets.len() < MARKETS_MAX {
                    self.markets.insert(*market, forecast.clone());
                }
                forecast
            }
        };
        forecast.ok_or(Unpriced::Market)
    }
}

impl Pricing {
    /// The model of this hash.
    ///
    /// # Errors
    /// [`Fault::Missing`] when its artefact is not at hand, or written by a newer program, whose
    /// line has to wait for an upgrade; [`Fault::Rejected`] when the bytes are no model.
    pub(crate) fn model(
        &mut self,
        hash: ArtefactHash,
        artefacts: &dyn Artefacts,
    ) -> Result<Arc<Artefact>, Fault> {
        if let Some(model) = self.models.get(&hash) {
            return Ok(Arc::clone(model));
        }
        let bytes = artefacts.get(&hash).ok_or(Fault::Missing(hash))?;
        let artefact = Artefact::from_bytes(&bytes).map_err(|error| {
            let newer = error.is_newer();
            let rejected = Fault::rejected(format!("model {hash}: {error}"));
            if newer { Fault::Missing(hash) } else { rejected }
        })?;
        let artefact = Arc::new(artefact);
        self.models.insert(hash, Arc::clone(&artefact));
        Ok(artefact)
    }

    /// Drops a model that is no longer in force.
    pub(crate) fn drop_model(&mut self, hash: &ArtefactHash) {
        self.models.remove(hash);
    }

    /// Drops a match that will hardly be priced again.
    pub(crate) fn drop_match(&mut self, key: &MatchKey) {
        self.matches.remove(key);
    }

    /// What the model makes of the market.
    ///
    /// # Errors
    /// [`Fault::Missing`] when the model's artefact is not at hand. That there is no price is no
    /// error: the inner result says why.
    pub(crate) fn price(
        &mut self,
        asked: Asked<'_>,
        model: ModelRow,
        artefacts: &dyn Artefacts,
    ) -> Result<Result<Forecast, Unpriced>, Fault> {
        let Asked { key, neutral, .. } = asked;
        if let Some(kept) = self.matches.get_mut(key)
            && kept.model == model
            && kept.neutral == neutral
        {
            return Ok(kept.asked(asked));
        }
        // The artefact could be read when it came into force, and its hash is the same.
        let artefact = self.model(model.hash, artefacts).map_err(|_| Fault::Missing(model.hash))?;
        if self.matches.len() >= MATCHES_MAX {
            self.matches.clear();
        }
        let seen = view(&artefact, key, neutral, model);
        let mut fresh =
            PricedMatch { model, neutral, seen, markets: BTreeMap::new(), running: None };
        let priced = fresh.asked(asked);
        self.matches.insert(key.clone(), fresh);
        Ok(priced)
    }

    /// Drops everything.
    pub(crate) fn forget(&mut self) {
        self.models.clear();
        self.matches.clear();
    }
}

/// What a model makes of a match.
fn view(
    artefact: &Artefact,
    key: &MatchKey,
    neutral: bool,
    model: ModelRow,
) -> Result<(ModelView, ScoreMatrix), Unpriced> {
    let rates =
        artefact.rates(key.home(), key.away(), neutral).map_err(|_| Unpriced::UnknownTeam)?;
    let matrix = artefact.fit.matrix_of(rates).map_err(|_| Unpriced::NoMatrix)?;
    let means = artefact.fit.means_of(rates);
    let view = ModelView {
        number: model.number,
        hash: model.hash,
        lambda: means.lambda,
        mu: means.mu,
        rho: artefact.fit.rho,
        running: None,
    };
    Ok((view, matrix))
}

/// The outcomes of each selection of a market; none where the matrix does not price it.
fn outcomes(matrix: &ScoreMatrix, market: &Market) -> Option<Vec<OutcomeRow>> {
    let row = |selection: &_| {
        let of = matrix.outcomes(market, *selection).ok()?;
        Some([of.win, of.half_win, of.push, of.half_loss, of.loss])
    };
    market.selections().iter().map(row).collect()
}
