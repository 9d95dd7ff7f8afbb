//! Betfair's market types and ours, and which runner is which selection.

use marabet_quant::{Line, Market, MarketKind, Period};

use super::definition::Definition;

/// One of our markets within one of Betfair's: the runners of its selections, in their canonical
/// order, by their index in the definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// The market.
    pub market: Market,
    /// The runners.
    pub runners: Vec<usize>,
}

/// The draw of a match, on every market of three results.
const THE_DRAW: u64 = 58_805;

/// Our markets within a market. None where its type is not known here.
#[must_use]
pub fn mapped(definition: &Definition) -> Option<Vec<Mapped>> {
    let full = Period::FullTime;
    let one = |kind, period, runners: Option<Vec<usize>>| {
        let mapped = |runners| Mapped { market: Market { kind, period }, runners };
        Some(runners.map(mapped).into_iter().collect::<Vec<_>>())
    };
    // Lists are sorted by the runners' own order: what comes first there is selection 0.
    let pair = || in_order(definition, 2);
    match definition.market_type.as_str() {
        "MATCH_ODDS" => one(MarketKind::MatchOdds, full, three_ways(definition)),
        "HALF_TIME" => one(MarketKind::MatchOdds, Period::FirstHalf, three_ways(definition)),
        "DRAW_NO_BET" => one(MarketKind::DrawNoBet, full, pair()),
        "BOTH_TEAMS_TO_SCORE" => {
            one(MarketKind::BothTeamsToScore, full, named(definition, ["yes", "no"]).or_else(pair))
        }
        "ODD_OR_EVEN" => {
            one(MarketKind::OddEven, full, named(definition, ["odd", "even"]).or_else(pair))
        }
        "DOUBLE_CHANCE" => one(MarketKind::DoubleChance, full, double_chance(definition)),
        "ASIAN_HANDICAP" => Some(handicaps(definition)),
        // No market of ours, but its winner is the score that settles the others.
        "CORRECT_SCORE" | "HALF_TIME_SCORE" => Some(Vec::new()),
        other => {
            let (goals, period) = match other.strip_prefix("OVER_UNDER_") {
                Some(goals) => (goals, full),
                None => (other.strip_prefix("FIRST_HALF_GOALS_")?, Period::FirstHalf),
            };
            let tenths: f64 = goals.parse().ok().filter(|_| goals.len() == 2)?;
            let line = Line::new(tenths / 10.0).ok()?;
            // Under comes first in Betfair's order, over in ours.
            let reversed = || pair().map(|pair| vec![pair[1], pair[0]]);
            one(
                MarketKind::Totals(line),
                period,
                named(definition, ["over", "under"]).or_else(reversed),
            )
        }
    }
}

fn in_order(definition: &Definition, count: usize) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..definition.runners.len()).collect();
    order.sort_by_key(|at| definition.runners[*at].sort_priority);
    (order.len() == count).then_some(order)
}

/// Runners whose names begin so.
fn named(definition: &Definition, names: [&str; 2]) -> Option<Vec<usize>> {
    let find = |name: &str| {
        definition.runners.iter().position(|runner| {
            runner.name.as_ref().is_some_and(|n| n.to_lowercase().starts_with(name))
        })
    };
    Some(vec![find(names[0])?, find(names[1])?])
}

fn three_ways(definition: &Definition) -> Option<Vec<usize>> {
    let order = in_order(definition, 3)?;
    let draw = *order.iter().find(|at| definition.runners[**at].id == THE_DRAW)?;
    let sides: Vec<usize> = order.into_iter().filter(|at| *at != draw).collect();
    Some(vec![sides[0], draw, sides[1]])
}

/// Home or draw, home or away, draw or away.
fn double_chance(definition: &Definition) -> Option<Vec<usize>> {
    let find = |name: &str| {
        definition
            .runners
            .iter()
            .position(|r| r.name.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)))
    };
    let by_name =
        || Some(vec![find("Home or Draw")?, find("Home or Away")?, find("Draw or Away")?]);
    // Without names the order is: home or draw, draw or away, home or away.
    by_name().or_else(|| in_order(definition, 3).map(|o| vec![o[0], o[2], o[1]]))
}

/// Each line of the home side (who comes first) with its mirror of the away side.
fn handicaps(definition: &Definition) -> Vec<Mapped> {
    let runners = &definition.runners;
    let first = runners.iter().min_by_key(|runner| runner.sort_priority);
    let Some(home) = first.map(|runner| runner.id) else { return Vec::new() };
    let of_home = runners.iter().enumerate().filter(|(_, runner)| runner.id == home);
    let pair = |(at, runner): (usize, &super::definition::RunnerDefinition)| {
        let is_mirror = |other: &super::definition::RunnerDefinition| {
            other.id != home && other.hc == -runner.hc
        };
        let away = runners.iter().position(is_mirror)?;
        let kind = MarketKind::AsianHandicap(Line::new(runner.hc).ok()?);
        Some(Mapped { market: Market::full_time(kind), runners: vec![at, away] })
    };
    of_home.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::super::definition::RunnerDefinition;
    use super::*;

    fn definition(market_type: &str, runners: &[(u64, f64)]) -> Definition {
        let runner = |(at, (id, hc)): (usize, &(u64, f64))| RunnerDefinition {
            id: *id,
            hc: *hc,
            sort_priority: at as u32 + 1,
            ..RunnerDefinition::default()
        };
        Definition {
            market_type: market_type.into(),
            runners: runners.iter().enumerate().map(runner).collect(),
            ..Definition::default()
        }
    }

    fn check(market_type: &str, runners: &[(u64, f64)], expected: &str) {
        let mapped = mapped(&definition(market_type, runners)).map(|all| {
            let text = |one: &Mapped| format!("{}={:?}", one.market, one.runners);
            all.iter().map(text).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(mapped.as_deref().unwrap_or("unknown"), expected, "{market_type}");
    }

    #[test]
    fn each_type_is_one_market_or_one_a_line() {
        let three = [(1, 0.0), (2, 0.0), (THE_DRAW, 0.0)];
        check("MATCH_ODDS", &three, "1x2=[0, 2, 1]");
        check("HALF_TIME", &three, "1x2/1h=[0, 2, 1]");
        check("OVER_UNDER_25", &[(1, 0.0), (2, 0.0)], "ou@2.5=[1, 0]");
        check("FIRST_HALF_GOALS_05", &[(1, 0.0), (2, 0.0)], "ou@0.5/1h=[1, 0]");
        check("BOTH_TEAMS_TO_SCORE", &[(1, 0.0), (2, 0.0)], "btts=[0, 1]");
        check(
            "ASIAN_HANDICAP",
            &[(1, -0.5), (2, 0.5), (1, 0.25), (2, -0.25), (1, 4.0)],
            "ah@-0.5=[0, 1] ah@0.25=[2, 3]",
        );
        check("CORNER_ODDS", &three, "unknown");
        check("OVER_UNDER_X5", &[], "unknown");
        // A market of three results without the draw is none.
        check("MATCH_ODDS", &[(1, 0.0), (2, 0.0), (3, 0.0)], "");
    }
}
