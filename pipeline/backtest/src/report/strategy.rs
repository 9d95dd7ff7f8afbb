//! The section of one strategy.

use super::data::StrategyReport;
use super::numbers::{NONE, chance, grouped, interval, money, or_none, percent, signed_percent};
use super::svg::escape;
use super::{plots, tables};
use crate::played::NotPlaced;

/// The section.
#[must_use]
pub(crate) fn section(one: &StrategyReport, currency: &str) -> String {
    let name = escape(one.name.as_str());
    let mut out = format!("<section id=\"{name}\"><h2>{name}</h2>");
    out += &format!("<p class=\"lead\">{}</p>", escape(&one.about));
    if one.summary.aggregates > 0 {
        out += &format!(
            "<p class=\"red\">{} of its bets are at the best price of any book as the files state \
             it, which nobody offers and which holds errors. What it earned could not be earned.</p>",
            grouped(one.summary.aggregates)
        );
    }
    out += &figures(one, currency);
    if one.summary.decided == 0 {
        return out + "<p class=\"empty\">no bet was decided</p></section>";
    }
    out += &format!(
        "<div class=\"card wide\"><h3>Bankroll and drawdown</h3><p class=\"hint\">In {}, after each \
         day's settlements.</p>{}</div>",
        escape(currency),
        plots::equity(&one.equity)
    );
    out += &format!(
        "<div class=\"card\"><h3>Returns a month</h3><p class=\"hint\">Percent of the bankroll at \
         the month's first bet, by the day of the match.</p>{}</div>",
        plots::months(&one.months)
    );
    out += &format!(
        "<div class=\"pair\"><div class=\"card\"><h3>Claimed beside realised value</h3>\
         <p class=\"hint\">Groups of equal size by claimed EV; equal stakes; on the dashed line a \
         claim holds.</p>{}</div><div class=\"card\"><h3>Calibration</h3><p class=\"hint\">Claimed \
         probability beside the share that won.</p>{}</div><div class=\"card\"><h3>Closing-line \
         value</h3><p class=\"hint\">Net odds × closing fair probability − 1; there for {} of the \
         bets.</p>{}</div></div>",
        plots::claims(&one.claims),
        plots::calibration(&one.calibration),
        or_none(one.summary.clv_coverage, |share| percent(share, 0)),
        plots::closing(&one.clv, one.summary.clv_mean)
    );
    for (grouping, groups) in &one.groups {
        out += &format!(
            "<div class=\"card\"><h3>By {}</h3>{}</div>",
            grouping.title().to_lowercase(),
            tables::groups(*grouping, groups)
        );
    }
    out += &refusals(one);
    out + "</section>"
}

fn figure(title: &str, value: &str, note: &str) -> String {
    format!(
        "<div class=\"figure\"><dt>{}</dt><dd>{}<small>{}</small></dd></div>",
        escape(title),
        escape(value),
        escape(note)
    )
}

fn figures(one: &StrategyReport, currency: &str) -> String {
    let s = &one.summary;
    let days = match (&s.from, &s.to) {
        (Some(from), Some(to)) => format!("{from} – {to}"),
        _ => String::new(),
    };
    let confirm = s.bets_to_confirm.map_or_else(
        || "no value is claimed".to_owned(),
        |bets| format!("of {} needed to confirm the claim", grouped(bets as u64)),
    );
    let beaten = or_none(s.clv_beaten, |share| format!("{} beat the close", percent(share, 0)));
    let cells = [
        figure("Bets", &grouped(s.decided), &confirm),
        figure(
            "Yield",
            &or_none(s.r#yield, |value| signed_percent(value, 2)),
            &format!("95 %: {}", interval(s.yield_ci95, 1)),
        ),
        figure(
            "Claimed EV",
            &or_none(s.claimed_ev, |value| signed_percent(value, 2)),
            "weighted by stake",
        ),
        figure(
            "Probability of luck",
            &or_none(s.luck, chance),
            "a mean this high without any value",
        ),
        figure(
            "Mean CLV",
            &or_none(s.clv_mean, |value| signed_percent(value, 2)),
            &format!("coverage {}, {beaten}", or_none(s.clv_coverage, |share| percent(share, 0))),
        ),
        figure(
            "Bankroll",
            &format!("{} {currency}", money(s.end.units())),
            &format!("from {}, {} staked", money(s.start.units()), money(s.staked.units())),
        ),
        figure(
            "Deepest drawdown",
            &percent(s.max_drawdown, 1),
            &format!(
                "Sharpe ratio a year {}",
                or_none(s.sharpe_a_year, |v| format!("{v:.2}").replace('-', "−"))
            ),
        ),
        figure(
            "Level stakes",
            &or_none(s.level_yield, |value| signed_percent(value, 2)),
            &format!("95 %: {}", interval(s.level_yield_ci95, 1)),
        ),
        figure(
            "Won",
            &or_none(s.won, |share| percent(share, 1)),
            &format!("at mean odds {}", s.odds_mean.map_or(NONE.into(), |o| format!("{o:.2}"))),
        ),
        figure("Not bet", &grouped(s.not_placed.values().sum()), &not_placed(one)),
    ];
    format!("<p class=\"hint\">{}</p><dl class=\"figures\">{}</dl>", escape(&days), cells.concat())
}

fn not_placed(one: &StrategyReport) -> String {
    let name = |reason: &NotPlaced| match reason {
        NotPlaced::Capped => "capped",
        NotPlaced::Rejected => "rejected by the book",
        NotPlaced::PriceGone => "price gone",
        NotPlaced::TooLate => "too late",
    };
    let summary = &one.summary;
    let mut parts: Vec<String> = summary
        .not_placed
        .iter()
        .map(|(reason, count)| format!("{} {}", grouped(*count), name(reason)))
        .collect();
    parts.extend((summary.void > 0).then(|| format!("{} void", grouped(summary.void))));
    parts.extend((summary.open > 0).then(|| format!("{} open", grouped(summary.open))));
    if parts.is_empty() { "every alert was bet".to_owned() } else { parts.join(", ") }
}

fn refusals(one: &StrategyReport) -> String {
    if one.refusals.is_empty() {
        return String::new();
    }
    let mut sorted: Vec<_> = one.refusals.iter().collect();
    sorted.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), **reason));
    let rows: String = sorted
        .into_iter()
        .map(|(reason, count)| {
            let reason = reason.as_str().replace('_', " ");
            format!("<tr><td>{reason}</td>{}</tr>", tables::number(&grouped(*count)))
        })
        .collect();
    format!(
        "<details><summary>Prices that looked like value and were refused</summary>{}</details>",
        tables::table(&["Reason", "#Prices"], &rows)
    )
}
