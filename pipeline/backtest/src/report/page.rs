//! The page as a whole.

use super::data::{Ranked, Report, StrategyReport, SweepReport, WorthReport};
use super::numbers::{chance, grouped, or_none, percent};
use super::svg::escape;
use super::{plots, strategy, tables};
use crate::history::Origin;
use crate::sweep::rank::BETS_MIN;

const STYLE: &str = include_str!("style.css");
/// Strategies that are listed of those tried.
const LISTED: usize = 40;
/// Those that stand out in the plot.
const CHOSEN: usize = 10;

/// The report as one HTML file, which asks nothing of any network and runs no script.
#[must_use]
pub fn html(report: &Report) -> String {
    let mut body = head(report);
    if !report.strategies.is_empty() {
        body += &format!(
            "<div class=\"card\"><h3>Side by side</h3><p class=\"hint\">What was claimed stands \
             beside what came of it. Luck is the probability of a mean return this high if the \
             bets were worth nothing.</p>{}</div>",
            tables::side_by_side(&report.strategies)
        );
    }
    if let Some(sweep) = &report.sweep {
        body += &sweep_section(sweep);
    }
    let currency = &report.setup.account.currency;
    let of_paper = |name: &str| name == crate::paper::BOOKS || name == crate::paper::MAXIMA;
    let (paper, own): (Vec<&StrategyReport>, Vec<&StrategyReport>) =
        report.strategies.iter().partition(|one| of_paper(one.name.as_str()));
    own.iter().for_each(|one| body += &strategy::section(one, currency));
    body.extend(report.paper.iter().map(crate::paper::section));
    paper.iter().for_each(|one| body += &strategy::section(one, currency));
    body += &foot(report);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\"><title>{}</title><style>{STYLE}{}</style></head><body><main>{body}\
         </main></body></html>\n",
        escape(&report.title),
        heat()
    )
}

/// Ten steps of colour for what was won and lost in a month.
fn heat() -> String {
    let step = |n: u32| {
        let strength = f64::from(n) * 0.055;
        format!(
            ".p{n}{{background:rgba(var(--g),{strength:.3})}}\
             .n{n}{{background:rgba(var(--b),{strength:.3})}}"
        )
    };
    (1..=10).map(step).collect()
}

fn head(report: &Report) -> String {
    let origin = match report.origin {
        Some(Origin::Files) => "real seasons, from files",
        Some(Origin::Fetched) => "a real season, fetched",
        Some(Origin::Archive) => "an archive",
        Some(Origin::Simulated) => "a SIMULATED league",
        None => "an archive",
    };
    let walked = &report.walked;
    let links: String = report
        .sweep
        .iter()
        .map(|_| ("sweep", "Search"))
        .chain(report.paper.iter().map(|_| ("paper", "The paper")))
        .chain(report.strategies.iter().map(|one| (one.name.as_str(), one.name.as_str())))
        .map(|(at, text)| format!("<a href=\"#{}\">{}</a>", escape(at), escape(text)))
        .collect();
    format!(
        "<header class=\"top\"><h1>{}</h1><p class=\"lead\">Over {origin}: {} matches, {} book \
         prices and {} prices over books, {} models trained as time went by. {} rows and cells \
         could not be read. {:.1} s.</p><nav>{links}</nav></header>",
        escape(&report.title),
        grouped(walked.matches),
        grouped(walked.quotes),
        grouped(walked.aggregates),
        grouped(walked.models),
        grouped(report.unread),
        report.seconds
    )
}

fn sweep_section(sweep: &SweepReport) -> String {
    let of = |value: Option<f64>| value.unwrap_or(0.0);
    let points: Vec<(f64, f64, String)> = sweep
        .ranked
        .iter()
        .filter(|one| one.before.bets >= BETS_MIN && one.after.bets >= BETS_MIN)
        .map(|one| (10.0 * of(one.before.sharpe), 10.0 * of(one.after.sharpe), one.about.clone()))
        .collect();
    let rows: String = sweep.ranked.iter().take(LISTED).enumerate().map(ranked).collect();
    let red = if sweep.ranked.iter().any(|one| one.aggregates) {
        "<p class=\"red\">Some of those tried bet at the best price of any book as the files state \
         it, which nobody offers. They are marked; what they earned could not be earned.</p>"
    } else {
        ""
    };
    format!(
        "<section id=\"sweep\"><h2>The search</h2><p class=\"lead\">{} strategies were tried, {} of \
         them distinct in their bets, in {:.1} s over {} prices that were value to any of them. \
         They are ranked on matches before {}, and shown beside what they did after it, which the \
         ranking never saw.</p>{red}<div class=\"figures\"><div class=\"figure\"><dt>Reality \
         check</dt><dd>{}<small>probability that the best of all of them does this well by \
         chance</small></dd></div><div class=\"figure\"><dt>Best by chance</dt><dd>{:.3}<small>\
         Sharpe ratio a match-day that the best of so many worthless ones reaches</small></dd></div>\
         </div><div class=\"card wide\"><h3>Before and after</h3><p class=\"hint\">Each point is a \
         strategy with at least {BETS_MIN} bets in both periods: ten times its Sharpe ratio a \
         match-day in the first (across) and in the untouched one (up); the best {CHOSEN} of the first period stand out.</p>{}</div><div \
         class=\"card\"><h3>The best of the first period</h3>{}</div>{}</section>",
        grouped(sweep.tried as u64),
        grouped(sweep.distinct as u64),
        sweep.seconds,
        grouped(sweep.rows),
        escape(&sweep.split),
        or_none(sweep.reality_p, chance),
        sweep.expected_best_sharpe,
        plots::before_and_after(&points, CHOSEN),
        tables::table(
            &[
                "#",
                "Strategy",
                "#Bets",
                "#Yield",
                "#CLV",
                "#Sharpe",
                "#Deflated",
                "#Bets after",
                "#Yield",
                "#CLV",
                "#Sharpe",
            ],
            &rows
        ),
        sweep.worth.as_ref().map(worth).unwrap_or_default()
    )
}

fn worth(worth: &WorthReport) -> String {
    let mut out = format!(
        "<h3>What there was to choose from</h3><p class=\"hint\">Every price of a book that was \
         value by <code>{}</code>, which the best one took for fair, once each and before the \
         split: what was claimed for a unit staked on each, and what it would have brought. No \
         strategy's filters, limits or stakes have a part in it.</p>",
        escape(&worth.view)
    );
    for (grouping, groups) in &worth.groups {
        out += &format!(
            "<div class=\"card\"><h3>By {}</h3>{}</div>",
            grouping.title().to_lowercase(),
            tables::groups(*grouping, groups)
        );
    }
    out
}

fn ranked((place, one): (usize, &Ranked)) -> String {
    let tag = if one.aggregates { " <span class=\"tag\">aggregates</span>" } else { "" };
    format!(
        "<tr><td class=\"soft\">{}</td><td class=\"wrap\">{}{tag}</td>{}{}{}</tr>",
        place + 1,
        escape(&one.about),
        tables::period(&one.before),
        tables::number(&or_none(one.deflated, |p| percent(p, 1))),
        tables::period(&one.after)
    )
}

fn foot(report: &Report) -> String {
    let setup = serde_json::to_string_pretty(&report.setup).unwrap_or_default();
    format!(
        "<footer><p>Set-up <code>{}</code><br>Bets <code>{}</code></p><details><summary>The \
         set-up</summary><pre>{}</pre></details><p>Intervals are 95 % percentile bootstraps over \
         match-days. Luck and the reality check resample match-days in blocks (White 2000); the \
         deflated Sharpe ratio is that of Bailey and López de Prado (2014). Past results promise \
         nothing; betting can lose money. 18+.</p></footer>",
        escape(&report.setup_hash),
        escape(&report.bets_digest),
        escape(&setup)
    )
}
