//! Plots as SVG, drawn by hand: axes with round ticks, lines, bars, points.
//!
//! Colours come from the page's style sheet, so that one drawing serves light, dark and print.

use std::fmt::Write as _;

/// A drawing with an axis on each side.
pub struct Plot {
    width: f64,
    height: f64,
    x: Scale,
    y: Scale,
    body: String,
    label: String,
}

/// Room for the axes' labels.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// What an axis spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    /// From one value to another.
    #[must_use]
    pub fn new(from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        Self { from, to }
    }

    /// Over all of these values, with some air around them.
    #[must_use]
    pub fn over(values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let ends = finite.fold(None, |ends: Option<(f64, f64)>, value| {
            Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
        let (low, high) = ends.unwrap_or((0.0, 1.0));
        let air = ((high - low) * 0.06).max(1e-9);
        Self::new(low - air, high + air)
    }

    /// Round values within the span, about so many.
    #[must_use]
    pub fn ticks(self, about: usize) -> Vec<f64> {
        let rough = (self.to - self.from) / about.max(1) as f64;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|unit| unit * magnitude)
            .into_iter()
            .find(|step| *step >= rough * 0.999)
            .unwrap_or(10.0 * magnitude);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step).floor() as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

impl Plot {
    /// An empty drawing of this size with these axes; the label says what it shows to those who
    /// do not see it.
    #[must_use]
    pub fn new(width: f64, height: f64, x: Scale, y: Scale, label: &str) -> Self {
        Self { width, height, x, y, body: String::new(), label: label.to_owned() }
    }

    /// Where a value lies across.
    #[must_use]
    pub fn x(&self, value: f64) -> f64 {
        let share = (value - self.x.from) / (self.x.to - self.x.from);
        LEFT + share * (self.width - LEFT - RIGHT)
    }

    /// Where a value lies down.
    #[must_use]
    pub fn y(&self, value: f64) -> f64 {
        let share = (value - self.y.from) / (self.y.to - self.y.from);
        self.height - BOTTOM - share * (self.height - TOP - BOTTOM)
    }

    /// Lines across at round values, labelled.
    pub fn y_axis(&mut self, about: usize, show: impl Fn(f64) -> String) {
        for tick in self.y.ticks(about) {
            let y = self.y(tick);
            let class = if tick.abs() < 1e-12 { "zero" } else { "grid" };
            self.push(&format!(
                r#"<line class="{class}" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#,
                self.width - RIGHT
            ));
            let x = LEFT - 8.0;
            self.push(&format!(
                r#"<text class="tick end" x="{x:.1}" y="{:.1}">{}</text>"#,
                y + 4.0,
                escape(&show(tick))
            ));
        }
    }

    /// Labels along the foot at these values.
    pub fn x_axis(&mut self, ticks: impl IntoIterator<Item = (f64, String)>) {
        for (value, text) in ticks {
            let (x, y) = (self.x(value), self.height - 8.0);
            self.push(&format!(
                r#"<text class="tick mid" x="{x:.1}" y="{y:.1}">{}</text>"#,
                escape(&text)
            ));
        }
    }

    /// A line through points.
    pub fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        if points.is_empty() {
            return;
        }
        let path = self.path(points);
        self.push(&format!(r#"<path class="{class}" d="{path}"/>"#));
    }

    /// The area between points and a level.
    pub fn area(&mut self, class: &str, points: &[(f64, f64)], level: f64) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let y = self.y(level);
        let path = format!(
            "{}L{:.1},{y:.1}L{:.1},{y:.1}Z",
            self.path(points),
            self.x(last.0),
            self.x(first.0)
        );
        self.push(&format!(r#"<path class="{class}" d="{path}"/>"#));
    }

    fn path(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::with_capacity(points.len() * 12);
        for (at, (x, y)) in points.iter().enumerate() {
            let letter = if at == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{:.1},{:.1}", self.x(*x), self.y(*y));
        }
        path
    }

    /// A bar from a level to a value.
    pub fn bar(
        &mut self,
        class: &str,
        (from, to): (f64, f64),
        level: f64,
        value: f64,
        title: &str,
    ) {
        let (x, width) = (self.x(from), (self.x(to) - self.x(from)).max(0.5));
        let (top, foot) = (self.y(value.max(level)), self.y(value.min(level)));
        self.push(&format!(
            r#"<rect class="{class}" x="{x:.1}" y="{top:.1}" width="{width:.1}" height="{:.1}" rx="1.5"><title>{}</title></rect>"#,
            (foot - top).max(0.5),
            escape(title)
        ));
    }

    /// A point, with an interval where there is one.
    pub fn point(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        radius: f64,
        interval: Option<(f64, f64)>,
        title: &str,
    ) {
        let (px, py) = (self.x(x), self.y(y));
        if let Some((low, high)) = interval {
            let (low, high) = (self.y(low.max(self.y.from)), self.y(high.min(self.y.to)));
            self.push(&format!(
                r#"<line class="whisker" x1="{px:.1}" x2="{px:.1}" y1="{low:.1}" y2="{high:.1}"/>"#
            ));
        }
        self.push(&format!(
            r#"<circle class="{class}" cx="{px:.1}" cy="{py:.1}" r="{radius:.1}"><title>{}</title></circle>"#,
            escape(title)
        ));
    }

    /// A line straight down at a value, labelled.
    pub fn mark(&mut self, value: f64, text: &str) {
        let x = self.x(value);
        self.push(&format!(
            r#"<line class="mark" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{:.1}"/>"#,
            self.height - BOTTOM
        ));
        let (side, dx) = if x > self.width * 0.6 { ("end", -6.0) } else { ("start", 6.0) };
        self.push(&format!(
            r#"<text class="note {side}" x="{:.1}" y="{:.1}">{}</text>"#,
            x + dx,
            TOP + 11.0,
            escape(text)
        ));
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
    }

    /// The drawing as an element of a page.
    #[must_use]
    pub fn finish(self) -> String {
        format!(
            r#"<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>"#,
            self.width,
            self.height,
            escape(&self.label),
            self.body
        )
    }
}

/// Text as it may stand in HTML, in an attribute too.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(Scale::new(0.0, 1.0).ticks(4), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(Scale::new(-3.0, 8.0).ticks(4), [0.0, 5.0]);
        let ticks = Scale::new(9_800.0, 12_300.0).ticks(4);
        assert_eq!(ticks, [10_000.0, 11_000.0, 12_000.0]);
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut plot = Plot::new(100.0, 50.0, Scale::new(0.0, 1.0), Scale::new(0.0, 1.0), "a\"b");
        plot.point("dot", (0.5, 0.5), 2.0, None, "<script>alert('x')</script>");
        let svg = plot.finish();
        assert!(!svg.contains("<script") && svg.contains("a&quot;b"), "{svg}");
    }

    #[test]
    fn a_scale_over_nothing_or_one_value_is_one_all_the_same() {
        for scale in [Scale::over([].into_iter()), Scale::over([3.0].into_iter())] {
            assert!(scale.to > scale.from);
        }
    }
}
