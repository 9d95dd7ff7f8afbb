//! Asking a provider what a key allows, and what one look brings and costs.

use marabet_ingest::polite::{Polite, Request, Secret};
use marabet_ingest::the_odds_api::plan;
use marabet_ingest::{api_football, pinnacle};
use serde::Serialize;
use serde_json::Value;

use super::open::{api_football_settings, needed, odds_api_settings};
use crate::config::{ClientConfig, Config};

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Checked {
    /// The source's table.
    pub(crate) source: String,
    /// It can be used.
    pub(crate) good: bool,
    /// What the provider says, or what to do.
    pub(crate) said: String,
    /// What a look costs, where looks cost something.
    pub(crate) cost: Option<String>,
}

impl Checked {
    fn good(source: &str, said: impl Into<String>) -> Self {
        Self { source: source.to_owned(), good: true, said: said.into(), cost: None }
    }

    fn bad(source: &str, said: impl Into<String>) -> Self {
        Self { source: source.to_owned(), good: false, said: said.into(), cost: None }
    }

    fn costs(self, cost: Option<String>) -> Self {
        Self { cost, ..self }
    }
}

/// What the looks at a source cost as it is set up, where they cost something. Asks nobody.
pub(crate) fn cost(table: &str, config: &Config) -> Option<String> {
    let sources = &config.sources;
    match table {
        "the_odds_api" => {
            let one = sources.the_odds_api.as_ref()?;
            let cost = plan::cost(one.markets.len(), one.regions.len(), one.books.len());
            Some(format!("{cost} credits a look at a competition's odds, 2 at its scores"))
        }
        "api_football" => {
            let costs =
                api_football::cost::of(&api_football_settings(sources.api_football.as_ref()?));
            let a_day: u64 = costs.iter().map(|one| one.a_day).sum();
            let each = costs.iter().map(|one| format!("{}: {}", one.what, one.said));
            let each = each.collect::<Vec<_>>().join("; ");
            Some(format!("{a_day} requests a day where nothing is played; {each}"))
        }
        _ => None,
    }
}

/// Checks a source: its settings, and by a call that costs nothing what its key allows.
pub(crate) async fn check(table: &str, config: &Config) -> Checked {
    match checked(table, config).await {
        Ok(checked) => checked,
        Err(error) => Checked::bad(table, format!("{error:#}")),
    }
}

fn client(of: &ClientConfig, base_url: &str) -> anyhow::Result<Polite> {
    let settings = of.settings(base_url);
    let clock = std::sync::Arc::new(marabet_ingest::clock::WallClock);
    Ok(Polite::new(settings, clock)?)
}

async fn checked(table: &str, config: &Config) -> anyhow::Result<Checked> {
    let sources = &config.sources;
    if let ("the_odds_api", Some(one)) = (table, &sources.the_odds_api) {
        let settings = odds_api_settings(one)?;
        let client = client(&one.client, "https://api.the-odds-api.com")?;
        let mut request = Request { cost: 0, ..Request::get("/v4/sports") };
        request.secret_query.push(("apiKey", settings.key));
        let reply = client.ask(&request).await?;
        let sports: Value = serde_json::from_slice(&reply.body)?;
        let football = sports.as_array().into_iter().flatten();
        let football =
            football.filter(|s| s["key"].as_str().is_some_and(|k| k.starts_with("soccer_")));
        let left = reply.number("x-requests-remaining");
        let left = left.map_or_else(String::new, |left| format!(", {left} credits left"));
        let said = format!("{} football competitions{left}", football.count());
        return Ok(Checked::good(table, said).costs(cost(table, config)));
    }
    if let ("api_football", Some(one)) = (table, &sources.api_football) {
        let key = needed(one.key.secret(one.key_file.as_deref())?, table, "key")?;
        let client = client(&one.client, "https://v3.football.api-sports.io")?;
        return Ok(api_football_status(table, &client, key).await?.costs(cost(table, config)));
    }
    Ok(match table {
        "betfair" | "pinnacle" => {
            // Opening it checks keys and certificates; both ask for an account at the first look.
            let names = marabet_ingest::names::Names::in_memory();
            super::set_up(table, config, &super::Setup::default(), &names, &[])?;
            let name = if table == "pinnacle" { pinnacle::SOURCE } else { "betfair" };
            Checked::good(
                table,
                format!("{name} is set up; `marabet sources probe {table}` asks it"),
            )
        }
        "betfair_files" => {
            readable(table, sources.betfair_files.as_ref().map_or(&[][..], |one| &one.files))
        }
        "football_data_files" => {
            readable(table, sources.football_data_files.as_ref().map_or(&[][..], |one| &one.files))
        }
        "openfootball" => {
            readable(table, sources.openfootball.as_ref().map_or(&[][..], |one| &one.files))
        }
        "football_data" => Checked::good(table, "it needs no key"),
        prices => {
            let name = prices.strip_prefix("prices.").unwrap_or(prices);
            let names = marabet_ingest::names::Names::in_memory();
            super::set_up(table, config, &super::Setup::default(), &names, &[])?;
            readable(table, sources.prices.get(name).map_or(&[][..], |one| &one.files))
        }
    })
}

fn readable(table: &str, files: &[std::path::PathBuf]) -> Checked {
    match files.iter().find(|path| std::fs::metadata(path).is_err()) {
        Some(path) => Checked::bad(table, format!("{} is not there", path.display())),
        None if files.is_empty() => Checked::bad(table, "no `files` are named"),
        None => Checked::good(table, format!("{} files or folders", files.len())),
    }
}

async fn api_football_status(table: &str, client: &Polite, key: Secret) -> anyhow::Result<Checked> {
    let mut request = Request { cost: 0, ..Request::get("/status") };
    request.secret_headers.push(("x-apisports-key", key));
    let reply = client.ask(&request).await?;
    use api_football::envelope::{NoItems, unwrap};
    let envelope = match unwrap(&request.path, &reply.body) {
        Ok(envelope) => envelope,
        Err(NoItems::Refused(refusal)) => {
            let what = format!(
                "the provider refuses: {refusal:?}; set the key of your account in \
                                MARABET_SOURCES__API_FOOTBALL__KEY"
            );
            return Ok(Checked::bad(table, what));
        }
        Err(NoItems::Malformed(reject)) => return Ok(Checked::bad(table, reject.to_string())),
    };
    let account = envelope.items.first().cloned().unwrap_or_default();
    let requests = &account["requests"];
    let said = format!(
        "plan {}, {} of {} requests used today",
        account["subscription"]["plan"].as_str().unwrap_or("unknown"),
        requests["current"],
        requests["limit_day"]
    );
    Ok(Checked::good(table, said))
}
