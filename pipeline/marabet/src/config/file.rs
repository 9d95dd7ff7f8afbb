//! Reading the file, with errors that name file, line and key.

use std::path::{Path, PathBuf};

use marabet_schemas::strategy::Rules;
use serde::Deserialize;
use toml::{Table, Value};

use super::environment::{self, Override};
use super::{Config, check};

/// A configuration, and where it comes from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What is set.
    pub(crate) config: Config,
    /// The file, where there is one.
    pub(crate) file: Option<PathBuf>,
    /// The variables that override it.
    pub(crate) overrides: Vec<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read the configuration {}: {error}; give its path with --config", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{}: {error}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where and what.
        error: Box<toml::de::Error>,
    },
    /// A variable sets a key that does not exist, or to a value that does not fit.
    #[error("environment variable {variable}: {reason}")]
    Override {
        /// The variable.
        variable: String,
        /// What is wrong.
        reason: String,
    },
    /// Values that make no sense.
    #[error("{}", list(.0))]
    Senseless(Vec<check::Finding>),
}

fn list(findings: &[check::Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Reads the file (the defaults alone without one) and the overrides among the variables.
///
/// # Errors
/// [`ConfigError`], with file, line and key, or the variable.
pub(crate) fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), error })?,
        None => String::new(),
    };
    let malformed = |error: toml::de::Error| ConfigError::Malformed {
        file: file.unwrap_or(Path::new("defaults")).to_owned(),
        error: Box::new(error),
    };
    // Read alone first, so that its errors carry line and column.
    toml::from_str::<Config>(&text).map_err(malformed)?;

    let mut table: Table = toml::from_str(&text).map_err(malformed)?;
    let overrides = environment::overrides(variables);
    apply(&mut table, &overrides)?;
    let config = complete(&table).map_err(malformed)?;
    let findings = check::findings(&config, file, &text, &overrides);
    if !findings.is_empty() {
        return Err(ConfigError::Senseless(findings));
    }
    Ok(Loaded {
        config,
        file: file.map(Path::to_owned),
        overrides: overrides.into_iter().map(|one| one.variable).collect(),
    })
}

/// Applies the overrides and sees that the whole still fits. Where it does not, the culprit is the
/// first after which nothing came that made it fit: one key of a table may need another.
fn apply(table: &mut Table, overrides: &[Override]) -> Result<(), ConfigError> {
    let mut culprit = None;
    for one in overrides {
        let fault =
            |reason: String| ConfigError::Override { variable: one.variable.clone(), reason };
        environment::set(table, &one.path, one.value.clone()).map_err(fault)?;
        match Config::deserialize(Value::Table(table.clone())) {
            Ok(_) => culprit = None,
            Err(error) => {
                culprit.get_or_insert_with(|| fault(error.message().to_owned()));
            }
        }
    }
    culprit.map_or(Ok(()), Err)
}

/// The configuration of a table, what it leaves out filled in: the books that are known by
/// default, and the reference books of strategies that name none.
fn complete(table: &Table) -> Result<Config, toml::de::Error> {
    let names_references = |strategy: &str| {
        let strategy = table.get("strategies").and_then(|all| all.get(strategy));
        strategy.is_some_and(|strategy| strategy.get("references").is_some())
    };
    let mut config = Config::deserialize(Value::Table(table.clone()))?;
    for (book, rules) in Rules::default().books {
        config.books.entry(book).or_insert(rules);
    }
    let references: Vec<_> = config
        .books
        .iter()
        .filter(|(_, rules)| rules.reference)
        .map(|(book, _)| book.clone())
        .collect();
    for (name, strategy) in &mut config.strategies {
        if !names_references(name.as_str()) {
            strategy.references.clone_from(&references);
        }
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        load(
            Some(file.path()),
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(load_text("", &[]).unwrap().config, Config::default());
    }

    #[test]
    fn an_error_names_line_and_key() {
        let error = load_text("[account]\nbankrol = 5\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("bankrol"), "{error}");
        let error = load_text("[strategies.mine]\nodds_min = 0.5\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("above 1"), "{error}");
    }

    #[test]
    fn a_senseless_value_is_found_with_its_line() {
        let text = "[training]\nevery_days = 7\n[strategies.mine]\n\nkelly_fraction = 7\n";
        let error = load_text(text, &[]).unwrap_err().to_string();
        assert!(error.contains(":5: strategies.mine.kelly_fraction"), "{error}");
    }

    #[test]
    fn the_environment_overrides_and_its_errors_name_the_variable() {
        let loaded = load_text("", &[("MARABET_ACCOUNT__BANKROLL", "5000")]).unwrap();
        assert_eq!(loaded.config.account.bankroll.units(), 5000.0);
        for (name, value) in
            [("MARABET_ACCOUNT__BANKROL", "5"), ("MARABET_LOG__PARTITIONS", "many")]
        {
            let error = load_text("", &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn a_book_marked_as_reference_serves_strategies_that_name_none() {
        let text = "[books.pinnacle]\nbettable = false\n[books.matchbook]\nreference = true\n\
                    [strategies.mine]\n[strategies.other]\nreferences = [\"bet365\"]\n";
        let config = load_text(text, &[]).unwrap().config;
        assert_eq!(config.strategies[&"mine".into()].references, ["matchbook".into()]);
        assert_eq!(config.strategies[&"other".into()].references, ["bet365".into()]);
    }
}
