//! `marabet sources`

use std::collections::BTreeMap;
use std::io::{self, Write};

use marabet_ingest::SourceError;
use marabet_ingest::merged::Standing;
use marabet_ingest::names::canon::Canon;
use marabet_schemas::{Instant, Source as SourceName};
use serde::Serialize;

use crate::cli::SourcesCommand;
use crate::config::Config;
use crate::failure::NotThere;
use crate::line::open;
use crate::output::{Answer, grouped, say};
use crate::sources::{self, Checked, KNOWN, Setup};

pub(super) async fn execute(
    command: &SourcesCommand,
    config: &Config,
    json: bool,
) -> anyhow::Result<()> {
    match command {
        SourcesCommand::List { competitions: true } => say(&competitions(), json),
        SourcesCommand::List { competitions: false } => say(&list(config), json),
        SourcesCommand::Check { source } => check(source.as_deref(), config, json).await,
        SourcesCommand::Probe { source } => probe(source, config, json).await,
    }
}

#[derive(Serialize)]
struct Listed {
    table: String,
    brings: String,
    set_up: bool,
    /// It is read from its beginning when it is named, and by itself.
    recorded: bool,
    /// Of the process that runs, or ran last.
    standing: Option<Standing>,
    waiting: usize,
    /// What its looks cost, where they cost something.
    cost: Option<String>,
}

#[derive(Serialize)]
struct List {
    now: Instant,
    sources: Vec<Listed>,
}

fn list(config: &Config) -> List {
    let folder = &config.log.folder;
    let text = std::fs::read(sources::standings_file(folder)).unwrap_or_default();
    let standings: BTreeMap<SourceName, Standing> =
        serde_json::from_slice(&text).unwrap_or_default();
    let set_up = sources::set_up_tables(&config.sources);
    let waiting = |name: &str| {
        let file = sources::kept(folder).join(format!("{name}.waiting.ndjson"));
        std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
    };
    let mut listed: Vec<Listed> = KNOWN
        .iter()
        .map(|known| Listed {
            table: known.table.to_owned(),
            brings: known.brings.to_owned(),
            set_up: set_up.iter().any(|table| table == known.table),
            recorded: sources::is_recorded(known.table, &config.sources),
            standing: standings
                .get(&SourceName::new(known.name))
                .filter(|_| !known.recorded)
                .cloned(),
            waiting: if known.recorded { 0 } else { waiting(known.name) },
            cost: sources::cost(known.table, config),
        })
        .collect();
    listed.extend(set_up.iter().filter(|table| table.starts_with("prices.")).map(|table| Listed {
        table: table.clone(),
        brings: "prices of files".to_owned(),
        set_up: true,
        recorded: true,
        standing: None,
        waiting: 0,
        cost: None,
    }));
    List { now: open::now(), sources: listed }
}

impl Answer for List {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for one in &self.sources {
            let state = match (&one.standing, one.set_up) {
                (_, false) => "not set up".to_owned(),
                (_, true) if one.recorded => {
                    format!("set up; `marabet run --source {}` reads it", one.table)
                }
                (None, true) => "set up, has not run".to_owned(),
                (Some(standing), true) => said(standing, self.now),
            };
            writeln!(out, "{:<14} {state}", one.table)?;
            if one.waiting > 0 {
                writeln!(
                    out,
                    "{:<14} {} facts wait for names: marabet names review",
                    "", one.waiting
                )?;
            }
            if let Some(cost) = &one.cost {
                writeln!(out, "{:<14} {cost}", "")?;
            }
            if !one.set_up {
                writeln!(out, "{:<14} {}; set it up in [sources.{}]", "", one.brings, one.table)?;
            }
        }
        Ok(())
    }
}

fn said(standing: &Standing, now: Instant) -> String {
    let ago = |at: Instant| format!("{:.0} s ago", now.seconds_since(at).max(0.0));
    let mut text =
        format!("{} events, {} rejects", grouped(standing.events), grouped(standing.rejects));
    if let Some(at) = standing.last_batch {
        text.push_str(&format!(", last news {}", ago(at)));
    }
    if standing.stopped {
        text.push_str(", stopped");
    }
    if let Some((at, reason)) = &standing.last_fault {
        text.push_str(&format!("; last fault {}: {reason}", ago(*at)));
    }
    text
}

#[derive(Serialize)]
struct Competitions(BTreeMap<String, BTreeMap<String, String>>);

fn competitions() -> Competitions {
    let canon = Canon::built_in();
    let all = canon.competitions().map(|(code, known)| {
        let mut called = known.called.clone();
        called.insert("name".to_owned(), known.name.clone());
        (code.to_string(), called)
    });
    Competitions(all.collect())
}

impl Answer for Competitions {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for (code, called) in &self.0 {
            let name = called.get("name").map_or("", String::as_str);
            let by = called.keys().filter(|key| *key != "name").cloned().collect::<Vec<_>>();
            writeln!(out, "{code:<14} {name:<36} {}", by.join(", "))?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Checks(Vec<Checked>);

impl Answer for Checks {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for one in &self.0 {
            let sign = if one.good { "good" } else { "bad " };
            writeln!(out, "{sign}  {}: {}", one.source, one.said)?;
            if let Some(cost) = &one.cost {
                writeln!(out, "      {cost}")?;
            }
        }
        Ok(())
    }
}

async fn check(source: Option<&str>, config: &Config, json: bool) -> anyhow::Result<()> {
    let all = sources::set_up_tables(&config.sources);
    let chosen: Vec<String> = match source {
        Some(source) if all.iter().any(|table| table == source) => vec![source.to_owned()],
        Some(source) => return Err(not_set_up(source)),
        None => all,
    };
    if chosen.is_empty() {
        let what = "no source is set up; `marabet sources list` shows what there is, and README.md \
                    the lines that set each up";
        return Err(NotThere(what.to_owned()).into());
    }
    let mut checks = Vec::new();
    for table in &chosen {
        checks.push(sources::check(table, config).await);
    }
    let bad = checks.iter().filter(|one| !one.good).count();
    say(&Checks(checks), json)?;
    if bad > 0 {
        anyhow::bail!("{bad} of {} sources cannot be used as they are set up", chosen.len());
    }
    Ok(())
}

fn not_set_up(source: &str) -> anyhow::Error {
    let table = KNOWN.iter().find(|known| known.table == source || known.name == source);
    let what = match table {
        Some(known) => {
            format!("`{source}` is not set up; give it a table [sources.{}]", known.table)
        }
        None => format!("`{source}` is no source; `marabet sources list` shows what there is"),
    };
    NotThere(what).into()
}

/// What one look brings.
#[derive(Serialize)]
struct Probed {
    source: String,
    seconds: f64,
    events: BTreeMap<&'static str, u64>,
    matches: usize,
    books: usize,
    rejects: u64,
    /// The first of them.
    examples: Vec<String>,
    questions: usize,
    /// What its looks cost, where they cost something.
    cost: Option<String>,
}

impl Answer for Probed {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let kinds: Vec<String> =
            self.events.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        writeln!(out, "{} brought {kinds} in {:.1} s", self.source, self.seconds)?;
        writeln!(out, "{} matches, {} books, {} rejects", self.matches, self.books, self.rejects)?;
        for example in &self.examples {
            writeln!(out, "  {example}")?;
        }
        if self.questions > 0 {
            writeln!(out, "{} names are asked about: marabet names review", self.questions)?;
        }
        if let Some(cost) = &self.cost {
            writeln!(out, "{cost}")?;
        }
        Ok(())
    }
}

/// How long a probe waits for news.
const PROBE_MAX: std::time::Duration = std::time::Duration::from_secs(30);

async fn probe(source: &str, config: &Config, json: bool) -> anyhow::Result<()> {
    if !sources::set_up_tables(&config.sources).iter().any(|table| table == source) {
        return Err(not_set_up(source));
    }
    // Nothing is appended, and nothing is decided for good.
    let names = marabet_ingest::names::Names::in_memory();
    let mut opened = sources::set_up(source, config, &Setup::default(), &names, &[])?;
    let began = open::now();
    let brought = tokio::time::timeout(PROBE_MAX, opened.next()).await;
    let batch = match brought {
        Ok(Ok(batch)) => batch.unwrap_or_default(),
        Ok(Err(SourceError::Transient { reason, .. } | SourceError::Permanent { reason })) => {
            anyhow::bail!("{source}: {reason}");
        }
        Err(_) => anyhow::bail!("{source} brought nothing within {} s", PROBE_MAX.as_secs()),
    };
    let mut events = BTreeMap::new();
    let (mut matches, mut books) =
        (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for event in &batch.events {
        *events.entry(event.kind().name()).or_default() += 1;
        matches.extend(event.key.clone());
        if let marabet_schemas::Body::Quote(quote) = &event.body {
            books.insert(quote.book.clone());
        }
    }
    let probed = Probed {
        source: source.to_owned(),
        seconds: open::now().seconds_since(began),
        events,
        matches: matches.len(),
        books: books.len(),
        rejects: batch.rejects.len() as u64,
        examples: batch.rejects.iter().take(5).map(ToString::to_string).collect(),
        questions: names.questions().len(),
        cost: sources::cost(source, config),
    };
    say(&probed, json)
}
