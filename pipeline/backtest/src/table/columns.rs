//! The columns of the table: each field of a row, once.

use polars::prelude::{Column, DataFrame, NamedFrom, PolarsResult, Series};

use crate::opportunity::Row;

/// Declares the columns: name, type, where the value lies in a row, Polars' accessor.
macro_rules! columns {
    ($($name:literal: $accessor:ident => $($field:tt).+ $([$at:literal])?;)*) => {
        /// The names of the columns, in their order.
        pub(super) const NAMES: &[&str] = &[$($name,)*];

        /// Rows as a frame.
        pub(super) fn frame(rows: &[Row]) -> PolarsResult<DataFrame> {
            let columns: Vec<Column> = vec![$({
                let values: Vec<_> = rows.iter().map(|row| row.$($field).+$([$at])?).collect();
                Series::new($name.into(), values).into()
            },)*];
            DataFrame::new(rows.len(), columns)
        }

        /// A frame as rows.
        pub(super) fn rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
            let mut rows = vec![EMPTY; frame.height()];
            $({
                let column = frame.column($name)?.as_materialized_series().$accessor()?.clone();
                for (row, value) in rows.iter_mut().zip(column.iter()) {
                    row.$($field).+$([$at])? = value.unwrap_or_default();
                }
            })*
            Ok(rows)
        }
    };
}

columns! {
    "match": u32 => match_id;
    "competition": u32 => competition;
    "look": u32 => look;
    "row": u32 => row;
    "via": u32 => via;
    "trigger": bool => trigger;
    "aggregate": bool => aggregate;
    "book": u32 => book;
    "market": u32 => market;
    "family": u32 => family;
    "selection": u32 => selection;
    "payoff": u32 => payoff;
    "at": i64 => at;
    "quoted_at": i64 => quoted_at;
    "kickoff": i64 => kickoff;
    "odds": f64 => odds;
    "net_odds": f64 => net_odds;
    "probability": f64 => probability;
    "ev": f64 => ev;
    "usual": f64 => usual;
    "goals_home": f64 => goals[0];
    "goals_away": f64 => goals[1];
    "goals_rho": f64 => goals[2];
    "fair_market": u32 => fair_market;
    "fair_1": f64 => fair[0];
    "fair_2": f64 => fair[1];
    "fair_3": f64 => fair[2];
    "outcome": u32 => outcome;
    "ended_at": i64 => ended_at;
    "profit": f64 => profit;
    "clv": f64 => clv;
    "void_from": u32 => void_from;
}

const EMPTY: Row = Row {
    match_id: 0,
    competition: 0,
    look: 0,
    row: 0,
    via: 0,
    trigger: false,
    aggregate: false,
    book: 0,
    market: 0,
    family: 0,
    selection: 0,
    payoff: 0,
    at: 0,
    quoted_at: 0,
    kickoff: 0,
    odds: 0.0,
    net_odds: 0.0,
    probability: 0.0,
    ev: 0.0,
    usual: 0.0,
    goals: [0.0; 3],
    fair_market: 0,
    fair: [0.0; 3],
    outcome: 0,
    ended_at: 0,
    profit: 0.0,
    clv: 0.0,
    void_from: 0,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went() {
        let row = Row {
            match_id: 3,
            via: u32::MAX,
            trigger: true,
            odds: 2.5,
            goals: [1.5, 1.2, -0.1],
            clv: 0.03,
            ..EMPTY
        };
        let rows = [row, EMPTY, Row { look: 9, fair: [0.1, 0.2, 0.7], ..row }];
        assert_eq!(super::rows(&frame(&rows).unwrap()).unwrap(), rows);
    }
}
