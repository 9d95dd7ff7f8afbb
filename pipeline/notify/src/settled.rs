//! How a bet ended, as it is told.

use marabet_schemas::bets::{BetOutcome, Settlement};
use marabet_schemas::{MatchKey, Money};

use crate::Message;
use crate::voice::Voice;

/// The message of a settlement, with the stake that was alerted.
#[must_use]
pub fn message(
    key: &MatchKey,
    settlement: &Settlement,
    stake: Option<&(Money, String)>,
    voice: &Voice,
) -> Message {
    let outcome = outcome(settlement.outcome, voice);
    let corrected =
        if settlement.revision > 1 { voice.say("corrected: ", "corrigido: ") } else { "" };
    let score = settlement.score.map_or_else(String::new, |[home, away]| format!(" {home}-{away}"));
    let mut text = format!(
        "{corrected}{outcome}: {} v {}{score}, {} {} {}",
        key.home(),
        key.away(),
        voice.bet(key, &settlement.market, settlement.selection),
        voice.say("at", "a"),
        voice.odds(settlement.net_odds),
    );
    if let Some((stake, currency)) = stake {
        let profit = stake.times(settlement.profit);
        let sign = if profit > Money::ZERO { "+" } else { "" };
        text.push_str(&format!(
            "\n  {} {stake} {currency} · {} {sign}{profit} {currency}",
            voice.say("stake", "aposta"),
            voice.say("result", "resultado"),
        ));
    }
    match &settlement.clv {
        Some(clv) => text.push_str(&format!(
            "\n  CLV {:+.1} % ({} {}) · EV {:+.1} %",
            clv.value * 100.0,
            voice.say("close of", "fecho de"),
            clv.reference.book,
            settlement.claimed_ev * 100.0
        )),
        None => text.push_str(&format!(
            "\n  {} · EV {:+.1} %",
            voice.say("no closing price", "sem preço de fecho"),
            settlement.claimed_ev * 100.0
        )),
    }
    if let Some(reason) = &settlement.reason {
        text.push_str(&format!("\n  {reason}"));
    }
    let mut message =
        Message::plain(format!("settled:{}:{}", settlement.bet, settlement.revision), text);
    message.json = serde_json::json!({ "settlement": settlement, "match": key }).to_string();
    message
}

fn outcome(outcome: BetOutcome, voice: &Voice) -> &'static str {
    match outcome {
        BetOutcome::Win => voice.say("won", "ganha"),
        BetOutcome::HalfWin => voice.say("half won", "meio ganha"),
        BetOutcome::Push => voice.say("returned", "devolvida"),
        BetOutcome::HalfLoss => voice.say("half lost", "meio perdida"),
        BetOutcome::Loss => voice.say("lost", "perdida"),
        BetOutcome::Void => voice.say("void", "anulada"),
        BetOutcome::Review => voice.say("in doubt", "em dúvida"),
    }
}
