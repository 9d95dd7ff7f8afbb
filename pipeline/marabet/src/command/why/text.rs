//! The chain as a person reads it: each number with what it comes from.

use std::io::{self, Write};

use marabet_schemas::bets::{Settlement, ValueBet};
use marabet_views::why::{Arithmetic, Chain, Found};

use crate::output::{Answer, percent};

impl Answer for Chain {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        write_bet(self, out)?;
        write_quote(self, out)?;
        write_fair(&self.bet.event, &self.arithmetic, out)?;
        write_value(&self.bet.event, &self.arithmetic, out)?;
        write_model(self, out)?;
        write_config(self, out)?;
        write_end(self, out)
    }
}

fn write_bet(chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    let bet = &chain.bet.event;
    let key = &chain.r#match;
    writeln!(
        out,
        "bet {} by strategy {}\n  {} – {}, {} {}, kick-off {}",
        bet.bet,
        bet.strategy,
        key.home(),
        key.away(),
        key.competition(),
        key.season(),
        bet.kickoff
    )?;
    writeln!(
        out,
        "  {} {} at {} with {}, decided at {}",
        bet.market, bet.selection, bet.odds, bet.book, chain.decided_at
    )?;
    writeln!(out, "  in the log at {}", place(&chain.bet))
}

fn write_quote(chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    let Some(found) = &chain.quote else {
        return writeln!(out, "\nquote: no longer in the log (trimmed); see the archive");
    };
    let quote = &found.event;
    let named: Vec<String> = quote
        .market
        .selections()
        .iter()
        .zip(&quote.odds)
        .map(|(selection, odds)| format!("{selection} {odds}"))
        .collect();
    writeln!(out, "\nquote at {} from {}", place(found), quote.src)?;
    writeln!(out, "  {} {}: {}", quote.book, quote.market, named.join(", "))
}

fn write_model(chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    if let Some(found) = &chain.prediction {
        let Found { event: one, .. } = found;
        writeln!(out, "\nprediction at {}", place(found))?;
        writeln!(
            out,
            "  model {}: expected goals {:.4} – {:.4}, rho {:.5}",
            one.number, one.lambda, one.mu, one.rho
        )?;
        writeln!(out, "  {}", outcomes(one.outcomes))?;
    }
    let Some(found) = &chain.model else {
        return writeln!(out, "\nmodel: none was in force");
    };
    let model = &found.event;
    writeln!(out, "\nmodel {} ({}) at {}", model.number, model.family, place(found))?;
    writeln!(
        out,
        "  trained on {} matches that kicked off from {} to {}",
        model.training.matches, model.training.from, model.training.to
    )?;
    writeln!(out, "  artefact {}", model.hash)
}

fn write_config(chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    let Some(found) = &chain.config else { return Ok(()) };
    let config = &found.event;
    let rules = &config.strategy;
    writeln!(out, "\nconfiguration {} at {}", config.number, place(found))?;
    writeln!(
        out,
        "  EV at least {}, odds {}–{}, {} of Kelly, at most {} on a match",
        percent(rules.ev_min),
        rules.odds_min,
        rules.odds_max,
        rules.kelly_fraction,
        percent(rules.match_max.get())
    )
}

fn write_end(chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    if let Some(grant) = &chain.grant {
        writeln!(
            out,
            "\ngranted {} {} of a bankroll of {} ({} asked)",
            grant.stake, grant.currency, grant.bankroll, grant.asked
        )?;
    }
    if chain.settlements.is_empty() {
        return writeln!(out, "\nnot settled yet");
    }
    chain.settlements.iter().try_for_each(|one| write_settlement(one, out))
}

fn place<T>(found: &Found<T>) -> String {
    format!("{} {}", found.stream, found.address)
}

fn outcomes([win, half_win, push, half_loss, loss]: [f64; 5]) -> String {
    let named = [
        ("win", win),
        ("half-win", half_win),
        ("push", push),
        ("half-loss", half_loss),
        ("loss", loss),
    ];
    let shown: Vec<String> = named
        .iter()
        .filter(|(_, probability)| *probability > 0.0)
        .map(|(name, probability)| format!("{name} {probability:.6}"))
        .collect();
    shown.join(", ")
}

fn write_fair(bet: &ValueBet, sums: &Arithmetic, out: &mut dyn Write) -> io::Result<()> {
    let fair = &bet.fair;
    let source = serde_json::to_string(&fair.source).unwrap_or_default();
    writeln!(out, "\nfair price by {}", source.trim_matches('"'))?;
    for reference in &fair.references {
        let odds: Vec<String> = reference.odds.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "  {} {}: {} (quoted {})",
            reference.book,
            reference.market,
            odds.join(", "),
            reference.at
        )?;
    }
    if let Some(overround) = sums.overround {
        writeln!(out, "  inverse odds add up to {overround:.6}; margin out by {}", fair.devig)?;
    }
    writeln!(
        out,
        "  probability {:.6}, fair odds 1 / {:.6} = {:.4}",
        sums.probability, sums.probability, sums.fair_odds
    )?;
    writeln!(out, "  {}", outcomes(fair.outcomes))
}

fn write_value(bet: &ValueBet, sums: &Arithmetic, out: &mut dyn Write) -> io::Result<()> {
    let [win, half_win, _, half_loss, loss] = bet.fair.outcomes;
    writeln!(out, "\nvalue at net odds {:.4}", sums.net_odds)?;
    if half_win == 0.0 && half_loss == 0.0 {
        writeln!(
            out,
            "  EV = {win:.6} × ({:.4} − 1) − {loss:.6} = {}",
            sums.net_odds,
            percent(sums.ev)
        )?;
    } else {
        writeln!(
            out,
            "  EV = ({:.4} − 1) × ({win:.6} + ½ × {half_win:.6}) − ½ × {half_loss:.6} − {loss:.6} = {}",
            sums.net_odds,
            percent(sums.ev)
        )?;
    }
    writeln!(
        out,
        "  full Kelly alone {:.6} of the bankroll; staked {:.6}, jointly with the match's other bets",
        sums.kelly_alone,
        bet.stake.get()
    )
}

fn write_settlement(one: &Settlement, out: &mut dyn Write) -> io::Result<()> {
    let outcome = serde_json::to_string(&one.outcome).unwrap_or_default();
    let score = one.score.map_or_else(String::new, |[home, away]| format!(" at {home}–{away}"));
    write!(out, "\nsettled (revision {}): {}{score}", one.revision, outcome.trim_matches('"'))?;
    if let Some(reason) = &one.reason {
        write!(out, ", {reason}")?;
    }
    writeln!(out, "\n  profit of one unit {:+.4}", one.profit)?;
    let Some(clv) = &one.clv else { return writeln!(out, "  no closing price, so no CLV") };
    let odds: Vec<String> = clv.reference.odds.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "  closing {} {}: {}{}{}",
        clv.reference.book,
        clv.reference.market,
        odds.join(", "),
        if clv.fallback { " (fallback reference)" } else { "" },
        if clv.repriced { " (re-priced to the bet's line)" } else { "" }
    )?;
    writeln!(
        out,
        "  CLV = {:.4} × {:.6} − 1 = {}",
        one.net_odds,
        clv.probability,
        percent(clv.value)
    )
}
