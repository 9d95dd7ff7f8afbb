//! What a stage derives from events.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use marabet_schemas::{Event, Instant};
use smol_str::SmolStr;

/// What a cached view shows, which decides how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CacheClass {
    /// Prices.
    Odds,
    /// Match statistics and live scores.
    Stats,
    /// What models make of matches, and bets.
    Predictions,
    /// What hardly changes: fixtures.
    Static,
}

/// The name of a view within its partition, written `<kind>:<of>`, such as `odds:<match>`. Made
/// for every quote and written out once a commit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewName {
    /// What it shows.
    pub kind: &'static str,
    /// Of which match, or of what else.
    pub of: SmolStr,
}

impl ViewName {
    /// The view of this kind of a match or of something else.
    pub fn new(kind: &'static str, of: impl Into<SmolStr>) -> Self {
        Self { kind, of: of.into() }
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.of)
    }
}

/// One field of a materialised view: `<name>` is a hash of the match's partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// What it shows.
    pub class: CacheClass,
    /// The view's name.
    pub name: ViewName,
    /// The field, such as `<book>|<market>`.
    pub field: SmolStr,
    /// What it shows; none takes the field away.
    pub json: Option<Json>,
}

/// The JSON of a view's field. Of one field's values in a commit only the last is written, so
/// that what is quick to put together is put together there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// As it stands.
    Text(String),
    /// A line of those that a frame was read from.
    Line(Arc<str>, Range<usize>),
    /// An object that begins with an instant, `{"at":<at>,<rest>`.
    At(Instant, Arc<str>),
}

impl Json {
    /// The text, where it lies ready.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Line(lines, line) => Some(&lines[line.clone()]),
            Self::At(..) => None,
        }
    }

    /// About how many bytes it takes.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "no JSON is empty")]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Line(_, line) => line.len(),
            Self::At(_, rest) => rest.len() + 24,
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Line(lines, line) => f.write_str(&lines[line.clone()]),
            Self::At(at, rest) => write!(f, "{{\"at\":{},{rest}", at.micros()),
        }
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Where a stage puts what follows from the event it applies.
#[derive(Debug, Default, PartialEq)]
pub struct Derived {
    /// Events for the next stream, in order.
    pub events: Vec<Event>,
    /// Views to be written with them.
    pub cache: Vec<CacheEntry>,
    /// Nobody will look: views are not even made.
    without_views: bool,
    /// The line that the event was read from, where it is at hand.
    line: Option<(Arc<str>, Range<usize>)>,
}

impl Derived {
    /// For whoever only wants the events, as a replay does: making views costs more than pricing.
    #[must_use]
    pub fn without_views() -> Self {
        Self { without_views: true, ..Self::default() }
    }

    /// Adds a view's field, which is made only where somebody will look.
    pub fn show(&mut self, entry: impl FnOnce() -> CacheEntry) {
        if !self.without_views {
            self.cache.push(entry());
        }
    }

    /// Adds a view's field that shows the event as it came, which is the one that is applied.
    pub fn show_event(&mut self, event: &Event, entry: impl FnOnce(Json) -> CacheEntry) {
        if !self.without_views {
            let json = match &self.line {
                Some((lines, line)) => Json::Line(Arc::clone(lines), line.clone()),
                None => event.to_line().into(),
            };
            self.cache.push(entry(json));
        }
    }

    /// Says where the line stands of the event that is applied next.
    pub(crate) fn read_from(&mut self, lines: &Arc<str>, line: Range<usize>) {
        self.line = Some((Arc::clone(lines), line));
    }

    /// Derives an event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }
}
