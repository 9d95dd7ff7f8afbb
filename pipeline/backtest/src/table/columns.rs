//! The columns of the table: each field of a row, once.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use crate::opportunity::Row;

/// Declares the columns: name, array, type, where the value lies in a row.
macro_rules! columns {
    ($($name:literal: $array:ident $kind:ident => $($field:tt).+ $([$at:literal])?;)*) => {
        /// The columns, none of which has gaps.
        pub(super) fn schema() -> Arc<Schema> {
            let fields = vec![$(Field::new($name, DataType::$kind, false),)*];
            Arc::new(Schema::new(fields))
        }

        /// Rows as a batch.
        pub(super) fn batch(rows: &[Row]) -> Result<RecordBatch, ArrowError> {
            let columns: Vec<ArrayRef> = vec![$({
                let values: Vec<_> = rows.iter().map(|row| row.$($field).+$([$at])?).collect();
                Arc::new($array::from(values))
            },)*];
            RecordBatch::try_new(schema(), columns)
        }

        /// Appends a batch's rows.
        ///
        /// # Errors
        /// A column that is missing or of another type.
        pub(super) fn rows(batch: &RecordBatch, out: &mut Vec<Row>) -> Result<(), String> {
            let first = out.len();
            out.resize(first + batch.num_rows(), Row::EMPTY);
            $({
                let column = batch.column_by_name($name);
                let column = column.and_then(|column| column.as_any().downcast_ref::<$array>());
                let column = column.ok_or_else(|| {
                    format!("it has no column `{}` of type {}", $name, stringify!($kind))
                })?;
                for (row, value) in out[first..].iter_mut().zip(column) {
                    row.$($field).+$([$at])? = value.unwrap_or_default();
                }
            })*
            Ok(())
        }
    };
}

columns! {
    "match": UInt32Array UInt32 => match_id;
    "competition": UInt32Array UInt32 => competition;
    "look": UInt32Array UInt32 => look;
    "row": UInt32Array UInt32 => row;
    "via": UInt32Array UInt32 => via;
    "trigger": BooleanArray Boolean => trigger;
    "aggregate": BooleanArray Boolean => aggregate;
    "book": UInt32Array UInt32 => book;
    "market": UInt32Array UInt32 => market;
    "family": UInt32Array UInt32 => family;
    "selection": UInt32Array UInt32 => selection;
    "payoff": UInt32Array UInt32 => payoff;
    "at": Int64Array Int64 => at;
    "quoted_at": Int64Array Int64 => quoted_at;
    "kickoff": Int64Array Int64 => kickoff;
    "odds": Float64Array Float64 => odds;
    "net_odds": Float64Array Float64 => net_odds;
    "probability": Float64Array Float64 => probability;
    "ev": Float64Array Float64 => ev;
    "usual": Float64Array Float64 => usual;
    "goals_home": Float64Array Float64 => goals[0];
    "goals_away": Float64Array Float64 => goals[1];
    "goals_rho": Float64Array Float64 => goals[2];
    "fair_market": UInt32Array UInt32 => fair_market;
    "fair_1": Float64Array Float64 => fair[0];
    "fair_2": Float64Array Float64 => fair[1];
    "fair_3": Float64Array Float64 => fair[2];
    "outcome": UInt32Array UInt32 => outcome;
    "ended_at": Int64Array Int64 => ended_at;
    "profit": Float64Array Float64 => profit;
    "clv": Float64Array Float64 => clv;
    "void_from": UInt32Array UInt32 => void_from;
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
        let rows = [row, Row::EMPTY, Row { look: 9, fair: [0.1, 0.2, 0.7], ..row }];
        let batch = batch(&rows).unwrap();
        let mut read = Vec::new();
        super::rows(&batch, &mut read).unwrap();
        assert_eq!(read, rows);
        let foreign = batch.project(&[0, 1, 2]).unwrap();
        assert!(super::rows(&foreign, &mut read).unwrap_err().contains("`row`"));
    }
}
