use std::fmt;
use std::str::FromStr;

use super::{Line, ValueError, text_serde};

/// The part of the match that a market is settled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Period {
    /// Ninety minutes and stoppage time.
    #[default]
    FullTime,
    /// The first half.
    FirstHalf,
    /// The second half alone.
    SecondHalf,
}

/// What is bet on: a kind of market, on its line where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarketKind {
    /// Home, draw, away: `1x2`.
    MatchOdds,
    /// Two of the three results: `dc`.
    DoubleChance,
    /// Home or away, the stake back on a draw: `dnb`.
    DrawNoBet,
    /// Goals of both sides over or under a line: `ou@2.5`.
    Totals(Line),
    /// The home side's goals over or under a line: `ou.home@1.5`.
    HomeTotals(Line),
    /// The away side's goals over or under a line: `ou.away@1.5`.
    AwayTotals(Line),
    /// Asian handicap; the line is the home side's, the away side has its mirror: `ah@-0.25`.
    AsianHandicap(Line),
    /// Three-way handicap in whole goals given to the home side: `eh@-1`.
    EuropeanHandicap(i8),
    /// Whether both sides score: `btts`.
    BothTeamsToScore,
    /// Whether the number of goals is odd or even (none is even): `oe`.
    OddEven,
    /// Whether the home side concedes nothing: `cs.home`.
    HomeCleanSheet,
    /// Whether the away side concedes nothing: `cs.away`.
    AwayCleanSheet,
    /// Whether the home side wins and concedes nothing: `wtn.home`.
    HomeWinToNil,
    /// Whether the away side wins and concedes nothing: `wtn.away`.
    AwayWinToNil,
}

impl MarketKind {
    /// The forms in which a market is written, for messages.
    pub const FORMS: &str = "1x2, dc, dnb, ou@LINE, ou.home@LINE, ou.away@LINE, ah@LINE, eh@GOALS, \
                             btts, oe, cs.home, cs.away, wtn.home, wtn.away; with /1h or /2h behind \
                             it for a half";
}

/// A market of a match: its kind, line and period. Written `ah@-0.25`, `1x2/1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Market {
    /// What is bet on.
    pub kind: MarketKind,
    /// On which part of the match.
    pub period: Period,
}

impl Market {
    /// Home, draw, away over the full match.
    pub const MATCH_ODDS: Self = Self::full_time(MarketKind::MatchOdds);

    /// The market of this kind over the full match.
    #[must_use]
    pub const fn full_time(kind: MarketKind) -> Self {
        Self { kind, period: Period::FullTime }
    }

    /// The selections of the market in their canonical order, in which a quote lists its odds.
    #[must_use]
    pub const fn selections(&self) -> &'static [Selection] {
        use Selection as S;
        match self.kind {
            MarketKind::MatchOdds | MarketKind::EuropeanHandicap(_) => &[S::Home, S::Draw, S::Away],
            MarketKind::DoubleChance => &[S::HomeOrDraw, S::HomeOrAway, S::DrawOrAway],
            MarketKind::DrawNoBet | MarketKind::AsianHandicap(_) => &[S::Home, S::Away],
            MarketKind::Totals(_) | MarketKind::HomeTotals(_) | MarketKind::AwayTotals(_) => {
                &[S::Over, S::Under]
            }
            MarketKind::OddEven => &[S::Odd, S::Even],
            MarketKind::BothTeamsToScore
            | MarketKind::HomeCleanSheet
            | MarketKind::AwayCleanSheet
            | MarketKind::HomeWinToNil
            | MarketKind::AwayWinToNil => &[S::Yes, S::No],
        }
    }

    /// The line of the market in goals, where it has one.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        match self.kind {
            MarketKind::Totals(line)
            | MarketKind::HomeTotals(line)
            | MarketKind::AwayTotals(line)
            | MarketKind::AsianHandicap(line) => Some(line),
            MarketKind::EuropeanHandicap(goals) => Line::from_quarters(i16::from(goals) * 4).ok(),
            _ => None,
        }
    }

    /// The market without its line: `ah`, `ou`, `1x2`. For tables per market.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self.kind {
            MarketKind::MatchOdds => "1x2",
            MarketKind::DoubleChance => "dc",
            MarketKind::DrawNoBet => "dnb",
            MarketKind::Totals(_) => "ou",
            MarketKind::HomeTotals(_) => "ou.home",
            MarketKind::AwayTotals(_) => "ou.away",
            MarketKind::AsianHandicap(_) => "ah",
            MarketKind::EuropeanHandicap(_) => "eh",
            MarketKind::BothTeamsToScore => "btts",
            MarketKind::OddEven => "oe",
            MarketKind::HomeCleanSheet => "cs.home",
            MarketKind::AwayCleanSheet => "cs.away",
            MarketKind::HomeWinToNil => "wtn.home",
            MarketKind::AwayWinToNil => "wtn.away",
        }
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.family())?;
        match self.kind {
            MarketKind::EuropeanHandicap(goals) => write!(f, "@{goals}")?,
            _ => {
                if let Some(line) = self.line() {
                    write!(f, "@{line}")?;
                }
            }
        }
        match self.period {
            Period::FullTime => Ok(()),
            Period::FirstHalf => f.write_str("/1h"),
            Period::SecondHalf => f.write_str("/2h"),
        }
    }
}

impl FromStr for Market {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let unknown = || ValueError::Market(text.to_owned());
        let (rest, period) = match text.split_once('/') {
            None => (text, Period::FullTime),
            Some((rest, "1h")) => (rest, Period::FirstHalf),
            Some((rest, "2h")) => (rest, Period::SecondHalf),
            Some(_) => return Err(unknown()),
        };
        let kind = match rest.split_once('@') {
            Some(("eh", goals)) => {
                MarketKind::EuropeanHandicap(goals.parse().map_err(|_| unknown())?)
            }
            Some((family, line)) => {
                let line = Line::new(line.parse().map_err(|_| unknown())?)?;
                match family {
                    "ou" => MarketKind::Totals(line),
                    "ou.home" => MarketKind::HomeTotals(line),
                    "ou.away" => MarketKind::AwayTotals(line),
                    "ah" => MarketKind::AsianHandicap(line),
                    _ => return Err(unknown()),
                }
            }
            None => match rest {
                "1x2" => MarketKind::MatchOdds,
                "dc" => MarketKind::DoubleChance,
                "dnb" => MarketKind::DrawNoBet,
                "btts" => MarketKind::BothTeamsToScore,
                "oe" => MarketKind::OddEven,
                "cs.home" => MarketKind::HomeCleanSheet,
                "cs.away" => MarketKind::AwayCleanSheet,
                "wtn.home" => MarketKind::HomeWinToNil,
                "wtn.away" => MarketKind::AwayWinToNil,
                _ => return Err(unknown()),
            },
        };
        Ok(Self { kind, period })
    }
}

text_serde!(
    Market,
    "^(1x2|dc|dnb|btts|oe|cs\\.home|cs\\.away|wtn\\.home|wtn\\.away|(ou|ou\\.home|ou\\.away|ah|eh)@-?[0-9]+(\\.[0-9]+)?)(/[12]h)?$",
    "a market: its family, its line behind `@`, its half behind `/`"
);

/// What one bets on within a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each name is the selection")]
pub enum Selection {
    Home,
    Draw,
    Away,
    HomeOrDraw,
    HomeOrAway,
    DrawOrAway,
    Over,
    Under,
    Yes,
    No,
    Odd,
    Even,
}

impl Selection {
    const ALL: [Self; 12] = [
        Self::Home,
        Self::Draw,
        Self::Away,
        Self::HomeOrDraw,
        Self::HomeOrAway,
        Self::DrawOrAway,
        Self::Over,
        Self::Under,
        Self::Yes,
        Self::No,
        Self::Odd,
        Self::Even,
    ];

    /// The selection as it is written in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Draw => "draw",
            Self::Away => "away",
            Self::HomeOrDraw => "home_or_draw",
            Self::HomeOrAway => "home_or_away",
            Self::DrawOrAway => "draw_or_away",
            Self::Over => "over",
            Self::Under => "under",
            Self::Yes => "yes",
            Self::No => "no",
            Self::Odd => "odd",
            Self::Even => "even",
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Selection {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::ALL
            .into_iter()
            .find(|selection| selection.as_str() == text)
            .ok_or_else(|| ValueError::Selection(text.to_owned()))
    }
}

text_serde!(
    Selection,
    "^(home|draw|away|home_or_draw|home_or_away|draw_or_away|over|under|yes|no|odd|even)$",
    "a selection of a market"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_reads_back_as_it_is_written() {
        for text in ["1x2", "dc", "dnb", "ou@2.5", "ou.home@1.5", "ah@-0.25", "eh@-1", "1x2/1h"] {
            let market: Market = text.parse().unwrap();
            assert_eq!(market.to_string(), text);
        }
    }

    #[test]
    fn a_market_that_is_not_known_is_refused_by_name() {
        for text in ["", "1X2", "ou", "ou@2.4", "ah@x", "1x2/3h", "corners@9.5"] {
            assert!(text.parse::<Market>().is_err(), "{text} was taken for a market");
        }
    }
}
