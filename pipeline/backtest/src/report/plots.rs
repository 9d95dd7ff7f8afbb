//! The report's plots.

use marabet_schemas::Instant;

use super::data::EquityPoint;
use super::numbers::{money, percent, signed_percent};
use super::svg::{Plot, Scale, escape};
use crate::measure::{Bin, Histogram, Month};

const WIDTH: f64 = 720.0;
const SMALL: f64 = 440.0;

/// The bankroll over time, and below it how far it lies under its peak.
#[must_use]
pub(crate) fn equity(points: &[EquityPoint]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return nothing("no bet was settled");
    };
    let span = Scale::new(first.day, last.day);
    let values = || points.iter().map(|point| point.bankroll);
    let mut top = Plot::new(WIDTH, 250.0, span, Scale::over(values()), "bankroll over time");
    top.y_axis(5, money);
    let line: Vec<(f64, f64)> = points.iter().map(|point| (point.day, point.bankroll)).collect();
    let rises = last.bankroll >= first.bankroll;
    top.area(if rises { "fill good" } else { "fill bad" }, &line, first.bankroll);
    top.line(if rises { "curve good" } else { "curve bad" }, &line);

    let deepest = points.iter().map(|point| point.drawdown).fold(0.0, f64::max).max(0.01);
    let below = Scale::new(-deepest * 1.05, 0.0);
    let mut foot = Plot::new(WIDTH, 120.0, span, below, "drawdown from the peak");
    foot.y_axis(2, |value| percent(value, 0));
    let line: Vec<(f64, f64)> = points.iter().map(|point| (point.day, -point.drawdown)).collect();
    foot.area("fill bad", &line, 0.0);
    foot.line("curve bad thin", &line);
    foot.x_axis(years(first.day, last.day));
    top.finish() + &foot.finish()
}

/// The first day of each year, or of each month where there are few.
fn years(from: f64, to: f64) -> Vec<(f64, String)> {
    let date = |day: f64| Instant::default().plus_seconds((day * 86_400.0) as i64).day();
    let by_month = to - from < 800.0;
    let length = if by_month { 7 } else { 4 };
    let mut ticks: Vec<(f64, String)> = Vec::new();
    let mut last = date(from)[..length].to_owned();
    for day in (from.ceil() as i64)..=(to as i64) {
        let text = date(day as f64);
        if text[..length] != last {
            text[..length].clone_into(&mut last);
            ticks.push((day as f64, last.clone()));
        }
    }
    let each = ticks.len().div_ceil(9).max(1);
    ticks.into_iter().step_by(each).collect()
}

/// Returns a month as a table of cells, a row a year.
#[must_use]
pub(crate) fn months(months: &[Month]) -> String {
    let (Some(first), Some(last)) = (months.first(), months.last()) else {
        return nothing("no month has a decided bet");
    };
    let largest = months.iter().map(|month| month.r#return.abs()).fold(0.01, f64::max);
    let mut rows = String::new();
    for year in first.year..=last.year {
        let of_year: Vec<&Month> = months.iter().filter(|month| month.year == year).collect();
        if of_year.is_empty() {
            continue;
        }
        rows += &format!("<tr><th scope=\"row\">{year}</th>");
        for number in 1..=12 {
            let month = of_year.iter().find(|month| month.month == number);
            rows += &month.map_or_else(|| "<td></td>".to_owned(), |month| cell(month, largest));
        }
        let whole: f64 = of_year.iter().fold(1.0, |product, m| product * (1.0 + m.r#return)) - 1.0;
        let class = if whole < 0.0 { "neg" } else { "pos" };
        rows += &format!("<td class=\"num {class}\"><b>{}</b></td></tr>", signed(whole));
    }
    let names = ["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"];
    let head: String = names.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    format!(
        "<div class=\"scroll\"><table class=\"months\"><thead><tr><td></td>{head}\
         <th scope=\"col\">Year</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn cell(month: &Month, largest: f64) -> String {
    let strength = (month.r#return.abs() / largest * 10.0).ceil().clamp(1.0, 10.0) as u32;
    let side = if month.r#return < 0.0 { "n" } else { "p" };
    format!(
        "<td class=\"{side}{strength}\" title=\"{} bets, {} staked, {} profit\">{}</td>",
        month.bets,
        money(month.staked),
        money(month.profit),
        signed(month.r#return)
    )
}

fn signed(value: f64) -> String {
    let text = format!("{:+.1}", value * 100.0);
    text.replace('-', "−")
}

/// Claimed probabilities beside how often the bets won.
#[must_use]
pub(crate) fn calibration(bins: &[Bin]) -> String {
    beside(bins, "claimed probability beside the share that won", |value| percent(value, 0), None)
}

/// Claimed value beside the yield of equal stakes.
#[must_use]
pub(crate) fn claims(bins: &[Bin]) -> String {
    beside(
        bins,
        "claimed expected value beside the realised yield",
        |value| signed_percent(value, 0),
        Some(0.0),
    )
}

fn beside(bins: &[Bin], label: &str, show: fn(f64) -> String, level: Option<f64>) -> String {
    if bins.is_empty() {
        return nothing("too few bets");
    }
    let x = Scale::over(bins.iter().map(|bin| bin.claimed).chain(level));
    let ends = bins.iter().flat_map(|bin| [bin.low, bin.high, bin.claimed]).chain(level);
    let mut plot = Plot::new(SMALL, 300.0, x, Scale::over(ends), label);
    plot.y_axis(5, show);
    plot.x_axis(x.ticks(5).into_iter().map(|tick| (tick, show(tick))));
    let claims = bins.iter().map(|bin| bin.claimed);
    let (low, high) = (claims.clone().fold(f64::MAX, f64::min), claims.fold(f64::MIN, f64::max));
    plot.line("diagonal", &[(low, low), (high, high)]);
    for bin in bins {
        let title = format!(
            "claimed {}, realised {} ({} … {}), {} bets",
            percent(bin.claimed, 1),
            percent(bin.realised, 1),
            percent(bin.low, 1),
            percent(bin.high, 1),
            bin.bets
        );
        plot.point("dot", (bin.claimed, bin.realised), 4.0, Some((bin.low, bin.high)), &title);
    }
    plot.finish()
}

/// The distribution of closing-line value.
#[must_use]
pub(crate) fn closing(histogram: &Histogram, mean: Option<f64>) -> String {
    let highest = histogram.counts.iter().copied().max().unwrap_or_default();
    if highest == 0 {
        return nothing("no bet has a closing price");
    }
    let end = histogram.from + histogram.width * histogram.counts.len() as f64;
    let x = Scale::new(histogram.from, end);
    let y = Scale::new(0.0, highest as f64 * 1.08);
    let mut plot = Plot::new(SMALL, 300.0, x, y, "distribution of closing-line value");
    plot.y_axis(4, |value| format!("{value:.0}"));
    let last = histogram.counts.len() - 1;
    for (place, count) in histogram.counts.iter().enumerate() {
        let from = histogram.from + histogram.width * place as f64;
        let class = if from + histogram.width / 2.0 < 0.0 { "bar bad" } else { "bar good" };
        let (low, high) = (signed_percent(from, 0), signed_percent(from + histogram.width, 0));
        let title = match place {
            0 => format!("{count} bets below {high}"),
            _ if place == last => format!("{count} bets above {low}"),
            _ => format!("{count} bets from {low} to {high}"),
        };
        plot.bar(
            class,
            (from + 0.0008, from + histogram.width - 0.0008),
            0.0,
            *count as f64,
            &title,
        );
    }
    plot.x_axis([-0.1, 0.0, 0.1].map(|tick| (tick, signed_percent(tick, 0))));
    if let Some(mean) = mean.filter(|mean| (histogram.from..end).contains(mean)) {
        plot.mark(mean, &format!("mean {}", signed_percent(mean, 1)));
    }
    plot.finish()
}

/// Points of one period beside the next: where choosing led.
#[must_use]
pub(crate) fn before_and_after(points: &[(f64, f64, String)], chosen: usize) -> String {
    if points.is_empty() {
        return nothing("nothing was tried");
    }
    let x = Scale::over(points.iter().map(|point| point.0).chain([0.0]));
    let y = Scale::over(points.iter().map(|point| point.1).chain([0.0]));
    let mut plot = Plot::new(WIDTH, 340.0, x, y, "first period beside the untouched one");
    plot.y_axis(6, |value| format!("{value:.1}").replace('-', "−"));
    plot.x_axis(x.ticks(8).into_iter().map(|tick| (tick, format!("{tick:.1}").replace('-', "−"))));
    let order = (chosen..points.len()).rev().chain((0..chosen.min(points.len())).rev());
    for place in order {
        let (first, second, title) = &points[place];
        let (class, radius) = if place < chosen { ("dot best", 4.5) } else { ("dot faint", 2.2) };
        plot.point(class, (*first, *second), radius, None, title);
    }
    plot.finish()
}

fn nothing(why: &str) -> String {
    format!("<p class=\"empty\">{}</p>", escape(why))
}
