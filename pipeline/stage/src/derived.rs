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
            Self::At(_, rest) => rest.len() + 24,
            Self::Text(_) | Self::Line(..) => self.text().map_or(0, str::len),
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at, rest) => write!(f, "{{\"at\":{},{rest}", at.micros()),
            Self::Text(_) | Self::Line(..) => f.write_str(self.text().unwrap_or_default()),
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
    /// What the frame was read from, where it is at hand.
    lines: Lines,
    /// Events of the frame.
    of: usize,
}

/// The lines of a frame, gone through as its events are.
#[derive(Debug, Default, PartialEq)]
struct Lines {
    text: Option<Arc<str>>,
    /// The event that is applied, and the one whose line was looked for last, with its place.
    event: u32,
    found: u32,
    at: usize,
}

impl Lines {
    /// The line of the event that is applied.
    fn line(&mut self) -> Option<Json> {
        let text = self.text.as_ref()?;
        while self.found < self.event {
            self.at += text[self.at..].find('\n')? + 1;
            self.found += 1;
        }
        let end = text[self.at..].find('\n').map_or(text.len(), |length| self.at + length);
        Some(Json::Line(Arc::clone(text), self.at..end))
    }
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
            let json = self.lines.line().unwrap_or_else(|| event.to_line().into());
            self.cache.push(entry(json));
        }
    }

    /// What follows from a frame of so many events, which was read from these lines.
    pub(crate) fn of_frame(self, of: usize, lines: Option<Arc<str>>) -> Self {
        Self { lines: Lines { text: lines, ..Lines::default() }, of, ..self }
    }

    /// Says which event of the frame is applied next.
    pub(crate) fn begin(&mut self, event: u32) {
        self.lines.event = event;
    }

    /// Derives an event.
    pub fn push(&mut self, event: Event) {
        // Who derives something from a frame's first event most often does so from all.
        if self.events.capacity() == 0 && self.lines.event == 0 {
            self.events.reserve(self.of);
        }
        self.events.push(event);
    }
}
