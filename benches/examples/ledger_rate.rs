//! How many bets a second the ledger takes in on SQLite: found, granted, placed, settled; beside
//! plain inserts of as many rows over the same driver, which is the limit.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement that a person reads")]

use std::time::Instant as Moment;

use marabet_ledger::Ledger;
use marabet_quant::devig::Method;
use marabet_schemas::bets::{BetOutcome, BetPlaced, Fair, Grant, Settlement, ValueBet};
use marabet_schemas::frame::Frame;
use marabet_schemas::strategy::FairSource;
use marabet_schemas::{BetId, EntryId, Event, Instant, MatchKey, Money, StakeFraction};
use marabet_streams::Stream;

const BETS: usize = 20_000;
/// Events of a frame, and frames of a transaction, as under load.
const FRAME: usize = 64;
const FRAMES: usize = 32;
/// Rows written for each bet: bet, grant, placement, settlement, movement.
const ROWS: usize = 5;
const ROUNDS: usize = 3;

fn history() -> (Vec<Event>, Vec<Event>) {
    let (mut bets, mut grants) = (Vec::new(), Vec::new());
    for number in 0..BETS {
        let key: MatchKey = format!("E0|2024-25|H{number}|A{number}|1").parse().unwrap();
        let at = Instant::from_micros(1_723_900_000_000_000 + number as i64);
        let bet = ValueBet {
            bet: BetId::of(&"sharp".into(), &key, "1x2:home", 0, 0),
            revision: 0,
            strategy: "sharp".into(),
            config: 1,
            book: "bet365".into(),
            market: "1x2".parse().unwrap(),
            selection: "home".parse().unwrap(),
            odds: 2.1.try_into().unwrap(),
            net_odds: 2.1,
            fair: Fair {
                source: FairSource::Sharp,
                references: Vec::new(),
                devig: Method::Power,
                model: None,
                probability: 0.5,
                outcomes: [0.5, 0.0, 0.0, 0.0, 0.5],
            },
            ev: 0.05,
            stake: StakeFraction::new(0.002).unwrap(),
            quoted_at: at,
            kickoff: at.plus_seconds(3_600),
            expires: at.plus_seconds(600),
            occurrence: 0,
            top_up: 0,
            in_play: false,
            others: Vec::new(),
        };
        let stake = Money::from_cents(2_000);
        let placed = BetPlaced { bet: bet.bet, book: "bet365".into(), odds: bet.odds, stake };
        let settled = Settlement {
            bet: bet.bet,
            strategy: bet.strategy.clone(),
            revision: 1,
            outcome: BetOutcome::Win,
            profit: 1.1,
            stake: bet.stake,
            market: bet.market,
            selection: bet.selection,
            book: bet.book.clone(),
            net_odds: 2.1,
            claimed_ev: 0.05,
            score: Some([2, 1]),
            clv: None,
            reason: None,
        };
        let grant = Grant {
            value_bet: bet.clone(),
            stake,
            currency: "EUR".to_owned(),
            bankroll: Money::from_cents(1_000_000),
            asked: stake,
            capped_by: Vec::new(),
        };
        bets.push(Event::of(key.clone(), at, bet));
        bets.push(Event::of(key.clone(), at, placed));
        grants.push(Event::of(key.clone(), at, grant));
        bets.push(Event::of(key, at.plus_seconds(7_200), settled));
    }
    (bets, grants)
}

fn frames(events: &[Event]) -> Vec<Frame> {
    let frame = |(ms, events): (u64, &[Event])| Frame::new(EntryId { ms, seq: 0 }, events.to_vec());
    (1..).zip(events.chunks(FRAME)).map(frame).collect()
}

async fn ours(frames: &[(Stream, Vec<Frame>)]) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let ledger = Ledger::open(&url).await.unwrap();
    let began = Moment::now();
    for (stream, frames) in frames {
        for batch in frames.chunks(FRAMES) {
            let batch: Vec<&Frame> = batch.iter().collect();
            ledger.take_in(*stream, 0, EntryId::default(), &batch).await.unwrap();
        }
    }
    BETS as f64 / began.elapsed().as_secs_f64()
}

/// Bets a second if each cost nothing but its rows.
async fn limit() -> f64 {
    sqlx::any::install_default_drivers();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("plain.db").display());
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    for statement in [
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE plain (id TEXT PRIMARY KEY, a TEXT, b TEXT, c BIGINT, d DOUBLE PRECISION)",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    let began = Moment::now();
    for batch in (0..BETS * ROWS).collect::<Vec<_>>().chunks(FRAME * FRAMES) {
        let mut to = pool.begin().await.unwrap();
        for number in batch {
            sqlx::query("INSERT INTO plain VALUES ($1, $2, $3, $4, $5)")
                .bind(format!("{number:016x}"))
                .bind("sharp")
                .bind("E0|2024-25|Home|Away|1")
                .bind(*number as i64)
                .bind(2.1)
                .execute(&mut *to)
                .await
                .unwrap();
        }
        to.commit().await.unwrap();
    }
    BETS as f64 / began.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

#[tokio::main]
async fn main() {
    let (bets, grants) = history();
    let frames = [(Stream::Bets, frames(&bets)), (Stream::Grants, frames(&grants))];
    let (mut ours_all, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours_all.push(ours(&frames).await);
        limits.push(limit().await);
    }
    let (ours, limit) = (median(ours_all), median(limits));
    println!("ledger  {ours:>9.0} bets/s: found, granted, placed and settled (median of {ROUNDS})");
    println!("limit   {limit:>9.0} bets/s: plain inserts of as many rows");
    println!("ratio   {:>9.2}", ours / limit);
}
