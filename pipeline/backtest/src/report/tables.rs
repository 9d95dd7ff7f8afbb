//! The report's tables.

use super::data::{Period, StrategyReport};
use super::numbers::{NONE, chance, grouped, interval, money, or_none, percent, signed_percent};
use super::svg::escape;
use crate::measure::{Group, Grouping};

/// A cell with a number whose sign is good or bad.
#[must_use]
pub(crate) fn signed(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(
        || format!("<td class=\"num soft\">{NONE}</td>"),
        |value| {
            let class = if value < 0.0 { "neg" } else { "pos" };
            format!("<td class=\"num {class}\">{}</td>", signed_percent(value, digits))
        },
    )
}

/// A cell with a number.
#[must_use]
pub(crate) fn number(text: &str) -> String {
    format!("<td class=\"num\">{}</td>", escape(text))
}

/// A table with these columns; a name that begins with `#` heads numbers.
#[must_use]
pub(crate) fn table(columns: &[&str], rows: &str) -> String {
    let head: String = columns
        .iter()
        .map(|name| match name.strip_prefix('#') {
            Some(name) => format!("<th scope=\"col\" class=\"num\">{}</th>", escape(name)),
            None => format!("<th scope=\"col\">{}</th>", escape(name)),
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// The strategies side by side.
#[must_use]
pub(crate) fn side_by_side(strategies: &[StrategyReport]) -> String {
    let row = |one: &StrategyReport| {
        let s = &one.summary;
        let name = escape(one.name.as_str());
        let tag = if s.aggregates > 0 { " <span class=\"tag\">aggregates</span>" } else { "" };
        format!(
            "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a>{tag}</th>{}{}{}{}{}{}{}{}</tr>",
            number(&grouped(s.decided)),
            signed(s.claimed_ev, 1),
            signed(s.r#yield, 1),
            number(&interval(s.yield_ci95, 1)),
            signed(s.clv_mean, 1),
            number(&or_none(s.clv_coverage, |share| percent(share, 0))),
            number(&percent(s.max_drawdown, 0)),
            number(&or_none(s.luck, chance)),
        )
    };
    let rows: String = strategies.iter().map(row).collect();
    table(
        &[
            "Strategy",
            "#Bets",
            "#Claimed",
            "#Yield",
            "#95 % interval",
            "#Mean CLV",
            "#Coverage",
            "#Drawdown",
            "#Luck",
        ],
        &rows,
    )
}

/// Bets told apart.
#[must_use]
pub(crate) fn groups(grouping: Grouping, groups: &[Group]) -> String {
    let row = |group: &Group| {
        format!(
            "<tr><th scope=\"row\">{}</th>{}{}{}{}{}{}{}</tr>",
            escape(&group.name),
            number(&grouped(group.bets as u64)),
            signed(Some(group.claimed_ev), 1),
            signed(Some(group.r#yield), 1),
            number(&interval(group.ci95, 1)),
            signed(group.clv, 1),
            number(&percent(group.clv_coverage, 0)),
            number(&money(group.staked)),
        )
    };
    let rows: String = groups.iter().map(row).collect();
    let columns = [
        grouping.title(),
        "#Bets",
        "#Claimed",
        "#Yield",
        "#95 % interval",
        "#Mean CLV",
        "#Coverage",
        "#Staked",
    ];
    table(&columns, &rows)
}

/// The cells of a period: bets, yield, closing-line value, Sharpe ratio.
#[must_use]
pub(crate) fn period(period: &Period) -> String {
    format!(
        "{}{}{}{}",
        number(&grouped(period.bets as u64)),
        signed(period.r#yield, 1),
        signed(period.clv, 1),
        number(&or_none(period.sharpe, |value| format!("{value:.3}").replace('-', "−"))),
    )
}
