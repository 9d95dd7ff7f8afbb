//! The equity curve as a picture: a PNG that any phone shows.

use marabet_schemas::{Instant, Money};

const WIDTH: usize = 800;
const HEIGHT: usize = 400;
const MARGIN: usize = 20;
const GRID_LINES: usize = 4;

/// Colours: paper, grid, and one for each curve in turn.
const PAPER: [u8; 3] = [255, 255, 255];
const GRID: [u8; 3] = [220, 224, 228];
const CURVES: [[u8; 3]; 4] = [[31, 119, 180], [214, 96, 20], [44, 140, 60], [140, 70, 160]];

/// Draws curves over one time and one scale, the first one's beginning as a darker line across.
/// None where there is nothing to draw.
#[must_use]
pub fn png(curves: &[&[(Instant, Money)]]) -> Option<Vec<u8>> {
    let points = || curves.iter().copied().flatten();
    let (from, to) = (points().map(|p| p.0).min()?, points().map(|p| p.0).max()?);
    let (low, high) = (points().map(|p| p.1).min()?, points().map(|p| p.1).max()?);
    let scale = Scale {
        from: from.micros() as f64,
        span: (to.micros() - from.micros()).max(1) as f64,
        low: low.units(),
        range: (high - low).units().max(0.01),
    };
    let mut canvas = Canvas { pixels: vec![PAPER; WIDTH * HEIGHT] };
    for line in 0..=GRID_LINES {
        let y = MARGIN + line * (HEIGHT - 2 * MARGIN) / GRID_LINES;
        canvas.line((MARGIN, y), (WIDTH - MARGIN, y), GRID, 1);
    }
    let start = scale.y(curves.first()?.first()?.1);
    canvas.line((MARGIN, start), (WIDTH - MARGIN, start), [150, 155, 160], 1);
    for (curve, colour) in curves.iter().zip(CURVES.iter().cycle()) {
        for pair in curve.windows(2) {
            // Money stands still between two movements.
            let [(x0, y0), (x1, y1)] =
                [pair[0], pair[1]].map(|(at, money)| (scale.x(at), scale.y(money)));
            canvas.line((x0, y0), (x1, y0), *colour, 2);
            canvas.line((x1, y0), (x1, y1), *colour, 2);
        }
    }
    canvas.encoded()
}

struct Scale {
    from: f64,
    span: f64,
    low: f64,
    range: f64,
}

impl Scale {
    fn x(&self, at: Instant) -> usize {
        let share = (at.micros() as f64 - self.from) / self.span;
        MARGIN + (share.clamp(0.0, 1.0) * (WIDTH - 2 * MARGIN) as f64) as usize
    }

    fn y(&self, money: Money) -> usize {
        let share = (money.units() - self.low) / self.range;
        HEIGHT - MARGIN - (share.clamp(0.0, 1.0) * (HEIGHT - 2 * MARGIN) as f64) as usize
    }
}

struct Canvas {
    pixels: Vec<[u8; 3]>,
}

impl Canvas {
    /// A line along an axis, of a thickness.
    fn line(&mut self, a: (usize, usize), b: (usize, usize), colour: [u8; 3], thick: usize) {
        let (x0, x1) = (a.0.min(b.0), a.0.max(b.0));
        let (y0, y1) = (a.1.min(b.1), a.1.max(b.1));
        for y in y0..(y1 + thick).min(HEIGHT) {
            for x in x0..(x1 + thick).min(WIDTH) {
                self.pixels[y * WIDTH + x] = colour;
            }
        }
    }

    fn encoded(&self) -> Option<Vec<u8>> {
        let mut file = Vec::new();
        let (width, height) = (u32::try_from(WIDTH).ok()?, u32::try_from(HEIGHT).ok()?);
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(self.pixels.as_flattened()).ok()?;
        writer.finish().ok()?;
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_and_nothing_is_not() {
        let at = |s: i64| Instant::from_micros(s * 1_000_000);
        let money = Money::from_cents;
        let curve = [(at(0), money(100)), (at(10), money(90)), (at(20), money(130))];
        let file = png(&[&curve]).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(&file));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let drawn = pixels.chunks_exact(3).filter(|pixel| *pixel == CURVES[0]).count();
        assert!(drawn > 800, "{drawn}");
        assert_eq!(png(&[]), None);
        assert!(png(&[&[(at(0), money(1))]]).is_some());
    }
}
