//! Models and other artefacts, by the hash of their content.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use marabet_schemas::ArtefactHash;
use marabet_stage::Artefacts;

use crate::error::LogError;
use crate::log::Log;

/// Largest artefact that is taken, in bytes.
pub const ARTEFACT_BYTES_MAX: usize = 64 << 20;
/// Most bytes of artefacts held at hand; the oldest go first, and are fetched again when needed.
const AT_HAND_BYTES_MAX: usize = 256 << 20;

/// The artefacts at hand in this process, for the stages to look up. A runner fetches what a
/// stage misses.
#[derive(Debug, Default)]
pub struct ArtefactStore {
    at_hand: RwLock<AtHand>,
}

#[derive(Debug, Default)]
struct AtHand {
    artefacts: BTreeMap<ArtefactHash, Arc<[u8]>>,
    order: std::collections::VecDeque<ArtefactHash>,
    bytes: usize,
}

impl Artefacts for ArtefactStore {
    fn get(&self, hash: &ArtefactHash) -> Option<Arc<[u8]>> {
        self.at_hand.read().unwrap_or_else(PoisonError::into_inner).artefacts.get(hash).cloned()
    }
}

impl ArtefactStore {
    fn put(&self, hash: ArtefactHash, bytes: Arc<[u8]>) {
        let mut at_hand = self.at_hand.write().unwrap_or_else(PoisonError::into_inner);
        if at_hand.artefacts.contains_key(&hash) {
            return;
        }
        at_hand.bytes += bytes.len();
        at_hand.artefacts.insert(hash, bytes);
        at_hand.order.push_back(hash);
        while at_hand.bytes > AT_HAND_BYTES_MAX && at_hand.order.len() > 1 {
            let oldest = at_hand.order.pop_front().expect("there is more than one");
            let gone = at_hand.artefacts.remove(&oldest).map_or(0, |bytes| bytes.len());
            at_hand.bytes -= gone;
        }
    }
}

impl Log {
    /// Puts an artefact into the log, under the hash of its content. To put it there again
    /// changes nothing.
    ///
    /// # Errors
    /// [`LogError::Artefact`] when it is too large; [`LogError::Away`] when Redis is.
    pub async fn put_artefact(&self, bytes: &[u8]) -> Result<ArtefactHash, LogError> {
        let hash = ArtefactHash::of(bytes);
        if bytes.len() > ARTEFACT_BYTES_MAX {
            let reason = format!("{} bytes, more than {ARTEFACT_BYTES_MAX}", bytes.len());
            return Err(LogError::Artefact { hash, reason });
        }
        let key = self.namespace().artefact(&hash);
        self.query::<redis::Value>(redis::cmd("SET").arg(key).arg(bytes)).await?;
        self.artefacts().put(hash, bytes.into());
        Ok(hash)
    }

    /// An artefact, from this process' memory or from Redis. What Redis has is checked against
    /// the hash.
    ///
    /// # Errors
    /// [`LogError::Artefact`] when it is not there, or is not what its hash says;
    /// [`LogError::Away`] when Redis is.
    pub async fn get_artefact(&self, hash: &ArtefactHash) -> Result<Arc<[u8]>, LogError> {
        if let Some(bytes) = self.artefacts().get(hash) {
            return Ok(bytes);
        }
        let key = self.namespace().artefact(hash);
        let found: Option<Vec<u8>> = self.query(redis::cmd("GET").arg(key)).await?;
        let wrong = |reason: &str| LogError::Artefact { hash: *hash, reason: reason.to_owned() };
        let bytes: Arc<[u8]> = found.ok_or_else(|| wrong("it is not in the log"))?.into();
        if ArtefactHash::of(&bytes) != *hash {
            return Err(wrong("its content has another hash"));
        }
        self.artefacts().put(*hash, Arc::clone(&bytes));
        Ok(bytes)
    }
}
