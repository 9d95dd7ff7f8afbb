//! Reading an event in one pass over its line.
//!
//! Nearly every line begins with its tag, as this program writes it. Then the kind is known before
//! anything is parsed, and envelope and body are taken out of the same fields as these come.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
};

use crate::{Body, Event, Instant, Kind, MatchKey};

/// The kind of a line that begins with a tag of the current version.
pub(crate) fn kind_at_head(line: &str) -> Option<Kind> {
    let (tag, _) = line.strip_prefix(r#"{"t":""#)?.split_once('"')?;
    Kind::from_tag(tag)
}

/// Reads an event of this kind.
pub(crate) fn read(kind: Kind, line: &str) -> serde_json::Result<Event> {
    let mut from = serde_json::Deserializer::from_str(line);
    let event = OneEvent(kind).deserialize(&mut from)?;
    from.end()?;
    Ok(event)
}

struct OneEvent(Kind);

impl<'de> DeserializeSeed<'de> for OneEvent {
    type Value = Event;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Event, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneEvent {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Event, A::Error> {
        let mut fields = Fields { fields, key: None, at: None, assumed: false };
        let body = Body::deserialize(self.0, MapAccessDeserializer::new(&mut fields))?;
        let Fields { key, at, assumed, .. } = fields;
        Ok(Event { key, at: at.ok_or_else(|| A::Error::missing_field("at"))?, assumed, body })
    }
}

/// The fields of an event: those of the envelope are kept, the others are the body's.
struct Fields<A> {
    fields: A,
    key: Option<MatchKey>,
    at: Option<Instant>,
    assumed: bool,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut Fields<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(Name(name)) = self.fields.next_key()? {
            match &*name {
                "t" => {
                    self.fields.next_value::<IgnoredAny>()?;
                }
                "k" => self.key = self.fields.next_value()?,
                "at" => self.at = Some(self.fields.next_value()?),
                "assumed" => self.assumed = self.fields.next_value()?,
                _ => return seed.deserialize(name.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
