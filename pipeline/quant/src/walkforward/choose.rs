use super::{Forecasts, History, WalkError, check_length};
use crate::blend::{self, BlendError, Case};
use crate::score::log_loss;

/// For each season the candidate with the least log-loss over the seasons before it, on the matches
/// that all candidates forecast. Before there is any such season it is the first candidate.
///
/// # Errors
/// [`WalkError`] without a candidate, or when one is not of this history.
pub fn choose(
    history: &History,
    name: &str,
    candidates: &[Forecasts],
) -> Result<Forecasts, WalkError> {
    let first = candidates.first().ok_or(WalkError::Nothing("candidates"))?;
    for candidate in candidates {
        check_length(&candidate.name, &candidate.probabilities, history)?;
    }
    let mut chosen = Forecasts::new(name, vec![None; history.records().len()]);
    let mut losses: Vec<f64> = vec![0.0; candidates.len()];
    let mut counted = 0;
    for season in history.seasons() {
        let best = (0..candidates.len())
            .min_by(|a, b| losses[*a].total_cmp(&losses[*b]))
            .map_or(first, |best| &candidates[best]);
        chosen.chosen.insert(season, format!("{}, on {counted} matches", best.name));
        let of_season = history.records().iter().enumerate().filter(|(_, r)| r.season == season);
        for (place, record) in of_season {
            chosen.probabilities[place] = best.probabilities[place];
            let said: Option<Vec<[f64; 3]>> =
                candidates.iter().map(|candidate| candidate.probabilities[place]).collect();
            let Some(said) = said else { continue };
            counted += 1;
            for (loss, p) in losses.iter_mut().zip(&said) {
                *loss += log_loss(p, record.outcome())?;
            }
        }
    }
    Ok(chosen)
}

/// The logarithmic pool of several forecasters, with each season's exponents learnt on the seasons
/// before it. With one source it recalibrates that source.
///
/// A season without enough behind it, or whose sources are too alike to tell apart, has no
/// forecast.
///
/// # Errors
/// [`WalkError`] without a source, when one is not of this history, or when a source held what
/// occurred for impossible.
pub fn pool(history: &History, name: &str, sources: &[&Forecasts]) -> Result<Forecasts, WalkError> {
    if sources.is_empty() {
        return Err(WalkError::Nothing("sources"));
    }
    for source in sources {
        check_length(&source.name, &source.probabilities, history)?;
    }
    let records = history.records();
    let said: Vec<Option<Vec<&[f64]>>> = (0..records.len())
        .map(|place| {
            sources.iter().map(|s| s.probabilities[place].as_ref().map(|p| &p[..])).collect()
        })
        .collect();
    let mut pooled = Forecasts::new(name, vec![None; records.len()]);
    for season in history.seasons() {
        let known = records.iter().zip(&said).filter(|(record, _)| record.season < season);
        let cases: Vec<Case<'_>> = known
            .filter_map(|(record, said)| {
                Some(Case { sources: said.as_deref()?, outcome: record.outcome() })
            })
            .collect();
        let fitted = match blend::fit_exponents(&cases) {
            Ok(fitted) => fitted,
            Err(BlendError::TooFew { .. } | BlendError::NotConverged) => continue,
            Err(refused) => return Err(refused.into()),
        };
        let exponents: Vec<String> = sources
            .iter()
            .zip(&fitted.exponents)
            .map(|(source, exponent)| format!("{} {exponent:.3}", source.name))
            .collect();
        let told = format!("{}, on {} matches", exponents.join(", "), fitted.cases);
        pooled.chosen.insert(season, told);
        let of_season = records.iter().enumerate().filter(|(_, r)| r.season == season);
        for (place, _) in of_season {
            let Some(said) = &said[place] else { continue };
            let p = blend::pool(said, &fitted.exponents)?;
            pooled.probabilities[place] = Some([p[0], p[1], p[2]]);
        }
    }
    Ok(pooled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devig::Method;
    use crate::walkforward::history::tests::small;
    use crate::walkforward::{Prices, base_rates, market};

    fn flat(history: &History) -> Forecasts {
        Forecasts::new("flat", vec![Some([1.0 / 3.0; 3]); history.records().len()])
    }

    /// What came out, nearly for sure.
    fn oracle(history: &History) -> Forecasts {
        let p = |record: &crate::walkforward::Record| {
            let mut p = [0.05; 3];
            p[record.outcome()] = 0.9;
            Some(p)
        };
        Forecasts::new("oracle", history.records().iter().map(p).collect())
    }

    #[test]
    fn the_first_season_has_the_first_candidate_and_later_ones_the_best_so_far() {
        let history = small(3);
        let candidates = [flat(&history), oracle(&history)];
        let chosen = choose(&history, "chosen", &candidates).unwrap();
        for (place, record) in history.records().iter().enumerate() {
            let of = usize::from(record.season > 0);
            assert_eq!(chosen.probabilities[place], candidates[of].probabilities[place]);
        }
        assert!(chosen.chosen[&0].starts_with("flat") && chosen.chosen[&2].starts_with("oracle"));
        assert_eq!(choose(&history, "none", &[]), Err(WalkError::Nothing("candidates")));
    }

    #[test]
    fn a_pool_learns_from_earlier_seasons_alone() {
        let history = small(6);
        let priced = market(&history, Prices::PreMatch, Method::Multiplicative);
        let rates = base_rates(&history);
        let pooled = pool(&history, "pool", &[&priced, &rates]).unwrap();
        let first = history.seasons()[0];
        assert!(!pooled.chosen.contains_key(&first));
        assert!(
            pooled.chosen[&5].contains("market_pre_match")
                && pooled.chosen[&5].contains("48 matches")
        );
        let last = history.records().iter().position(|record| record.season == 5).unwrap();
        assert!(pooled.probabilities[last].is_some() && pooled.probabilities[0].is_none());
        let short = Forecasts::new("short", Vec::new());
        assert!(matches!(pool(&history, "p", &[&short]), Err(WalkError::Length { .. })));
    }
}
