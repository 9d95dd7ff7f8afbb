//! Values that can be read and make no sense.

use std::fmt;
use std::path::{Path, PathBuf};

use marabet_schemas::strategy::{FairSource, Strategy};

use super::Config;
use super::environment::Override;

/// A value that makes no sense, and where it was set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// File and line, or the variable.
    place: Option<Place>,
    /// The key's path, joined by dots.
    key: String,
    /// What is wrong and what would be right.
    problem: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Line(PathBuf, usize),
    Variable(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(Place::Line(file, line)) => write!(f, "{}:{line}: ", file.display())?,
            Some(Place::Variable(variable)) => write!(f, "environment variable {variable}: ")?,
            None => {}
        }
        write!(f, "{} {}", self.key, self.problem)
    }
}

/// Everything in the configuration that makes no sense.
pub(crate) fn findings(
    config: &Config,
    file: Option<&Path>,
    text: &str,
    overrides: &[Override],
) -> Vec<Finding> {
    let mut problems = Problems::default();
    log(config, &mut problems);
    training(config, &mut problems);
    books(config, &mut problems);
    for fault in config.web.faults() {
        problems.check(false, &format!("web.{}", fault.key), fault.problem);
    }
    telemetry(config, &mut problems);
    jobs(config, &mut problems);
    notify(config, &mut problems);
    problems.check(
        !config.strategies.is_empty(),
        "strategies",
        "is empty; name at least one, such as [strategies.sharp]",
    );
    for (name, rules) in &config.strategies {
        strategy(&format!("strategies.{name}"), rules, &mut problems);
    }
    problems.check(
        config.account.bankroll.cents() > 0,
        "account.bankroll",
        "must be above 0: stakes are shares of it",
    );
    let place = |key: &str| {
        let variable = overrides.iter().rev().find(|one| one.path.join(".") == key);
        let line = || Some(Place::Line(file?.to_owned(), line_of(text, key)?));
        variable.map(|one| Place::Variable(one.variable.clone())).or_else(line)
    };
    problems
        .0
        .into_iter()
        .map(|(key, problem)| Finding { place: place(&key), key, problem })
        .collect()
}

#[derive(Default)]
struct Problems(Vec<(String, String)>);

impl Problems {
    fn check(&mut self, good: bool, key: &str, problem: impl Into<String>) {
        if !good {
            self.0.push((key.to_owned(), problem.into()));
        }
    }
}

fn log(config: &Config, problems: &mut Problems) {
    let partitions = config.log.partitions;
    problems.check(
        (1..=100).contains(&partitions),
        "log.partitions",
        format!("must lie in 1..=100, got {partitions}"),
    );
    problems.check(
        config.log.tls_certificate.is_some() == config.log.tls_key.is_some(),
        "log.tls_certificate",
        "and log.tls_key go together: set both or none",
    );
    let prefix = &config.log.prefix;
    problems.check(
        !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)),
        "log.prefix",
        format!("must be letters, digits, `-` and `_`, got `{prefix}`"),
    );
}

fn training(config: &Config, problems: &mut Problems) {
    let xi = config.training.xi_per_day;
    problems.check(
        (0.0..=0.1).contains(&xi),
        "training.xi_per_day",
        format!("must lie in 0..=0.1 a day, got {xi}; 0.0018 halves a match's weight in 385 days"),
    );
    problems.check(config.training.every_days > 0, "training.every_days", "must be above 0");
}

fn books(config: &Config, problems: &mut Problems) {
    for (book, rules) in &config.books {
        problems.check(
            (0.0..0.5).contains(&rules.commission),
            &format!("books.{book}.commission"),
            format!("is a share of the winnings below 0.5, got {}; 0.02 is 2 %", rules.commission),
        );
    }
}

fn telemetry(config: &Config, problems: &mut Problems) {
    let share = config.telemetry.share;
    problems.check(
        (0.0..=1.0).contains(&share),
        "telemetry.share",
        format!("must lie in 0..=1, got {share}"),
    );
    if let Some(url) = &config.telemetry.otlp {
        problems.check(
            url.starts_with("http://") || url.starts_with("https://"),
            "telemetry.otlp",
            format!("must be the URL of a collector, such as http://localhost:4318, got `{url}`"),
        );
        problems.check(
            !url.contains('@'),
            "telemetry.otlp",
            "must hold no password, which would be shown; give it as a header in telemetry.headers",
        );
    }
}

fn jobs(config: &Config, problems: &mut Problems) {
    if let Err(error) = config.jobs.plans() {
        problems.check(false, "jobs.plans", format!("are wrong: {error}"));
    }
    for (queue, at_once) in &config.jobs.queues {
        let key = format!("jobs.queues.{queue}");
        problems.check(*at_once > 0, &key, "must be above 0: nothing would run in it");
    }
}

fn notify(config: &Config, problems: &mut Problems) {
    let chats = config.notify.telegram.iter().flat_map(|bot| &bot.chats);
    let chats = chats.map(|one| (&one.name, &one.audience));
    let mails = config.notify.mail.iter().map(|one| (&one.name, &one.audience));
    let webhooks = config.notify.webhooks.iter().map(|one| (&one.name, &one.audience));
    let mut names = std::collections::BTreeSet::from(["console", "file"]);
    for (name, audience) in chats.chain(mails).chain(webhooks) {
        problems.check(
            names.insert(name) && !name.is_empty(),
            "notify",
            format!("names two channels `{name}`; each needs a name of its own"),
        );
        let known = jiff::tz::TimeZone::get(&audience.zone).is_ok();
        let zone = &audience.zone;
        problems.check(known, "notify", format!("channel {name}: there is no time zone `{zone}`"));
    }
}

fn strategy(at: &str, rules: &Strategy, problems: &mut Problems) {
    let unit = [
        ("kelly_fraction", rules.kelly_fraction),
        ("model_weight", rules.model_weight),
        ("ev_min", rules.ev_min),
    ];
    for (key, value) in unit {
        problems.check(
            (0.0..=1.0).contains(&value),
            &format!("{at}.{key}"),
            format!("must lie in 0..=1, got {value}"),
        );
    }
    problems.check(
        rules.outlier_factor > 1.0,
        &format!("{at}.outlier_factor"),
        format!("must be above 1, got {}: every price would be an outlier", rules.outlier_factor),
    );
    problems.check(
        rules.odds_min <= rules.odds_max,
        &format!("{at}.odds_min"),
        format!("is above odds_max: {} > {}", rules.odds_min, rules.odds_max),
    );
    let needs_reference = matches!(rules.fair, FairSource::Sharp | FairSource::Blend);
    problems.check(
        !needs_reference || !rules.references.is_empty(),
        &format!("{at}.references"),
        "is empty; without a reference book there is no fair price and no bet",
    );
}

/// The line (from 1) on which a key is set: the last of its path that the text holds, below the
/// table that leads to it.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = header.replace(['"', ' '], "");
        } else if current == table
            && line.split_once('=').is_some_and(|(found, _)| found.trim().trim_matches('"') == name)
        {
            return Some(number);
        }
    }
    None
}
