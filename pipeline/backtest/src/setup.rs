//! What is backtested: account, books, strategies, training and frictions, from a file or built in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marabet_predict::training::TrainingOptions;
use marabet_quant::goals::FitOptions;
use marabet_schemas::strategy::{
    Account, BookRules, ClosingRules, Rules, SettlementRules, Strategy,
};
use marabet_schemas::{Book, StrategyName};
use serde::{Deserialize, Serialize};

use crate::built_in;
use crate::frictions::Frictions;

/// Everything that the bets of a backtest follow from, beside the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Setup {
    /// Whose money.
    pub account: Account,
    /// What is known of each book.
    pub books: BTreeMap<Book, BookRules>,
    /// The strategies.
    pub strategies: BTreeMap<StrategyName, Strategy>,
    /// How bets are measured against the closing line.
    pub closing: ClosingRules,
    /// When bets are void or in doubt.
    pub settlement: SettlementRules,
    /// How and how often models are trained.
    pub training: Training,
    /// How hard it is to bet.
    pub frictions: Frictions,
}

/// How and how often models are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// Days of event time from one training to the next.
    pub every_days: u16,
    /// Decay of a match's weight, a day.
    pub xi_per_day: f64,
    /// Fewest matches that a model is trained on.
    pub matches_min: u32,
}

impl Default for Training {
    fn default() -> Self {
        let options = TrainingOptions::default();
        Self {
            every_days: options.schedule.period_days,
            xi_per_day: options.fit.xi,
            matches_min: options.matches_min,
        }
    }
}

impl Training {
    /// The trainer's options.
    #[must_use]
    pub fn options(&self) -> TrainingOptions {
        let mut options = TrainingOptions::default();
        options.fit = FitOptions { xi: self.xi_per_day, ..options.fit };
        options.schedule.period_days = self.every_days;
        options.matches_min = self.matches_min;
        options
    }
}

impl Default for Setup {
    /// The built-in strategies, with the books and the account of the program's defaults.
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            account: rules.account,
            books: rules.books,
            strategies: built_in::all().into_iter().map(|one| (one.name, one.rules)).collect(),
            closing: rules.closing,
            settlement: rules.settlement,
            training: Training::default(),
            frictions: Frictions::default(),
        }
    }
}

/// Why there is no set-up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file does not say what it should; the message names line and column.
    #[error("{path}: {error}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: Box<toml::de::Error>,
    },
    /// A key that nobody reads.
    #[error("{path}: unknown key `{key}`; a backtest reads {known}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Those that there are.
        known: String,
    },
    /// A value that no decision could follow from.
    #[error("{key} {reason}")]
    Value {
        /// Where.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A strategy that is asked for and not there.
    #[error("no strategy `{wanted}`; there are {found}")]
    NoStrategy {
        /// What was asked for.
        wanted: StrategyName,
        /// What there is.
        found: String,
    },
}

/// The tables of a configuration file that a backtest reads.
const READ: [&str; 7] =
    ["account", "books", "strategies", "closing", "settlement", "training", "frictions"];
/// Those that are the live line's alone.
const LIVE: [&str; 8] = ["log", "notify", "web", "ledger", "archive", "jobs", "sources", "cache"];

impl Setup {
    /// Reads a configuration file: the live line's own, or one for backtests.
    ///
    /// # Errors
    /// [`SetupError`], with file, line and column where the text is at fault.
    pub fn read(path: &Path) -> Result<Self, SetupError> {
        let at = || path.to_owned();
        let text = std::fs::read_to_string(path)
            .map_err(|error| SetupError::Unreadable { path: at(), error })?;
        let malformed =
            |error: toml::de::Error| SetupError::Malformed { path: at(), error: Box::new(error) };
        let table: toml::Table = text.parse().map_err(malformed)?;
        let unknown = table.keys().find(|key| !READ.contains(&&***key) && !LIVE.contains(&&***key));
        if let Some(key) = unknown {
            let (key, known) = (key.clone(), READ.join(", "));
            return Err(SetupError::UnknownKey { path: at(), key, known });
        }
        let setup: Self = toml::from_str(&text).map_err(malformed)?;
        setup.check()?;
        Ok(setup)
    }

    /// Keeps only these strategies; all where none is named.
    ///
    /// # Errors
    /// [`SetupError::NoStrategy`].
    pub fn keep(&mut self, wanted: &[StrategyName]) -> Result<(), SetupError> {
        for name in wanted {
            if !self.strategies.contains_key(name) {
                let found: Vec<&str> = self.strategies.keys().map(StrategyName::as_str).collect();
                let found = found.join(", ");
                return Err(SetupError::NoStrategy { wanted: name.clone(), found });
            }
        }
        if !wanted.is_empty() {
            self.strategies.retain(|name, _| wanted.contains(name));
        }
        Ok(())
    }

    /// Refuses what no decision could follow from.
    ///
    /// # Errors
    /// [`SetupError::Value`] with the key.
    pub fn check(&self) -> Result<(), SetupError> {
        let wrong = |key: &str, reason: String| SetupError::Value { key: key.into(), reason };
        if self.strategies.is_empty() {
            return Err(wrong("strategies", "must name at least one".into()));
        }
        let Frictions { rejected, rejected_by, .. } = &self.frictions;
        for share in rejected_by.values().chain([rejected]) {
            if !(0.0..=1.0).contains(share) {
                return Err(wrong("frictions.rejected", format!("must lie in 0..=1, got {share}")));
            }
        }
        marabet_detect::survey::Survey::new(&self.rules())
            .map_err(|fault| wrong("", fault.to_string()))?;
        Ok(())
    }

    /// The rules that the stages take.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            account: self.account.clone(),
            books: self.books.clone(),
            strategies: self.strategies.clone(),
            closing: self.closing.clone(),
            settlement: self.settlement.clone(),
        }
    }

    /// Whether any strategy asks a model.
    #[must_use]
    pub fn uses_model(&self) -> bool {
        use marabet_schemas::strategy::FairSource::{Blend, Model};
        self.strategies.values().any(|one| matches!(one.fair, Model | Blend))
    }

    /// SHA-256 of the set-up: two runs with one hash over the same facts give the same bets.
    #[must_use]
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).expect("a set-up holds only what JSON can say");
        crate::digest::of_bytes(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Setup, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backtest.toml");
        std::fs::write(&path, text).unwrap();
        Setup::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_says_what_it_says_and_the_rest_is_built_in() {
        let setup = read("[strategies.mine]\nev_min = 0.04\n[log]\nfolder = 'x'\n").unwrap();
        assert_eq!(setup.strategies.keys().map(StrategyName::as_str).collect::<Vec<_>>(), ["mine"]);
        assert_eq!(setup.books, Setup::default().books);
        assert_ne!(setup.hash(), Setup::default().hash());
    }

    #[test]
    fn rules_as_the_live_line_writes_them_are_read() {
        let mut rules = Rules::default();
        rules.strategies.insert("mine".into(), Strategy { ev_min: 0.04, ..Strategy::default() });
        let setup = read(&toml::to_string(&rules).unwrap()).unwrap();
        assert_eq!(setup.rules(), rules);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let line = read("[strategies.mine]\nev_mim = 0.04\n").unwrap_err();
        assert!(line.contains("line 2") && line.contains("ev_mim"), "{line}");
        let key = read("[strategy.mine]\n").unwrap_err();
        assert!(key.contains("`strategy`"), "{key}");
        let value = read("[strategies.mine]\nkelly_fraction = 2.0\n").unwrap_err();
        assert!(value.contains("strategies.mine.kelly_fraction"), "{value}");
        let share = read("[strategies.mine]\n[frictions]\nrejected = 3.0\n").unwrap_err();
        assert!(share.contains("frictions.rejected"), "{share}");
    }

    #[test]
    fn a_strategy_that_is_not_there_is_named_beside_those_that_are() {
        let error = Setup::default().keep(&["sharpe".into()]).unwrap_err().to_string();
        assert!(error.contains("`sharpe`") && error.contains("sharp,"), "{error}");
    }
}
