//! Reports of a period, as they are told: alerted bets apart from placed ones, the claimed edge
//! beside the realised one, and the equity curve as a picture.

use std::fmt::Write;

use marabet_schemas::{Instant, Money};

use crate::voice::Voice;
use crate::{Message, Picture, equity};

/// Sums over settled bets.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sums {
    /// How many.
    pub bets: u32,
    /// What was staked.
    pub staked: Money,
    /// What it brought.
    pub profit: Money,
    /// The mean expected value that was claimed.
    pub claimed_ev: f64,
    /// How many have a closing price.
    pub with_clv: u32,
    /// The mean closing-line value of these.
    pub clv: f64,
}

/// A strategy's period.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyPeriod {
    /// Which strategy.
    pub strategy: String,
    /// As alerted.
    pub alerted: Sums,
    /// As placed.
    pub placed: Sums,
    /// What it owns at the end.
    pub bankroll: Money,
    /// Of which currency.
    pub currency: String,
    /// What it owned after each movement.
    pub equity: Vec<(Instant, Money)>,
}

/// A period.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Its name in the outbox: `weekly:2024-W34`, `daily:2024-08-20`.
    pub name: String,
    /// From when.
    pub from: Instant,
    /// Until before when.
    pub to: Instant,
    /// By strategy.
    pub strategies: Vec<StrategyPeriod>,
}

impl Period {
    /// The report in words.
    #[must_use]
    pub fn message(&self, voice: &Voice) -> Message {
        let mut text = format!(
            "{} {} – {}",
            voice.say("Report", "Relatório"),
            self.from.day(),
            self.to.plus_seconds(-1).day()
        );
        for one in &self.strategies {
            let (bankroll, currency) = (one.bankroll, &one.currency);
            let word = voice.say("bankroll", "banca");
            write!(text, "\n{}: {word} {bankroll} {currency}", one.strategy)
                .expect("a string takes all");
            line(&mut text, voice.say("alerted", "alertadas"), &one.alerted, currency, voice);
            line(&mut text, voice.say("placed", "apostadas"), &one.placed, currency, voice);
        }
        if self.strategies.iter().all(|one| one.alerted.bets == 0) {
            text.push_str(voice.say("\nno bet was settled", "\nnenhuma aposta foi liquidada"));
        }
        if let Some(notice) = voice.notice() {
            text.push_str(&format!("\n{notice}"));
        }
        Message::plain(format!("report:{}", self.name), text)
    }

    /// The equity curves; none where nothing moved.
    #[must_use]
    pub fn picture(&self) -> Option<Picture> {
        let curves: Vec<&[(Instant, Money)]> =
            self.strategies.iter().map(|one| &*one.equity).filter(|all| all.len() > 1).collect();
        let png = equity::png(&curves)?;
        Some(Picture { name: format!("{}.png", self.name.replace(':', "-")), png })
    }
}

fn line(text: &mut String, word: &str, sums: &Sums, currency: &str, voice: &Voice) {
    if sums.bets == 0 {
        write!(text, "\n  {word}: 0").expect("a string takes all");
        return;
    }
    let yield_ = match sums.staked.units() {
        staked if staked > 0.0 => sums.profit.units() / staked * 100.0,
        _ => 0.0,
    };
    let clv = match sums.with_clv {
        0 => voice.say("no CLV", "sem CLV").to_owned(),
        with => format!("CLV {:+.1} % ({with}/{})", sums.clv * 100.0, sums.bets),
    };
    write!(
        text,
        "\n  {word}: {} · {} {currency} · {} {currency} · {} {:+.1} % ({} {:+.1} %) · {clv}",
        sums.bets,
        sums.staked,
        sums.profit,
        voice.say("yield", "rendimento"),
        yield_,
        voice.say("claimed", "previsto"),
        sums.claimed_ev * 100.0
    )
    .expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voice::Language;

    fn period() -> Period {
        let at = |day: i64| Instant::from_micros(day * 86_400_000_000);
        let money = Money::from_cents;
        let alerted = Sums {
            bets: 3,
            staked: money(6_000),
            profit: money(-450),
            claimed_ev: 0.031,
            with_clv: 2,
            clv: 0.012,
        };
        let strategy = StrategyPeriod {
            strategy: "sharp".to_owned(),
            alerted,
            placed: Sums::default(),
            bankroll: money(999_550),
            currency: "EUR".to_owned(),
            equity: vec![(at(0), money(1_000_000)), (at(3), money(999_550))],
        };
        Period {
            name: "weekly:1970-W01".to_owned(),
            from: at(0),
            to: at(7),
            strategies: vec![strategy],
        }
    }

    #[test]
    fn a_report_sets_the_claim_beside_what_came_of_it_and_alerts_apart_from_bets_placed() {
        let text = period().message(&Voice::default()).text;
        assert_eq!(
            text,
            "Report 1970-01-01 – 1970-01-07\nsharp: bankroll 9995.50 EUR\n  \
             alerted: 3 · 60.00 EUR · -4.50 EUR · yield -7.5 % (claimed +3.1 %) · CLV +1.2 % (2/3)\n  \
             placed: 0"
        );
        let voice = Voice { language: Language::Portuguese, notice: true, ..Voice::default() };
        let text = period().message(&voice).text;
        assert!(
            text.contains("rendimento -7.5 %") && text.ends_with("o que pode perder"),
            "{text}"
        );
        let picture = period().picture().unwrap();
        assert_eq!(
            (&*picture.name, &picture.png[..4]),
            ("weekly-1970-W01.png", b"\x89PNG".as_slice())
        );
    }
}
