//! Other programs read the archive as it is: DuckDB, from PyPI, in an environment of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use marabet_schemas::Body;
use serde_json::Value;

use crate::support::{archive, import, season};

/// The environment's Python, with DuckDB in it. Made once, below the target folder.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/readers");
    let python = target.join("bin/python");
    let has_duckdb = || {
        let asked = Command::new(&python).args(["-c", "import duckdb"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    if !has_duckdb() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/readers.sh");
        let made = Command::new(script).arg(&target).output().unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success() && has_duckdb(), "no DuckDB; run `make setup`: {said}");
    }
    python
}

/// What DuckDB answers, as JSON rows.
fn ask(folder: &Path, sql: &str) -> Value {
    let code = "import duckdb, json, sys\n\
                rows = duckdb.sql(sys.argv[1]).fetchall()\n\
                print(json.dumps(rows, default=str))";
    let sql = sql.replace("FEED", &format!("'{}/feed/*/*/*.parquet'", folder.display()));
    let output = Command::new(python()).args(["-c", code, &sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn duckdb_reads_the_archive_as_it_is() {
    let home = tempfile::tempdir().unwrap();
    let events = season();
    import(&archive(home.path()), 2, &events);

    let count = |kind: &str| events.iter().filter(|event| event.kind().name() == kind).count();
    let found = ask(
        home.path(),
        "SELECT kind, count(*) FROM read_parquet(FEED, hive_partitioning = true) \
         WHERE kind IN ('quote', 'result') GROUP BY kind ORDER BY kind",
    );
    assert_eq!(found, serde_json::json!([["quote", count("quote")], ["result", count("result")]]));

    let odds: f64 = events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Quote(quote) => Some(quote.odds.iter().map(|odds| odds.decimal()).sum::<f64>()),
            _ => None,
        })
        .sum();
    let found = ask(home.path(), "SELECT sum(list_sum(quote.odds)) FROM read_parquet(FEED)");
    assert!((found[0][0].as_f64().unwrap() - odds).abs() < 1e-6 * odds, "{found} is not {odds}");

    let first = events.iter().map(|event| event.at.micros()).min().unwrap();
    let found = ask(
        home.path(),
        "SELECT min(epoch_us(\"at\")), count(DISTINCT partition) \
         FROM read_parquet(FEED, hive_partitioning = true)",
    );
    assert_eq!(found, serde_json::json!([[first, 2]]));
}
