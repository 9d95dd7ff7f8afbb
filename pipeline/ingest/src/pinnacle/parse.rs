//! Replies of fixtures and odds, from bytes to what they tell.

use std::collections::BTreeMap;

use marabet_quant::{Line, Market, MarketKind, Period};
use marabet_schemas::Instant;
use marabet_schemas::facts::OddsList;
use serde_json::Value;
use smol_str::SmolStr;

use crate::json::{Fault, Node, malformed};
use crate::reject::{Reject, RejectKind, Scope};

/// An event of the calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its number.
    pub id: SmolStr,
    /// Its league's name.
    pub league: SmolStr,
    /// When it starts.
    pub starts: Instant,
    /// The home side.
    pub home: SmolStr,
    /// The away side.
    pub away: SmolStr,
    /// It is offered while it runs.
    pub live: bool,
}

/// A market of a period: its odds, and the most that is taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// The odds, in the market's order.
    pub odds: OddsList,
    /// The most that is taken on it.
    pub max: Option<f64>,
}

/// What stands of one period of an event; nothing where it is no longer offered.
pub type Markets = BTreeMap<Market, Offered>;

/// A reply of odds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OddsReply {
    /// To ask with next time.
    pub last: Option<u64>,
    /// Periods by event and number, each as it stands now.
    pub periods: Vec<(SmolStr, u8, Markets)>,
    /// Prices read.
    pub prices: u64,
}

/// A reply of fixtures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FixturesReply {
    /// To ask with next time.
    pub last: Option<u64>,
    /// The events.
    pub events: Vec<Listed>,
}

fn document(file: &str, bytes: &[u8], rejects: &mut Vec<Reject>) -> Option<Value> {
    // Nothing new is an empty body.
    if bytes.trim_ascii().is_empty() {
        return None;
    }
    serde_json::from_slice(bytes).map_err(|error| rejects.push(malformed(file, bytes, &error))).ok()
}

/// Reads fixtures. What is no match (corners, bookings) and what cannot be read is refused.
#[must_use]
pub fn fixtures(file: &str, bytes: &[u8], rejects: &mut Vec<Reject>) -> FixturesReply {
    let mut reply = FixturesReply::default();
    let Some(document) = document(file, bytes, rejects) else { return reply };
    let root = Node::root(&document);
    reply.last = root.at("last").number().ok().map(|last| last.max(0.0) as u64);
    let leagues = root.at("league");
    for league in leagues.items() {
        let name = league.at("name").text().map(SmolStr::new);
        let events = league.at("events");
        for event in events.items() {
            let read = name.clone().and_then(|league| listed(event, league));
            match read {
                Ok(listed) => reply.events.push(listed),
                Err(fault) => rejects.push(fault.reject(file, Scope::Row, event.value())),
            }
        }
    }
    reply
}

fn listed(event: Node<'_>, league: SmolStr) -> Result<Listed, Fault> {
    let unit = event.at("resultingUnit");
    if !unit.is_null() && unit.text()? != "Regular" {
        return Err(unit.fault(RejectKind::Unsupported, "what is counted is not goals"));
    }
    let side = |key: &str| {
        let text = event.at(key).text().map(SmolStr::new);
        text.map_err(|fault| Fault { kind: RejectKind::Name, ..fault })
    };
    Ok(Listed {
        id: event.at("id").code()?,
        league,
        starts: event.at("starts").instant()?,
        home: side("home")?,
        away: side("away")?,
        live: event.at("liveStatus").number().is_ok_and(|status| status == 1.0),
    })
}

/// Reads odds. `alternates` takes the other lines beside the main ones.
#[must_use]
pub fn odds(file: &str, bytes: &[u8], alternates: bool, rejects: &mut Vec<Reject>) -> OddsReply {
    let mut reply = OddsReply::default();
    let Some(document) = document(file, bytes, rejects) else { return reply };
    let root = Node::root(&document);
    reply.last = root.at("last").number().ok().map(|last| last.max(0.0) as u64);
    let leagues = root.at("leagues");
    for league in leagues.items() {
        let events = league.at("events");
        for event in events.items() {
            let id = match event.at("id").code() {
                Ok(id) => id,
                Err(fault) => {
                    rejects.push(fault.reject(file, Scope::Row, event.value()));
                    continue;
                }
            };
            let periods = event.at("periods");
            for period in periods.items() {
                let number = match period.at("number").number() {
                    Ok(number @ 0.0..=9.0) => number as u8,
                    _ => {
                        let fault =
                            period.at("number").fault(RejectKind::Malformed, "is no period");
                        rejects.push(fault.reject(file, Scope::Cell, period.value()));
                        continue;
                    }
                };
                let mut reading =
                    Reading { file, alternates, rejects, prices: 0, markets: Markets::new() };
                reading.period(period, number);
                reply.prices += reading.prices;
                reply.periods.push((id.clone(), number, reading.markets));
            }
        }
    }
    reply
}

struct Reading<'r> {
    file: &'r str,
    alternates: bool,
    rejects: &'r mut Vec<Reject>,
    prices: u64,
    markets: Markets,
}

impl Reading<'_> {
    fn period(&mut self, period: Node<'_>, number: u8) {
        // 1 is offered; 2 is not, for now.
        if period.at("status").number().is_ok_and(|status| status != 1.0) {
            return;
        }
        let of = match number {
            0 => Period::FullTime,
            1 => Period::FirstHalf,
            2 => Period::SecondHalf,
            _ => {
                let fault = period
                    .at("number")
                    .fault(RejectKind::Unsupported, "this period is not known here");
                self.rejects.push(fault.reject(self.file, Scope::Cell, period.value()));
                return;
            }
        };
        let max = |key: &str| period.at(key).number().ok();
        let moneyline = period.at("moneyline");
        if !moneyline.is_null() {
            // Without a draw it is another market than the three results.
            let keys: &[&str] = &["home", "draw", "away"];
            self.market(moneyline, keys, Ok(MarketKind::MatchOdds), of, max("maxMoneyline"));
        }
        let spreads = period.at("spreads");
        for spread in spreads.items() {
            if !self.takes(spread) {
                continue;
            }
            let kind = line(spread.at("hdp")).map(MarketKind::AsianHandicap);
            self.market(spread, &["home", "away"], kind, of, own_max(spread).or(max("maxSpread")));
        }
        let totals = period.at("totals");
        for total in totals.items() {
            if !self.takes(total) {
                continue;
            }
            let kind = line(total.at("points")).map(MarketKind::Totals);
            self.market(total, &["over", "under"], kind, of, own_max(total).or(max("maxTotal")));
        }
        let teams = period.at("teamTotal");
        for (key, kind) in [
            ("home", MarketKind::HomeTotals as fn(Line) -> MarketKind),
            ("away", MarketKind::AwayTotals),
        ] {
            let total = teams.at(key);
            if !total.is_null() {
                let kind = line(total.at("points")).map(kind);
                self.market(total, &["over", "under"], kind, of, max("maxTeamTotal"));
            }
        }
    }

    fn takes(&self, line: Node<'_>) -> bool {
        self.alternates || line.at("altLineId").is_null()
    }

    fn market(
        &mut self,
        of: Node<'_>,
        keys: &[&str],
        kind: Result<MarketKind, Fault>,
        period: Period,
        max: Option<f64>,
    ) {
        self.prices += keys.len() as u64;
        let read = kind.and_then(|kind| {
            let odds = keys.iter().map(|key| of.at(key).odds()).collect::<Result<_, _>>()?;
            Ok((Market { kind, period }, Offered { odds, max }))
        });
        match read {
            Ok((market, offered)) => drop(self.markets.insert(market, offered)),
            Err(fault) => self.rejects.push(fault.reject(self.file, Scope::Cell, of.value())),
        }
    }
}

fn own_max(line: Node<'_>) -> Option<f64> {
    line.at("max").number().ok()
}

fn line(node: Node<'_>) -> Result<Line, Fault> {
    Line::new(node.number()?).map_err(|error| node.fault(RejectKind::Line, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_market_by_market_and_one_bad_price_costs_its_market_alone() {
        let body = r#"{"last":5,"leagues":[{"id":1,"events":[{"id":7,"periods":[
            {"number":0,"status":1,"maxMoneyline":900,"moneyline":{"home":2.5,"away":3.0,"draw":3.2},
             "spreads":[{"hdp":-0.25,"home":1.9,"away":2.0},{"altLineId":1,"hdp":-1,"home":1.0,"away":2,"max":5}],
             "totals":[{"points":2.5,"over":1.9,"under":1.95}],"teamTotal":{"home":{"points":1.5,"over":2.6,"under":1.5}}},
            {"number":1,"status":2,"moneyline":{"home":2.5,"away":3.0,"draw":3.2}},
            {"number":8,"status":1}]}]}]}"#;
        let mut rejects = Vec::new();
        let reply = odds("x", body.as_bytes(), true, &mut rejects);
        let markets = |at: usize| -> Vec<String> {
            reply.periods[at].2.keys().map(ToString::to_string).collect()
        };
        assert_eq!(markets(0), ["1x2", "ou@2.5", "ou.home@1.5", "ah@-0.25"]);
        assert!(markets(1).is_empty() && markets(2).is_empty());
        let reasons: Vec<_> = rejects.iter().map(|reject| reject.kind).collect();
        assert_eq!(reasons, [RejectKind::Odds, RejectKind::Unsupported]);
        assert_eq!((reply.last, reply.periods.len()), (Some(5), 3));
        let main = odds("x", body.as_bytes(), false, &mut Vec::new());
        assert_eq!(main.periods[0].2.len(), 4);
    }

    #[test]
    fn an_empty_body_says_that_nothing_changed_and_markup_is_refused() {
        let mut rejects = Vec::new();
        assert_eq!(odds("x", b"", true, &mut rejects), OddsReply::default());
        assert!(rejects.is_empty());
        assert_eq!(fixtures("x", b"<html>", &mut rejects), FixturesReply::default());
        assert_eq!(rejects.len(), 1);
    }
}
