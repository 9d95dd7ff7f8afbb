//! `marabet odds slate`: bets of several matches, weighed against each other inside a match and
//! held within caps on a match, a day and the whole.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context, ensure};
use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::staking::{Caps, JointBet, capped, joint_growth, kelly_joint};
use marabet_quant::{Market, Selection};
use serde::Serialize;

use super::{bet, net};
use crate::cli::SlateArgs;
use crate::command::results::{day, text};
use crate::output::{Answer, percent};

/// Stakes on a slate of bets.
#[derive(Serialize)]
pub(super) struct Slate {
    bets: Vec<SlateBet>,
    /// The shares of all stakes together.
    total: f64,
    /// Expected growth of the logarithm of the bankroll by each match on its own.
    log_growth: BTreeMap<String, f64>,
    caps: Caps,
}

#[derive(Serialize)]
struct SlateBet {
    r#match: String,
    market: Market,
    selection: Selection,
    net_odds: f64,
    /// Expected value of one unit.
    ev: f64,
    /// What was asked for within the match, a share of the bankroll.
    asked: f64,
    /// The stake within all caps.
    stake: f64,
}

const COLUMNS: [&str; 7] = ["day", "match", "lambda", "mu", "rho", "bet", "odds"];

/// The bets of one match.
struct Match {
    day: f64,
    law: [f64; 3],
    matrix: ScoreMatrix,
    bets: Vec<JointBet>,
}

pub(super) fn slate(arguments: &SlateArgs) -> anyhow::Result<Slate> {
    let file = arguments.file.display().to_string();
    let text = text(&arguments.file).with_context(|| file.clone())?;
    let matches = matches(&text, arguments.commission).context(file)?;
    let caps =
        Caps { each_match: arguments.match_cap, each_day: arguments.day_cap, whole: arguments.cap };
    let (mut asked, mut groups) = (Vec::new(), Vec::new());
    for (number, (name, of_match)) in (0..).zip(&matches) {
        let stakes =
            kelly_joint(&of_match.matrix, &of_match.bets, arguments.fraction, caps.each_match)
                .with_context(|| name.clone())?;
        groups.resize(groups.len() + stakes.len(), (number, of_match.day as i64));
        asked.extend(stakes);
    }
    let stakes = capped(&asked, &groups, &caps)?;
    let (mut bets, mut log_growth) = (Vec::new(), BTreeMap::new());
    for (name, of_match) in &matches {
        let from = bets.len();
        for bet in &of_match.bets {
            let place = bets.len();
            let outcomes = of_match.matrix.outcomes(&bet.market, bet.selection)?;
            bets.push(SlateBet {
                r#match: name.clone(),
                market: bet.market,
                selection: bet.selection,
                net_odds: bet.net_odds,
                ev: outcomes.expected_return(bet.net_odds),
                asked: asked[place],
                stake: stakes[place],
            });
        }
        let growth = joint_growth(&of_match.matrix, &of_match.bets, &stakes[from..bets.len()])?;
        log_growth.insert(name.clone(), growth);
    }
    Ok(Slate { bets, total: stakes.iter().sum(), log_growth, caps })
}

fn matches(text: &str, commission: f64) -> anyhow::Result<BTreeMap<String, Match>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers()?.iter().map(str::to_lowercase).collect();
    ensure!(
        header == COLUMNS,
        "line 1: expected the columns {}, got `{}`",
        COLUMNS.join(","),
        header.join(",")
    );
    let mut matches: BTreeMap<String, Match> = BTreeMap::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        add(&mut matches, &record, commission).with_context(|| format!("line {line}"))?;
    }
    ensure!(!matches.is_empty(), "no bet in it");
    Ok(matches)
}

fn add(
    matches: &mut BTreeMap<String, Match>,
    record: &csv::StringRecord,
    commission: f64,
) -> anyhow::Result<()> {
    let number = |place: usize| -> anyhow::Result<f64> {
        let (column, cell) = (COLUMNS[place], &record[place]);
        cell.parse().with_context(|| format!("{column}: `{cell}` is no number"))
    };
    let law = [number(2)?, number(3)?, number(4)?];
    let (market, selection) = bet(&record[5])?;
    let net_odds = net(&[number(6)?], commission)?[0];
    let day = day(&record[0])?;
    let of_match = match matches.entry(record[1].to_owned()) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            let matrix = ScoreMatrix::dixon_coles(law[0], law[1], law[2])?;
            entry.insert(Match { day, law, matrix, bets: Vec::new() })
        }
    };
    ensure!(
        of_match.day == day && of_match.law == law,
        "`{}` has another day, lambda, mu or rho than in an earlier line",
        &record[1]
    );
    of_match.bets.push(JointBet { market, selection, net_odds });
    Ok(())
}

impl Answer for Slate {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{:<24} {:<10} {:<13} {:>8} {:>9} {:>8} {:>8}",
            "match", "market", "selection", "net odds", "EV", "asked", "stake"
        )?;
        for bet in &self.bets {
            let SlateBet { r#match, market, selection, net_odds, ev, asked, stake } = bet;
            writeln!(
                out,
                "{match:<24} {:<10} {selection:<13} {net_odds:>8.3} {:>9} {asked:>8.5} {stake:>8.5}",
                market.to_string(),
                percent(*ev)
            )?;
        }
        writeln!(out, "stakes in all {:.5} of the bankroll", self.total)
    }
}
