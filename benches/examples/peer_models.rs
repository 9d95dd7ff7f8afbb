//! Times our fits for the side-by-side with penaltyblog: writes the matches to `matches.csv` and
//! what each fit gave and took to `marabet.json`, in the folder given.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use marabet_benches::league::{results, training_set};
use marabet_quant::goals::{FitOptions, Model, fit};

const RUNS: usize = 101;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map(PathBuf::from).context("name a folder to write to")?;
    let mut table = Vec::new();
    for (seasons, matches) in [(1, 380), (3, 1140)] {
        let mut csv = "home,away,home_goals,away_goals\n".to_owned();
        for played in results(seasons) {
            let [home, away] = played.goals;
            writeln!(csv, "{},{},{home},{away}", played.home, played.away)?;
        }
        std::fs::write(folder.join(format!("matches_{matches}.csv")), csv)?;
        let set = training_set(seasons);
        for model in Model::ALL {
            let mut took: Vec<f64> = Vec::with_capacity(RUNS);
            let mut log_likelihood = f64::NAN;
            for _ in 0..RUNS {
                let start = Instant::now();
                let fitted = fit(model, &set, &FitOptions::default())?;
                took.push(start.elapsed().as_secs_f64() * 1e3);
                log_likelihood = fitted.log_likelihood;
            }
            took.sort_by(f64::total_cmp);
            table.push(serde_json::json!({
                "model": model.as_str(),
                "matches": matches,
                "log_likelihood": log_likelihood,
                "median_ms": took[RUNS / 2],
            }));
        }
    }
    std::fs::write(folder.join("marabet.json"), serde_json::to_string_pretty(&table)?)?;
    Ok(())
}
