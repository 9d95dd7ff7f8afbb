//! The competitions of football-data.co.uk and their seasons.

use jiff::civil::Date;
use marabet_schemas::Competition;

/// The divisions that have a file a season.
const MAIN: [&str; 22] = [
    "E0", "E1", "E2", "E3", "EC", "SC0", "SC1", "SC2", "SC3", "D1", "D2", "I1", "I2", "SP1", "SP2",
    "F1", "F2", "N1", "B1", "P1", "T1", "G1",
];

/// The "new leagues", which have one file for all seasons: code, country, and whether a season
/// is a calendar year.
const EXTRA: [(&str, &str, bool); 16] = [
    ("ARG", "Argentina", true),
    ("AUT", "Austria", false),
    ("BRA", "Brazil", true),
    ("CHN", "China", true),
    ("DNK", "Denmark", false),
    ("FIN", "Finland", true),
    ("IRL", "Ireland", true),
    ("JPN", "Japan", true),
    ("MEX", "Mexico", false),
    ("NOR", "Norway", true),
    ("POL", "Poland", false),
    ("ROU", "Romania", false),
    ("RUS", "Russia", false),
    ("SWE", "Sweden", true),
    ("SWZ", "Switzerland", false),
    ("USA", "USA", true),
];

/// Whether this is the code of a competition that the site publishes.
#[must_use]
pub fn is_known(code: &str) -> bool {
    MAIN.contains(&code) || EXTRA.iter().any(|(extra, ..)| *extra == code)
}

/// Whether the competition has a file a season.
#[must_use]
pub(super) fn is_main(competition: &Competition) -> bool {
    MAIN.contains(&competition.as_str())
}

/// The competition of a "new leagues" row, by its country.
#[must_use]
pub(super) fn of_country(country: &str) -> Option<Competition> {
    EXTRA.iter().find(|(_, name, _)| *name == country).map(|(code, ..)| Competition::new(code))
}

/// The competition of a file whose rows do not name it, from its path: the name of its folder,
/// or what its own name begins with, as in `E0/2425.csv`, `E0.csv`, `E0_2324_reduced.csv`.
#[must_use]
pub(crate) fn of_path(path: &str) -> Option<Competition> {
    let mut parts = path.rsplit(['/', '\\']);
    let name = parts.next()?;
    let stem = name.split(['.', '_', '-', ' ']).next()?;
    [Some(stem), parts.next()]
        .into_iter()
        .flatten()
        .find(|part| is_known(part))
        .map(Competition::new)
}

/// The season of a match day: `2024-25`, or `2024` in a league that plays within the year.
///
/// A season begins on the first of July. The one of 2019-20 was played to its end in July and
/// August 2020: there the next one begins on 1 August in Scotland and on 8 August elsewhere.
/// Over all files of the site since 1993 this agrees with the season that names the file.
#[must_use]
pub fn season(competition: &Competition, day: Date) -> String {
    let code = competition.as_str();
    if EXTRA.iter().any(|(extra, _, calendar)| *calendar && *extra == code) {
        return day.year().to_string();
    }
    let (month, first_day) = match day.year() {
        2020 if code.starts_with("SC") => (8, 1),
        2020 => (8, 8),
        _ => (7, 1),
    };
    let begun = (day.month(), day.day()) >= (month, first_day);
    let from = if begun { day.year() } else { day.year() - 1 };
    format!("{from}-{:02}", (from + 1).rem_euclid(100))
}

/// The season as a "new leagues" row writes it, in our form: `2012/2013` and `2012/13` become
/// `2012-13`, `2014` stays. None when it is no season.
#[must_use]
pub(super) fn season_from_label(label: &str) -> Option<String> {
    let year = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<u16>().ok() } else { None }
    };
    let Some((from, to)) = label.split_once(['/', '-']) else {
        return year(label).filter(|year| (1850..2200).contains(year)).map(|year| year.to_string());
    };
    let from = year(from).filter(|year| (1850..2200).contains(year))?;
    let to_year = year(to)?;
    let expected = from + 1;
    let follows = match to.len() {
        2 => to_year == expected % 100,
        4 => to_year == expected,
        _ => false,
    };
    follows.then(|| format!("{from}-{:02}", expected % 100))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn check(code: &str, day: Date, expected: &str) {
        assert_eq!(season(&code.into(), day), expected, "{code} {day}");
    }

    #[test]
    fn a_season_runs_from_july_to_june() {
        check("E0", date(2024, 8, 16), "2024-25");
        check("E0", date(2025, 5, 25), "2024-25");
        check("D2", date(1999, 7, 30), "1999-00");
        check("SP1", date(1997, 6, 23), "1996-97");
        check("SIM", date(2031, 7, 1), "2031-32");
    }

    #[test]
    fn the_season_of_2019_was_played_to_its_end_in_the_summer_of_2020() {
        check("E0", date(2020, 7, 26), "2019-20");
        check("SP2", date(2020, 8, 7), "2019-20");
        check("B1", date(2020, 8, 8), "2020-21");
        check("SC0", date(2020, 8, 1), "2020-21");
    }

    #[test]
    fn a_league_that_plays_within_the_year_names_its_season_by_the_year() {
        check("IRL", date(2012, 3, 2), "2012");
        check("BRA", date(2024, 12, 8), "2024");
    }

    #[test]
    fn a_season_label_is_brought_to_one_form() {
        for (label, expected) in [
            ("2012/2013", Some("2012-13")),
            ("2012/13", Some("2012-13")),
            ("1999-2000", Some("1999-00")),
            ("2014", Some("2014")),
            ("2012/2014", None),
            ("E0", None),
            ("", None),
            ("+201", None),
        ] {
            assert_eq!(season_from_label(label).as_deref(), expected, "{label}");
        }
    }

    #[test]
    fn a_path_names_the_competition_where_the_rows_do_not() {
        for (path, expected) in [
            ("raw/SP1/2425.csv.gz", Some("SP1")),
            ("E0.csv", Some("E0")),
            ("x/E0_2324_reduced.csv", Some("E0")),
            ("fixtures.csv", None),
        ] {
            assert_eq!(of_path(path), expected.map(Competition::new), "{path}");
        }
    }
}
