//! The same rows from a Parquet file: each mapped column's value, as it would stand in CSV.

use std::fs::File;
use std::path::Path;

use marabet_schemas::Instant;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::{AT, Columns, KICKOFF, Looks, Mapping, Reading, SEEN};
use crate::reject::RejectKind;

/// What a file begins with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Reads a file.
///
/// # Errors
/// It is none of Parquet, or has no column that the mapping names.
pub(super) fn read(path: &Path, mapping: &Mapping) -> Result<Looks, String> {
    let name = path.display().to_string();
    let told = |error: &dyn std::fmt::Display| format!("{name}: {error}");
    let file = File::open(path).map_err(|error| told(&error))?;
    let reader = SerializedFileReader::new(file).map_err(|error| told(&error))?;
    let schema = reader.metadata().file_metadata().schema().clone();
    let Type::GroupType { basic_info, fields } = schema else {
        return Err(told(&"its schema holds no columns"));
    };
    let mut wanted = Vec::new();
    for (role, column) in mapping.columns() {
        let field = fields.iter().find(|field| field.name() == column);
        let field = field.ok_or_else(|| super::no_column(&name, column, role))?;
        wanted.push((role, field));
    }
    // In the file's order, which is that of the values of a row; a column may have two meanings.
    let projected: Vec<_> = fields
        .iter()
        .filter(|field| wanted.iter().any(|(_, known)| known.name() == field.name()))
        .cloned()
        .collect();
    let mut columns = Columns::default();
    let mut times = vec![false; projected.len()];
    for (role, field) in wanted {
        columns[role] = projected.iter().position(|known| known.name() == field.name());
        if let (Some(at), KICKOFF | AT | SEEN) = (columns[role], role) {
            times[at] = true;
        }
    }
    let mut reading = Reading::new(&name, columns);
    let projection = Type::GroupType { basic_info, fields: projected };
    let rows = reader.get_row_iter(Some(projection)).map_err(|error| told(&error))?;
    for (number, row) in (1..).zip(rows) {
        match row {
            Ok(row) => {
                let fields = row.get_column_iter().zip(&times);
                let mut record: csv::ByteRecord =
                    fields.map(|((_, field), is_time)| written(field, *is_time)).collect();
                let mut position = csv::Position::new();
                position.set_line(number);
                record.set_position(Some(position));
                reading.row(&record);
            }
            Err(error) => {
                // What comes behind it is not to be trusted.
                let record = csv::ByteRecord::new();
                reading.refuse(number, &record, (RejectKind::Unreadable, None, error.to_string()));
                break;
            }
        }
    }
    Ok(reading.finish())
}

/// A value as it would stand in CSV.
fn written(field: &Field, is_time: bool) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        Field::TimestampMillis(ms) => Instant::from_micros(ms.saturating_mul(1_000)).to_string(),
        Field::TimestampMicros(us) => Instant::from_micros(*us).to_string(),
        Field::Long(number) if is_time => Instant::from_micros(micros(*number)).to_string(),
        Field::Int(seconds) if is_time => {
            Instant::from_micros(i64::from(*seconds) * 1_000_000).to_string()
        }
        Field::Double(number) => number.to_string(),
        Field::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970 as microseconds: which
/// it is shows in its size, as instants of this century are far apart in each.
fn micros(number: i64) -> i64 {
    match number.unsigned_abs() {
        0..100_000_000_000 => number.saturating_mul(1_000_000),
        100_000_000_000..100_000_000_000_000 => number.saturating_mul(1_000),
        100_000_000_000_000..100_000_000_000_000_000 => number,
        _ => number / 1_000,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::column::writer::ColumnWriter;
    use parquet::data_type::ByteArray;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    const SCHEMA: &str = "message prices {
        required binary league (UTF8); required binary home (UTF8); required binary away (UTF8);
        required int64 start; required int64 seen_at (TIMESTAMP_MICROS);
        required binary book (UTF8); required binary market (UTF8); required binary outcome (UTF8);
        required double price; optional double point; required int32 volume;
    }";

    /// Writes three prices of one match, of which the last is none.
    fn written_to(path: &Path) {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let file = File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let texts = |text: &str| vec![ByteArray::from(text); 3];
        let mut binaries = [
            texts("soccer_epl"),
            texts("Arsenal"),
            texts("Chelsea"),
            texts("bet365"),
            texts("h2h"),
            ["Arsenal", "Draw", "Chelsea"].map(ByteArray::from).to_vec(),
        ]
        .into_iter();
        // Nanoseconds, and microseconds.
        let mut longs =
            [vec![1_776_520_800_000_000_000_i64; 3], vec![1_776_366_000_000_000; 3]].into_iter();
        while let Some(mut column) = group.next_column().unwrap() {
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(typed) => {
                    typed.write_batch(&binaries.next().unwrap(), None, None).unwrap()
                }
                ColumnWriter::Int64ColumnWriter(typed) => {
                    typed.write_batch(&longs.next().unwrap(), None, None).unwrap()
                }
                ColumnWriter::Int32ColumnWriter(typed) => {
                    typed.write_batch(&[1, 2, 3], None, None).unwrap()
                }
                ColumnWriter::DoubleColumnWriter(typed) => {
                    let prices = typed.write_batch(&[2.0, 3.4, 1.0], None, None);
                    // The second column of doubles is empty.
                    prices.or_else(|_| typed.write_batch(&[], Some(&[0, 0, 0]), None)).unwrap()
                }
                _ => panic!("another column"),
            };
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
    }

    fn mapping() -> Mapping {
        let columns = [
            ("competition", "league"),
            ("home", "home"),
            ("away", "away"),
            ("kickoff", "start"),
            ("at", "seen_at"),
            ("book", "book"),
            ("market", "market"),
            ("outcome", "outcome"),
            ("odds", "price"),
            ("point", "point"),
        ];
        Mapping::new(columns.map(|(role, name)| (role.to_owned(), name.to_owned())).into()).unwrap()
    }

    #[test]
    fn a_parquet_file_is_read_as_the_same_rows_of_csv_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.parquet");
        written_to(&path);
        let looks = super::super::read(&path, &mapping()).unwrap();
        let csv = "league,home,away,start,seen_at,book,market,outcome,price,point\n\
            soccer_epl,Arsenal,Chelsea,2026-04-18T14:00:00Z,2026-04-16T19:00:00Z,bet365,h2h,Arsenal,2,\n\
            soccer_epl,Arsenal,Chelsea,2026-04-18T14:00:00Z,2026-04-16T19:00:00Z,bet365,h2h,Draw,3.4,\n\
            soccer_epl,Arsenal,Chelsea,2026-04-18T14:00:00Z,2026-04-16T19:00:00Z,bet365,h2h,Chelsea,1,\n";
        let same = super::super::rows("x", csv.as_bytes(), &mapping()).unwrap();
        assert_eq!((looks.rows, &looks.shown), (3, &same.shown));
        let reasons = |looks: &Looks| -> Vec<String> {
            looks.rejects.iter().map(|reject| reject.reason.clone()).collect()
        };
        assert_eq!(reasons(&looks), reasons(&same));
        assert_eq!(looks.rejects[0].line, 3);
    }

    #[test]
    fn a_file_that_is_cut_off_or_lacks_a_column_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.parquet");
        written_to(&path);
        let other = Mapping::new(
            mapping().0.into_keys().map(|role| (role, "nothing".to_owned())).collect(),
        );
        let error = super::super::read(&path, &other.unwrap()).unwrap_err();
        assert!(error.contains("no column `nothing`"), "{error}");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let error = super::super::read(&path, &mapping()).unwrap_err();
        assert!(error.contains("prices.parquet"), "{error}");
    }
}
