//! One event: the envelope and the body.

use serde::{Deserialize, Serialize};

use crate::bets::{
    BetPlaced, BetSkipped, BetVoid, Deposit, Grant, Priced, Refused, Settlement, ValueBet,
};
use crate::control::{ConfigPublished, ModelPublished};
use crate::facts::{
    Aggregate, Fixture, MatchClosed, MatchResult, Named, Quote, Seen, Stats, Withdrawn,
};
use crate::news::{Absences, Incidents, LineUps, Standing};
use crate::upcast::{self, UpcastError};
use crate::{Instant, MatchKey, one_pass};

/// A body as an event holds it: what is large and seldom, in a box. A price is what most events
/// are, and none takes more room than the largest body that is not.
macro_rules! held {
    ($body:ty) => { $body };
    ($body:ty, boxed) => { Box<$body> };
}

/// Declares the kinds of event: variant, name on the wire, version written, body.
macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal $version:literal $body:ty $(, $boxed:ident)?;)*) => {
        /// The kind of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The version that this program writes and the newest that it reads.
            #[must_use]
            pub const fn version(self) -> u16 {
                match self { $(Self::$variant => $version,)* }
            }

            /// Name and version, as in the field `t`.
            #[must_use]
            pub const fn tag(self) -> &'static str {
                match self { $(Self::$variant => concat!($name, "/", $version),)* }
            }

            /// The kind of a tag of the current version.
            pub(crate) fn from_tag(tag: &str) -> Option<Self> {
                match tag { $(concat!($name, "/", $version) => Some(Self::$variant),)* _ => None }
            }

            /// The kind of this name on the wire.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            /// The JSON Schema of the kind's body.
            #[must_use]
            pub fn body_schema(self) -> schemars::Schema {
                match self { $(Self::$variant => schemars::schema_for!($body),)* }
            }
        }

        /// What an event says.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body { $($(#[$doc])* $variant(held!($body $(, $boxed)?)),)* }

        impl Body {
            /// The kind.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant,)* }
            }

            fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $(Self::$variant(body) => serde_json::to_writer(out, body),)* }
            }

            /// Reads the body of an event of this kind from any form of its fields.
            ///
            /// # Errors
            /// What the deserializer says of a field that is missing or of the wrong type.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(
                kind: Kind,
                from: D,
            ) -> Result<Self, D::Error> {
                Ok(match kind {
                    $(Kind::$variant => <$body>::deserialize(from)?.into(),)*
                })
            }
        }

        /// The body alone, as its own type serialises.
        impl Serialize for Body {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(body) => body.serialize(to),)* }
            }
        }

        $(impl From<$body> for Body {
            fn from(body: $body) -> Self { Self::$variant(body.into()) }
        })*
    };
}

kinds! {
    /// A match and its kick-off.
    Fixture "fixture" 1 Fixture;
    /// What a source calls a match.
    Named "named" 1 Named;
    /// One book's market.
    Quote "quote" 1 Quote;
    /// Mean or maximum over books.
    Aggregate "aggregate" 1 Aggregate;
    /// A price, line or book is gone.
    Withdrawn "withdrawn" 1 Withdrawn;
    /// A book's prices stand as they were.
    Seen "seen" 1 Seen;
    /// Match statistics.
    Stats "stats" 1 Stats;
    /// What happened in a match.
    Incidents "incidents" 1 Incidents;
    /// Who plays.
    LineUps "line_ups" 1 LineUps, boxed;
    /// Who does not play.
    Absences "absences" 1 Absences;
    /// Where the sides stand in the table.
    Standing "standing" 1 Standing;
    /// The end of a match.
    Result "result" 1 MatchResult;
    /// Nothing more is expected of the match.
    MatchClosed "match.closed" 1 MatchClosed;
    /// A model is in force.
    ModelPublished "model.published" 1 ModelPublished, boxed;
    /// Rules are in force.
    ConfigPublished "config.published" 1 ConfigPublished, boxed;
    /// A quote with the model's view.
    Priced "priced" 1 Priced;
    /// A bet worth making.
    ValueBet "value_bet" 1 ValueBet, boxed;
    /// A price not bet at, with the reason.
    Refused "refused" 1 Refused;
    /// How a bet ended.
    Settlement "settlement" 1 Settlement, boxed;
    /// A stake granted.
    Grant "grant" 1 Grant, boxed;
    /// The user placed a bet.
    BetPlaced "bet.placed" 1 BetPlaced;
    /// The user let a bet go.
    BetSkipped "bet.skipped" 1 BetSkipped;
    /// The book made a bet void.
    BetVoid "bet.void" 1 BetVoid;
    /// Money in or out.
    Deposit "deposit" 1 Deposit;
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The match it is about; none for what concerns the whole system.
    pub key: Option<MatchKey>,
    /// When it happened or became known.
    pub at: Instant,
    /// The instant is set by a rule, because the source does not state it.
    pub assumed: bool,
    /// What it says.
    pub body: Body,
}

/// What becomes known at once: events that share all but what they say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known<'a> {
    /// The match they are about; none for what concerns the whole system.
    pub key: Option<&'a MatchKey>,
    /// When it happened or became known.
    pub at: Instant,
    /// The instant is set by a rule, because the source does not state it.
    pub assumed: bool,
    /// What they say.
    pub bodies: &'a [Body],
}

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// The tag is not `name/version`.
    #[error("`t` must be a kind and a version such as `quote/1`, got `{0}`")]
    Tag(String),
    /// A newer program wrote it. The line is good; this program is too old for it.
    #[error("`{tag}` was written by a newer version of this program; upgrade to read on")]
    Newer {
        /// The tag found.
        tag: String,
    },
    /// An older version that cannot be brought up.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
}

/// The envelope, as it stands at the head of each line.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    t: std::borrow::Cow<'a, str>,
    #[serde(default)]
    k: Option<MatchKey>,
    at: Instant,
    #[serde(default)]
    assumed: bool,
}

impl Event {
    /// An event about a match.
    #[must_use]
    pub fn of(key: MatchKey, at: Instant, body: impl Into<Body>) -> Self {
        Self { key: Some(key), at, assumed: false, body: body.into() }
    }

    /// An event that concerns the whole system.
    #[must_use]
    pub fn global(at: Instant, body: impl Into<Body>) -> Self {
        Self { key: None, at, assumed: false, body: body.into() }
    }

    /// The same event with its instant marked as set by a rule.
    #[must_use]
    pub fn assumed(self) -> Self {
        Self { assumed: true, ..self }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The event as all that becomes known.
    #[must_use]
    pub fn known(&self) -> Known<'_> {
        let bodies = std::slice::from_ref(&self.body);
        Known { key: self.key.as_ref(), at: self.at, assumed: self.assumed, bodies }
    }

    /// Appends the event as one JSON object, without a line end.
    pub fn write(&self, out: &mut Vec<u8>) {
        const WRITABLE: &str = "an event holds only finite numbers and text, which JSON can say";
        out.extend_from_slice(b"{\"t\":\"");
        out.extend_from_slice(self.kind().tag().as_bytes());
        out.push(b'"');
        if let Some(key) = &self.key {
            out.extend_from_slice(b",\"k\":");
            serde_json::to_writer(&mut *out, key.as_str()).expect(WRITABLE);
        }
        out.extend_from_slice(b",\"at\":");
        serde_json::to_writer(&mut *out, &self.at).expect(WRITABLE);
        if self.assumed {
            out.extend_from_slice(b",\"assumed\":true");
        }
        // Envelope and body are two objects written as one: the body's opening brace becomes a
        // comma, which spares the buffering that a flattened field would cost on every event.
        let seam = out.len();
        match &self.body {
            Body::Priced(priced) => priced.write(out).expect(WRITABLE),
            body => body.write(out).expect(WRITABLE),
        }
        if out[seam..] == *b"{}" {
            out.remove(seam);
        } else {
            out[seam] = b',';
        }
    }

    /// The event as one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = Vec::with_capacity(256);
        self.write(&mut line);
        String::from_utf8(line).expect("serde_json writes UTF-8")
    }

    /// Reads an event from its line.
    ///
    /// # Errors
    /// [`DecodeError`]; of its kinds `Newer` is no fault of the line.
    pub fn from_line(line: &str) -> Result<Self, DecodeError> {
        if let Some(kind) = one_pass::kind_at_head(line) {
            return Ok(one_pass::read(kind, line)?);
        }
        let envelope: Envelope<'_> = serde_json::from_str(line)?;
        let tag = &*envelope.t;
        let wrong_tag = || DecodeError::Tag(tag.to_owned());
        let (name, version) = tag.rsplit_once('/').ok_or_else(wrong_tag)?;
        let version: u16 = version.parse().map_err(|_| wrong_tag())?;
        // A kind that is not known here can only have been written by a newer program.
        let newer = || DecodeError::Newer { tag: tag.to_owned() };
        let kind = Kind::from_name(name).ok_or_else(newer)?;
        let body = if version == kind.version() {
            body_of(kind, line)?
        } else if version > kind.version() {
            return Err(newer());
        } else {
            body_of(kind, &upcast::to_current(kind, version, line)?)?
        };
        Ok(Self { key: envelope.k, at: envelope.at, assumed: envelope.assumed, body })
    }
}

/// The body among the fields of a line.
fn body_of(kind: Kind, line: &str) -> serde_json::Result<Body> {
    let mut from = serde_json::Deserializer::from_str(line);
    let body = Body::deserialize(kind, &mut from)?;
    from.end()?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Phase;

    fn quote() -> Event {
        Event::of(
            "E0|2024-25|Man United|Fulham|1".parse().unwrap(),
            Instant::from_micros(1_723_830_000_000_000),
            Quote {
                src: "football-data".into(),
                book: "bet365".into(),
                market: "ah@-0.25".parse().unwrap(),
                odds: smallvec::smallvec![1.9.try_into().unwrap(), 2.0.try_into().unwrap()],
                phase: Phase::Pre,
                sizes: None,
            },
        )
    }

    #[test]
    fn an_event_is_one_object_that_a_person_can_read() {
        assert_eq!(
            quote().assumed().to_line(),
            r#"{"t":"quote/1","k":"E0|2024-25|Man United|Fulham|1","at":1723830000000000,"assumed":true,"src":"football-data","book":"bet365","market":"ah@-0.25","odds":[1.9,2.0],"phase":"pre"}"#
        );
    }

    #[test]
    fn an_event_reads_back_as_it_is_written() {
        let line = quote().to_line();
        assert_eq!(Event::from_line(&line).unwrap(), quote());
    }

    #[test]
    fn a_newer_version_and_an_unknown_kind_are_no_fault_of_the_line() {
        for line in [r#"{"t":"quote/9","at":1}"#, r#"{"t":"hologram/1","at":1}"#] {
            assert!(matches!(Event::from_line(line), Err(DecodeError::Newer { .. })), "{line}");
        }
    }

    #[test]
    fn an_event_reads_back_whatever_the_order_of_its_fields() {
        let line = quote().assumed().to_line();
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line).unwrap();
        let mut names: Vec<&String> = fields.keys().collect();
        for _ in 0..names.len() {
            names.rotate_left(1);
            for with_tag_first in [false, true] {
                let mut parts: Vec<String> =
                    names.iter().map(|name| format!("\"{name}\":{}", fields[*name])).collect();
                if with_tag_first {
                    parts.sort_by_key(|part| !part.starts_with("\"t\":"));
                }
                let line = format!("{{{}}}", parts.join(","));
                assert_eq!(Event::from_line(&line).unwrap(), quote().assumed(), "{line}");
            }
        }
    }

    #[test]
    fn a_malformed_line_is_refused_with_its_fault() {
        for line in [
            "",
            "{",
            "[]",
            r#"{"t":"quote","at":1}"#,
            r#"{"t":"quote/1","at":1}"#,
            r#"{"t":"quote/1","at":1,"src":"a","book":"b","market":"1x2","odds":[0.9,2,3]}"#,
        ] {
            let error = Event::from_line(line).expect_err(line);
            assert!(!matches!(error, DecodeError::Newer { .. }), "{line}: {error}");
        }
    }
}
