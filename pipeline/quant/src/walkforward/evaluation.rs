use std::collections::BTreeMap;

use serde::Serialize;

use super::{Forecasts, History, Record, WalkError, check_length};
use crate::score::{
    Bins, Calibration, Comparison, ScoreError, Scores, calibration_curve, compare_clustered,
    log_loss, mean_scores, rps,
};

/// The scores of one forecaster on some matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scored {
    /// The forecaster.
    pub name: String,
    /// The league; all of them when absent.
    pub league: Option<String>,
    /// The season; all of them when absent.
    pub season: Option<i32>,
    /// Its mean scores.
    pub scores: Scores,
    /// How often what it forecast came true, over all three results.
    pub calibration: Calibration,
    /// How it compares with the reference on the same matches; none for the reference itself, and
    /// where all matches are of one day.
    pub against: Option<Difference>,
}

/// How much worse one forecaster was than the reference on the same matches, with intervals
/// clustered by day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Its ranked probability score less the reference's: positive where it is worse.
    pub rps: Comparison,
    /// Its log-loss less the reference's.
    pub log_loss: Comparison,
}

/// How good forecasters were on the matches that all of them forecast.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Matches that all forecast.
    pub matches: usize,
    /// The forecaster that the others are compared with.
    pub reference: String,
    /// Over all leagues and seasons, then by season, by league, and by both; within each by
    /// forecaster as given.
    pub scored: Vec<Scored>,
    /// What each forecaster chose for each season on the seasons before it.
    pub chosen: BTreeMap<String, BTreeMap<i32, String>>,
}

impl Evaluation {
    /// The scores of a forecaster over all leagues and seasons.
    #[must_use]
    pub fn overall(&self, name: &str) -> Option<&Scored> {
        let whole = |s: &&Scored| s.league.is_none() && s.season.is_none();
        self.scored.iter().filter(whole).find(|scored| scored.name == name)
    }

    /// How a forecaster compares with the reference over all leagues and seasons.
    #[must_use]
    pub fn difference(&self, name: &str) -> Option<&Difference> {
        self.overall(name)?.against.as_ref()
    }
}

/// The width of calibration's bins is a twentieth.
const BINS: Bins = Bins::Width(20);
const LEVEL: f64 = 0.95;

/// Scores forecasters on the matches that pass `counts` and that all of them forecast, and compares
/// each with the one called `reference`.
///
/// # Errors
/// [`WalkError`] without a forecaster or a common match, when a forecaster is not of this history,
/// and when the reference is none of them.
pub fn evaluate(
    history: &History,
    forecasters: &[Forecasts],
    reference: &str,
    counts: impl Fn(&Record) -> bool,
) -> Result<Evaluation, WalkError> {
    if forecasters.is_empty() {
        return Err(WalkError::Nothing("forecasters"));
    }
    for forecaster in forecasters {
        check_length(&forecaster.name, &forecaster.probabilities, history)?;
    }
    let against = forecasters
        .iter()
        .position(|forecaster| forecaster.name == reference)
        .ok_or_else(|| WalkError::Unnamed(reference.to_owned()))?;
    let records = history.records();
    let common: Vec<usize> = (0..records.len())
        .filter(|&place| {
            let all = forecasters.iter().all(|f| f.probabilities[place].is_some());
            all && counts(&records[place])
        })
        .collect();
    if common.is_empty() {
        return Err(WalkError::Nothing("matches that every forecaster forecast"));
    }
    let mut groups: BTreeMap<(Option<&str>, Option<i32>), Vec<usize>> = BTreeMap::new();
    for &place in &common {
        let (league, season) = (records[place].league.as_str(), records[place].season);
        for key in
            [(None, None), (Some(league), None), (None, Some(season)), (Some(league), Some(season))]
        {
            groups.entry(key).or_default().push(place);
        }
    }
    let mut scored = Vec::new();
    for ((league, season), places) in &groups {
        for (index, forecaster) in forecasters.iter().enumerate() {
            let against = match index {
                _ if index == against => None,
                _ => difference(records, forecaster, &forecasters[against], places)?,
            };
            let of_group = score(records, forecaster, places, *league, *season)?;
            scored.push(Scored { against, ..of_group });
        }
    }
    scored.sort_by_key(|scored| (scored.league.is_some(), scored.season.is_some()));
    let chosen = forecasters.iter().filter(|forecaster| !forecaster.chosen.is_empty());
    let chosen = chosen.map(|f| (f.name.clone(), f.chosen.clone())).collect();
    Ok(Evaluation { matches: common.len(), reference: reference.to_owned(), scored, chosen })
}

fn said(forecaster: &Forecasts, place: usize) -> [f64; 3] {
    forecaster.probabilities[place].expect("only matches that all forecast are scored")
}

fn score(
    records: &[Record],
    forecaster: &Forecasts,
    places: &[usize],
    league: Option<&str>,
    season: Option<i32>,
) -> Result<Scored, WalkError> {
    let forecasts: Vec<[f64; 3]> = places.iter().map(|&place| said(forecaster, place)).collect();
    let outcomes: Vec<usize> = places.iter().map(|&place| records[place].outcome()).collect();
    let happened = outcomes.iter().flat_map(|&outcome| [0, 1, 2].map(|result| result == outcome));
    let happened: Vec<bool> = happened.collect();
    Ok(Scored {
        name: forecaster.name.clone(),
        league: league.map(str::to_owned),
        season,
        scores: mean_scores(&forecasts, &outcomes)?,
        calibration: calibration_curve(forecasts.as_flattened(), &happened, BINS, LEVEL)?,
        against: None,
    })
}

fn difference(
    records: &[Record],
    forecaster: &Forecasts,
    reference: &Forecasts,
    places: &[usize],
) -> Result<Option<Difference>, WalkError> {
    let days: Vec<i64> =
        places.iter().map(|&place| libm::floor(records[place].day) as i64).collect();
    let compared = |loss: fn(&[f64], usize) -> Result<f64, ScoreError>| {
        let losses = |of: &Forecasts| -> Result<Vec<f64>, ScoreError> {
            places.iter().map(|&place| loss(&said(of, place), records[place].outcome())).collect()
        };
        compare_clustered(&losses(forecaster)?, &losses(reference)?, &days, LEVEL)
    };
    match (compared(rps), compared(log_loss)) {
        (Ok(rps), Ok(log_loss)) => Ok(Some(Difference { rps, log_loss })),
        (Err(ScoreError::TooFew { .. }), _) => Ok(None),
        (Err(refused), _) | (_, Err(refused)) => Err(refused.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devig::Method;
    use crate::walkforward::history::tests::small;
    use crate::walkforward::{Prices, base_rates, market};

    #[test]
    fn forecasters_are_scored_on_the_same_matches_by_league_and_season() {
        let history = small(4);
        let forecasters =
            [base_rates(&history), market(&history, Prices::Closing, Method::Multiplicative)];
        let evaluation = evaluate(&history, &forecasters, "market_closing", |_| true).unwrap();
        assert_eq!(evaluation.matches, 36, "base rates have nothing to say of the first season");
        // Over all, by league, by season (three), by both (three); two forecasters each.
        assert_eq!(evaluation.scored.len(), 2 * 8);
        let overall = |name: &str| evaluation.overall(name).unwrap().scores;
        let apart = overall("base_rates").rps - overall("market_closing").rps;
        let difference = evaluation.difference("base_rates").unwrap();
        assert!((difference.rps.difference - apart).abs() < 1e-12);
        assert!(difference.rps.low < apart && apart < difference.rps.high);
        let of_groups = evaluation.scored.iter().filter(|scored| scored.against.is_some());
        assert_eq!(of_groups.count(), 8, "the reference is compared with nobody");
        let counted: usize = evaluation
            .scored
            .iter()
            .filter(|s| s.season.is_some() && s.league.is_some())
            .map(|s| s.scores.forecasts)
            .sum();
        assert_eq!(counted, 72);
    }

    #[test]
    fn what_cannot_be_evaluated_is_refused() {
        let history = small(2);
        let rates = base_rates(&history);
        let against = |forecasters: &[Forecasts], name: &str| {
            evaluate(&history, forecasters, name, |_| true).unwrap_err()
        };
        assert_eq!(against(&[], "base_rates"), WalkError::Nothing("forecasters"));
        assert_eq!(
            against(std::slice::from_ref(&rates), "other"),
            WalkError::Unnamed("other".to_owned())
        );
        let none = evaluate(&history, &[rates], "base_rates", |_| false).unwrap_err();
        assert!(matches!(none, WalkError::Nothing(_)));
    }
}
