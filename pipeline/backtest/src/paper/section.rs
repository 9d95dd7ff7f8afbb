//! The paper's section of the report.

use super::{Fit, PUBLISHED_CALIBRATION, PUBLISHED_CLOSING, PaperReport, Run};
use crate::report::numbers::{NONE, grouped, interval, or_none, percent, signed_percent};
use crate::report::svg::escape;
use crate::report::tables::{number, signed, table};

const LEAD: &str = "Kaunitz, Zhong and Kreiner (2017) take the market's mean odds for fair, five \
    points of probability off, and bet at the best odds of any book. Here the same rule runs on \
    what the files hold.";

const WHY: &str = "Why it differs. The paper has 479,440 games of 818 leagues and up to 32 books; \
    the files have the larger leagues of eleven countries, whose prices are sharper. Its odds are \
    closing ones, with the hour of each; until 2019 the files hold maxima and means of a collection \
    days before the match. Maxima hold errors, stale prices and books that took no bets, and they \
    are what the rule looks for: leaving out those above 1.25 times the mean shows how much of the \
    yield they are. At the best of the books that the files name, prices that could be bet at, the \
    rule finds fewer bets. The paper's own real bets (265 of them) earned 7.2 % of the stakes by its \
    Table 1, where it prints 8.5 %; accounts were limited after months.";

/// The section.
#[must_use]
pub fn section(paper: &PaperReport) -> String {
    let red = if paper.runs.iter().any(|run| run.aggregates && run.bets > 0) {
        "<p class=\"red\">Rows marked aggregates bet at maxima over books, which nobody offers and \
         which hold errors. What they earned could not be earned.</p>"
    } else {
        ""
    };
    format!(
        "<section id=\"paper\"><h2>Beating the bookies with their own numbers</h2><p class=\"lead\">\
         {LEAD}</p>{red}<div class=\"card\"><h3>The rule</h3>{}</div><div class=\"card\"><h3>\
         Calibration of 1 / mean odds</h3><p class=\"hint\">Share that occurred = slope · (1/mean \
         odds) + intercept, over bins of 0.0125 with at least 100 matches; the paper's in \
         brackets.</p>{}</div><p class=\"hint\">{}</p></section>",
        runs(&paper.runs),
        fits(&paper.fits),
        escape(WHY)
    )
}

fn runs(runs: &[Run]) -> String {
    let published = PUBLISHED_CLOSING;
    let mut rows = format!(
        "<tr><td class=\"wrap\"><b>The paper</b>, closing odds of 32 books, 2005 to June 2015</td>{}{}{}{}{}{}{}</tr>",
        number(&grouped(published.bets)),
        signed(Some(published.r#yield), 1),
        number(NONE),
        number(&percent(published.won, 1)),
        number(&format!("{:.2}", published.odds)),
        signed(Some(published.at_random), 1),
        number(NONE)
    );
    for run in runs {
        let tag = if run.aggregates { " <span class=\"tag\">aggregates</span>" } else { "" };
        let clv = run.clv.map_or_else(
            || NONE.to_owned(),
            |(value, share)| format!("{} ({})", signed_percent(value, 1), percent(share, 0)),
        );
        rows += &format!(
            "<tr><td class=\"wrap\">{}{tag}</td>{}{}{}{}{}{}{}</tr>",
            escape(&run.title),
            number(&grouped(run.bets as u64)),
            signed(run.r#yield, 1),
            number(&interval(run.ci95, 1)),
            number(&or_none(run.won, |share| percent(share, 1))),
            number(&or_none(run.odds, |odds| format!("{odds:.2}"))),
            signed(run.at_random, 1),
            number(&clv)
        );
    }
    table(
        &[
            "On",
            "#Bets",
            "#Yield",
            "#95 % interval",
            "#Won",
            "#Odds",
            "#At random",
            "#CLV (coverage)",
        ],
        &rows,
    )
}

fn fits(fits: &[Fit]) -> String {
    let mut rows = String::new();
    for fit in fits {
        let published = PUBLISHED_CALIBRATION.iter().find(|one| one.outcome == fit.outcome);
        let beside = |ours: f64, theirs: Option<f64>| {
            let theirs = theirs.map_or_else(String::new, |value| format!(" ({value:.3})"));
            number(&format!("{ours:.3}{theirs}").replace('-', "−"))
        };
        rows += &format!(
            "<tr><th scope=\"row\">{}</th>{}{}{}{}{}</tr>",
            fit.outcome,
            beside(fit.slope, published.map(|one| one.slope)),
            beside(fit.intercept, published.map(|one| one.intercept)),
            beside(fit.r2, published.map(|one| one.r2)),
            number(&grouped(fit.bins as u64)),
            number(&grouped(fit.matches as u64))
        );
    }
    table(&["Outcome", "#Slope", "#Intercept", "#R²", "#Bins", "#Matches"], &rows)
}
