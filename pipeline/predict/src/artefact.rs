//! A trained model as it is archived and addressed by the hash of its bytes.

use marabet_quant::goals::{Fit, Model, Rates, Setting, UnknownModel, UnknownTeam};
use marabet_schemas::{ArtefactHash, Competition, Instant};
use serde::{Deserialize, Serialize};

/// The form of the envelope that this program writes and reads.
const FORM: u16 = 1;

/// A model with what must be known to use it. Its bytes are its JSON, which is deterministic: the
/// same model gives the same bytes and so the same hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artefact {
    /// Version of this envelope.
    form: u16,
    /// The kind of model.
    pub family: Model,
    /// Whose matches it prices.
    pub competition: Competition,
    /// It was trained on what was known before this instant.
    pub as_of: Instant,
    /// Whether sides that it has never seen are priced at a newcomer's strength. Without this a
    /// match of theirs has no price.
    pub newcomers: bool,
    /// The fitted model.
    pub fit: Fit,
}

/// Why bytes are no artefact.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// They cannot be read.
    #[error("the artefact cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version of this program wrote them.
    #[error("the artefact has form {0}, this program reads form {FORM}: upgrade to use it")]
    Form(u16),
    /// A kind of model that this program does not have.
    #[error("{0}: upgrade to use it")]
    UnknownFamily(#[from] UnknownModel),
    /// The envelope names another family than the model within.
    #[error("the artefact says `{family}` and holds a model of `{fitted}`")]
    Family {
        /// What the envelope says.
        family: Model,
        /// What it holds.
        fitted: Model,
    },
}

/// What is read first, so that what a later program wrote is named as such.
#[derive(Deserialize)]
struct Head {
    form: u16,
    family: String,
}

impl ArtefactError {
    /// Whether a newer program may be able to read the bytes.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Form(_) | Self::UnknownFamily(_))
    }
}

impl Artefact {
    /// The artefact of a fitted model.
    #[must_use]
    pub fn new(competition: Competition, as_of: Instant, newcomers: bool, fit: Fit) -> Self {
        Self { form: FORM, family: fit.model, competition, as_of, newcomers, fit }
    }

    /// The bytes that are archived.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an artefact holds only what JSON can say")
    }

    /// Reads an artefact from its bytes.
    ///
    /// # Errors
    /// [`ArtefactError`] when they are none, or those of a later form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtefactError> {
        let Head { form, family } = serde_json::from_slice(bytes)?;
        if form != FORM {
            return Err(ArtefactError::Form(form));
        }
        let _: Model = family.parse()?;
        let artefact: Self = serde_json::from_slice(bytes)?;
        let (family, fitted) = (artefact.family, artefact.fit.model);
        if family != fitted {
            return Err(ArtefactError::Family { family, fitted });
        }
        Ok(artefact)
    }

    /// The hash of the artefact's bytes, its address.
    #[must_use]
    pub fn hash(&self) -> ArtefactHash {
        ArtefactHash::of(&self.to_bytes())
    }

    /// The rates at which both sides of a match score.
    ///
    /// # Errors
    /// [`UnknownTeam`] for a side that the model has not seen, unless newcomers are priced.
    pub fn rates(&self, home: &str, away: &str, neutral: bool) -> Result<Rates, UnknownTeam> {
        let newcomers = self.newcomers;
        self.fit.rates_in(home, away, &Setting { neutral, newcomers, ..Setting::default() })
    }
}
