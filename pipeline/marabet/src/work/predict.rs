//! `predict`: what the models in force make of the matches to come.

use std::collections::BTreeMap;

use async_trait::async_trait;
use marabet_jobs::{Job, JobError, JobRules, Run};
use marabet_ledger::records::Prediction;
use marabet_predict::Artefact;
use marabet_quant::Market;
use marabet_schemas::control::ModelPublished;
use marabet_schemas::{Body, Competition};
use marabet_streams::Stream;
use serde_json::{Value, json};

use super::{Desk, again};

pub(super) struct Predict(pub(super) Desk);

#[async_trait]
impl Job for Predict {
    fn kind(&self) -> &'static str {
        "predict"
    }

    fn about(&self) -> &'static str {
        "Predict the matches to come with the models in force, into the ledger"
    }

    fn rules(&self) -> JobRules {
        JobRules::of("ml")
    }

    async fn run(&self, run: &Run) -> Result<Value, JobError> {
        let Desk { log, ledger, .. } = &self.0;
        let now = self.0.now();
        let mut artefacts = BTreeMap::new();
        for (competition, model) in self.models().await.map_err(again)? {
            let bytes = log.get_artefact(&model.hash).await.map_err(again)?;
            let artefact = Artefact::from_bytes(&bytes).map_err(JobError::refused)?;
            artefacts.insert(competition, (model.number, artefact));
        }
        let mut predictions = Vec::new();
        let mut without = 0;
        for (key, fixture) in self.0.fixtures().await.map_err(again)? {
            if fixture.kickoff <= now {
                continue;
            }
            let predicted = artefacts.get(&key.competition()).and_then(|(number, artefact)| {
                let rates = artefact.rates(key.home(), key.away(), fixture.neutral).ok()?;
                let matrix = artefact.fit.matrix_of(rates).ok()?;
                let means = artefact.fit.means_of(rates);
                let mut probabilities = [0.0; 3];
                let market = Market::MATCH_ODDS;
                for (share, selection) in probabilities.iter_mut().zip(market.selections()) {
                    *share = matrix.outcomes(&market, *selection).ok()?.win;
                }
                Some(Prediction {
                    key: key.clone(),
                    kickoff: fixture.kickoff,
                    model: *number,
                    lambda: means.lambda,
                    mu: means.mu,
                    probabilities,
                    at: now,
                })
            });
            match predicted {
                Some(prediction) => predictions.push(prediction),
                None => without += 1,
            }
        }
        ledger.put_predictions(&predictions).await.map_err(again)?;
        if without > 0 {
            run.log(format!("{without} matches have no model, or sides that theirs has not seen"))
                .await;
        }
        Ok(json!({ "predicted": predictions.len(), "without_model": without }))
    }
}

impl Predict {
    /// The model in force of each competition.
    async fn models(&self) -> anyhow::Result<BTreeMap<Competition, ModelPublished>> {
        let mut models: BTreeMap<Competition, ModelPublished> = BTreeMap::new();
        self.0
            .each(Stream::Feed, |event| {
                let Body::ModelPublished(model) = event.body else { return };
                let known = models.get(&model.competition);
                if known.is_none_or(|known| model.number > known.number) {
                    models.insert(model.competition.clone(), *model);
                }
            })
            .await?;
        Ok(models)
    }
}
