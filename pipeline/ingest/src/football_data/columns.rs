//! What the name of a column means.

use marabet_quant::Line;

/// A side of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Home,
    Away,
}

/// A statistic of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stat {
    Shots,
    ShotsOnTarget,
    Corners,
    Fouls,
    YellowCards,
    RedCards,
}

/// Columns that are not prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Field {
    Division,
    Country,
    Season,
    Date,
    Time,
    Home,
    Away,
    HomeGoals,
    AwayGoals,
    Outcome,
    HomeHalfTime,
    AwayHalfTime,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::AwayHalfTime as usize + 1;
}

/// A market that prices are listed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    MatchOdds,
    Totals(Line),
    AsianHandicap,
}

impl Family {
    /// How many prices make the market complete.
    pub(super) const fn selections(self) -> usize {
        match self {
            Self::MatchOdds => 3,
            Self::Totals(_) | Self::AsianHandicap => 2,
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column<'a> {
    /// Not a price.
    Field(Field),
    /// A statistic of a side.
    Stat(Stat, Side),
    /// The price of a selection, counted in the market's canonical order. The code still holds
    /// the `C` of a closing price.
    Price { code: &'a str, family: Family, selection: usize },
    /// The Asian handicap line that this code's prices stand on; without a code everybody's.
    Handicap { code: &'a str, closing: bool },
    /// Over how many books the Betbrain aggregates of a family are taken.
    Books(BooksOf),
    /// Known, but no fact is made of it: referee, attendance, what follows from other columns.
    Unused,
    /// Not known.
    Unknown,
}

/// Which aggregates a count of books belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BooksOf {
    MatchOdds,
    Totals,
    AsianHandicap,
}

/// What a column's name means.
///
/// `is_code` says whether something is the code of a book or an aggregate; it decides where a
/// name could be read in two ways.
pub(super) fn read<'a>(name: &'a str, is_code: &dyn Fn(&str) -> bool) -> Column<'a> {
    if let Some(column) = plain(name) {
        return column;
    }
    let price = |code, family, selection| Column::Price { code, family, selection };
    if let Some(code) = name.strip_suffix("AHH") {
        return price(code, Family::AsianHandicap, 0);
    }
    if let Some(code) = name.strip_suffix("AHA") {
        return price(code, Family::AsianHandicap, 1);
    }
    if let Some(code) = name.strip_suffix("AHCh") {
        return Column::Handicap { code, closing: true };
    }
    if let Some(code) = name.strip_suffix("AHh") {
        return Column::Handicap { code, closing: false };
    }
    if let Some(code) = name.strip_suffix("AH").filter(|code| is_code(code)) {
        return Column::Handicap { code, closing: false };
    }
    if let Some((code, line, selection)) = totals(name, is_code) {
        return price(code, Family::Totals(line), selection);
    }
    for (selection, suffix) in ["H", "D", "A"].into_iter().enumerate() {
        if let Some(code) = name.strip_suffix(suffix).filter(|code| !code.is_empty()) {
            return price(code, Family::MatchOdds, selection);
        }
    }
    Column::Unknown
}

fn plain(name: &str) -> Option<Column<'static>> {
    use Column::{Books, Field as F, Stat as S, Unused};
    use Side::{Away, Home};
    Some(match name {
        "Div" => F(Field::Division),
        "Country" => F(Field::Country),
        "Season" => F(Field::Season),
        "Date" => F(Field::Date),
        "Time" => F(Field::Time),
        "HomeTeam" | "Home" | "HT" => F(Field::Home),
        "AwayTeam" | "Away" | "AT" => F(Field::Away),
        "FTHG" | "HG" => F(Field::HomeGoals),
        "FTAG" | "AG" => F(Field::AwayGoals),
        "FTR" | "Res" => F(Field::Outcome),
        "HTHG" => F(Field::HomeHalfTime),
        "HTAG" => F(Field::AwayHalfTime),
        "HS" => S(Stat::Shots, Home),
        "AS" => S(Stat::Shots, Away),
        "HST" => S(Stat::ShotsOnTarget, Home),
        "AST" => S(Stat::ShotsOnTarget, Away),
        "HC" => S(Stat::Corners, Home),
        "AC" => S(Stat::Corners, Away),
        "HF" => S(Stat::Fouls, Home),
        "AF" => S(Stat::Fouls, Away),
        "HY" => S(Stat::YellowCards, Home),
        "AY" => S(Stat::YellowCards, Away),
        "HR" => S(Stat::RedCards, Home),
        "AR" => S(Stat::RedCards, Away),
        "Bb1X2" => Books(BooksOf::MatchOdds),
        "BbOU" => Books(BooksOf::Totals),
        "BbAH" => Books(BooksOf::AsianHandicap),
        "League" | "HTR" | "Referee" | "Attendance" | "HHW" | "AHW" | "HO" | "AO" | "HBP"
        | "ABP" | "HFKC" | "AFKC" => Unused,
        _ => return None,
    })
}

/// A total: `B365>2.5`, or as programs rename it that allow no such signs in a name, `B365_2_5`
/// and `B365.2.5` for over, with `_1` or `.1` behind it for under.
fn totals<'a>(name: &'a str, is_code: &dyn Fn(&str) -> bool) -> Option<(&'a str, Line, usize)> {
    let line_of = |text: &str| Line::new(text.parse().ok()?).ok();
    if let Some((code, goals)) = name.split_once('>') {
        return Some((code, line_of(goals)?, 0));
    }
    if let Some((code, goals)) = name.split_once('<') {
        return Some((code, line_of(goals)?, 1));
    }
    let separator = name.chars().rev().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '_' | '.') {
        return None;
    }
    let parts: Vec<&str> = name.split(separator).collect();
    let (code, whole, part, selection) = match parts[..] {
        [code, whole, part] => (code, whole, part, 0),
        [code, whole, part, "1"] => (code, whole, part, 1),
        _ => return None,
    };
    // `is_code` refuses the many other columns that end in numbers.
    is_code(code).then_some(())?;
    Some((code, line_of(&format!("{whole}.{part}"))?, selection))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &Column<'_>) {
        let is_code = |code: &str| {
            ["B365", "B365C", "GB", "Bb", "BbMx", "Avg", "BFE", "BFEC", "BFD"].contains(&code)
        };
        assert_eq!(&read(name, &is_code), expected, "{name}");
    }

    fn price(code: &str, family: Family, selection: usize) -> Column<'_> {
        Column::Price { code, family, selection }
    }

    #[test]
    fn the_name_of_a_price_says_whose_and_of_what() {
        let goals = Family::Totals(Line::new(2.5).unwrap());
        check("B365H", &price("B365", Family::MatchOdds, 0));
        check("BFED", &price("BFE", Family::MatchOdds, 1));
        check("BFDA", &price("BFD", Family::MatchOdds, 2));
        check("B365CH", &price("B365C", Family::MatchOdds, 0));
        check("B365>2.5", &price("B365", goals, 0));
        check("BFEC<2.5", &price("BFEC", goals, 1));
        check("B365_2_5", &price("B365", goals, 0));
        check("B365C.2.5.1", &price("B365C", goals, 1));
        check("BbMxAHA", &price("BbMx", Family::AsianHandicap, 1));
    }

    #[test]
    fn a_handicap_stands_for_one_book_or_for_all() {
        check("AHh", &Column::Handicap { code: "", closing: false });
        check("AHCh", &Column::Handicap { code: "", closing: true });
        check("BbAHh", &Column::Handicap { code: "Bb", closing: false });
        check("GBAH", &Column::Handicap { code: "GB", closing: false });
        check("BbAH", &Column::Books(BooksOf::AsianHandicap));
    }

    #[test]
    fn a_statistic_is_not_taken_for_a_price() {
        check("HST", &Column::Stat(Stat::ShotsOnTarget, Side::Home));
        check("AF", &Column::Stat(Stat::Fouls, Side::Away));
        check("HTAG", &Column::Field(Field::AwayHalfTime));
        check("HHW", &Column::Unused);
    }

    #[test]
    fn what_someone_added_is_not_known() {
        for name in
            ["", "HomeXG", "Over_FT_0_5", "BTTS_Yes", "B365>x", "odds_corners_over_75", "_2_5"]
        {
            check(name, &Column::Unknown);
        }
    }
}
