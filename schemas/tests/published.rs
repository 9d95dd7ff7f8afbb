//! What is published says what the types say.

use std::collections::BTreeSet;
use std::path::Path;

use marabet_schemas::{Kind, arrow, json_schema};

#[test]
fn the_published_json_schemas_match_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    let mut expected = BTreeSet::new();
    for &kind in Kind::ALL {
        let name = json_schema::file_name(kind);
        let published = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert_eq!(
            published,
            json_schema::text(kind),
            "{name} is out of date; run `cargo run -p marabet-schemas --example publish`"
        );
        expected.insert(name);
    }
    let found: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_property_of_every_event_has_its_column() {
    for &kind in Kind::ALL {
        let schema = json_schema::of_event(kind);
        let properties: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let arrow_schema = arrow::of_event(kind);
        let columns: BTreeSet<&str> =
            arrow_schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(columns, properties, "{}", kind.name());
    }
}
