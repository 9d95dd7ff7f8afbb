//! The table on the disk: what is read back makes the bets of the replay, and what is damaged or
//! foreign is named.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::collections::BTreeMap;
use std::path::Path;

use marabet_backtest::history::History;
use marabet_backtest::measure::{Grouping, max_drawdown};
use marabet_backtest::opportunity::{DECIDED, NONE, Row};
use marabet_backtest::played::PlayedBet;
use marabet_backtest::replay::replay;
use marabet_backtest::setup::Setup;
use marabet_backtest::sweep::compare::{differences, trials};
use marabet_backtest::sweep::money::Outcome;
use marabet_backtest::sweep::run::{one, sweep, sweep_within};
use marabet_backtest::sweep::worth::worth;
use marabet_backtest::sweep::{Trial, grid, rank, view};
use marabet_backtest::table::{Table, TableError, build};
use marabet_ingest::simulator::Settings;
use marabet_schemas::bets::BetOutcome;
use marabet_schemas::{Instant, Money, StakeFraction};

fn history(seed: u64) -> History {
    History::simulated(Settings { seed, seasons: 2, sides: 10, ..Settings::default() })
}

fn setup() -> Setup {
    let mut setup = Setup::default();
    setup.training.matches_min = 40;
    setup
}

fn table(history: &History, trials: &[Trial], folder: &Path) -> Result<Table, TableError> {
    let setup = setup();
    build(history, &setup, &view::all(trials, &setup.rules()), folder, 2)
}

#[test]
fn a_table_that_is_read_back_makes_the_bets_of_the_replay() {
    let (folder, setup, history) = (tempfile::tempdir().unwrap(), setup(), history(1));
    let trials = trials(&setup);
    table(&history, &trials, folder.path()).unwrap();
    let table = Table::open(folder.path()).unwrap().unwrap();
    let replayed = replay(&history, &setup, 2).unwrap().booked.bets;
    let mut swept: Vec<PlayedBet> = Vec::new();
    for trial in &trials {
        swept.extend(one(&table, trial, &setup.rules()).unwrap().bets);
    }
    assert!(replayed.len() > 100, "{} bets", replayed.len());
    assert_eq!(differences(&replayed, &swept), []);
}

#[test]
fn many_trials_are_ranked_and_maxima_are_bet_at_only_where_a_trial_says_so() {
    let (folder, setup, history) = (tempfile::tempdir().unwrap(), setup(), history(1));
    let mut all = trials(&setup);
    let at_maxima = all.iter().find(|trial| trial.name.as_str() == "model").unwrap().clone();
    all.push(Trial { name: "maxima".into(), aggregates: true, ..at_maxima });
    let table = table(&history, &all, folder.path()).unwrap();
    let split = "2021-01-01T00:00:00Z".parse().unwrap();
    let tested = sweep(&table, &all, &setup.rules(), split, 2).unwrap();
    let ranking = rank::rank(tested);
    assert_eq!(ranking.ranked.len(), all.len());
    assert!(ranking.distinct >= 4, "{} distinct", ranking.distinct);
    for trial in &all {
        let bets = one(&table, trial, &setup.rules()).unwrap().bets;
        assert!(trial.aggregates || bets.iter().all(|bet| !bet.aggregate), "{}", trial.name);
    }
}

#[test]
fn a_sweep_tells_of_each_trial_what_its_bets_one_by_one_come_to_however_little_memory_it_has() {
    let (folder, history) = (tempfile::tempdir().unwrap(), history(1));
    let mut setup = setup();
    // Limits that change stakes, so that their order matters.
    setup.account.day_max = StakeFraction::new(0.03).unwrap();
    setup.account.loss_week_max = Some(Money::from_cents(50_000));
    let all = grid::draw(grid::all(true, true), 60, 1);
    let views = view::all(&all, &setup.rules());
    let table = build(&history, &setup, &views, folder.path(), 2).unwrap();
    let split = "2022-07-01T00:00:00Z".parse().unwrap();
    let one_by_one: Vec<_> =
        all.iter().map(|trial| one(&table, trial, &setup.rules()).unwrap()).collect();
    for bets_max in [usize::MAX, 500, 1] {
        let tested = sweep_within(&table, &all, &setup.rules(), split, 2, bets_max).unwrap();
        assert_eq!(tested.len(), all.len());
        for ((trial, booked), tested) in all.iter().zip(&one_by_one).zip(&tested) {
            let equity = &booked.equity[&trial.name];
            let end = equity.last().unwrap().1.units();
            let money = Outcome { end, max_drawdown: max_drawdown(equity) };
            assert_eq!(tested.money(), money, "{}", trial.about);
            let is_decided = |bet: &&PlayedBet| {
                bet.outcome.is_some_and(|o| !matches!(o, BetOutcome::Void | BetOutcome::Review))
            };
            assert_eq!(tested.decided(), booked.bets.iter().filter(is_decided).count());
        }
    }
    let bets = one_by_one.iter().flat_map(|booked| &booked.bets);
    let capped = bets.clone().filter(|bet| bet.not_placed.is_some()).count();
    let bets = bets.count();
    assert!(bets > 1_000 && capped > 3, "{bets} bets, {capped} of them without a stake");
}

#[test]
fn what_prices_were_worth_counts_each_once_and_none_after_the_split() {
    let (folder, setup, history) = (tempfile::tempdir().unwrap(), setup(), history(1));
    let trials = trials(&setup);
    let table = table(&history, &trials, folder.path()).unwrap();
    let split: Instant = "2022-01-01T00:00:00Z".parse().unwrap();
    let consensus = trials.iter().find(|trial| trial.name.as_str() == "consensus").unwrap();
    let (name, _) = view::of(&consensus.rules);
    let view = table.view(name.as_str()).unwrap();

    let mut prices: BTreeMap<_, (Row, f64)> = BTreeMap::new();
    for batch in view.batches(view.scan().unwrap()).unwrap() {
        for row in view.rows(&batch.unwrap()).unwrap() {
            let counts = row.trigger && row.via == NONE && !row.aggregate && row.outcome < DECIDED;
            if counts && row.kickoff < split.micros() {
                let key = (row.match_id, row.book, row.market, row.selection, row.odds.to_bits());
                let (_, ev) = prices.entry(key).or_insert((row, row.ev));
                *ev = ev.max(row.ev);
            }
        }
    }
    assert!(prices.len() > 100, "{} prices", prices.len());
    for (grouping, groups) in worth(&view, &table.catalogue, split).unwrap() {
        let mut expected: BTreeMap<String, (usize, f64, f64)> = BTreeMap::new();
        for (row, ev) in prices.values() {
            let key = table.catalogue.matches.get(row.match_id).unwrap();
            let name = match grouping {
                Grouping::League => key.competition().to_string(),
                Grouping::Market => table.catalogue.families.get(row.family).unwrap().clone(),
                Grouping::Book => table.catalogue.books.get(row.book).unwrap().to_string(),
                Grouping::Season => key.season().to_owned(),
                Grouping::Odds => match row.odds {
                    ..1.5 => "below 1.5".to_owned(),
                    8.0.. => "8 and above".to_owned(),
                    _ => "between".to_owned(),
                },
            };
            let (count, claimed, profit) = expected.entry(name).or_default();
            (*count, *claimed, *profit) = (*count + 1, *claimed + ev, *profit + row.profit);
        }
        assert_eq!(groups.iter().map(|group| group.bets).sum::<usize>(), prices.len());
        for group in groups.iter().filter(|group| expected.contains_key(&group.name)) {
            let (count, claimed, profit) = expected[&group.name];
            assert_eq!(group.bets, count, "{}", group.name);
            assert!((group.claimed_ev - claimed / count as f64).abs() < 1e-8, "{}", group.name);
            assert!((group.r#yield - profit / count as f64).abs() < 1e-8, "{}", group.name);
        }
        let bands = groups.iter().filter(|group| !expected.contains_key(&group.name)).count();
        assert!(grouping == Grouping::Odds || bands == 0, "{grouping:?}");
        assert!(!expected.is_empty() && groups.len() >= expected.len(), "{grouping:?}");
    }
}

#[test]
fn a_table_of_other_facts_is_named_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let trials = trials(&setup());
    let made = table(&history(1), &trials, folder.path()).unwrap();
    assert_eq!(table(&history(1), &trials, folder.path()).unwrap().manifest, made.manifest);
    let refused = table(&history(2), &trials, folder.path()).unwrap_err();
    assert!(matches!(refused, TableError::Other { .. }), "{refused}");
    assert_eq!(Table::open(folder.path()).unwrap().unwrap().manifest, made.manifest);
}

#[test]
fn a_damaged_or_foreign_file_is_named_with_what_to_do() {
    let (folder, setup) = (tempfile::tempdir().unwrap(), setup());
    let trials = trials(&setup);
    let table = table(&history(1), &trials, folder.path()).unwrap();
    let sharp = trials.iter().find(|trial| trial.name.as_str() == "sharp").unwrap();
    let (name, _) = view::of(&sharp.rules);
    let part = folder.path().join(name.as_str()).join("SIM-000.parquet");
    let whole = std::fs::read(&part).unwrap();
    let mut doctored = whole.clone();
    let middle = doctored.len() / 2;
    doctored[middle..middle + 64].fill(0xA5);
    for bytes in [&whole[..whole.len() / 2], b"not a table", &[], &doctored] {
        std::fs::write(&part, bytes).unwrap();
        let text = one(&table, sharp, &setup.rules()).unwrap_err().to_string();
        assert!(text.contains("SIM-000.parquet") && text.contains("remove"), "{text}");
    }
    std::fs::remove_file(&part).unwrap();
    let text = one(&table, sharp, &setup.rules()).unwrap_err().to_string();
    assert!(text.contains("SIM-000.parquet"), "{text}");
    std::fs::write(folder.path().join("table.json"), "{").unwrap();
    assert!(Table::open(folder.path()).unwrap_err().to_string().contains("table.json"));
}
