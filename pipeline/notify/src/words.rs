//! Bets, prices and instants in words, as people say them.

use jiff::tz::TimeZone;
use marabet_quant::{Market, MarketKind, Odds, Period, Selection};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{Instant, MatchKey};

/// A bet in words: `Arsenal to win`, `over 2.5 goals, first half`.
#[must_use]
pub fn bet(key: &MatchKey, market: &Market, selection: Selection) -> String {
    let words = full_time(key.home(), key.away(), market.kind, selection);
    match market.period {
        Period::FullTime => words,
        Period::FirstHalf => format!("{words}, first half"),
        Period::SecondHalf => format!("{words}, second half"),
    }
}

fn full_time(home: &str, away: &str, kind: MarketKind, selection: Selection) -> String {
    use MarketKind as K;
    use Selection as S;
    let side = if matches!(selection, S::Away | S::Under) { away } else { home };
    let yes = selection == S::Yes;
    match (kind, selection) {
        (K::MatchOdds, S::Home | S::Away) => format!("{side} to win"),
        (K::DoubleChance, S::HomeOrDraw) => format!("{home} or draw"),
        (K::DoubleChance, S::HomeOrAway) => format!("{home} or {away}"),
        (K::DoubleChance, S::DrawOrAway) => format!("draw or {away}"),
        (K::DrawNoBet, _) => format!("{side}, stake back on a draw"),
        (K::AsianHandicap(line), S::Home) => format!("{home} {}", signed(line.goals())),
        (K::AsianHandicap(line), S::Away) => format!("{away} {}", signed(line.mirrored().goals())),
        (K::EuropeanHandicap(goals), S::Home) => {
            format!("{home} to win from {} (three-way)", signed(f64::from(goals)))
        }
        (K::EuropeanHandicap(goals), S::Away) => {
            format!("{away} to win from {} (three-way)", signed(-f64::from(goals)))
        }
        (K::EuropeanHandicap(goals), S::Draw) => {
            format!("draw with {home} {} (three-way)", signed(f64::from(goals)))
        }
        (K::Totals(line), _) => format!("{selection} {line} goals"),
        (K::HomeTotals(line), _) => format!("{home} {selection} {line} goals"),
        (K::AwayTotals(line), _) => format!("{away} {selection} {line} goals"),
        (K::BothTeamsToScore, _) if yes => "both sides to score".to_owned(),
        (K::BothTeamsToScore, _) => "not both sides to score".to_owned(),
        (K::OddEven, _) => format!("{selection} number of goals"),
        (K::HomeCleanSheet, _) if yes => format!("{home} to concede nothing"),
        (K::HomeCleanSheet, _) => format!("{home} to concede"),
        (K::AwayCleanSheet, _) if yes => format!("{away} to concede nothing"),
        (K::AwayCleanSheet, _) => format!("{away} to concede"),
        (K::HomeWinToNil, _) if yes => format!("{home} to win to nil"),
        (K::HomeWinToNil, _) => format!("{home} not to win to nil"),
        (K::AwayWinToNil, _) if yes => format!("{away} to win to nil"),
        (K::AwayWinToNil, _) => format!("{away} not to win to nil"),
        _ => selection.to_string(),
    }
}

/// A handicap with its sign: `+0.25`, `0`, `-1.5`.
pub(crate) fn signed(goals: f64) -> String {
    if goals > 0.0 { format!("+{goals}") } else { format!("{}", goals + 0.0) }
}

/// Decimal odds with two places, or three where the book gives them.
#[must_use]
pub fn decimal(odds: f64) -> String {
    let hundredths = odds * 100.0;
    let exact = (hundredths - hundredths.round()).abs() < 1e-6;
    if exact { format!("{odds:.2}") } else { format!("{odds:.3}") }
}

/// A market's odds in their order: `2.02 / 3.60 / 3.95`.
#[must_use]
pub fn market_odds(odds: &[Odds]) -> String {
    let odds: Vec<String> = odds.iter().map(|odds| decimal(odds.decimal())).collect();
    odds.join(" / ")
}

/// An instant on the clock of a time zone: `Sat 17 Aug 2024, 14:00 UTC`.
#[must_use]
pub fn instant(at: Instant, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.micros()) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %H:%M %Z").to_string(),
        Err(_) => at.to_string(),
    }
}

/// The name of a source of fair prices.
#[must_use]
pub const fn fair_source(source: FairSource) -> &'static str {
    match source {
        FairSource::Sharp => "sharp",
        FairSource::Consensus => "consensus",
        FairSource::Model => "model",
        FairSource::Blend => "blend",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bet_of_every_market_has_words_of_its_own() {
        let key: MatchKey = "E0|2024-25|Arsenal|Chelsea|1".parse().unwrap();
        let mut lines = String::new();
        for market in [
            "1x2",
            "dc",
            "dnb",
            "ah@-0.25",
            "ah@0",
            "ah@1.5",
            "eh@-1",
            "ou@2.5",
            "ou.home@1.5",
            "ou.away@0.5",
            "btts",
            "oe",
            "cs.home",
            "cs.away",
            "wtn.home",
            "wtn.away",
            "1x2/1h",
            "ou@1.25/2h",
        ] {
            let parsed: Market = market.parse().unwrap();
            for selection in parsed.selections() {
                let words = bet(&key, &parsed, *selection);
                lines.push_str(&format!("{market} {selection}: {words}\n"));
            }
        }
        insta::assert_snapshot!(lines);
        let words: Vec<&str> = lines
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(_, words)| words)
            .collect();
        let distinct: std::collections::BTreeSet<&&str> = words.iter().collect();
        assert_eq!(distinct.len(), words.len());
    }

    #[test]
    fn odds_show_the_places_that_they_have() {
        for (odds, text) in [(2.0, "2.00"), (1.95, "1.95"), (1.952, "1.952"), (101.0, "101.00")] {
            assert_eq!(decimal(odds), text);
        }
    }

    #[test]
    fn an_instant_is_told_by_the_clock_of_its_zone() {
        let at: Instant = "2024-08-17T14:00:00Z".parse().unwrap();
        assert_eq!(instant(at, &TimeZone::UTC), "Sat 17 Aug 2024, 14:00 UTC");
        let lisbon = TimeZone::get("Europe/Lisbon").unwrap();
        assert_eq!(instant(at, &lisbon), "Sat 17 Aug 2024, 15:00 WEST");
    }
}
