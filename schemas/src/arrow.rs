//! Arrow schemas of the events, for the archive.
//!
//! They are made from the JSON Schemas, so that one description of each event serves the wire,
//! the published schemas and the columns.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use serde_json::Value;

use crate::{Kind, json_schema};

/// The columns of an event of this kind: envelope and body.
#[must_use]
pub fn of_event(kind: Kind) -> Schema {
    let schema = json_schema::of_event(kind);
    Schema::new(fields(&schema, &schema))
}

/// The columns of the body alone, without the envelope that every event has.
#[must_use]
pub fn of_body(kind: Kind) -> Fields {
    let schema = kind.body_schema().to_value();
    fields(&schema, &schema)
}

fn fields(object: &Value, root: &Value) -> Fields {
    let required: Vec<&str> =
        object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = object["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| {
            Field::new(name, data_type(property, root), !required.contains(&name.as_str()))
        })
        .collect()
}

/// The column type that a JSON Schema describes; text where it describes anything less definite.
fn data_type(property: &Value, root: &Value) -> DataType {
    if let Some(target) = resolve(property, root) {
        return data_type(target, root);
    }
    if property["format"] == "instant-us" {
        return DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    }
    match json_type(property) {
        Some("boolean") => DataType::Boolean,
        Some("number") => DataType::Float64,
        Some("integer") if property["minimum"].as_i64().is_some_and(|minimum| minimum >= 0) => {
            DataType::UInt64
        }
        Some("integer") => DataType::Int64,
        Some("array") => {
            let item = data_type(&property["items"], root);
            DataType::List(Arc::new(Field::new_list_field(item, false)))
        }
        Some("object") if property.get("properties").is_some() => {
            DataType::Struct(fields(property, root))
        }
        Some("object") => {
            let values = data_type(&property["additionalProperties"], root);
            let entry = Fields::from(vec![
                Field::new("key", DataType::Utf8, false),
                Field::new("value", values, true),
            ]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false)
        }
        _ => DataType::Utf8,
    }
}

/// The one type that is not null.
fn json_type(property: &Value) -> Option<&str> {
    match &property["type"] {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

/// Where a property leads that is a reference, or a choice between one thing and null.
fn resolve<'a>(property: &'a Value, root: &'a Value) -> Option<&'a Value> {
    if let Some(pointer) = property["$ref"].as_str() {
        return root.pointer(pointer.trim_start_matches('#'));
    }
    property["anyOf"].as_array()?.iter().find(|choice| choice["type"] != "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_has_typed_columns() {
        let schema = of_event(Kind::Quote);
        let column = |name: &str| schema.field_with_name(name).unwrap().data_type().clone();
        assert_eq!(column("at"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        assert_eq!(column("market"), DataType::Utf8);
        let DataType::List(item) = column("odds") else { panic!("odds are a list") };
        assert_eq!(item.data_type(), &DataType::Float64);
    }

    #[test]
    fn a_grant_holds_its_bet_as_a_structure() {
        let schema = of_event(Kind::Grant);
        let DataType::Struct(bet) = schema.field_with_name("value_bet").unwrap().data_type() else {
            panic!("a grant's bet is a structure")
        };
        let kickoff = bet.iter().find(|field| field.name() == "kickoff").unwrap();
        assert!(matches!(kickoff.data_type(), DataType::Timestamp(..)));
    }
}
