//! The files of past seasons as a source: how matches went and ended, and their closing prices.
//!
//! These settle and measure bets that were found at prices of another source. The prices before
//! the match stand in the files without an instant; they are left out unless they are asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use marabet_schemas::facts::Phase;
use marabet_schemas::{Body, Competition, Event, Instant, Source as SourceName};

use super::{Loader, SOURCE, Timing};
use crate::recorded::Recorded;
use crate::reject::Reject;
use crate::seasons;
use crate::source::SourceError;

/// What is read of the files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplaySettings {
    /// Competitions, by our codes; all where none is named.
    pub competitions: BTreeSet<Competition>,
    /// Only matches that kick off at or after this.
    pub from: Option<Instant>,
    /// Only matches that kick off before this.
    pub to: Option<Instant>,
    /// The prices before the match too, at instants that a rule sets.
    pub prices: bool,
}

/// The files below these paths as a source.
///
/// # Errors
/// There are none, or one is none of the site's.
pub fn replay(
    paths: &[PathBuf],
    settings: &ReplaySettings,
) -> Result<Recorded<impl Iterator<Item = Event> + Send + use<>>, SourceError> {
    let found = seasons::find(paths).map_err(|error| SourceError::permanent(error.to_string()))?;
    if found.is_empty() {
        return Err(SourceError::permanent("there are no files to read; name some in `files`"));
    }
    let mut rejects: Vec<Reject> = Vec::new();
    let mut loader = Loader::new(Timing::default());
    for path in &found {
        loader
            .file(path, &mut rejects)
            .map_err(|error| SourceError::permanent(format!("{}: {error}", path.display())))?;
    }
    let mut timeline = loader.finish(&mut rejects);
    let ReplaySettings { competitions, from, to, prices } = settings;
    timeline.retain(|a_match| {
        let kickoff = a_match.instants.kickoff;
        (competitions.is_empty() || competitions.contains(&a_match.record.competition))
            && from.is_none_or(|from| from <= kickoff)
            && to.is_none_or(|to| kickoff < to)
    });
    let prices = *prices;
    let events = timeline.into_events().filter(move |event| prices || !is_early_price(event));
    Ok(Recorded::new(SourceName::new(SOURCE), events).with_rejects(rejects))
}

fn is_early_price(event: &Event) -> bool {
    match &event.body {
        Body::Quote(quote) => quote.phase == Phase::Pre,
        Body::Aggregate(aggregate) => aggregate.phase == Phase::Pre,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    const FILE: &str = "Div,Date,Time,HomeTeam,AwayTeam,FTHG,FTAG,FTR,PSH,PSD,PSA,PSCH,PSCD,PSCA\n\
        E0,18/04/2026,15:00,Wolves,Brighton,2,1,H,3.4,3.5,2.2,3.2,3.5,2.3\n\
        E0,25/04/2026,15:00,Arsenal,Chelsea,0,0,D,2.0,3.4,3.9,2.0,3.4,3.9\n";

    fn told(settings: &ReplaySettings) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("E0.csv");
        std::fs::write(&path, FILE).unwrap();
        let mut source = replay(&[path], settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let batch = runtime.block_on(source.next()).unwrap().unwrap_or_default();
        let kind = |event: &Event| {
            format!("{} {}", event.key.as_ref().unwrap().home(), event.kind().name())
        };
        batch.events.iter().map(kind).collect()
    }

    #[test]
    fn what_happened_and_the_closing_prices_are_told_and_earlier_prices_where_asked_for() {
        let from = Some("2026-04-20T00:00:00Z".parse().unwrap());
        let later = told(&ReplaySettings { from, ..ReplaySettings::default() });
        let kinds = ["fixture", "quote", "fixture", "result", "match.closed"];
        assert_eq!(later, kinds.map(|kind| format!("Arsenal {kind}")));
        let all = told(&ReplaySettings { prices: true, ..ReplaySettings::default() });
        assert_eq!(all.len(), 2 * kinds.len() + 2, "{all:?}");
        let competitions = ["SP1".into()].into();
        let elsewhere = told(&ReplaySettings { competitions, ..ReplaySettings::default() });
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
    }

    #[test]
    fn a_folder_without_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = replay(&[folder.path().into()], &ReplaySettings::default()).err().unwrap();
        assert!(error.to_string().contains("no files"), "{error}");
    }
}
