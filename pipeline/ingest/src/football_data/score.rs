//! The score and the statistics of a row.

use marabet_schemas::facts::{ResultStatus, SideStats};

use super::cells;
use super::columns::{Field, Side, Stat};
use super::record::Standing;
use super::row::{Columns, Fault};
use crate::reject::RejectKind;

/// The most goals of a side that are taken for a score.
const GOALS_MAX: u16 = 99;

/// Where the match stands: its score, where the row has one that can be used.
pub(super) fn standing(
    columns: &Columns<'_>,
    status: ResultStatus,
    faults: &mut Vec<Fault>,
) -> Standing {
    if !columns.header.has_score() {
        return Standing::ToCome;
    }
    let faults_before = faults.len();
    let Some(score) = goals(columns, [Field::HomeGoals, Field::AwayGoals], faults) else {
        if faults.len() == faults_before {
            let column = columns.header.field(Field::HomeGoals).map(usize::from);
            let reason = "no score: the match was broken off, or is not played yet; its prices \
                          stand";
            faults.push(Fault { column, ..Fault::new(RejectKind::Score, reason) });
        }
        return Standing::WithoutResult;
    };
    if let Some(column) = columns.header.field(Field::Outcome) {
        let stated = columns.cell(column);
        let outcome: &[u8] = match score[0].cmp(&score[1]) {
            std::cmp::Ordering::Greater => b"H",
            std::cmp::Ordering::Equal => b"D",
            std::cmp::Ordering::Less => b"A",
        };
        if !stated.is_empty() && stated != outcome {
            let [home, away] = score;
            let reason = format!(
                "contradicts the score {home}-{away}: the result is left out, since one of the \
                 two is wrong; the prices stand"
            );
            faults.push(Fault::at(column, RejectKind::Contradiction, reason));
            return Standing::WithoutResult;
        }
    }
    let mut half_time = goals(columns, [Field::HomeHalfTime, Field::AwayHalfTime], faults);
    if half_time.is_some_and(|[home, away]| home > score[0] || away > score[1]) {
        let column = columns.header.field(Field::HomeHalfTime);
        let reason = "more goals at half time than at the end: the half-time score is left out";
        let column = column.map(usize::from);
        faults.push(Fault { column, ..Fault::new(RejectKind::Contradiction, reason) });
        half_time = None;
    }
    Standing::Over { status, score, half_time }
}

/// A pair of goals; none where both cells are empty.
fn goals(columns: &Columns<'_>, fields: [Field; 2], faults: &mut Vec<Fault>) -> Option<[u8; 2]> {
    let [home, away] = fields.map(|field| columns.header.field(field));
    let (home, away) = (home?, away?);
    if columns.cell(home).is_empty() && columns.cell(away).is_empty() {
        return None;
    }
    let mut read = |column: u16| {
        let goals = cells::count(columns.cell(column), GOALS_MAX);
        let goals = goals.and_then(|goals| u8::try_from(goals).ok());
        if goals.is_none() {
            let reason = format!("no number of goals from 0 to {GOALS_MAX}: the score is left out");
            faults.push(Fault::at(column, RejectKind::Score, reason));
        }
        goals
    };
    Some([read(home)?, read(away)?])
}

/// The statistics of both sides, as far as the row has them.
pub(super) fn stats(columns: &Columns<'_>, faults: &mut Vec<Fault>) -> Option<[SideStats; 2]> {
    let mut sides = [SideStats::default(); 2];
    let mut any = false;
    for &(stat, side, column) in &columns.header.stats {
        let cell = columns.cell(column);
        if cell.is_empty() {
            continue;
        }
        let Some(count) = cells::count(cell, 999) else {
            faults.push(Fault::at(column, RejectKind::Statistic, "no count from 0 to 999"));
            continue;
        };
        let side = &mut sides[match side {
            Side::Home => 0,
            Side::Away => 1,
        }];
        let place = match stat {
            Stat::Shots => &mut side.shots,
            Stat::ShotsOnTarget => &mut side.shots_on_target,
            Stat::Corners => &mut side.corners,
            Stat::Fouls => &mut side.fouls,
            Stat::YellowCards => &mut side.yellow_cards,
            Stat::RedCards => &mut side.red_cards,
        };
        *place = Some(count);
        any = true;
    }
    any.then_some(sides)
}
