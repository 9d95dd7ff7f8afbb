//! The columns of a stream's files.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use marabet_schemas::{Kind, arrow};
use marabet_streams::Stream;

/// The layout that this program writes and the newest that it reads.
pub const FORM: u32 = 1;

/// Marks a text column that holds JSON, in the column's own metadata.
pub(crate) const JSON: &str = "marabet.json";

/// Names of the columns that every row has.
pub(crate) mod envelope {
    pub(crate) const MS: &str = "ms";
    pub(crate) const SEQ: &str = "seq";
    pub(crate) const INDEX: &str = "index";
    pub(crate) const KIND: &str = "kind";
    pub(crate) const VERSION: &str = "version";
    pub(crate) const KEY: &str = "key";
    pub(crate) const AT: &str = "at";
    pub(crate) const ASSUMED: &str = "assumed";
    pub(crate) const LINE: &str = "line";
    pub(crate) const CAUSES: &str = "causes";
}

/// How many columns of the envelope stand before those of the kinds.
pub(crate) const ENVELOPE: usize = 10;

/// What a set of files holds: a stream, or the dead letters of a stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holding {
    /// A stream.
    Stream(Stream),
    /// The dead letters of the stage of this name.
    Dead(String),
}

impl Holding {
    /// The folder's name: `feed`, `dead-predict`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Stream(stream) => stream.name().to_owned(),
            Self::Dead(stage) => format!("dead-{stage}"),
        }
    }

    /// What the folder of this name holds.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("dead-") {
            Some("") => None,
            Some(stage) => Some(Self::Dead(stage.to_owned())),
            None => Stream::from_name(name).map(Self::Stream),
        }
    }

    /// The kinds that have columns of their own; an event of another kind is kept as its line.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let derived = [Kind::Priced, Kind::ValueBet, Kind::Refused, Kind::Settlement, Kind::Grant];
        // What concerns bets, or whoever reads of them, goes on to the portfolio and the grants.
        let passed_on = [
            Kind::MatchClosed,
            Kind::ModelPublished,
            Kind::ConfigPublished,
            Kind::BetPlaced,
            Kind::BetSkipped,
            Kind::BetVoid,
            Kind::Deposit,
        ];
        let facts = || Kind::ALL.iter().copied().filter(|kind| !derived.contains(kind));
        match self {
            Self::Stream(Stream::Feed) => facts().collect(),
            Self::Stream(Stream::Priced) => {
                let priced =
                    facts().map(|fact| if fact == Kind::Quote { Kind::Priced } else { fact });
                priced.collect()
            }
            Self::Stream(Stream::Bets) => {
                let own = [Kind::ValueBet, Kind::Refused, Kind::Settlement];
                own.into_iter().chain(passed_on).collect()
            }
            Self::Stream(Stream::Grants) => [Kind::Grant].into_iter().chain(passed_on).collect(),
            Self::Dead(_) => Vec::new(),
        }
    }

    /// The columns of its files.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let mut fields = envelope_fields();
        for kind in self.kinds() {
            let body: Fields = arrow::of_body(kind).iter().map(plain).collect();
            fields.push(Arc::new(Field::new(column_name(kind), DataType::Struct(body), true)));
        }
        Arc::new(Schema::new(fields))
    }
}

/// The column of a kind: its name, with `_` for `.`.
#[must_use]
pub fn column_name(kind: Kind) -> String {
    kind.name().replace('.', "_")
}

fn envelope_fields() -> Vec<FieldRef> {
    use envelope::{ASSUMED, AT, CAUSES, INDEX, KEY, KIND, LINE, MS, SEQ, VERSION};
    let field = |name: &str, kind, nullable| Arc::new(Field::new(name, kind, nullable));
    vec![
        field(MS, DataType::UInt64, false),
        field(SEQ, DataType::UInt64, false),
        field(INDEX, DataType::UInt32, false),
        field(KIND, DataType::Utf8, true),
        field(VERSION, DataType::UInt32, true),
        field(KEY, DataType::Utf8, true),
        field(AT, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        field(ASSUMED, DataType::Boolean, true),
        field(LINE, DataType::Utf8, true),
        field(CAUSES, DataType::Utf8, true),
    ]
}

/// The field without maps, which many readers cannot take: what holds one is kept as JSON text.
fn plain(field: &FieldRef) -> FieldRef {
    if !holds_map(field.data_type()) {
        return Arc::clone(field);
    }
    let text = Field::new(field.name(), DataType::Utf8, field.is_nullable());
    let mark = std::collections::HashMap::from([(JSON.to_owned(), "true".to_owned())]);
    Arc::new(text.with_metadata(mark))
}

fn holds_map(data_type: &DataType) -> bool {
    match data_type {
        DataType::Map(..) => true,
        DataType::List(item) => holds_map(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| holds_map(field.data_type())),
        _ => false,
    }
}

/// The same columns with every plain text as a dictionary: how they are read, so that each
/// distinct name is made once for a block and not once for a row.
pub(crate) fn with_dictionaries(schema: &Schema) -> SchemaRef {
    let fields: Fields = schema.fields().iter().map(dictionary).collect();
    Arc::new(Schema::new(fields))
}

fn dictionary(field: &FieldRef) -> FieldRef {
    let is_json = field.metadata().contains_key(JSON);
    let long = [envelope::LINE, envelope::CAUSES];
    let data_type = match field.data_type() {
        DataType::Utf8 if !is_json && !long.contains(&field.name().as_str()) => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(dictionary).collect()),
        DataType::List(item) => DataType::List(dictionary(item)),
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_kept_as_json_and_prices_as_typed_lists() {
        let schema = Holding::Stream(Stream::Feed).schema();
        let DataType::Struct(config) =
            schema.field_with_name("config_published").unwrap().data_type()
        else {
            panic!("a kind's column is a structure")
        };
        let rules = config.iter().find(|field| field.name() == "rules").unwrap();
        assert_eq!((rules.data_type(), rules.metadata().len()), (&DataType::Utf8, 1));
        let DataType::Struct(quote) = schema.field_with_name("quote").unwrap().data_type() else {
            panic!("a kind's column is a structure")
        };
        let odds = quote.iter().find(|field| field.name() == "odds").unwrap();
        assert!(matches!(odds.data_type(), DataType::List(_)));
    }

    #[test]
    fn a_folders_name_says_what_it_holds() {
        let streams = Stream::ALL.map(Holding::Stream);
        for holding in streams.into_iter().chain([Holding::Dead("predict".into())]) {
            assert_eq!(Holding::from_name(&holding.name()), Some(holding));
        }
        assert_eq!(Holding::from_name("artefacts"), None);
    }
}
