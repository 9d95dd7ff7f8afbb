//! The names that we know: competitions, and the sides of each country, from the two files that
//! lie beside this one.

use std::collections::BTreeMap;

use marabet_schemas::Competition;
use serde::Deserialize;
use smol_str::SmolStr;

use crate::football_data;
use marabet_schemas::Instant;

/// What is known of a competition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KnownCompetition {
    /// What people call it.
    pub name: String,
    /// Whose sides play in it: a table of the sides.
    pub sides: SmolStr,
    /// A season is a calendar year.
    #[serde(default)]
    pub calendar: bool,
    /// Every side of it is in its table: one that fits none is asked about.
    #[serde(default)]
    pub covered: bool,
    /// Its matches may go on after ninety minutes.
    #[serde(default)]
    pub knockout: bool,
    /// What each provider calls it, by the provider's name.
    #[serde(flatten)]
    pub called: BTreeMap<String, String>,
}

/// The countries whose clubs meet in the competitions of a confederation.
const UNIONS: &[(&str, &[&str])] = &[
    (
        "UEFA",
        &[
            "Austria",
            "Belgium",
            "Denmark",
            "England",
            "Finland",
            "France",
            "Germany",
            "Greece",
            "Ireland",
            "Italy",
            "Netherlands",
            "Norway",
            "Poland",
            "Portugal",
            "Romania",
            "Scotland",
            "Spain",
            "Sweden",
            "Switzerland",
            "Turkey",
        ],
    ),
    ("CONMEBOL", &["Argentina", "Brazil", "Chile"]),
];

/// The tables in which the sides of a competition are looked for: its own, and those of the
/// countries of a confederation.
pub(super) fn tables(sides: &str) -> Vec<SmolStr> {
    let union = UNIONS.iter().find(|(name, _)| *name == sides);
    let members = union.into_iter().flat_map(|(_, members)| members.iter());
    std::iter::once(sides).chain(members.copied()).map(SmolStr::new).collect()
}

/// Sides of one country: the name under which each goes, and what else it is called.
pub type Sides = BTreeMap<SmolStr, Vec<String>>;

/// Both files, read.
#[derive(Debug, Clone)]
pub struct Canon {
    competitions: BTreeMap<SmolStr, KnownCompetition>,
    called: BTreeMap<(String, String), SmolStr>,
    sides: BTreeMap<SmolStr, Sides>,
}

impl Canon {
    /// The files of this program.
    #[must_use]
    pub fn built_in() -> Self {
        let read = "the files beside this module are read by its test";
        let competitions: BTreeMap<SmolStr, KnownCompetition> =
            toml::from_str(include_str!("canon/competitions.toml")).expect(read);
        let sides = toml::from_str(include_str!("canon/sides.toml")).expect(read);
        let called = competitions.iter().flat_map(|(code, known)| {
            let called = known.called.iter();
            called.map(|(provider, name)| ((provider.clone(), name.clone()), code.clone()))
        });
        Self { called: called.collect(), competitions, sides }
    }

    /// The competition that a provider calls so; our own codes are understood of every provider.
    #[must_use]
    pub fn called(&self, provider: &str, name: &str) -> Option<Competition> {
        let code = self.called.get(&(provider.to_owned(), name.to_owned()));
        let own = || self.competitions.get_key_value(name).map(|(code, _)| code);
        code.or_else(own).map(Competition::new)
    }

    /// What a provider calls the competition.
    #[must_use]
    pub fn provider_name(&self, provider: &str, competition: &Competition) -> Option<&str> {
        self.competition(competition)?.called.get(provider).map(String::as_str)
    }

    /// What is known of a competition.
    #[must_use]
    pub fn competition(&self, competition: &Competition) -> Option<&KnownCompetition> {
        self.competitions.get(competition.as_str())
    }

    /// All competitions, by their codes.
    pub fn competitions(&self) -> impl Iterator<Item = (&SmolStr, &KnownCompetition)> {
        self.competitions.iter()
    }

    /// The tables of sides.
    pub fn sides(&self) -> impl Iterator<Item = (&SmolStr, &Sides)> {
        self.sides.iter()
    }

    /// The season of a match that is played at this instant.
    #[must_use]
    pub fn season(&self, competition: &Competition, kickoff: Instant) -> String {
        let day: jiff::civil::Date = kickoff.day().parse().unwrap_or(jiff::civil::Date::ZERO);
        if self.competition(competition).is_some_and(|known| known.calendar) {
            return day.year().to_string();
        }
        football_data::season(competition, day)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::normal::normal;
    use super::*;

    #[test]
    fn both_files_are_read_and_every_competition_has_its_sides() {
        let canon = Canon::built_in();
        assert_eq!(canon.called("the-odds-api", "soccer_epl"), Some("E0".into()));
        assert_eq!(canon.called("api-football", "78"), Some("D1".into()));
        assert_eq!(canon.called("the-odds-api", "soccer_mars"), None);
        for (code, known) in canon.competitions() {
            assert!(!known.covered || canon.sides.contains_key(&known.sides), "{code}");
        }
        let kickoff = "2026-02-01T15:00:00Z".parse().unwrap();
        assert_eq!(canon.season(&"E0".into(), kickoff), "2025-26");
        assert_eq!(canon.season(&"USA".into(), kickoff), "2026");
    }

    #[test]
    fn no_two_sides_of_a_country_share_a_name() {
        let mut shared = Vec::new();
        for (country, sides) in Canon::built_in().sides() {
            let mut seen = BTreeSet::new();
            for (side, others) in sides {
                let own: BTreeSet<String> = others
                    .iter()
                    .chain(std::iter::once(&side.to_string()))
                    .map(|name| normal(name).signature)
                    .collect();
                let twice = own.into_iter().filter(|name| !seen.insert(name.clone()));
                shared.extend(twice.map(|name| format!("{country}: `{name}` of {side}")));
            }
        }
        assert!(shared.is_empty(), "{shared:#?}");
    }

    #[test]
    fn a_key_can_be_made_of_every_name() {
        for (_, sides) in Canon::built_in().sides() {
            for side in sides.keys() {
                assert!(!side.is_empty() && !side.contains('|'), "{side}");
            }
        }
    }
}
