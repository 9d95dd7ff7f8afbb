//! Times our fits and prices for the side-by-side with penaltyblog: writes the matches to
//! `matches_N.csv`, what each fit gave and took to `marabet.json`, and what prices took to
//! `marabet_prices.json`, in the folder given.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use marabet_benches::league::{results, training_set};
use marabet_benches::timing::median_ns;
use marabet_quant::Odds;
use marabet_quant::devig::{Method, devig};
use marabet_quant::goals::{FitOptions, Model, fit};
use marabet_quant::prices::Board;

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
            let log_likelihood = fit(model, &set, &FitOptions::default())?.log_likelihood;
            let took = median_ns(RUNS, || fit(model, black_box(&set), &FitOptions::default()));
            table.push(serde_json::json!({
                "model": model.as_str(),
                "matches": matches,
                "log_likelihood": log_likelihood,
                "median_ms": took / 1e6,
            }));
        }
    }
    std::fs::write(folder.join("marabet.json"), serde_json::to_string_pretty(&table)?)?;
    prices(&folder)
}

/// What de-vigging a market and pricing a match take, in microseconds.
fn prices(folder: &Path) -> Result<()> {
    let market = [2.7, 2.3, 4.4].map(Odds::new).into_iter().collect::<Result<Vec<Odds>, _>>()?;
    let mut table: Vec<serde_json::Value> = ["multiplicative", "additive", "power", "shin"]
        .into_iter()
        .map(|name| {
            let method: Method = name.parse()?;
            let took = median_ns(RUNS, || devig(method, black_box(&market)));
            Ok(serde_json::json!({ "what": name, "median_us": took / 1e3 }))
        })
        .collect::<Result<_>>()?;
    let took = median_ns(RUNS, || Board::from_means(black_box(1.6), black_box(1.1), -0.05));
    table.push(serde_json::json!({ "what": "prices", "median_us": took / 1e3 }));
    std::fs::write(folder.join("marabet_prices.json"), serde_json::to_string_pretty(&table)?)?;
    Ok(())
}
