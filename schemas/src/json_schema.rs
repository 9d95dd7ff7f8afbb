//! The published JSON Schemas, one a kind and version: `schemas/json/<kind>.<version>.json`.

use schemars::Schema;
use serde_json::{Value, json};

use crate::{Instant, Kind, MatchKey};

/// The file name under which a kind's schema is published.
#[must_use]
pub fn file_name(kind: Kind) -> String {
    format!("{}.{}.json", kind.name(), kind.version())
}

/// The JSON Schema of a whole event of this kind: the envelope and the body as one object.
#[must_use]
pub fn of_event(kind: Kind) -> Value {
    let mut schema = kind.body_schema().to_value();
    let mut generator = schemars::SchemaGenerator::default();
    let envelope = [
        ("t", json!({ "const": kind.tag(), "description": "kind and version" })),
        ("k", inline::<MatchKey>(&mut generator)),
        ("at", inline::<Instant>(&mut generator)),
        ("assumed", json!({ "type": "boolean", "description": "the instant is set by a rule" })),
    ];
    let object = schema.as_object_mut().expect("a body's schema is an object");
    object.insert("title".into(), kind.name().into());
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    for (name, property) in envelope {
        properties[name] = property;
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut() {
        required.splice(0..0, ["t".into(), "at".into()]);
    }
    schema
}

fn inline<T: schemars::JsonSchema>(generator: &mut schemars::SchemaGenerator) -> Value {
    let schema: Schema = T::json_schema(generator);
    schema.to_value()
}

/// The text of the published file.
#[must_use]
pub fn text(kind: Kind) -> String {
    let schema = of_event(kind);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}
