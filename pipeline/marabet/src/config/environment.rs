//! Overrides from the environment.

use toml::{Table, Value};

/// One key set by the environment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Override {
    /// The variable, as it was found.
    pub(crate) variable: String,
    /// The key's path: `["account", "bankroll"]`.
    pub(crate) path: Vec<String>,
    /// Its value.
    pub(crate) value: Value,
}

/// Variables of this program that are no keys of the configuration.
const NOT_KEYS: [&str; 7] = [
    "MARABET_DATA",
    "MARABET_DATA_DEMANDED",
    "MARABET_CONFIG",
    "MARABET_REDIS_SERVER",
    "MARABET_LOG_LEVEL",
    "MARABET_LOG_FORMAT",
    "MARABET_BACKTEST",
];

/// The overrides among these variables, in the order of their names.
///
/// A value is read as TOML where it is TOML (`5000`, `true`, `["pinnacle"]`), else as text.
pub(crate) fn overrides(variables: impl IntoIterator<Item = (String, String)>) -> Vec<Override> {
    let mut found: Vec<Override> = variables
        .into_iter()
        .filter(|(name, _)| !NOT_KEYS.contains(&name.as_str()))
        .filter_map(|(name, text)| {
            let path = name.strip_prefix("MARABET_")?.to_lowercase();
            let path: Vec<String> = path.split("__").map(str::to_owned).collect();
            Some(Override { variable: name, path, value: value(&text) })
        })
        .collect();
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    found
}

fn value(text: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {text}")).ok();
    read.and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Sets the key in the table, making the tables on its way.
///
/// # Errors
/// The part of the path that holds a plain value where a table should be.
pub(crate) fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    match path {
        [] => Err("an empty key".to_owned()),
        [last] => {
            table.insert(last.clone(), value);
            Ok(())
        }
        [first, rest @ ..] => {
            let next = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(next) = next else { return Err(format!("`{first}` is no table")) };
            set(next, rest, value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_a_key_and_its_value_is_toml_or_text() {
        let variables = [
            ("MARABET_ACCOUNT__BANKROLL", "5000"),
            ("MARABET_LOG__REDIS_URL", "redis://localhost"),
            ("MARABET_DATA", "/somewhere"),
            ("HOME", "/root"),
        ];
        let found = overrides(variables.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let found: Vec<_> = found.iter().map(|o| (o.path.join("."), o.value.clone())).collect();
        assert_eq!(
            found,
            [
                ("account.bankroll".to_owned(), Value::Integer(5000)),
                ("log.redis_url".to_owned(), Value::String("redis://localhost".to_owned())),
            ]
        );
    }
}
