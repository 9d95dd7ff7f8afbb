//! How bets end.
//!
//! A bet's ending follows from what is known of its match: the first of these rules that applies.
//!
//! 1. The kick-off moved by more than the limit from the one that the bet was made for (36 h by
//!    default), or the match is put off or interrupted and that long has passed: void, for good.
//! 2. A result that was played settles the bet at the net price of record; a later one corrects
//!    it. A bet that another has taken the place of stays void.
//! 3. An awarded result changes nothing where the match was played, as books pay on the pitch;
//!    where it was not, the bet is void.
//! 4. An abandoned match, one that was cancelled, or a result that does not stand: void. A result
//!    may still come and settle the bet.
//! 5. No result so many days after kick-off (three by default), or none when the match is closed:
//!    a person has to look. The clock is the match's own: the rule is applied by the first event
//!    of the match that is late enough, and by `match.closed` at the latest.
//!
//! A bet made before kick-off, at a price that was quoted at or after the actual one, which only a
//! kick-off corrected to an earlier one can make it, is void too.

use marabet_quant::outcome::Outcome;
use marabet_quant::settle::settle;
use marabet_schemas::Instant;
use marabet_schemas::bets::{BetOutcome, Settlement};
use marabet_schemas::facts::{FixtureStatus, ResultStatus};
use marabet_stage::Within;

use crate::board::Board;
use crate::closing;
use crate::desk::Desk;
use crate::state::rows::{BetRecord, BetsRow, MatchRow, Settled};
use crate::survey;
use crate::view;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// How a bet ends by what is known.
pub(crate) struct Ending {
    pub(crate) outcome: BetOutcome,
    is_final: bool,
    score: Option<[u8; 2]>,
    reason: Option<String>,
}

impl Ending {
    fn void(reason: impl Into<String>) -> Self {
        Self {
            outcome: BetOutcome::Void,
            is_final: false,
            score: None,
            reason: Some(reason.into()),
        }
    }

    fn void_for_good(reason: String) -> Self {
        Self { is_final: true, ..Self::void(reason) }
    }

    fn review(reason: String) -> Self {
        Self { outcome: BetOutcome::Review, ..Self::void(reason) }
    }
}

/// Settles every bet of the match whose ending is known and not yet told. `is_closed` when
/// nothing more will come.
pub(crate) fn settle_match(desk: &mut Desk<'_>, is_closed: bool) {
    if desk.survey.is_some() {
        survey::settle(desk, is_closed);
        return;
    }
    let mut due = Vec::new();
    {
        let Some(board) = Board::of(desk.state, desk.rules, desk.key) else { return };
        for (strategy, row) in desk.state.bets_of(desk.key) {
            for (place, bet) in row.bets.iter().enumerate() {
                if let Some(settled) = settled(&board, row, bet, is_closed) {
                    due.push((Within::new(desk.key, strategy.clone()), place, settled));
                }
            }
        }
    }
    for (at, place, settled) in due {
        let row = desk.state.bets.entry(&at, BetsRow::default);
        let bet = &mut row.bets[place];
        let is_first = bet.settled.is_none();
        let settlement = settlement(&at, bet, &settled);
        let id = bet.id;
        bet.settled = Some(settled);
        if is_first && let Some(row) = desk.state.matches.get_mut(desk.key) {
            row.unsettled -= 1;
        }
        desk.push(settlement);
        desk.derived.show(|| view::settled(desk.key, id));
    }
}

/// The bet's next settlement, where there is one.
fn settled(board: &Board<'_>, row: &BetsRow, bet: &BetRecord, is_closed: bool) -> Option<Settled> {
    let last = bet.settled.as_ref();
    if last.is_some_and(|last| last.is_final) {
        return None;
    }
    let ending = ending(board, row, bet, is_closed)?;
    let decided = !matches!(ending.outcome, BetOutcome::Void | BetOutcome::Review);
    let clv = if decided { closing::value(board, bet) } else { None };
    let next = Settled {
        revision: last.map_or(1, |last| last.revision.saturating_add(1)),
        outcome: ending.outcome,
        is_final: ending.is_final,
        score: ending.score,
        clv,
        reason: ending.reason,
    };
    let says_the_same =
        |last: &Settled| Settled { revision: next.revision, ..last.clone() } == next;
    (!last.is_some_and(says_the_same)).then_some(next)
}

/// The bet's ending beside the others of its strategy, where it is known.
pub(crate) fn ending(
    board: &Board<'_>,
    row: &BetsRow,
    bet: &BetRecord,
    is_closed: bool,
) -> Option<Ending> {
    let (matched, now) = (board.row, board.now());
    let rules = &board.rules.settlement;
    let limit_s = i64::from(rules.kickoff_move_max_h) * HOUR_S;
    let (kickoff, status) = matched.fixture?;
    if let Some(reason) = moved(bet, kickoff, status, now, limit_s) {
        return Some(Ending::void_for_good(reason));
    }
    if let Some(ending) = by_result(matched, row, bet, kickoff) {
        return ending;
    }
    if let FixtureStatus::Abandoned | FixtureStatus::Cancelled = status {
        return Some(Ending::void(format!("the match was {}", word(status))));
    }
    if bet.settled.is_some() {
        return None;
    }
    let days = rules.review_after_days;
    if is_closed {
        Some(Ending::review("the match was closed without a result".to_owned()))
    } else if now >= kickoff.plus_seconds(i64::from(days) * DAY_S) {
        Some(Ending::review(format!("no result {days} days after kick-off")))
    } else {
        None
    }
}

/// Why the kick-off is another one than the bet was made for, if so.
fn moved(
    bet: &BetRecord,
    kickoff: Instant,
    status: FixtureStatus,
    now: Instant,
    limit_s: i64,
) -> Option<String> {
    let moved_s = kickoff.seconds_since(bet.kickoff).abs();
    let hours = limit_s / HOUR_S;
    if moved_s > limit_s as f64 {
        let from = bet.kickoff;
        return Some(format!("kick-off moved from {from} to {kickoff}, by more than {hours} h"));
    }
    let is_off = matches!(status, FixtureStatus::Postponed | FixtureStatus::Suspended);
    (is_off && now > bet.kickoff.plus_seconds(limit_s))
        .then(|| format!("{} and not played within {hours} h of {}", word(status), bet.kickoff))
}

fn word(status: FixtureStatus) -> &'static str {
    match status {
        FixtureStatus::Postponed => "postponed",
        FixtureStatus::Suspended => "suspended",
        FixtureStatus::Abandoned => "abandoned",
        FixtureStatus::Cancelled => "cancelled",
        _ => "not played",
    }
}

/// What the match's result makes of the bet: none where there is no result, none within where it
/// leaves the bet as it is.
fn by_result(
    matched: &MatchRow,
    row: &BetsRow,
    bet: &BetRecord,
    kickoff: Instant,
) -> Option<Option<Ending>> {
    let ending = match (matched.result?, matched.played) {
        (ResultStatus::Abandoned, _) => Ending::void("the match was abandoned"),
        (ResultStatus::Void, _) => Ending::void("the result does not stand"),
        (ResultStatus::Awarded, None) => Ending::void("the match was awarded without being played"),
        (ResultStatus::Played, None) => return Some(None),
        (ResultStatus::Played | ResultStatus::Awarded, Some(score)) => {
            return Some(by_score(row, bet, kickoff, score));
        }
    };
    Some(Some(ending))
}

fn by_score(row: &BetsRow, bet: &BetRecord, kickoff: Instant, score: [u8; 2]) -> Option<Ending> {
    let replaced = row
        .bets
        .iter()
        .any(|other| other.payoff == bet.payoff && other.occurrence > bet.occurrence);
    if replaced {
        return None;
    }
    if !bet.in_play && bet.quoted_at >= kickoff {
        return Some(Ending::void("the price was quoted at or after the actual kick-off"));
    }
    let [home, away] = score;
    // A bet is made in markets that a full-time score settles alone.
    let outcome = settle(&bet.market, bet.selection, home, away).ok()?;
    let outcome = match outcome {
        Outcome::Win => BetOutcome::Win,
        Outcome::HalfWin => BetOutcome::HalfWin,
        Outcome::Push => BetOutcome::Push,
        Outcome::HalfLoss => BetOutcome::HalfLoss,
        Outcome::Loss => BetOutcome::Loss,
    };
    Some(Ending { outcome, is_final: false, score: Some(score), reason: None })
}

/// Profit of one unit staked.
pub(crate) fn profit(outcome: BetOutcome, net_odds: f64) -> f64 {
    match outcome {
        BetOutcome::Win => Outcome::Win.profit(net_odds),
        BetOutcome::HalfWin => Outcome::HalfWin.profit(net_odds),
        BetOutcome::HalfLoss => Outcome::HalfLoss.profit(net_odds),
        BetOutcome::Loss => Outcome::Loss.profit(net_odds),
        BetOutcome::Push | BetOutcome::Void | BetOutcome::Review => 0.0,
    }
}

fn settlement(
    at: &Within<marabet_schemas::StrategyName>,
    bet: &BetRecord,
    settled: &Settled,
) -> Settlement {
    Settlement {
        bet: bet.id,
        strategy: at.part.clone(),
        revision: settled.revision,
        outcome: settled.outcome,
        profit: profit(settled.outcome, bet.net_odds),
        stake: bet.stake,
        market: bet.market,
        selection: bet.selection,
        book: bet.book.clone(),
        net_odds: bet.net_odds,
        claimed_ev: bet.ev,
        score: settled.score,
        clv: settled.clv.clone(),
        reason: settled.reason.clone(),
    }
}
