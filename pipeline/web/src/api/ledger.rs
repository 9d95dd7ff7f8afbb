//! The ledger: what was placed beside what was alerted, in money.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use marabet_ledger::report::{OpenBet, StrategyReport};
use marabet_schemas::Instant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::extract::Params;
use crate::problem::Problem;

/// Most open bets that are listed.
const OPEN_MAX: u16 = 200;
/// Most points of an equity curve.
const POINTS_MAX: usize = 400;
const DAY_US: i64 = 86_400_000_000;

/// Which period.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Period {
    /// The last days alone; everything where left out.
    #[schemars(range(min = 1, max = 3650))]
    days: Option<u16>,
}

/// What the ledger holds of a period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Accounts {
    /// The database, without its password.
    at: String,
    /// The last instant that the ledger knows of, in event time.
    latest: Option<Instant>,
    /// Each strategy's bets, as alerted and as placed, and its bankroll.
    strategies: BTreeMap<String, StrategyReport>,
    /// Bets that are not settled, by kick-off.
    open: Vec<OpenBet>,
}

pub(crate) async fn accounts(
    State(app): State<App>,
    Params(Period { days }): Params<Period>,
) -> Result<Json<Accounts>, Problem> {
    if days.is_some_and(|days| !(1..=3650).contains(&days)) {
        return Err(Problem::malformed("days must lie in 1..=3650"));
    }
    let ledger = &app.office()?.ledger;
    let latest = ledger.latest().await?;
    let to = latest.map_or(Instant::from_micros(i64::MAX), |at| {
        Instant::from_micros(at.micros().saturating_add(1))
    });
    let from = days.map_or(Instant::from_micros(0), |days| {
        Instant::from_micros(to.micros().saturating_sub(i64::from(days) * DAY_US))
    });
    let mut strategies = ledger.report(from, to).await?;
    for report in strategies.values_mut() {
        // Before the first movement there is nothing to see.
        if let [first, second, ..] = &mut report.equity[..] {
            first.0 = first.0.max(Instant::from_micros(second.0.micros() - DAY_US));
        }
        thin(&mut report.equity);
    }
    let open = ledger.open_bets(OPEN_MAX).await?;
    Ok(Json(Accounts { at: ledger.at().to_owned(), latest, strategies, open }))
}

/// Leaves out points of a curve, evenly, and keeps its first and its last.
fn thin<T>(points: &mut Vec<T>) {
    let (count, mut place) = (points.len(), 0);
    let step = count.div_ceil(POINTS_MAX).max(1);
    points.retain(|_| {
        place += 1;
        (place - 1) % step == 0 || place == count
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_ends_and_a_short_one_everything() {
        let mut long: Vec<usize> = (0..10_001).collect();
        thin(&mut long);
        assert!(long.len() <= POINTS_MAX + 1, "{}", long.len());
        assert_eq!((long[0], long[long.len() - 1]), (0, 10_000));
        let mut short = vec![1, 2, 3];
        thin(&mut short);
        assert_eq!(short, [1, 2, 3]);
    }
}
