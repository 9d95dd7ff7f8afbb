//! Drawing the matches of the league: what is true of each, and how it ends.

use marabet_quant::matrix::ScoreMatrix;
use marabet_quant::outcome::Outcomes;
use marabet_quant::{Line, Market, MarketKind, Odds, Selection};
use marabet_schemas::facts::SideStats;
use marabet_schemas::{Book, Instant, MatchKey};
use serde::{Deserialize, Serialize};

use super::calendar::{self, Meeting};
use super::chance::Chance;
use super::league::{League, NAMES};
use super::market::{self, Beliefs, Rates};
use super::settings::{BookKind, Settings};
use crate::football_data::{instants, season};

/// What is true of a match. No event says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The match.
    pub key: MatchKey,
    /// Its kick-off.
    pub kickoff: Instant,
    /// Expected goals of the home side, before Dixon and Coles' correction.
    pub lambda: f64,
    /// Expected goals of the away side.
    pub mu: f64,
    /// Dixon and Coles' ρ.
    pub rho: f64,
    /// How it ends.
    pub score: [u8; 2],
    /// The wrong price among its prices, where one was planted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<Planted>,
}

impl Truth {
    /// The true probabilities of the scores.
    #[must_use]
    pub fn matrix(&self) -> ScoreMatrix {
        Rates { lambda: self.lambda, mu: self.mu, rho: self.rho }.matrix()
    }
}

/// A price that is wrong by a known amount. It stands from `from` until the closing prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// Whose price.
    pub book: Book,
    /// In which market.
    pub market: Market,
    /// On which selection.
    pub selection: Selection,
    /// The price.
    pub odds: Odds,
    /// From when on.
    pub from: Instant,
    /// The expected profit per unit staked, by the true probabilities, at this very price.
    pub expected_return: f64,
}

/// A match as it was drawn; with the settings it determines every event.
#[derive(Debug, Clone)]
pub(super) struct Drawn {
    pub(super) truth: Truth,
    /// The stream of chance that its prices come from.
    pub(super) stream: u64,
    pub(super) half_time: [u8; 2],
    pub(super) stats: [SideStats; 2],
    /// The handicap before the match and at its close.
    pub(super) lines: [Line; 2],
    /// Which book, from which update on, and which selection is priced wrong.
    pub(super) mistake: Option<Mistake>,
}

/// Where a wrong price is planted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mistake {
    pub(super) book: usize,
    pub(super) update: usize,
    pub(super) selection: usize,
}

impl Drawn {
    pub(super) fn rates(&self) -> Rates {
        Rates { lambda: self.truth.lambda, mu: self.truth.mu, rho: self.truth.rho }
    }

    /// What the market believes of the match; the same each time.
    pub(super) fn beliefs(&self, settings: &Settings) -> Beliefs {
        beliefs(settings, self.stream)
    }
}

fn beliefs(settings: &Settings, stream: u64) -> Beliefs {
    Beliefs::draw(settings, &mut Chance::new(settings.seed, stream))
}

/// Draws every match of every season, in order of kick-off.
pub(super) fn league(settings: &Settings) -> Vec<Drawn> {
    let mut league = League::new(settings);
    let mut drawn: Vec<Drawn> = Vec::new();
    for year in (settings.first_year..).take(usize::from(settings.seasons)) {
        let sides = league.playing().to_vec();
        let mut points = vec![0; sides.len()];
        let mut week = 0;
        for meeting in calendar::season(year, sides.len()) {
            while week < meeting.week {
                league.drift(settings);
                week += 1;
            }
            let (home, away) = (sides[meeting.home], sides[meeting.away]);
            let (lambda, mu) = league.rates(settings, home, away);
            let rates = Rates::new(lambda, mu, settings.goals.rho);
            // Stream 0 is the league's; each match has two.
            let stream = 1 + 2 * drawn.len() as u64;
            let a_match = draw(settings, rates, [NAMES[home], NAMES[away]], meeting, stream);
            let [home_goals, away_goals] = a_match.truth.score;
            let (for_home, for_away) = match home_goals.cmp(&away_goals) {
                std::cmp::Ordering::Greater => (3, 0),
                std::cmp::Ordering::Equal => (1, 1),
                std::cmp::Ordering::Less => (0, 3),
            };
            points[meeting.home] += for_home;
            points[meeting.away] += for_away;
            drawn.push(a_match);
        }
        league.end_season(settings, &points);
    }
    drawn
}

fn draw(
    settings: &Settings,
    rates: Rates,
    names: [&str; 2],
    meeting: Meeting,
    stream: u64,
) -> Drawn {
    let mut chance = Chance::new(settings.seed, stream + 1);
    let matrix = rates.matrix();
    let score = draw_score(&matrix, &mut chance);
    let half_time = score.map(|goals| {
        // Rather less than half of the goals fall before half time.
        let before = (0..goals).filter(|_| chance.happens(0.45)).count();
        u8::try_from(before).expect("no more than the goals of the match")
    });
    let stats = draw_stats(score, rates, &mut chance);
    let season = season(&settings.competition, meeting.kickoff.date());
    let key = MatchKey::new(&settings.competition, &season, names[0], names[1], 1);
    let truth = Truth {
        key: key.expect("the settings' competition and our names make a key"),
        kickoff: instants::london(meeting.kickoff),
        lambda: rates.lambda,
        mu: rates.mu,
        rho: rates.rho,
        score,
        planted: None,
    };
    let beliefs = beliefs(settings, stream);
    let opening = settings.updates_hours[0];
    let lines = [opening, 0].map(|hours| market::balanced_line(&beliefs.market(rates, hours)));
    let mut drawn = Drawn { truth, stream, half_time, stats, lines, mistake: None };
    if chance.happens(settings.planted.share) {
        plant(settings, &matrix, &mut drawn, &mut chance);
    }
    drawn
}

/// Draws a score by running through the grid until the drawn probability is used up.
fn draw_score(matrix: &ScoreMatrix, chance: &mut Chance) -> [u8; 2] {
    let drawn = chance.uniform();
    let mut below = 0.0;
    let mut score = [0, 0];
    for (home, away, probability) in matrix.iter() {
        below += probability;
        score = [home, away];
        if drawn < below {
            break;
        }
    }
    score
}

fn draw_stats([home, away]: [u8; 2], rates: Rates, chance: &mut Chance) -> [SideStats; 2] {
    let mut side = |goals: u8, rate: f64| {
        let on_target = u16::from(goals) + chance.poisson(2.2 * libm::sqrt(rate));
        SideStats {
            shots: Some(on_target + chance.poisson(6.5 * libm::sqrt(rate))),
            shots_on_target: Some(on_target),
            corners: Some(chance.poisson(4.4 * libm::sqrt(rate))),
            fouls: Some(chance.poisson(10.8)),
            yellow_cards: Some(chance.poisson(1.8)),
            red_cards: Some(u16::from(chance.happens(0.05))),
        }
    };
    [side(home, rates.lambda), side(away, rates.mu)]
}

/// Plants a wrong price with a soft book. A few draws look for a selection that a book would
/// misprice without making the rest of its market absurd.
fn plant(settings: &Settings, truth: &ScoreMatrix, drawn: &mut Drawn, chance: &mut Chance) {
    let soft: Vec<usize> = (0..settings.books.len())
        .filter(|&book| settings.books[book].kind == BookKind::Soft)
        .collect();
    if soft.is_empty() {
        return;
    }
    for _ in 0..10 {
        let book = soft[chance.place(soft.len())];
        let markets = market::offered(&settings.books[book], drawn.lines[0]);
        let market = markets[chance.place(markets.len())];
        let selection = chance.place(market.selections().len());
        let update = chance.place(settings.updates_hours.len());
        let outcomes = market::outcomes(truth, &market)[selection];
        let Some(odds) = odds_worth(outcomes, settings.planted.size) else { continue };
        let from = update_instant(settings, drawn.truth.kickoff, book, update);
        drawn.mistake = Some(Mistake { book, update, selection });
        drawn.truth.planted = Some(Planted {
            book: settings.books[book].name.clone(),
            market,
            selection: market.selections()[selection],
            odds,
            from,
            expected_return: outcomes.expected_return(odds.decimal()),
        });
        return;
    }
}

/// The odds at which a bet is worth this much, where it is neither a longshot nor nearly sure.
fn odds_worth(outcomes: Outcomes, size: f64) -> Option<Odds> {
    let winning = outcomes.winning_share();
    if !(0.15..=0.75).contains(&winning) {
        return None;
    }
    market::rounded(1.0 + (size + outcomes.losing_share()) / winning)
}

/// When a book makes its prices of an update. Books follow each other by a minute, so that no
/// two speak at the same instant.
pub(super) fn update_instant(
    settings: &Settings,
    kickoff: Instant,
    book: usize,
    update: usize,
) -> Instant {
    let before = i64::from(settings.updates_hours[update]) * 3600;
    // There are at most 50 books: the last speaks before the hour is over.
    kickoff.plus_seconds(60 * book as i64 - before)
}

/// Whether a market is the one of a planted price, whatever its line.
pub(super) fn same_family(a: &Market, b: &Market) -> bool {
    std::mem::discriminant::<MarketKind>(&a.kind) == std::mem::discriminant(&b.kind)
}
