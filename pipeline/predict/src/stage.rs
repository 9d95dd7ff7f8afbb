//! The stage itself.

use marabet_schemas::bets::{Priced, Unpriced};
use marabet_schemas::control::ModelPublished;
use marabet_schemas::facts::{Fixture, FixtureStatus, Phase, Quote, Withdrawn};
use marabet_schemas::{Body, Book, Competition, Event, MatchKey};
use marabet_stage::{Artefacts, Derived, Fault, Rows, Stage, Table, Within};

use crate::check;
use crate::pricing::{Asked, Pricing};
use crate::running::RunningRow;
use crate::state::{MatchRow, ModelRow, OFFERED_MAX, Offered};
use crate::view;

/// `feed` → `priced`: forwards every fact, and every quote with the model's view of it.
///
/// - A fact that cannot be true is rejected: odds that are not one for each selection, a result
///   without a score, one before its fixture, and whatever comes for a match after it was closed
///   (the user's word on his bets apart).
/// - A model is in force from its `model.published` on, in log order. Its number only rises; one
///   that does not is forwarded and changes nothing. Its artefact must be at hand by then.
/// - A quote is priced by the model in force for its competition at the moment when it is read,
///   whatever its phase. One taken in play is priced from the score and the minute that were told
///   last, the clock gone on since. One without a price says why.
pub struct Predict {
    matches: Table<MatchKey, MatchRow>,
    running: Table<MatchKey, RunningRow>,
    models: Table<Competition, ModelRow>,
    offers: Table<Within<Book>, Offered>,
    pricing: Pricing,
}

impl Default for Predict {
    fn default() -> Self {
        Self::new()
    }
}

impl Predict {
    /// The stage's name.
    pub const NAME: &'static str = "predict";

    /// The stage with nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            matches: Table::new("matches"),
            running: Table::new("running"),
            models: Table::new("models"),
            offers: Table::new("offers"),
            pricing: Pricing::default(),
        }
    }

    /// The number of the model in force for a competition.
    #[must_use]
    pub fn model_in_force(&self, competition: &Competition) -> Option<u64> {
        self.models.get(competition).map(|model| model.number)
    }

    /// A fact about a match.
    fn of_match(
        &mut self,
        key: &MatchKey,
        event: &Event,
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        let row = self.matches.get(key);
        if matches!(row, Some(MatchRow::Closed)) {
            return Err(Fault::rejected(format!(
                "{key} was closed: a {} that late changes nothing any more",
                event.kind().name()
            )));
        }
        if row.is_none() && matches!(event.body, Body::Result(_) | Body::MatchClosed(_)) {
            return Err(Fault::rejected(format!(
                "{} of {key}, which has no fixture: send the fixture first",
                event.kind().name()
            )));
        }
        let ground = match row {
            Some(MatchRow::Open(fixture)) => Some((fixture.neutral, fixture.status)),
            _ => None,
        };
        match &event.body {
            Body::Quote(quote) => return self.quote(key, ground, event, quote, artefacts, derived),
            Body::Fixture(fixture) => self.fixture(key, event, fixture, derived),
            Body::Withdrawn(withdrawn) => self.withdrawn(key, withdrawn, derived),
            Body::Stats(stats) => {
                if let (Some(home), Some(away)) = (stats.home.red_cards, stats.away.red_cards) {
                    self.sent_off(
                        key,
                        [home, away].map(|count| count.try_into().unwrap_or(u8::MAX)),
                    );
                }
                derived.show(|| view::of_stats(key, "stats", event));
            }
            Body::Incidents(incidents) => {
                self.sent_off(key, incidents.reds());
                derived.show(|| view::of_stats(key, event.kind().name(), event));
            }
            Body::LineUps(_) | Body::Absences(_) | Body::Standing(_) => {
                derived.show(|| view::of_stats(key, event.kind().name(), event));
            }
            Body::Result(_) => {
                // Quotes are over, a stray late one apart.
                self.pricing.drop_match(key);
                self.running.remove(key);
                derived.show(|| view::of_stats(key, "result", event));
            }
            Body::MatchClosed(_) => self.close(key),
            _ => {}
        }
        derived.push(event.clone());
        Ok(())
    }

    fn fixture(&mut self, key: &MatchKey, event: &Event, fixture: &Fixture, derived: &mut Derived) {
        self.matches.insert(key.clone(), MatchRow::Open(fixture.clone()));
        derived.show(|| view::of_fixture(key, event));
        self.stands(key, event, fixture);
        if fixture.status == FixtureStatus::Live {
            derived.show(|| view::of_stats(key, "live", event));
        }
    }

    /// Keeps where a match stands that is being played.
    fn stands(&mut self, key: &MatchKey, event: &Event, fixture: &Fixture) {
        match (fixture.status, fixture.minute, fixture.score) {
            (FixtureStatus::Live, Some(minute), Some(score)) => {
                let reds = self.running.get(key).map_or([0, 0], |known| known.reds);
                self.running.insert(key.clone(), RunningRow { minute, score, reds, at: event.at });
            }
            // Another source knows no more than that it is played, or the referee has stopped it.
            (FixtureStatus::Live | FixtureStatus::Suspended, ..) => {}
            _ => self.running.remove(key),
        }
    }

    fn sent_off(&mut self, key: &MatchKey, reds: [u8; 2]) {
        if self.running.get(key).is_some_and(|known| known.reds != reds)
            && let Some(known) = self.running.get_mut(key)
        {
            known.reds = reds;
        }
    }

    fn quote(
        &mut self,
        key: &MatchKey,
        ground: Option<(bool, FixtureStatus)>,
        event: &Event,
        quote: &Quote,
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        self.offer(key, quote)?;
        let in_play = quote.phase == Phase::InPlay;
        let is_running = in_play && matches!(ground, Some((_, FixtureStatus::Live)));
        let known = is_running.then(|| self.running.get(key)).flatten();
        let running = known.and_then(|known| known.at(event.at));
        let model = self.models.get(&key.competition()).copied();
        let priced = match (ground, model) {
            (None, _) => Err(Unpriced::NoFixture),
            _ if in_play && running.is_none() => Err(Unpriced::InPlay),
            (_, None) => Err(Unpriced::NoModel),
            (Some((neutral, _)), Some(model)) => {
                let asked = Asked { key, neutral, market: &quote.market, running };
                self.pricing.price(asked, model, artefacts)?
            }
        };
        let quote = quote.clone();
        derived.show_event(event, |line| view::quoted(key, &quote.book, &quote.market, line));
        let priced = match priced {
            Ok(forecast) => {
                derived.show(|| view::predicted(key, &quote.market, event.at, &forecast));
                Priced { quote, forecast: Some(forecast), unpriced: None }
            }
            Err(why) => Priced { quote, forecast: None, unpriced: Some(why) },
        };
        derived.push(Event {
            key: event.key.clone(),
            at: event.at,
            assumed: event.assumed,
            body: priced.into(),
        });
        Ok(())
    }

    /// Notes that the book has a price in the market, so that its withdrawal finds it.
    fn offer(&mut self, key: &MatchKey, quote: &Quote) -> Result<(), Fault> {
        let offer = Within::new(key, quote.book.clone());
        let offered = self.offers.get(&offer);
        if offered.is_some_and(|markets| markets.contains(&quote.market)) {
            return Ok(());
        }
        if offered.is_some_and(|markets| markets.len() >= OFFERED_MAX) {
            return Err(Fault::rejected(format!(
                "{} has {OFFERED_MAX} markets on {key}, more are not taken",
                quote.book
            )));
        }
        self.offers.entry(&offer, Offered::new).insert(quote.market);
        Ok(())
    }

    fn withdrawn(&mut self, key: &MatchKey, withdrawn: &Withdrawn, derived: &mut Derived) {
        let offer = Within::new(key, withdrawn.book.clone());
        let Some(offered) = self.offers.get_mut(&offer) else { return };
        let gone = match withdrawn.market {
            Some(market) => offered.take(&market).into_iter().collect(),
            None => std::mem::take(offered),
        };
        if offered.is_empty() {
            self.offers.remove(&offer);
        }
        for market in gone {
            derived.show(|| view::withdrawn(key, &withdrawn.book, &market));
        }
    }

    fn close(&mut self, key: &MatchKey) {
        self.offers.remove_of(key);
        self.running.remove(key);
        self.matches.insert(key.clone(), MatchRow::Closed);
        self.pricing.drop_match(key);
    }

    fn publish(
        &mut self,
        published: &ModelPublished,
        artefacts: &dyn Artefacts,
    ) -> Result<(), Fault> {
        let ModelPublished { competition, number, hash, family, .. } = published;
        let before = self.models.get(competition).copied();
        if before.is_some_and(|model| *number <= model.number) {
            return Ok(());
        }
        let artefact = self.pricing.model(*hash, artefacts)?;
        if artefact.competition != *competition || artefact.family.as_str() != family {
            return Err(Fault::rejected(format!(
                "model {number} of {competition} is said to be `{family}`, its artefact holds \
                 `{}` of {}",
                artefact.family, artefact.competition
            )));
        }
        self.models.insert(competition.clone(), ModelRow { number: *number, hash: *hash });
        if let Some(before) = before.filter(|model| model.hash != *hash) {
            self.pricing.drop_model(&before.hash);
        }
        Ok(())
    }
}

impl Stage for Predict {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn apply(
        &mut self,
        event: &Event,
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault> {
        check::fact(&event.body).map_err(Fault::Rejected)?;
        match &event.body {
            Body::ModelPublished(published) => self.publish(published, artefacts)?,
            Body::ConfigPublished(_)
            | Body::Deposit(_)
            | Body::BetPlaced(_)
            | Body::BetSkipped(_)
            | Body::BetVoid(_) => {}
            _ => {
                let key = event.key.as_ref().ok_or_else(|| {
                    Fault::rejected(format!("a {} must name its match", event.kind().name()))
                })?;
                return self.of_match(key, event, artefacts, derived);
            }
        }
        derived.push(event.clone());
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Rows> {
        vec![&mut self.matches, &mut self.running, &mut self.models, &mut self.offers]
    }

    fn forget_memo(&mut self) {
        self.pricing.forget();
    }
}
