//! Bets and instants in Portuguese.

use jiff::tz::TimeZone;
use marabet_quant::{Market, MarketKind, Period, Selection};
use marabet_schemas::{Instant, MatchKey};

use crate::words::signed;

/// A bet in words: `vitória do Arsenal`, `mais de 2.5 golos, primeira parte`.
pub(crate) fn bet(key: &MatchKey, market: &Market, selection: Selection) -> String {
    let words = full_time(key.home(), key.away(), market.kind, selection);
    match market.period {
        Period::FullTime => words,
        Period::FirstHalf => format!("{words}, primeira parte"),
        Period::SecondHalf => format!("{words}, segunda parte"),
    }
}

fn full_time(home: &str, away: &str, kind: MarketKind, selection: Selection) -> String {
    use MarketKind as K;
    use Selection as S;
    let side = if matches!(selection, S::Away | S::Under) { away } else { home };
    let yes = selection == S::Yes;
    let more = if selection == S::Over { "mais de" } else { "menos de" };
    match (kind, selection) {
        (K::MatchOdds, S::Home | S::Away) => format!("vitória: {side}"),
        (K::DoubleChance, S::HomeOrDraw) => format!("{home} ou empate"),
        (K::DoubleChance, S::HomeOrAway) => format!("{home} ou {away}"),
        (K::DoubleChance, S::DrawOrAway) => format!("empate ou {away}"),
        (K::DrawNoBet, _) => format!("{side}, empate devolve"),
        (K::AsianHandicap(line), S::Home) => format!("{home} {}", signed(line.goals())),
        (K::AsianHandicap(line), S::Away) => format!("{away} {}", signed(line.mirrored().goals())),
        (K::EuropeanHandicap(goals), S::Home) => {
            format!("vitória: {home} com {} (três vias)", signed(f64::from(goals)))
        }
        (K::EuropeanHandicap(goals), S::Away) => {
            format!("vitória: {away} com {} (três vias)", signed(-f64::from(goals)))
        }
        (K::EuropeanHandicap(goals), S::Draw) => {
            format!("empate com {home} {} (três vias)", signed(f64::from(goals)))
        }
        (K::Totals(line), _) => format!("{more} {line} golos"),
        (K::HomeTotals(line), _) => format!("{home}: {more} {line} golos"),
        (K::AwayTotals(line), _) => format!("{away}: {more} {line} golos"),
        (K::BothTeamsToScore, _) if yes => "ambas marcam".to_owned(),
        (K::BothTeamsToScore, _) => "não marcam ambas".to_owned(),
        (K::OddEven, S::Odd) => "número ímpar de golos".to_owned(),
        (K::OddEven, _) => "número par de golos".to_owned(),
        (K::HomeCleanSheet, _) if yes => format!("{home} não sofre golos"),
        (K::HomeCleanSheet, _) => format!("{home} sofre golos"),
        (K::AwayCleanSheet, _) if yes => format!("{away} não sofre golos"),
        (K::AwayCleanSheet, _) => format!("{away} sofre golos"),
        (K::HomeWinToNil, _) if yes => format!("{home} ganha sem sofrer"),
        (K::HomeWinToNil, _) => format!("{home} não ganha sem sofrer"),
        (K::AwayWinToNil, _) if yes => format!("{away} ganha sem sofrer"),
        (K::AwayWinToNil, _) => format!("{away} não ganha sem sofrer"),
        (_, S::Draw) => "empate".to_owned(),
        _ => selection.to_string(),
    }
}

const WEEKDAYS: [&str; 7] = ["seg", "ter", "qua", "qui", "sex", "sáb", "dom"];
const MONTHS: [&str; 12] =
    ["jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez"];

/// An instant: `sáb, 17 ago 2024, 14:00 UTC`.
pub(crate) fn instant(at: Instant, zone: &TimeZone) -> String {
    let Ok(at) = jiff::Timestamp::from_microsecond(at.micros()) else { return at.to_string() };
    let at = at.to_zoned(zone.clone());
    let weekday = WEEKDAYS[usize::from(at.weekday().to_monday_zero_offset().unsigned_abs())];
    let month = MONTHS[usize::from(at.month().unsigned_abs()) - 1];
    format!("{weekday}, {} {month} {}, {}", at.day(), at.year(), at.strftime("%H:%M %Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bet_of_every_market_has_words_of_its_own_in_portuguese() {
        let key: MatchKey = "P1|2024-25|Benfica|Porto|1".parse().unwrap();
        let mut all = std::collections::BTreeSet::new();
        let mut count = 0;
        for market in [
            "1x2",
            "dc",
            "dnb",
            "ah@-0.25",
            "eh@-1",
            "ou@2.5",
            "ou.home@1.5",
            "btts",
            "oe",
            "cs.home",
            "cs.away",
            "wtn.home",
            "wtn.away",
            "1x2/1h",
            "ou@1.25/2h",
        ] {
            let market: Market = market.parse().unwrap();
            for selection in market.selections() {
                all.insert(bet(&key, &market, *selection));
                count += 1;
            }
        }
        assert_eq!(all.len(), count, "{all:?}");
        assert!(all.contains("vitória: Benfica") && all.contains("mais de 2.5 golos"));
        let at = "2024-08-17T14:00:00Z".parse().unwrap();
        assert_eq!(instant(at, &TimeZone::UTC), "sáb, 17 ago 2024, 14:00 UTC");
    }
}
