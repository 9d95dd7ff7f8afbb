//! What the paper prints: its text and Table 1.

/// A line of the paper's calibration: share that occurred = slope · (1/mean odds) + intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedFit {
    /// The outcome.
    pub outcome: &'static str,
    /// Slope.
    pub slope: f64,
    /// Intercept.
    pub intercept: f64,
    /// Share of variance explained.
    pub r2: f64,
}

/// The calibration of the paper: 80 bins of 0.0125 with at least 100 games, 479,440 games of
/// 2005 to 2015, closing odds of up to 32 books.
pub const PUBLISHED_CALIBRATION: [PublishedFit; 3] = [
    PublishedFit { outcome: "home", slope: 1.003, intercept: -0.034, r2: 0.999 },
    PublishedFit { outcome: "draw", slope: 1.081, intercept: -0.057, r2: 0.995 },
    PublishedFit { outcome: "away", slope: 1.012, intercept: -0.037, r2: 0.998 },
];

/// A line of the paper's Table 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedRun {
    /// Bets.
    pub bets: u64,
    /// Return on what was staked.
    pub r#yield: f64,
    /// Share that won.
    pub won: f64,
    /// Mean odds.
    pub odds: f64,
    /// What bets on as many outcomes of each kind brought that were drawn at random.
    pub at_random: f64,
}

/// Closing odds, January 2005 to June 2015.
pub const PUBLISHED_CLOSING: PublishedRun =
    PublishedRun { bets: 56_435, r#yield: 0.035, won: 0.444, odds: 2.30, at_random: -0.0332 };
