//! Secrets: tokens, passwords, keys. They come from the environment or a file, and no message,
//! log or `Debug` output shows them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A secret. It is shown as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret from its text; blanks around it are no part of it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without the secret, for messages of others that may repeat it.
    #[must_use]
    pub fn hidden_in(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "…") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is: `{ env = "NAME" }` or `{ file = "path" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SecretSource {
    /// In a variable of the environment.
    Env(String),
    /// In a file, which holds nothing else.
    File(PathBuf),
}

/// A secret that is not where it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret {
    /// The variable is not set, or empty.
    #[error("the environment variable {0}, which is to hold a secret, is not set")]
    Env(String),
    /// The file cannot be read, or is empty.
    #[error("the file {} , which is to hold a secret, cannot be used: {reason}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// [`NoSecret`], which names the place.
    pub fn read(&self) -> Result<Secret, NoSecret> {
        match self {
            Self::Env(name) => {
                let text = std::env::var(name).unwrap_or_default();
                let secret = Secret::new(&text);
                if secret.reveal().is_empty() {
                    return Err(NoSecret::Env(name.clone()));
                }
                Ok(secret)
            }
            Self::File(file) => {
                let fault = |reason: String| NoSecret::File { file: file.clone(), reason };
                let text =
                    std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
                let secret = Secret::new(&text);
                if secret.reveal().is_empty() {
                    return Err(fault("it is empty".to_owned()));
                }
                Ok(secret)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_and_a_missing_one_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\n").unwrap();
        let secret = SecretSource::File(file.path().to_owned()).read().unwrap();
        assert_eq!(secret.reveal(), "s3cret");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.hidden_in("https://api/bots3cret/x"), "https://api/bot…/x");
        let missing = SecretSource::Env("MARABET_NO_SUCH_VARIABLE".to_owned()).read().unwrap_err();
        assert!(missing.to_string().contains("MARABET_NO_SUCH_VARIABLE"));
        std::fs::write(file.path(), " \n").unwrap();
        assert!(SecretSource::File(file.path().to_owned()).read().is_err());
    }
}
