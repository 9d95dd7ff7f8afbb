//! What is simulated: every number of the league and its market.

use marabet_quant::devig::Method;
use marabet_schemas::{Book, Competition};
use serde::{Deserialize, Serialize};

use super::league::NAMES;

/// The league, its market, and the seed that all chance comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// The code of the competition.
    pub competition: Competition,
    /// The year in which the first season begins.
    pub first_year: i16,
    /// How many seasons.
    pub seasons: u8,
    /// How many sides; each plays each other at home and away.
    pub sides: u8,
    /// How many sides go down and are replaced after each season.
    pub relegated: u8,
    /// The law of the goals.
    pub goals: Goals,
    /// The books.
    pub books: Vec<BookSettings>,
    /// How far before kick-off the books set their prices, in hours, from the first on. The
    /// closing price comes on top.
    pub updates_hours: Vec<u16>,
    /// How wrong the market is.
    pub market: MarketSettings,
    /// Value planted among the prices.
    pub planted: Planting,
    /// From the result to the end of a match's life, in hours.
    pub closed_after_hours: u32,
}

/// How goals come about: Poisson with Dixon and Coles' correction, of rates
/// `ln λ = base + home + attack − defence` that drift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Goals {
    /// Mean goals of a side of the middle, away.
    pub base: f64,
    /// Logarithm of the factor that playing at home makes.
    pub home_advantage: f64,
    /// Dixon and Coles' ρ; negative makes 0–0 and 1–1 more frequent.
    pub rho: f64,
    /// Standard deviation of attack and of defence among the sides.
    pub spread: f64,
    /// Standard deviation of a week's drift of each.
    pub drift_weekly: f64,
    /// The share of the distance from its long-run strength that a side keeps each week.
    pub persistence_weekly: f64,
}

/// How far the market's belief lies from the truth, as standard deviation of the logarithm of
/// each side's goal rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MarketSettings {
    /// When the closing price is made.
    pub error_closing: f64,
    /// What is added, by a random walk, 120 hours before kick-off.
    pub error_opening: f64,
}

/// What a book is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookKind {
    /// Leads the market.
    Sharp,
    /// Follows, late and with errors of its own.
    Soft,
    /// Offers sizes with its prices.
    Exchange,
}

/// One book.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookSettings {
    /// Its name.
    pub name: Book,
    /// What it is.
    pub kind: BookKind,
    /// The overround less one of its prices for home, draw and away.
    pub margin_match_odds: f64,
    /// That of totals and Asian handicaps; none where it does not offer them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_two_way: Option<f64>,
    /// How it puts its margin on.
    pub method: Method,
    /// How late it follows the market, in hours.
    #[serde(default)]
    pub lag_hours: u16,
    /// Its own error for a match, as standard deviation of the logarithm of a goal rate.
    #[serde(default)]
    pub error: f64,
}

/// Value of known size among the prices of the soft books.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Planting {
    /// The share of matches in which one price is wrong.
    pub share: f64,
    /// The expected profit per unit staked at the wrong price, by the true probabilities.
    pub size: f64,
}

impl Default for Settings {
    /// Four seasons of twenty sides; seven books; a mistake of 8 % in a quarter of the matches.
    fn default() -> Self {
        use BookKind::{Exchange, Sharp, Soft};
        let book = |name: &str, kind, margins: (f64, Option<f64>), lag_hours, error| BookSettings {
            name: name.into(),
            kind,
            margin_match_odds: margins.0,
            margin_two_way: margins.1,
            method: Method::Power,
            lag_hours,
            error,
        };
        Self {
            seed: 20,
            competition: "SIM".into(),
            first_year: 2021,
            seasons: 4,
            sides: 20,
            relegated: 3,
            goals: Goals::default(),
            books: vec![
                book("pinnacle", Sharp, (0.026, Some(0.022)), 0, 0.0),
                book("bet365", Soft, (0.052, Some(0.048)), 1, 0.02),
                book("betvictor", Soft, (0.058, Some(0.055)), 3, 0.03),
                book("bwin", Soft, (0.062, None), 4, 0.03),
                book("ladbrokes", Soft, (0.066, None), 6, 0.04),
                book("william_hill", Soft, (0.064, Some(0.06)), 8, 0.035),
                book("betfair_exchange", Exchange, (0.012, Some(0.012)), 0, 0.008),
            ],
            updates_hours: vec![120, 48, 12, 2],
            market: MarketSettings::default(),
            planted: Planting::default(),
            closed_after_hours: 48,
        }
    }
}

impl Default for Goals {
    /// About 2.7 goals a match; the spread of a strong league.
    fn default() -> Self {
        Self {
            base: 1.2,
            home_advantage: 0.22,
            rho: -0.05,
            spread: 0.22,
            drift_weekly: 0.02,
            persistence_weekly: 0.985,
        }
    }
}

impl Default for MarketSettings {
    fn default() -> Self {
        Self { error_closing: 0.03, error_opening: 0.07 }
    }
}

impl Default for Planting {
    fn default() -> Self {
        Self { share: 0.25, size: 0.08 }
    }
}

/// Why a league cannot be simulated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("cannot simulate: {what} must be {must}, got {got}")]
pub struct SettingsError {
    what: String,
    must: String,
    got: String,
}

impl Settings {
    /// Whether such a league can be simulated.
    ///
    /// # Errors
    /// [`SettingsError`] naming the first number that is out of bounds.
    pub fn check(&self) -> Result<(), SettingsError> {
        let (goals, planted) = (&self.goals, &self.planted);
        within("the first year", f64::from(self.first_year), 1900.0, 2150.0)?;
        within("the number of seasons", f64::from(self.seasons), 1.0, 40.0)?;
        let sides_max = NAMES.len() as f64 - f64::from(self.relegated);
        within("the number of sides", f64::from(self.sides), 4.0, sides_max.min(24.0))?;
        if self.sides % 2 == 1 {
            return Err(wrong("the number of sides", "even", &self.sides));
        }
        within("the sides relegated", f64::from(self.relegated), 0.0, f64::from(self.sides) / 2.0)?;
        within("goals.base", goals.base, 0.3, 3.0)?;
        within("goals.home_advantage", goals.home_advantage, -1.0, 1.0)?;
        within("goals.rho", goals.rho, -0.2, 0.2)?;
        within("goals.spread", goals.spread, 0.0, 0.6)?;
        within("goals.drift_weekly", goals.drift_weekly, 0.0, 0.2)?;
        within("goals.persistence_weekly", goals.persistence_weekly, 0.0, 1.0)?;
        within("market.error_closing", self.market.error_closing, 0.0, 0.5)?;
        within("market.error_opening", self.market.error_opening, 0.0, 0.5)?;
        within("planted.share", planted.share, 0.0, 1.0)?;
        within("planted.size", planted.size, 0.0, 0.5)?;
        within("the number of updates", self.updates_hours.len() as f64, 1.0, 200.0)?;
        for &hours in &self.updates_hours {
            within("an update before kick-off in hours", f64::from(hours), 1.0, 160.0)?;
        }
        if !self.updates_hours.is_sorted_by(|earlier, later| earlier > later) {
            return Err(wrong(
                "the updates",
                "in falling order",
                &format!("{:?}", self.updates_hours),
            ));
        }
        within("the hours until a match is closed", f64::from(self.closed_after_hours), 0.0, 1e4)?;
        self.check_books()
    }

    fn check_books(&self) -> Result<(), SettingsError> {
        if self.books.iter().filter(|book| book.kind == BookKind::Sharp).count() != 1 {
            return Err(wrong("the number of sharp books", "1", &"another"));
        }
        within("the number of books", self.books.len() as f64, 1.0, 50.0)?;
        for (index, book) in self.books.iter().enumerate() {
            let name = &book.name;
            if self.books[..index].iter().any(|other| other.name == *name) {
                return Err(wrong("each book's name", "its own", name));
            }
            let margin = |margin| within(&format!("the margin of {name}"), margin, -0.02, 0.3);
            margin(book.margin_match_odds)?;
            book.margin_two_way.map_or(Ok(()), margin)?;
            within(&format!("the lag of {name} in hours"), f64::from(book.lag_hours), 0.0, 48.0)?;
            within(&format!("the error of {name}"), book.error, 0.0, 0.5)?;
        }
        Ok(())
    }

    /// The furthest before kick-off that any price looks back, in hours.
    pub(super) fn horizon_hours(&self) -> usize {
        let lag = self.books.iter().map(|book| book.lag_hours).max().unwrap_or_default();
        let first = self.updates_hours.first().copied().unwrap_or_default();
        usize::from(first) + usize::from(lag)
    }
}

fn wrong(what: &str, must: &str, got: &impl ToString) -> SettingsError {
    SettingsError { what: what.to_owned(), must: must.to_owned(), got: got.to_string() }
}

fn within(what: &str, value: f64, min: f64, max: f64) -> Result<(), SettingsError> {
    // A value that is no number fails the comparison, and so is refused.
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(wrong(what, &format!("between {min} and {max}"), &value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_that_come_along_can_be_simulated() {
        Settings::default().check().unwrap();
    }

    #[test]
    fn what_cannot_be_simulated_is_named() {
        let check = |change: fn(&mut Settings), named: &str| {
            let mut settings = Settings::default();
            change(&mut settings);
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|settings| settings.sides = 7, "even");
        check(|settings| settings.sides = 60, "number of sides");
        check(|settings| settings.goals.rho = f64::NAN, "goals.rho");
        check(|settings| settings.planted.share = 1.5, "planted.share");
        check(|settings| settings.updates_hours = vec![2, 12], "falling");
        check(|settings| settings.updates_hours.clear(), "number of updates");
        check(|settings| settings.books.remove(0).lag_hours = 1, "sharp");
        check(|settings| settings.books[2].name = "bwin".into(), "its own");
    }
}
