//! What the prices that were value were worth, told apart: where a view finds value, what it
//! claims there and what came of it, before any strategy has chosen among them.
//!
//! Queries of Polars over all files of the view, which run as streams: only sums of groups and
//! match-days come back.

use std::collections::BTreeMap;

use marabet_schemas::{Instant, MatchKey};
use polars::prelude::{
    Column, DataFrame, DataType, Engine, Expr, IntoLazy, JoinArgs, JoinType, LazyFrame,
    PolarsResult, col, len, lit,
};

use crate::measure::{BANDS, Group, Grouping, ratio_by_day};
use crate::opportunity::{Catalogue, DECIDED, NONE};
use crate::table::{TableError, View};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// The prices of books that were value by a view, each once, of matches that kicked off before an
/// instant and decided a bet: as if a unit had been staked on each.
///
/// # Errors
/// [`TableError`] for a view that is not what was written.
pub fn worth(
    view: &View<'_>,
    catalogue: &Catalogue,
    until: Instant,
) -> Result<Vec<(Grouping, Vec<Group>)>, TableError> {
    let names = Names::of(catalogue);
    let prices = prices(view.scan()?, until);
    let told = |grouping: Grouping| -> PolarsResult<(Grouping, Vec<Group>)> {
        let prices = match grouping {
            Grouping::Season => names.with_seasons(prices.clone())?,
            _ => prices.clone(),
        };
        let days = days(prices, key(grouping))?;
        let mut groups = groups(&days, |key| names.get(grouping, key))?;
        if grouping != Grouping::Odds {
            groups.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok((grouping, groups))
    };
    let told: PolarsResult<Vec<_>> = Grouping::ALL.into_iter().map(told).collect();
    told.map_err(|error| view.damaged(error))
}

/// Each price once, however often it was looked at: with the most that was claimed for it.
fn prices(rows: LazyFrame, until: Instant) -> LazyFrame {
    let looked_at = col("trigger").and(col("via").eq(lit(NONE)));
    let of_book = col("aggregate").not();
    let decided = col("outcome").lt(lit(DECIDED));
    let in_time = col("kickoff").lt(lit(until.micros()));
    let price = ["match", "book", "market", "selection", "odds"];
    // All but the kick-off and the claim are the same whenever it was looked at.
    let kept = ["competition", "family", "kickoff", "ev", "profit", "clv"];
    rows.filter(looked_at.and(of_book).and(decided).and(in_time))
        .group_by(price.map(col))
        .agg(kept.map(|name| col(name).max()))
}

/// What tells prices apart, as a number.
fn key(grouping: Grouping) -> Expr {
    match grouping {
        Grouping::League => col("competition"),
        Grouping::Market => col("family"),
        Grouping::Book => col("book"),
        Grouping::Season => col("season"),
        Grouping::Odds => {
            let is_above =
                |(end, _): &(f64, &str)| col("odds").gt_eq(lit(*end)).cast(DataType::UInt32);
            BANDS.iter().map(is_above).fold(lit(0_u32), |band, is_above| band + is_above)
        }
    }
}

/// Sums by group and match-day, in order.
fn days(prices: LazyFrame, key: Expr) -> PolarsResult<DataFrame> {
    let has_clv = col("clv").is_not_nan();
    let clv = col("clv").fill_nan(lit(0.0));
    // Matches are played after 1970, so that what is cut off is a part of a day.
    let day = col("kickoff") / lit(DAY_US);
    let by = [key.alias("key"), day.alias("day")];
    let answer = prices
        .with_columns([has_clv.cast(DataType::UInt32).alias("has_clv"), clv])
        .with_columns(by)
        .group_by([col("key"), col("day")])
        .agg([
            len().cast(DataType::UInt32).alias("prices"),
            col("ev").sum(),
            col("profit").sum(),
            col("clv").sum(),
            col("has_clv").sum(),
        ])
        .sort(["key", "day"], Default::default())
        .collect_with_engine(Engine::Streaming)?;
    Ok(answer.unwrap_single())
}

/// The sums of a group on a match-day.
struct Day {
    day: i64,
    prices: u32,
    ev: f64,
    profit: f64,
    clv: f64,
    with_clv: u32,
}

fn groups(days: &DataFrame, name: impl Fn(u32) -> String) -> PolarsResult<Vec<Group>> {
    let column = |name: &str| days.column(name);
    let mut by_key: BTreeMap<u32, Vec<Day>> = BTreeMap::new();
    let keys = column("key")?.u32()?.iter().zip(column("day")?.i64()?.iter());
    let counts = column("prices")?.u32()?.iter().zip(column("has_clv")?.u32()?.iter());
    let sums = column("ev")?.f64()?.iter().zip(column("profit")?.f64()?.iter());
    let sums = sums.zip(column("clv")?.f64()?.iter());
    for (((key, day), (prices, with_clv)), ((ev, profit), clv)) in keys.zip(counts).zip(sums) {
        let (Some(key), Some(day), Some(prices)) = (key, day, prices) else { continue };
        by_key.entry(key).or_default().push(Day {
            day,
            prices,
            ev: ev.unwrap_or_default(),
            profit: profit.unwrap_or_default(),
            clv: clv.unwrap_or_default(),
            with_clv: with_clv.unwrap_or_default(),
        });
    }
    Ok(by_key.into_iter().map(|(key, days)| group(name(key), &days)).collect())
}

fn group(name: String, days: &[Day]) -> Group {
    let count = |of: fn(&Day) -> u32| days.iter().map(|day| u64::from(of(day))).sum::<u64>();
    let sum = |of: fn(&Day) -> f64| days.iter().map(of).sum::<f64>();
    let (prices, with_clv) = (count(|day| day.prices), count(|day| day.with_clv));
    let units = prices as f64;
    let by_day = days.iter().map(|day| (day.day, day.profit, f64::from(day.prices)));
    Group {
        name,
        bets: prices as usize,
        staked: units,
        claimed_ev: told(sum(|day| day.ev) / units),
        r#yield: told(sum(|day| day.profit) / units),
        ci95: ratio_by_day(by_day).map(|ends| ends.map(told)),
        clv: (with_clv > 0).then(|| told(sum(|day| day.clv) / with_clv as f64)),
        clv_coverage: with_clv as f64 / units,
    }
}

/// As far as it does not depend on the order in which a stream adds up.
fn told(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// The names behind the keys.
struct Names<'a> {
    catalogue: &'a Catalogue,
    seasons: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(catalogue: &'a Catalogue) -> Self {
        let mut seasons: Vec<&str> = catalogue.matches.all().iter().map(MatchKey::season).collect();
        seasons.sort_unstable();
        seasons.dedup();
        Self { catalogue, seasons }
    }

    /// Beside each price the place of its match's season.
    fn with_seasons(&self, prices: LazyFrame) -> PolarsResult<LazyFrame> {
        let matches = self.catalogue.matches.all();
        // Every season of a match is among them, and there are fewer than 2^32 of each.
        let place = |season: &str| self.seasons.partition_point(|known| *known < season) as u32;
        let seasons: Vec<u32> = matches.iter().map(|key| place(key.season())).collect();
        let numbers: Vec<u32> = (0..).take(matches.len()).collect();
        let columns =
            vec![Column::new("match".into(), numbers), Column::new("season".into(), seasons)];
        let seasons = DataFrame::new(matches.len(), columns)?.lazy();
        let with = JoinArgs::new(JoinType::Inner);
        Ok(prices.join(seasons, [col("match")], [col("match")], with))
    }

    fn get(&self, grouping: Grouping, key: u32) -> String {
        let Catalogue { competitions, families, books, .. } = self.catalogue;
        let name = match grouping {
            Grouping::League => competitions.get(key).map(ToString::to_string),
            Grouping::Market => families.get(key).cloned(),
            Grouping::Book => books.get(key).map(ToString::to_string),
            Grouping::Season => self.seasons.get(key as usize).map(ToString::to_string),
            Grouping::Odds => BANDS.get(key as usize).map(|(_, name)| (*name).to_owned()),
        };
        name.unwrap_or_default()
    }
}
