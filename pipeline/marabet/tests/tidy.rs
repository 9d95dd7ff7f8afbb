//! Rules of the house that a reader could check by hand, and a machine checks better.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The sources below a folder, with their text up to the unit tests, which stand at the end.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                found.push((path, code));
            }
        }
    }
    assert!(!found.is_empty(), "no sources below {folder}");
    found.sort();
    found
}

/// Where a source says one of the words, in code and not in a comment.
fn sayings(sources: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, code) in sources {
        for (number, line) in (1..).zip(code.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                found.push(format!("{}:{number}: `{word}`", path.display()));
            }
        }
    }
    found
}

const PURE: [&str; 5] = ["quant", "stage", "predict", "detect", "portfolio"];

#[test]
fn pure_stages_do_no_io_read_no_clock_draw_no_randomness_and_spawn_nothing() {
    let words = [
        "std::fs",
        "std::net",
        "std::io",
        "std::env",
        "std::time",
        "std::thread",
        "std::process",
        "tokio",
        "SystemTime",
        "Instant::now",
        "thread_rng",
        "rand::",
        "println!",
        "eprintln!",
        "static mut",
        "thread_local!",
    ];
    for name in PURE {
        let found = sayings(&sources(&format!("pipeline/{name}/src")), &words);
        assert!(found.is_empty(), "{name} is pure:\n{}", found.join("\n"));
    }
}

#[test]
fn the_same_bits_anywhere_no_functions_of_the_platform() {
    // What IEEE 754 rounds exactly (`sqrt`, `abs`, `floor`, `round`) is the same everywhere.
    let words = [
        ".ln()",
        ".exp()",
        ".powf(",
        ".log2()",
        ".log10()",
        ".ln_1p()",
        ".exp_m1()",
        ".tanh()",
        ".sin()",
        ".cos()",
        ".mul_add(",
    ];
    for name in PURE {
        let mut sources = sources(&format!("pipeline/{name}/src"));
        // The laws of the score are written over numbers with their derivatives (`goals/jet.rs`),
        // whose methods are their own, and made of `libm`.
        sources.retain(|(path, _)| !path.to_string_lossy().contains("/goals/laws/"));
        let found = sayings(&sources, &words);
        assert!(found.is_empty(), "{name} gives the same bits anywhere:\n{}", found.join("\n"));
    }
}

#[test]
fn the_wall_clock_is_read_in_the_modules_named_clock_alone() {
    let words = ["SystemTime::now", "Utc::now", "Zoned::now", "Timestamp::now", "thread_rng"];
    let mut found = sayings(&sources("pipeline"), &words);
    found.retain(|place| !place.contains("/src/clock.rs:") && !place.contains("/tests/"));
    assert!(found.is_empty(), "outside a crate's module `clock`:\n{}", found.join("\n"));
}

/// Whom a crate of the house depends on, tests apart.
fn dependencies(manifest: &Path) -> (String, Vec<String>) {
    let text = std::fs::read_to_string(manifest).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let name = table["package"]["name"].as_str().unwrap().to_owned();
    let own = table.get("dependencies").and_then(toml::Value::as_table);
    let own = own.into_iter().flat_map(toml::Table::keys);
    (name, own.filter(|name| name.starts_with("marabet-")).cloned().collect())
}

#[test]
fn every_arrow_points_to_a_lower_floor() {
    let floors: BTreeMap<&str, u8> = BTreeMap::from([
        ("marabet-quant", 0),
        ("marabet-schemas", 1),
        ("marabet-stage", 2),
        ("marabet-predict", 3),
        ("marabet-detect", 3),
        ("marabet-portfolio", 3),
        ("marabet-streams", 3),
        ("marabet-ingest", 4),
        ("marabet-notify", 4),
        ("marabet-archive", 4),
        ("marabet-backtest", 5),
        ("marabet-views", 4),
        ("marabet-web", 5),
        ("marabet-jobs", 4),
        ("marabet-ledger", 4),
        ("marabet", 6),
        ("marabet-benches", 7),
    ]);
    let mut manifests: Vec<PathBuf> = std::fs::read_dir(root().join("pipeline"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("Cargo.toml"))
        .collect();
    manifests.push(root().join("schemas/Cargo.toml"));
    for manifest in manifests {
        let (name, needs) = dependencies(&manifest);
        let floor = floors.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no floor yet"));
        for need in needs {
            assert!(floors[need.as_str()] < *floor, "{name} must not know {need}");
        }
    }
}

/// The names of all packages that a crate is made of, tests apart.
fn made_of(package: &str) -> Vec<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(["--package", package, "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

#[test]
fn the_pipeline_carries_no_polars_and_the_backtest_does() {
    let has_polars = |package| made_of(package).iter().any(|name| name.starts_with("polars"));
    assert!(has_polars("marabet-backtest"));
    assert!(made_of("marabet").contains(&"tokio".to_owned()));
    assert!(!has_polars("marabet") && !has_polars("marabet-benches"));
}

#[test]
fn nothing_is_left_undone() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "XXX", "#[ignore"];
    let mut all = sources("pipeline");
    all.extend(sources("schemas"));
    all.extend(sources("benches"));
    all.extend(sources("faults"));
    all.retain(|(path, _)| !path.ends_with("tidy.rs"));
    let found = sayings(&all, &words);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
