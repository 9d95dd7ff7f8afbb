//! A look at live sources now and then, for who does not follow them all the time.
//!
//! Each source is asked until it falls quiet: what is due by its own schedule comes, and no more.
//! The sources are handed back, for they know when they were last asked, and what they cost.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant as Moment;

use crate::clock;
use crate::source::{Batch, Source, SourceError};

/// How long a look may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookLimits {
    /// A source that brings nothing for so long has nothing more now. Longer than one of its calls
    /// may take: a call that is cut off is lost until the source is due again.
    pub quiet: Duration,
    /// After this long a source is not asked again.
    pub most: Duration,
}

impl Default for LookLimits {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(25), most: Duration::from_secs(300) }
    }
}

/// What a look at one source brought.
pub struct Seen {
    /// The source.
    pub source: Box<dyn Source>,
    /// What it brought.
    pub batch: Batch,
    /// Why it brought no more, where something is wrong.
    pub fault: Option<SourceError>,
}

/// Looks at these sources, all at once. One that fails keeps none of the others up.
pub async fn look(sources: Vec<Box<dyn Source>>, limits: LookLimits) -> Vec<Seen> {
    let mut looks = JoinSet::new();
    for source in sources {
        looks.spawn(look_at(source, limits));
    }
    let mut all = looks.join_all().await;
    all.sort_by(|one, other| one.source.name().cmp(other.source.name()));
    all
}

async fn look_at(mut source: Box<dyn Source>, limits: LookLimits) -> Seen {
    let end = Moment::from_std(clock::moment()) + limits.most;
    let (mut batch, mut fault) = (Batch::default(), None);
    while Moment::from_std(clock::moment()) < end {
        match tokio::time::timeout(limits.quiet, source.next()).await {
            Ok(Ok(Some(more))) => {
                batch.events.extend(more.events);
                batch.rejects.extend(more.rejects);
            }
            Ok(Ok(None)) | Err(_) => break,
            Ok(Err(error)) => {
                fault = Some(error);
                break;
            }
        }
    }
    Seen { source, batch, fault }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use async_trait::async_trait;
    use marabet_schemas::facts::MatchClosed;
    use marabet_schemas::{Event, Instant, Source as SourceName};

    use super::*;

    /// Yields what it is given, then nothing more.
    struct Given(SourceName, VecDeque<Result<Batch, SourceError>>);

    #[async_trait]
    impl Source for Given {
        fn name(&self) -> &SourceName {
            &self.0
        }

        async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
            match self.1.pop_front() {
                Some(given) => given.map(Some),
                None => std::future::pending().await,
            }
        }
    }

    fn given(
        name: &str,
        all: impl IntoIterator<Item = Result<Batch, SourceError>>,
    ) -> Box<dyn Source> {
        Box::new(Given(SourceName::new(name), all.into_iter().collect()))
    }

    fn one() -> Result<Batch, SourceError> {
        let key = "E0|2024-25|Arsenal|Chelsea|1".parse().unwrap();
        let closed = MatchClosed { src: SourceName::new("given") };
        let events = vec![Event::of(key, Instant::default(), closed)];
        Ok(Batch { events, ..Batch::default() })
    }

    #[tokio::test]
    async fn a_look_brings_what_is_due_and_a_source_that_fails_keeps_no_other_up() {
        let limits = LookLimits { quiet: Duration::from_millis(30), most: Duration::from_secs(5) };
        let away = || Err(SourceError::transient("away"));
        let sources = vec![given("b", [one(), one()]), given("a", [one(), away(), one()])];
        let seen = look(sources, limits).await;
        let brought: Vec<_> = seen
            .iter()
            .map(|one| (one.source.name().as_str(), one.batch.events.len(), one.fault.is_some()))
            .collect();
        assert_eq!(brought, [("a", 1, true), ("b", 2, false)]);

        // The next look goes on where this one ended.
        let again = look(seen.into_iter().map(|one| one.source).collect(), limits).await;
        assert_eq!(again.iter().map(|one| one.batch.events.len()).collect::<Vec<_>>(), [1, 0]);
    }

    #[tokio::test]
    async fn a_source_that_never_falls_quiet_is_left_after_a_while() {
        struct Endless(SourceName);

        #[async_trait]
        impl Source for Endless {
            fn name(&self) -> &SourceName {
                &self.0
            }

            async fn next(&mut self) -> Result<Option<Batch>, SourceError> {
                tokio::time::sleep(Duration::from_millis(1)).await;
                one().map(Some)
            }
        }
        let limits = LookLimits { quiet: Duration::from_secs(5), most: Duration::from_millis(50) };
        let seen = look(vec![Box::new(Endless(SourceName::new("endless")))], limits).await;
        assert!(!seen[0].batch.events.is_empty());
    }
}
