//! The evaluation as a figure (SVG): how far each forecaster is behind the closing odds, over all
//! and season by season, and whether its forecasts come true.

use std::fmt::Write;

use marabet_quant::walkforward::Scored;

use super::Report;
use super::table::best;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 190.0;
const ROW: f64 = 26.0;
const TOP: f64 = 78.0;
const PANEL: f64 = 230.0;
/// Colours that people with a colour weakness tell apart (Okabe and Ito, 2008).
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const INK: &str = "#222";
const FAINT: &str = "#ddd";

/// A scale from values to places on the paper.
struct Scale {
    values: [f64; 2],
    places: [f64; 2],
}

impl Scale {
    fn of(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        let [from, to] = self.places;
        from + (value - low) / (high - low) * (to - from)
    }

    /// Round values at which a line is drawn, four to nine of them.
    fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.values;
        let rough = (high - low) / 4.0;
        let decade = 10_f64.powi(rough.log10().floor() as i32);
        let step = [5.0, 2.0, 1.0].map(|m| m * decade).into_iter().find(|step| *step <= rough);
        let step = step.unwrap_or(decade);
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

/// Draws the report.
pub(super) fn draw(report: &Report) -> String {
    let whole: Vec<&Scored> =
        report.evaluation.scored.iter().filter(|s| s.league.is_none()).collect();
    let overall: Vec<&Scored> = whole.iter().copied().filter(|s| s.season.is_none()).collect();
    let shown: Vec<&Scored> = overall.iter().copied().filter(|s| s.against.is_some()).collect();
    let forest_end = TOP + ROW * shown.len() as f64;
    let height = forest_end + 2.0 * PANEL + 210.0;
    let mut svg = String::new();
    let [first, last] = report.seasons;
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, [20.0, 28.0], "start", 17.0, "Forecasts beside the closing odds");
    let matches = report.evaluation.matches;
    let what = format!(
        "{}, seasons {first} to {last}, {matches} matches, walking forward; closing odds of {}",
        report.leagues.join(", "),
        report.book
    );
    text(&mut svg, [20.0, 48.0], "start", 12.0, &what);
    forest(&mut svg, &shown, forest_end);
    let lines = foremost(report, &shown);
    by_season(&mut svg, &whole, &lines, forest_end + 90.0);
    calibration(&mut svg, &overall, &lines, forest_end + 90.0 + PANEL + 80.0);
    svg.push_str("</svg>\n");
    svg
}

/// The forecasters that have lines of their own: the best without odds first.
fn foremost<'a>(report: &'a Report, shown: &[&'a Scored]) -> Vec<&'a str> {
    let best = best(&report.evaluation).map(|scored| scored.name.as_str());
    let wished = ["stack", "dixon_coles", "elo", "market_pre_match"];
    let mut lines: Vec<&str> = best.into_iter().collect();
    for name in wished.into_iter().chain(shown.iter().map(|s| s.name.as_str())) {
        let known = shown.iter().any(|scored| scored.name == name);
        if known && name != "base_rates" && !lines.contains(&name) && lines.len() < 5 {
            lines.push(name);
        }
    }
    lines
}

/// A dot and its interval for each forecaster.
fn forest(svg: &mut String, shown: &[&Scored], end: f64) {
    let differences = || shown.iter().filter_map(|s| Some(&s.against.as_ref()?.rps));
    let high = differences().map(|rps| rps.high).fold(1e-4, f64::max);
    let low = differences().map(|rps| rps.low).fold(0.0, f64::min);
    let scale = Scale { values: [low, high], places: [LEFT, WIDTH - 150.0] };
    for tick in scale.ticks() {
        let x = scale.of(tick);
        line(svg, [x, TOP - 10.0], [x, end], if tick == 0.0 { INK } else { FAINT }, 1.0);
        text(svg, [x, end + 16.0], "middle", 11.0, &format!("{tick:.3}"));
    }
    let axis = "mean RPS behind the closing odds, with 95 % intervals clustered by day";
    text(svg, [LEFT, end + 36.0], "start", 12.0, axis);
    for (place, scored) in shown.iter().enumerate() {
        let Some(against) = &scored.against else { continue };
        let y = TOP + ROW * place as f64 + 6.0;
        let rps = &against.rps;
        text(svg, [LEFT - 12.0, y + 4.0], "end", 12.0, &scored.name);
        line(svg, [scale.of(rps.low), y], [scale.of(rps.high), y], COLOURS[0], 2.0);
        dot(svg, [scale.of(rps.difference), y], COLOURS[0], 4.0);
        let value = format!("{:+.5}", rps.difference);
        text(svg, [WIDTH - 135.0, y + 4.0], "start", 12.0, &value);
    }
}

/// A line through the seasons for each of the foremost.
fn by_season(svg: &mut String, whole: &[&Scored], names: &[&str], top: f64) {
    let of_season = |name: &str| -> Vec<(i32, f64)> {
        let own = whole.iter().filter(|s| s.name == name);
        own.filter_map(|s| Some((s.season?, s.against.as_ref()?.rps.difference))).collect()
    };
    let series: Vec<Vec<(i32, f64)>> = names.iter().map(|name| of_season(name)).collect();
    let points = || series.iter().flatten();
    let (Some(first), Some(last)) = (points().map(|p| p.0).min(), points().map(|p| p.0).max())
    else {
        return;
    };
    let low = points().map(|p| p.1).fold(0.0, f64::min);
    let high = points().map(|p| p.1).fold(1e-4, f64::max);
    let bottom = top + PANEL;
    let across = Scale {
        values: [f64::from(first), f64::from(last.max(first + 1))],
        places: [LEFT, WIDTH - 150.0],
    };
    let up = Scale { values: [low, high], places: [bottom, top] };
    text(svg, [LEFT, top - 14.0], "start", 12.0, "behind the closing odds, season by season");
    for tick in up.ticks() {
        let (y, ink) = (up.of(tick), if tick == 0.0 { INK } else { FAINT });
        line(svg, [LEFT, y], [WIDTH - 150.0, y], ink, 1.0);
        text(svg, [LEFT - 8.0, y + 4.0], "end", 11.0, &format!("{tick:.3}"));
    }
    for season in first..=last {
        let x = across.of(f64::from(season));
        text(svg, [x, bottom + 16.0], "middle", 11.0, &season.to_string());
    }
    for ((name, points), colour) in names.iter().zip(&series).zip(COLOURS) {
        let places: Vec<[f64; 2]> =
            points.iter().map(|p| [across.of(f64::from(p.0)), up.of(p.1)]).collect();
        path(svg, &places, colour);
        places.iter().for_each(|place| dot(svg, *place, colour, 3.0));
        legend(svg, names, name, colour, top);
    }
}

/// How often what was forecast came true.
fn calibration(svg: &mut String, overall: &[&Scored], names: &[&str], top: f64) {
    let bottom = top + PANEL;
    let across = Scale { values: [0.0, 1.0], places: [LEFT, LEFT + 1.6 * PANEL] };
    let up = Scale { values: [0.0, 1.0], places: [bottom, top] };
    text(svg, [LEFT, top - 14.0], "start", 12.0, "share that came true, by forecast probability");
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (x, y) = (across.of(tick), up.of(tick));
        line(svg, [LEFT, y], [across.of(1.0), y], FAINT, 1.0);
        line(svg, [x, top], [x, bottom], FAINT, 1.0);
        text(svg, [LEFT - 8.0, y + 4.0], "end", 11.0, &tick.to_string());
        text(svg, [x, bottom + 16.0], "middle", 11.0, &tick.to_string());
    }
    line(svg, [LEFT, bottom], [across.of(1.0), top], INK, 1.0);
    for (name, colour) in names.iter().zip(COLOURS) {
        let Some(scored) = overall.iter().find(|scored| scored.name == *name) else { continue };
        let bins = &scored.calibration.bins;
        let places: Vec<[f64; 2]> =
            bins.iter().map(|bin| [across.of(bin.forecast), up.of(bin.frequency)]).collect();
        for (bin, place) in bins.iter().zip(&places) {
            line(svg, [place[0], up.of(bin.low)], [place[0], up.of(bin.high)], colour, 1.0);
            dot(svg, *place, colour, 2.5);
        }
        path(svg, &places, colour);
        legend(svg, names, name, colour, top);
    }
}

fn legend(svg: &mut String, names: &[&str], name: &str, colour: &str, top: f64) {
    let place = names.iter().position(|other| *other == name).unwrap_or(0);
    let y = top + 10.0 + 18.0 * place as f64;
    line(svg, [WIDTH - 135.0, y], [WIDTH - 117.0, y], colour, 3.0);
    text(svg, [WIDTH - 110.0, y + 4.0], "start", 11.0, name);
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, size: f64, what: &str) {
    let what = what.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\">{what}</text>"
    );
}

fn line(svg: &mut String, from: [f64; 2], to: [f64; 2], ink: &str, width: f64) {
    let ([x1, y1], [x2, y2]) = (from, to);
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{ink}\" \
         stroke-width=\"{width}\"/>"
    );
}

fn dot(svg: &mut String, [x, y]: [f64; 2], ink: &str, radius: f64) {
    let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{ink}\"/>");
}

fn path(svg: &mut String, places: &[[f64; 2]], ink: &str) {
    let points: Vec<String> = places.iter().map(|[x, y]| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"1.5\"/>",
        points.join(" ")
    );
}
