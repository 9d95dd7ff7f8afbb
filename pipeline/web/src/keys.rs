//! Keys: who may read, who may operate. Only their hashes are kept.
//!
//! A key is 32 random bytes, so that one round of SHA-256 hides it as well as any slow hash would:
//! there is nothing to guess.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How a key begins, so that one can be told from other secrets.
const PREFIX: &str = "mbk_";
/// How a hash begins, in the configuration.
const HASH_PREFIX: &str = "sha256:";

/// What a key allows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To look at everything.
    Read,
    /// To append events, to say what became of a bet, and to retry or drop dead letters.
    Operate,
}

impl Scope {
    /// The name, as in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

/// A key as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyConfig {
    /// `sha256:` and 64 hexadecimal digits.
    pub hash: String,
    /// What it allows; `operate` does not include `read`.
    pub scopes: Vec<Scope>,
}

impl KeyConfig {
    /// Sees that it is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.digest().is_none() {
            return Err(
                "has a hash that is not `sha256:` and 64 hexadecimal digits; make one with \
                        `marabet key new NAME`"
                    .to_owned(),
            );
        }
        if self.scopes.is_empty() {
            return Err("has no scopes; give it `read`, `operate` or both".to_owned());
        }
        Ok(())
    }

    fn digest(&self) -> Option<[u8; 32]> {
        let digits = self.hash.strip_prefix(HASH_PREFIX)?;
        let mut digest = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(digest)
    }
}

/// A new key, to be shown once, and what the configuration keeps of it.
#[derive(Debug)]
pub struct NewKey {
    /// The key.
    pub key: String,
    /// Its hash, for the configuration.
    pub hash: String,
}

/// Makes a key from the system's randomness.
///
/// # Errors
/// Why the system gives none.
pub fn generate() -> Result<NewKey, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    let key = format!("{PREFIX}{}", hexadecimal(&bytes));
    let hash = format!("{HASH_PREFIX}{}", hexadecimal(&digest(&key)));
    Ok(NewKey { key, hash })
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The key's name; none where no key is needed.
    pub(crate) key: Option<String>,
    /// What the caller may do.
    pub(crate) scopes: Vec<Scope>,
}

/// The keys by their hashes.
#[derive(Debug, Default)]
pub(crate) struct Keys(BTreeMap<[u8; 32], (String, Vec<Scope>)>);

impl Keys {
    pub(crate) fn new(keys: &BTreeMap<String, KeyConfig>) -> Self {
        let known = keys
            .iter()
            .filter_map(|(name, key)| Some((key.digest()?, (name.clone(), key.scopes.clone()))));
        Self(known.collect())
    }

    /// Whether a key is needed at all.
    pub(crate) fn are_needed(&self) -> bool {
        !self.0.is_empty()
    }

    /// Who calls with this key. Comparing hashes tells a listener nothing of the key.
    pub(crate) fn caller(&self, key: &str) -> Option<Caller> {
        let (name, scopes) = self.0.get(&digest(key))?;
        Some(Caller { key: Some(name.clone()), scopes: scopes.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash_alone() {
        let new = generate().unwrap();
        let config = KeyConfig { hash: new.hash.clone(), scopes: vec![Scope::Read] };
        config.check().unwrap();
        assert!(!new.hash.contains(&new.key[PREFIX.len()..]));
        let keys = Keys::new(&BTreeMap::from([("ops".to_owned(), config)]));
        let caller = keys.caller(&new.key).unwrap();
        assert_eq!((caller.key.as_deref(), &*caller.scopes), (Some("ops"), &[Scope::Read][..]));
        assert_eq!(keys.caller("mbk_00"), None);
        assert_ne!(generate().unwrap().key, new.key);
    }

    #[test]
    fn a_hash_that_is_none_is_refused() {
        for hash in ["", "sha256:", "sha256:zz", "md5:00", "sha256:é"] {
            let key = KeyConfig { hash: hash.to_owned(), scopes: vec![Scope::Read] };
            assert!(key.check().is_err(), "{hash}");
        }
    }
}
