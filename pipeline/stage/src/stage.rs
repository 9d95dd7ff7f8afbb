//! The trait that live and replay both drive.

use std::sync::Arc;

use marabet_schemas::{ArtefactHash, Event};

use crate::{Derived, Rows};

/// A stage of the line: one event in, what follows from it out.
pub trait Stage: Send {
    /// The stage's name, as in its consumer group and its state's key.
    fn name(&self) -> &'static str;

    /// Applies one event to the state and derives what follows.
    ///
    /// May read nothing but the state, the event and the artefacts that events have named.
    ///
    /// # Errors
    /// [`Fault::Rejected`] when the event is impossible: it becomes a dead letter, and the state
    /// is as if it had never come. [`Fault::Missing`] when an artefact is not at hand yet: the
    /// frame is tried again.
    fn apply(
        &mut self,
        event: &Event,
        artefacts: &dyn Artefacts,
        derived: &mut Derived,
    ) -> Result<(), Fault>;

    /// The tables that hold the whole of the stage's state.
    fn tables(&mut self) -> Vec<&mut dyn Rows>;

    /// Called after state was loaded or taken back, to drop whatever was computed from it and is
    /// kept beside the tables.
    fn forget_memo(&mut self) {}
}

/// Why an event could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The event is impossible where it stands.
    #[error("{0}")]
    Rejected(String),
    /// An artefact that the event names is not at hand.
    #[error("artefact {0} is not at hand")]
    Missing(ArtefactHash),
}

impl Fault {
    /// The event is impossible, for this reason.
    #[must_use]
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected(reason.into())
    }
}

/// The models that events have put in force, by the hash of their content.
///
/// The runner fetches and checks them; a stage only looks them up.
pub trait Artefacts: Send + Sync {
    /// The artefact's bytes, where it is at hand.
    fn get(&self, hash: &ArtefactHash) -> Option<Arc<[u8]>>;
}

impl Artefacts for std::collections::BTreeMap<ArtefactHash, Arc<[u8]>> {
    fn get(&self, hash: &ArtefactHash) -> Option<Arc<[u8]>> {
        std::collections::BTreeMap::get(self, hash).cloned()
    }
}
