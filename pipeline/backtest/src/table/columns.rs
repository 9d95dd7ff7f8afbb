//! The columns of the table: each field of a row, once.

use polars::prelude::{Column, DataFrame, PolarsResult};

use crate::opportunity::Row;

/// Declares the columns: name, type, where the value lies in a row.
macro_rules! columns {
    ($($name:literal: $kind:ident => $($field:tt).+ $([$at:literal])?;)*) => {
        /// Rows as a frame, none of whose columns has gaps.
        ///
        /// # Errors
        /// None that rows can bring about.
        pub fn frame(rows: &[Row]) -> PolarsResult<DataFrame> {
            let columns: Vec<Column> = vec![$({
                let values: Vec<$kind> = rows.iter().map(|row| row.$($field).+$([$at])?).collect();
                Column::new($name.into(), values)
            },)*];
            DataFrame::new(rows.len(), columns)
        }

        /// A frame's rows.
        ///
        /// # Errors
        /// A column that is missing or of another type.
        pub fn rows(frame: &DataFrame) -> PolarsResult<Vec<Row>> {
            let mut rows = vec![Row::EMPTY; frame.height()];
            $({
                let column = frame.column($name)?.$kind()?;
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
            ..Row::EMPTY
        };
        let written = [row, Row::EMPTY, Row { look: 9, fair: [0.1, 0.2, 0.7], ..row }];
        let frame = frame(&written).unwrap();
        assert_eq!(rows(&frame).unwrap(), written);
        let foreign = frame.select(["match", "competition", "look"]).unwrap();
        assert!(rows(&foreign).unwrap_err().to_string().contains("row"));
    }
}
