//! A granted bet as it is told.

use std::fmt::Write;

use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{Cap, Fair, Grant, OtherPrice};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, Book, Instant, MatchKey, Money, StrategyName};
use serde::Serialize;

use crate::voice::Voice;
use crate::{Button, Message, words};

/// Everything that a bettor needs to place a bet, and to judge it.
///
/// As JSON it is one object; instants are RFC 3339, money is in whole units of the currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Announcement {
    /// The bet's identity.
    pub bet: BetId,
    /// By which strategy.
    pub strategy: StrategyName,
    /// The match.
    #[serde(rename = "match")]
    pub key: MatchKey,
    /// The bet in words.
    pub what: String,
    /// On which market.
    pub market: Market,
    /// On what.
    pub selection: Selection,
    /// Where.
    pub book: Book,
    /// At what price.
    pub odds: Odds,
    /// The price after commission.
    pub net_odds: f64,
    /// How much to stake.
    pub stake: Money,
    /// Of which currency, ISO 4217.
    pub currency: String,
    /// What was asked for before caps.
    pub asked: Money,
    /// The caps that made it less.
    pub capped_by: Vec<Cap>,
    /// Expected value of one unit staked, net of commission: 0.02 for 2 %.
    pub ev: f64,
    /// The fair price: one over the fair probability.
    pub fair_odds: f64,
    /// How the fair price came about.
    pub fair: Fair,
    /// When the price was quoted.
    #[serde(serialize_with = "as_text")]
    pub quoted_at: Instant,
    /// Until when the bet can be placed: the price is stale or the match begun after it.
    #[serde(serialize_with = "as_text")]
    pub until: Instant,
    /// The last known kick-off.
    #[serde(serialize_with = "as_text")]
    pub kickoff: Instant,
    /// The same payoff elsewhere, best net price first.
    pub others: Vec<OtherPrice>,
    /// It may have been announced before: the first sending's end is not known.
    pub repeat: bool,
}

fn as_text<S: serde::Serializer>(at: &Instant, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

impl Announcement {
    /// The announcement of a grant on a match.
    #[must_use]
    pub fn new(key: &MatchKey, grant: &Grant, repeat: bool) -> Self {
        let bet = grant.value_bet.clone();
        let until = bet.until();
        Self {
            bet: bet.bet,
            strategy: bet.strategy,
            key: key.clone(),
            what: words::bet(key, &bet.market, bet.selection),
            market: bet.market,
            selection: bet.selection,
            book: bet.book,
            odds: bet.odds,
            net_odds: bet.net_odds,
            stake: grant.stake,
            currency: grant.currency.clone(),
            asked: grant.asked,
            capped_by: grant.capped_by.clone(),
            ev: bet.ev,
            fair_odds: 1.0 / bet.fair.probability,
            fair: bet.fair,
            quoted_at: bet.quoted_at,
            until,
            kickoff: bet.kickoff,
            others: bet.others,
            repeat,
        }
    }

    /// The message, as its reader is spoken to.
    #[must_use]
    pub fn message(&self, voice: &Voice) -> Message {
        let title = self.title(voice);
        let button = |label: &str, word: &str| Button {
            label: label.to_owned(),
            answer: format!("{word} {}", self.bet),
        };
        Message {
            key: format!("bet:{}", self.bet),
            text: self.text(&title, voice),
            title,
            json: serde_json::to_string(self).expect("an announcement is plain data"),
            buttons: vec![
                button(voice.say("placed", "apostado"), "placed"),
                button(voice.say("skipped", "ignorado"), "skipped"),
            ],
        }
    }

    /// The bet in one line, for a message that tells of many.
    #[must_use]
    pub fn line(&self, voice: &Voice) -> String {
        format!(
            "{}{} v {}: {} @ {} {}, {} {}, EV {:+.1} %",
            if self.repeat { "(?) " } else { "" },
            self.key.home(),
            self.key.away(),
            voice.bet(&self.key, &self.market, self.selection),
            voice.odds(self.odds.decimal()),
            self.book,
            self.stake,
            self.currency,
            self.ev * 100.0
        )
    }

    fn title(&self, voice: &Voice) -> String {
        let again = voice.say("(perhaps again) ", "(talvez repetido) ");
        format!(
            "{}{} v {}: {} {} {}, {}",
            if self.repeat { again } else { "" },
            self.key.home(),
            self.key.away(),
            voice.bet(&self.key, &self.market, self.selection),
            voice.say("at", "a"),
            voice.odds(self.odds.decimal()),
            self.book
        )
    }

    fn text(&self, title: &str, voice: &Voice) -> String {
        let mut text = title.to_owned();
        let mut line = |words: &str| write!(text, "\n  {words}").expect("a string takes all");
        line(&format!(
            "{} {} {}{} · EV {:+.1} %{}",
            voice.say("stake", "aposta"),
            self.stake,
            self.currency,
            self.caps(voice),
            self.ev * 100.0,
            self.commission(voice)
        ));
        line(&format!(
            "{} {} · {} {}",
            voice.say("until", "até"),
            voice.instant(self.until),
            voice.say("kick-off", "início"),
            voice.instant(self.kickoff)
        ));
        line(&format!(
            "{} {} ({:.1} %), {}",
            voice.say("fair", "justa"),
            voice.odds(round_to_hundredths(self.fair_odds)),
            self.fair.probability * 100.0,
            fair_in_words(&self.fair, voice)
        ));
        for other in self.others.iter().take(OTHERS_SHOWN) {
            line(&format!("{} {}", voice.say("also", "também"), self.other_in_words(other, voice)));
        }
        line(&format!(
            "{} · {} {} · {}",
            self.strategy,
            voice.say("bet", "aposta"),
            self.bet,
            self.key.competition()
        ));
        if let Some(notice) = voice.notice() {
            line(notice);
        }
        text
    }

    fn caps(&self, voice: &Voice) -> String {
        if self.capped_by.is_empty() {
            return String::new();
        }
        let caps: Vec<&str> = self.capped_by.iter().map(|cap| cap_in_words(*cap, voice)).collect();
        let (of, asked) = (voice.say("of", "de"), voice.say("asked", "pedidos"));
        format!(" ({of} {} {asked}; {})", self.asked, caps.join(", "))
    }

    fn commission(&self, voice: &Voice) -> String {
        if self.net_odds < self.odds.decimal() {
            format!(
                " {} {} {}",
                voice.say("at", "a"),
                voice.odds(round_to_hundredths(self.net_odds)),
                voice.say("after commission", "após comissão")
            )
        } else {
            String::new()
        }
    }

    fn other_in_words(&self, other: &OtherPrice, voice: &Voice) -> String {
        let at = voice.say("at", "a");
        let mut text = format!("{} {at} {}", other.book, voice.odds(other.odds.decimal()));
        if other.net_odds < other.odds.decimal() {
            let net = voice.odds(round_to_hundredths(other.net_odds));
            text.push_str(&format!(" ({net} {})", voice.say("after commission", "após comissão")));
        }
        if (other.market, other.selection) != (self.market, self.selection) {
            let as_ = voice.say("as", "como");
            text.push_str(&format!(" {as_} {} {}", other.market, other.selection));
        }
        text
    }
}

/// Most prices of other books in the text; the JSON has them all.
const OTHERS_SHOWN: usize = 5;

fn round_to_hundredths(odds: f64) -> f64 {
    (odds * 100.0).round() / 100.0
}

fn cap_in_words(cap: Cap, voice: &Voice) -> &'static str {
    match cap {
        Cap::Bankroll => voice.say("the bankroll has no more free", "a banca não tem mais livre"),
        Cap::Open => voice.say("the most that may be open", "o máximo em aberto"),
        Cap::Day => voice.say("the most of the day", "o máximo do dia"),
        Cap::Book => voice.say("the book's limit", "o limite da casa"),
        Cap::Stake => voice.say("the most on one bet", "o máximo por aposta"),
        Cap::Loss => voice.say("the most that may be lost", "o máximo de perdas"),
        Cap::CoolOff => voice.say("cooling off", "pausa"),
        Cap::Rounding => voice.say("rounded down", "arredondado para baixo"),
    }
}

/// Where a fair price comes from, in words.
fn fair_in_words(fair: &Fair, voice: &Voice) -> String {
    let from = voice.say("from", "de");
    let books = || {
        let method = fair.devig.as_str();
        match &fair.references[..] {
            [] => voice.say("no book", "nenhuma casa").to_owned(),
            [one] => format!(
                "{from} {} {} {} {} ({method})",
                one.book,
                one.market,
                words::market_odds(&one.odds),
                voice.say("without its margin", "sem a margem")
            ),
            many => format!(
                "{from} {} {} ({method})",
                many.len(),
                voice.say("books without their margins", "casas sem as margens")
            ),
        }
    };
    let model = || match &fair.model {
        Some(view) => {
            let (model, goals) = (voice.say("model", "modelo"), voice.say("goals", "golos"));
            format!("{from} {model} {} ({goals} {:.2} : {:.2})", view.number, view.lambda, view.mu)
        }
        None => voice.say("from the model", "do modelo").to_owned(),
    };
    match fair.source {
        FairSource::Sharp | FairSource::Consensus => books(),
        FairSource::Model => model(),
        FairSource::Blend => format!("{} {} {}", books(), voice.say("and", "e"), model()),
    }
}
