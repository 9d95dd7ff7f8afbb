//! A granted bet as it is told.

use std::fmt::Write;

use jiff::tz::TimeZone;
use marabet_quant::{Market, Odds, Selection};
use marabet_schemas::bets::{Cap, Fair, Grant, OtherPrice};
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, Book, Instant, MatchKey, Money, StrategyName};
use serde::Serialize;

use crate::{Message, words};

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
            until: bet.expires.min(bet.kickoff),
            kickoff: bet.kickoff,
            others: bet.others,
            repeat,
        }
    }

    /// The message, its instants by the clock of `zone`.
    #[must_use]
    pub fn message(&self, zone: &TimeZone) -> Message {
        let title = self.title();
        Message {
            key: format!("bet:{}", self.bet),
            text: self.text(&title, zone),
            title,
            json: serde_json::to_string(self).expect("an announcement is plain data"),
        }
    }

    fn title(&self) -> String {
        let again = if self.repeat { "(perhaps again) " } else { "" };
        format!(
            "{again}{} v {}: {} at {}, {}",
            self.key.home(),
            self.key.away(),
            self.what,
            words::decimal(self.odds.decimal()),
            self.book
        )
    }

    fn text(&self, title: &str, zone: &TimeZone) -> String {
        let mut text = title.to_owned();
        let mut line = |words: &str| write!(text, "\n  {words}").expect("a string takes all");
        line(&format!(
            "stake {} {}{} · EV {:+.1} %{}",
            self.stake,
            self.currency,
            self.caps(),
            self.ev * 100.0,
            self.commission()
        ));
        line(&format!(
            "until {} · kick-off {}",
            words::instant(self.until, zone),
            words::instant(self.kickoff, zone)
        ));
        line(&format!(
            "fair {} ({:.1} %), {}",
            words::decimal(round_to_hundredths(self.fair_odds)),
            self.fair.probability * 100.0,
            fair_in_words(&self.fair)
        ));
        for other in self.others.iter().take(OTHERS_SHOWN) {
            line(&format!("also {}", self.other_in_words(other)));
        }
        line(&format!("{} · bet {} · {}", self.strategy, self.bet, self.key.competition()));
        text
    }

    fn caps(&self) -> String {
        if self.capped_by.is_empty() {
            return String::new();
        }
        let caps: Vec<&str> = self.capped_by.iter().map(|cap| cap_in_words(*cap)).collect();
        format!(" (of {} asked; {})", self.asked, caps.join(", "))
    }

    fn commission(&self) -> String {
        if self.net_odds < self.odds.decimal() {
            format!(" at {} after commission", words::decimal(round_to_hundredths(self.net_odds)))
        } else {
            String::new()
        }
    }

    fn other_in_words(&self, other: &OtherPrice) -> String {
        let mut text = format!("{} at {}", other.book, words::decimal(other.odds.decimal()));
        if other.net_odds < other.odds.decimal() {
            let net = words::decimal(round_to_hundredths(other.net_odds));
            text.push_str(&format!(" ({net} after commission)"));
        }
        if (other.market, other.selection) != (self.market, self.selection) {
            text.push_str(&format!(" as {} {}", other.market, other.selection));
        }
        text
    }
}

/// Most prices of other books in the text; the JSON has them all.
const OTHERS_SHOWN: usize = 5;

fn round_to_hundredths(odds: f64) -> f64 {
    (odds * 100.0).round() / 100.0
}

fn cap_in_words(cap: Cap) -> &'static str {
    match cap {
        Cap::Bankroll => "the bankroll has no more free",
        Cap::Open => "the most that may be open",
        Cap::Day => "the most of the day",
        Cap::Book => "the book's limit",
        Cap::Rounding => "rounded down",
    }
}

/// Where a fair price comes from, in words.
fn fair_in_words(fair: &Fair) -> String {
    let books = || {
        let method = fair.devig.as_str();
        match &fair.references[..] {
            [] => "no book".to_owned(),
            [one] => format!(
                "from {} {} {} without its margin ({method})",
                one.book,
                one.market,
                words::market_odds(&one.odds)
            ),
            many => format!("from {} books without their margins ({method})", many.len()),
        }
    };
    let model = || match &fair.model {
        Some(view) => {
            format!("from model {} (goals {:.2} : {:.2})", view.number, view.lambda, view.mu)
        }
        None => "from the model".to_owned(),
    };
    match fair.source {
        FairSource::Sharp | FairSource::Consensus => books(),
        FairSource::Model => model(),
        FairSource::Blend => format!("{} and {}", books(), model()),
    }
}
