//! Lines in a coordinate system, as SVG. Both axes are logarithmic and have units. Readable on
//! light and dark pages.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 380.0;
/// Where the coordinate system lies in the picture.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 520.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 318.0;

/// What is measured under one name.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// By x.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    /// The number of its colour: the same in all plots.
    fn colour(&self) -> usize {
        ["relay", "forwarder"].iter().position(|&name| name == self.name).unwrap_or(2)
    }
}

#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) title: &'static str,
    /// What the axes show, with units.
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// The relay, the forwarder, and at most one other.
    pub(crate) lines: Vec<Line>,
}

/// From values to places in the picture.
struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let share = (value / self.from.0).ln() / (self.from.1 / self.from.0).ln();
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

impl Plot {
    /// Writes it into a file.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let mut text = String::new();
        self.write(&mut text).map_err(io::Error::other)?;
        std::fs::write(path, text)
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let values = |of: fn(&(f64, f64)) -> f64| {
            let (least, most) = all().map(of).fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
            (least, most.max(least * 1.001))
        };
        let (xs, ys) = (values(|point| point.0), values(|point| point.1));
        let ticks = decades(ys);
        let ys = (ticks[0], ticks[ticks.len() - 1]);
        let (x, y) = (Scale { from: xs, to: (LEFT, RIGHT) }, Scale { from: ys, to: (BOTTOM, TOP) });
        let title = self.title;
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n{STYLE}\n\
             <rect class=\"paper\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n\
             <text class=\"title\" x=\"20\" y=\"26\">{title}</text>"
        )?;
        for value in &ticks {
            let at = y.at(*value);
            writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{RIGHT}\"/>")?;
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                at + 4.0,
                Short(*value)
            )?;
        }
        let mut at_x: Vec<f64> = all().map(|point| point.0).collect();
        at_x.sort_by(f64::total_cmp);
        at_x.dedup();
        for value in at_x {
            let at = x.at(value);
            writeln!(svg, "<path class=\"grid\" d=\"M{at:.1} {TOP}V{BOTTOM}\"/>")?;
            writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                BOTTOM + 18.0,
                Short(value)
            )?;
        }
        let middle = (TOP + BOTTOM) / 2.0;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            (LEFT + RIGHT) / 2.0,
            BOTTOM + 42.0,
            self.x
        )?;
        writeln!(
            svg,
            "<text transform=\"translate(20 {middle}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            self.y
        )?;
        self.write_lines(svg, &x, &y)?;
        svg.write_str("</svg>\n")
    }

    /// The lines, each with its name behind its last point.
    fn write_lines(&self, svg: &mut String, x: &Scale, y: &Scale) -> fmt::Result {
        let mut names: Vec<(f64, usize, &str)> = Vec::new();
        for line in &self.lines {
            let number = line.colour();
            let mut path = String::new();
            for (at, (px, py)) in line.points.iter().enumerate() {
                let letter = if at == 0 { 'M' } else { 'L' };
                write!(path, "{letter}{:.1} {:.1}", x.at(*px), y.at(*py))?;
                writeln!(
                    svg,
                    "<circle class=\"fill{number}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
                    x.at(*px),
                    y.at(*py)
                )?;
            }
            writeln!(svg, "<path class=\"line{number}\" d=\"{path}\"/>")?;
            if let Some((_, last)) = line.points.last() {
                names.push((y.at(*last), number, &line.name));
            }
        }
        // names that would lie upon each other move apart
        names.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut least = 0.0_f64;
        for (at, number, name) in names {
            let at = at.max(least);
            least = at + 16.0;
            writeln!(
                svg,
                "<text class=\"fill{number}\" x=\"{}\" y=\"{:.1}\">{name}</text>",
                RIGHT + 10.0,
                at + 4.0
            )?;
        }
        Ok(())
    }
}

/// 1, 2, 5, 10, 20 … around all values; without those between where they are too many.
fn decades((least, most): (f64, f64)) -> Vec<f64> {
    let steps: &[f64] = if most / least > 200.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let mut ticks = Vec::new();
    let mut decade = 10.0_f64.powf(least.log10().floor());
    loop {
        for step in steps {
            let value = decade * step;
            if value <= least {
                ticks.clear();
            }
            ticks.push(value);
            if value >= most {
                return ticks;
            }
        }
        decade *= 10.0;
    }
}

/// A number as people write it on an axis.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value >= 1e6 => write!(f, "{} M", (value / 1e6 * 10.0).round() / 10.0),
            value if value >= 1e3 => {
                let value = value.round();
                write!(f, "{},{:03}", (value / 1e3).floor(), value % 1e3)
            }
            value => write!(f, "{}", (value * 100.0).round() / 100.0),
        }
    }
}

/// Colours that can be told apart with every kind of colour blindness (Okabe and Ito).
const STYLE: &str = "<style>
text { font: 12px system-ui, sans-serif; fill: #444c56; }
.title { font-size: 15px; font-weight: 600; fill: #1c2026; }
.paper { fill: #ffffff; } .grid { stroke: #d8dde3; fill: none; }
.line0, .line1, .line2 { fill: none; stroke-width: 2; }
.line0 { stroke: #0072b2; } .line1 { stroke: #b85c00; } .line2 { stroke: #00795c; }
.fill0 { fill: #0072b2; } .fill1 { fill: #b85c00; } .fill2 { fill: #00795c; }
@media (prefers-color-scheme: dark) {
  text { fill: #adbac7; } .title { fill: #e6e9ee; } .paper { fill: #14171b; } .grid { stroke: #2d333b; }
  .line0 { stroke: #56b4e9; } .line1 { stroke: #e69f00; } .line2 { stroke: #2fc79b; }
  .fill0 { fill: #56b4e9; } .fill1 { fill: #e69f00; } .fill2 { fill: #2fc79b; }
}
</style>";
