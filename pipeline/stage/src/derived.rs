//! What a stage derives from events.

use marabet_schemas::Event;

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

/// One field of a materialised view: `<name>` is a hash of the match's partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// What it shows.
    pub class: CacheClass,
    /// The view's name within the partition, such as `odds:<match>`.
    pub name: String,
    /// The field, such as `<book>|<market>`.
    pub field: String,
    /// Its JSON; none takes the field away.
    pub json: Option<String>,
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

    /// Derives an event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }
}
