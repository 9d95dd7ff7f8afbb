//! `marabet model rate`

use std::collections::BTreeSet;
use std::io::{self, Write};

use marabet_quant::ratings::{
    Elo, EloTable, Glicko, GlickoTable, Margin, OrderedError, OrderedLogit, Pi, PiTable, Rated,
    RatingSystem,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::{RateArgs, System};
use crate::command::results::{self, Row};
use crate::output::Answer;

/// Teams rated, best first, and a match forecast.
#[derive(Serialize)]
pub(super) struct Ratings {
    system: &'static str,
    matches: usize,
    /// By team.
    teams: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
    #[serde(skip)]
    best_first: Vec<(String, f64)>,
}

/// What the ratings say of a match.
#[derive(Serialize)]
struct Forecast {
    home: String,
    away: String,
    /// By how much the home side is ahead, home advantage included, in the system's own unit.
    gap: f64,
    /// Of home win, draw, away win: by proportional odds fitted to the matches rated.
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<[f64; 3]>,
    /// Elo's own rule, with draws weighed by the gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    elo_probabilities: Option<[f64; 3]>,
}

pub(super) fn rated(arguments: &RateArgs) -> anyhow::Result<Ratings> {
    let mut rows = Vec::new();
    for file in &arguments.files {
        rows.extend(results::read(file, &[])?);
    }
    rows.sort_by(|a, b| a.day.total_cmp(&b.day).then_with(|| a.home.cmp(&b.home)));
    match arguments.system {
        System::Elo => {
            let exponent = arguments.margin_exponent;
            let margin = if exponent == 0.0 { Margin::Ignored } else { Margin::Power(exponent) };
            let usual = Elo::default();
            let home_advantage = arguments.home_advantage.unwrap_or(usual.home_advantage);
            let mut table = EloTable::new(Elo { k: arguments.k, home_advantage, margin, ..usual })?;
            let walked = walk(&mut table, &rows)?;
            let standing = |team: &str| (json!(table.rating(team)), table.rating(team));
            let mut ratings = answer("elo", &rows, standing);
            ratings.forecast = forecast(arguments, &table, &walked)?;
            if let Some(forecast) = &mut ratings.forecast {
                forecast.elo_probabilities = Some(Elo::probabilities(forecast.gap));
            }
            Ok(ratings)
        }
        System::Pi => {
            let mut table = PiTable::new(Pi::default())?;
            let walked = walk(&mut table, &rows)?;
            let mut ratings = answer("pi", &rows, |team| {
                let rating = table.rating(team);
                (json!(rating), 0.5 * (rating.home + rating.away))
            });
            ratings.forecast = forecast(arguments, &table, &walked)?;
            Ok(ratings)
        }
        System::Glicko2 => {
            let usual = Glicko::default();
            let home_advantage = arguments.home_advantage.unwrap_or(usual.home_advantage);
            let mut table = GlickoTable::new(Glicko { home_advantage, ..usual })?;
            let walked = walk(&mut table, &rows)?;
            table.close_period();
            let mut ratings = answer("glicko2", &rows, |team| {
                let standing = table.standing(team);
                (json!(standing), standing.rating)
            });
            ratings.forecast = forecast(arguments, &table, &walked)?;
            Ok(ratings)
        }
    }
}

/// The gap before each match and its result: 0, 1 or 2 for home win, draw and away win.
type Walked = (Vec<f64>, Vec<u8>);

fn walk(table: &mut dyn RatingSystem, rows: &[Row]) -> anyhow::Result<Walked> {
    let (mut gaps, mut results) = (Vec::new(), Vec::new());
    for row in rows {
        let [home_goals, away_goals] = row.goals.map(u32::from);
        let (day, neutral) = (row.day, row.neutral);
        let (home, away) = (row.home.as_str(), row.away.as_str());
        gaps.push(table.gap(home, away, neutral));
        let result = Rated { day, home, away, home_goals, away_goals, neutral };
        results.push(match result.goal_difference() {
            0.0 => 1,
            lead if lead > 0.0 => 0,
            _ => 2,
        });
        table.rate(&result)?;
    }
    Ok((gaps, results))
}

fn answer(system: &'static str, rows: &[Row], standing: impl Fn(&str) -> (Value, f64)) -> Ratings {
    let names: BTreeSet<&str> = rows.iter().flat_map(|r| [&*r.home, &*r.away]).collect();
    let mut best_first: Vec<(String, f64)> =
        names.iter().map(|team| ((*team).to_owned(), standing(team).1)).collect();
    best_first.sort_by(|a, b| b.1.total_cmp(&a.1));
    let teams = names.iter().map(|team| ((*team).to_owned(), standing(team).0)).collect();
    Ratings { system, matches: rows.len(), teams, forecast: None, best_first }
}

fn forecast(
    arguments: &RateArgs,
    table: &dyn RatingSystem,
    (gaps, results): &Walked,
) -> anyhow::Result<Option<Forecast>> {
    let (Some(home), Some(away)) = (&arguments.home, &arguments.away) else { return Ok(None) };
    let gap = table.gap(home, away, arguments.neutral);
    // Gaps on a scale of about one, as the fit wants them.
    let squares: f64 = gaps.iter().map(|gap| gap * gap).sum();
    let scale = (squares / gaps.len().max(1) as f64).sqrt().max(1e-9);
    let numbers: Vec<f64> = gaps.iter().map(|gap| gap / scale).collect();
    let weights = vec![1.0; results.len()];
    let probabilities = match OrderedLogit::fit(&numbers, 1, results, &weights, 1.0) {
        Ok(model) => Some(model.probabilities(&[gap / scale])),
        // Too few matches to tell; the gap stands for itself.
        Err(OrderedError::OneSided | OrderedError::NotDetermined) => None,
        Err(refused) => return Err(refused.into()),
    };
    let (home, away) = (home.clone(), away.clone());
    Ok(Some(Forecast { home, away, gap, probabilities, elo_probabilities: None }))
}

impl Answer for Ratings {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} on {} matches", self.system, self.matches)?;
        for (team, rating) in &self.best_first {
            writeln!(out, "{team:<24} {rating:>10.3}")?;
        }
        let Some(forecast) = &self.forecast else { return Ok(()) };
        writeln!(out, "\n{} – {}: gap {:.3}", forecast.home, forecast.away, forecast.gap)?;
        if let Some([home, draw, away]) = forecast.probabilities {
            writeln!(out, "home {home:.5}, draw {draw:.5}, away {away:.5}")?;
        }
        Ok(())
    }
}
