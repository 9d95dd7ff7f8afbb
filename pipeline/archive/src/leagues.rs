//! Which competitions an archive has facts of.

use std::collections::BTreeMap;

use marabet_schemas::{ArtefactHash, Competition};
use marabet_streams::Stream;

use crate::archive::{Archive, Days};
use crate::error::ArchiveError;
use crate::schema::Holding;

/// The competitions of an archive's feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leagues {
    /// How many events each has.
    pub events: BTreeMap<Competition, u64>,
    /// Hash of the feed's files: equal ones hold the same facts.
    pub hash: ArtefactHash,
}

impl Archive {
    /// The competitions of the feed; of the files only the column of the keys is decoded.
    ///
    /// # Errors
    /// As [`Archive::files`] and [`Archive::open`].
    pub fn leagues(&self) -> Result<Leagues, ArchiveError> {
        let (mut events, mut hashes) = (BTreeMap::new(), String::new());
        for place in self.files(&Holding::Stream(Stream::Feed), &Days::ALL)? {
            let file = self.open(&place)?;
            hashes += &format!("{place} {}\n", file.content().data);
            file.count_leagues(&mut events)?;
        }
        Ok(Leagues { events, hash: ArtefactHash::of(hashes.as_bytes()) })
    }
}
