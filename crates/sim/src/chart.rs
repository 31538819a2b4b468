//! Charts as SVG text: lines, steps, bars, areas and dots over a time or a number, with axes and a legend.
//!
//! Floats live here, and money ends here: nothing is computed from a chart.

use crate::calendar::{day_month, hour_minute};
use ballast_units::Time;
use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 42.0;

/// More points than this are thinned: a chart has no more pixels.
const POINTS_MAX: usize = 1_440;

/// Colours that people with any colour vision can tell apart (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"];

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Unix milliseconds, shown as time of day in UTC.
    Clock,
    /// Plain numbers.
    Number,
    /// Dollars.
    Dollars,
    /// Shares of one, shown in percent.
    Percent,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// How its ticks are written.
    pub scale: Scale,
    /// It begins at zero.
    pub from_zero: bool,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line from point to point.
    Line,
    /// The same, dashed.
    Dashed,
    /// A bar a point; several series of bars stand side by side.
    Bars,
    /// Filled down to zero. Later series are drawn over earlier ones.
    Area,
    /// A dot a point.
    Dots,
}

/// One series.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend; without one it is not in the legend.
    pub name: String,
    /// How it is drawn.
    pub shape: Shape,
    /// Which of the colours.
    pub colour: usize,
    /// x, ascending, and y.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it, in a sentence; may be empty.
    pub note: String,
    /// Left to right.
    pub x: Axis,
    /// Bottom to top.
    pub y: Axis,
    /// What is drawn, in order.
    pub series: Vec<Series>,
}

/// Text as it may stand in HTML, in an attribute too.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

impl Axis {
    /// Time of day.
    #[must_use]
    pub fn clock() -> Self {
        Self { label: "time, UTC".to_owned(), scale: Scale::Clock, from_zero: false }
    }

    /// Any other axis.
    #[must_use]
    pub fn new(label: &str, scale: Scale) -> Self {
        Self { label: label.to_owned(), scale, from_zero: false }
    }

    /// The same, beginning at zero.
    #[must_use]
    pub fn zero(self) -> Self {
        Self { from_zero: true, ..self }
    }
}

impl Series {
    /// A series without points yet.
    #[must_use]
    pub fn new(name: &str, shape: Shape, colour: usize, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), shape, colour, points }
    }
}

impl Chart {
    /// The chart as an HTML figure: title, legend, drawing, note.
    #[must_use]
    pub fn figure(&self) -> String {
        let mut html = String::from("<figure>\n");
        write(&mut html, format_args!("<h3>{}</h3>\n", escape(&self.title)));
        let named: Vec<&Series> = self.series.iter().filter(|series| !series.name.is_empty()).collect();
        if !named.is_empty() {
            html.push_str("<p class=\"legend\">");
            for series in named {
                let colour = colour(series.colour);
                let name = escape(&series.name);
                write(&mut html, format_args!("<span><i style=\"background:{colour}\"></i>{name}</span>"));
            }
            html.push_str("</p>\n");
        }
        self.svg(&mut html);
        if !self.note.is_empty() {
            write(&mut html, format_args!("<figcaption>{}</figcaption>\n", escape(&self.note)));
        }
        html.push_str("</figure>\n");
        html
    }

    fn svg(&self, out: &mut String) {
        let title = escape(&self.title);
        write(
            out,
            format_args!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n"),
        );
        let points = self.series.iter().flat_map(|series| &series.points);
        let (xs, ys): (Vec<f64>, Vec<f64>) =
            points.copied().filter(|(x, y)| x.is_finite() && y.is_finite()).unzip();
        if xs.is_empty() {
            let (x, y) = (WIDTH / 2.0, HEIGHT / 2.0);
            write(
                out,
                format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">nothing happened</text>\n"),
            );
            out.push_str("</svg>\n");
            return;
        }
        let bars = self.series.iter().filter(|series| series.shape == Shape::Bars).count();
        let slot = self.bar_slot();
        let x = Span::of(&xs, &self.x, if bars == 0 { 0.0 } else { slot / 2.0 }, LEFT, WIDTH - RIGHT);
        let zero = bars > 0 || self.series.iter().any(|series| series.shape == Shape::Area);
        let y_axis = if zero { self.y.clone().zero() } else { self.y.clone() };
        let y = Span::of(&ys, &y_axis, 0.0, HEIGHT - BOTTOM, TOP);
        self.axes(out, &x, &y);
        let mut bar = 0.0;
        for series in &self.series {
            match series.shape {
                Shape::Line | Shape::Dashed | Shape::Area => line(out, series, &x, &y),
                Shape::Dots => dots(out, series, &x, &y),
                Shape::Bars => {
                    let width = (x.at(xs[0] + slot) - x.at(xs[0])) * 0.8 / bars as f64;
                    let left = width * (bar - bars as f64 / 2.0);
                    draw_bars(out, series, &x, &y, left, width);
                    bar += 1.0;
                }
            }
        }
        out.push_str("</svg>\n");
    }

    /// Least distance between two bars.
    fn bar_slot(&self) -> f64 {
        let bars = self.series.iter().filter(|series| series.shape == Shape::Bars);
        let apart = bars.flat_map(|series| series.points.windows(2).map(|pair| pair[1].0 - pair[0].0));
        let least = apart.filter(|apart| 0.0 < *apart).fold(f64::INFINITY, f64::min);
        if least.is_finite() { least } else { 1.0 }
    }

    fn axes(&self, out: &mut String, x: &Span, y: &Span) {
        let (left, right, top, bottom) = (LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM);
        for tick in y.ticks(self.y.scale) {
            let (at, label) = (y.at(tick), escape(&written(tick, self.y.scale, y)));
            let text = at + 4.0;
            let end = left - 8.0;
            write(
                out,
                format_args!(
                    "<line class=\"grid\" x1=\"{left}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>\
                     <text x=\"{end}\" y=\"{text:.1}\" text-anchor=\"end\">{label}</text>\n"
                ),
            );
        }
        for tick in x.ticks(self.x.scale) {
            let (at, label) = (x.at(tick), escape(&written(tick, self.x.scale, x)));
            let (end, text) = (bottom + 4.0, bottom + 17.0);
            write(
                out,
                format_args!(
                    "<line class=\"tick\" x1=\"{at:.1}\" y1=\"{bottom}\" x2=\"{at:.1}\" y2=\"{end}\"/>\
                     <text x=\"{at:.1}\" y=\"{text}\" text-anchor=\"middle\">{label}</text>\n"
                ),
            );
        }
        let (middle, low) = ((left + right) / 2.0, HEIGHT - 6.0);
        let (x_label, y_label) = (escape(&self.x.label), escape(&self.y.label));
        let centre = (top + bottom) / 2.0;
        write(
            out,
            format_args!(
                "<line class=\"axis\" x1=\"{left}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\"/>\
                 <text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{x_label}</text>\
                 <text transform=\"translate(12 {centre}) rotate(-90)\" text-anchor=\"middle\">{y_label}</text>\n"
            ),
        );
    }
}

/// Values of an axis, and where they are drawn.
struct Span {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Span {
    fn of(values: &[f64], axis: &Axis, margin: f64, start: f64, end: f64) -> Self {
        let mut low = values.iter().copied().fold(f64::INFINITY, f64::min) - margin;
        let mut high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) + margin;
        if axis.from_zero {
            low = low.min(0.0);
            high = high.max(0.0);
        }
        if high - low <= f64::EPSILON * high.abs().max(1.0) {
            high = low + low.abs().max(1.0);
        }
        // Values do not touch the frame; time fills it.
        if axis.scale != Scale::Clock && margin == 0.0 {
            let room = (high - low) * 0.04;
            high += room;
            if !(axis.from_zero && low == 0.0) {
                low -= room;
            }
        }
        Self { low, high, start, end }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    fn ticks(&self, scale: Scale) -> Vec<f64> {
        let step = match scale {
            Scale::Clock => clock_step(self.high - self.low),
            Scale::Number | Scale::Dollars | Scale::Percent => round_step((self.high - self.low) / 5.0),
        };
        let first = (self.low / step).ceil();
        (0..64).map(|n| (first + f64::from(n)) * step).take_while(|tick| *tick <= self.high).collect()
    }
}

/// The nearest of 1, 2, 5 times a power of ten, from above.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    power * factors.into_iter().find(|factor| step <= factor * power * 1.000_001).unwrap_or(10.0)
}

/// A step of whole minutes, hours or days that gives at most twelve ticks.
fn clock_step(span: f64) -> f64 {
    let minutes = [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 360.0, 720.0, 1_440.0, 2_880.0, 10_080.0];
    let steps = minutes.map(|minutes| minutes * 60_000.0);
    steps.into_iter().find(|step| span / step <= 12.0).unwrap_or(steps[11] * 4.0)
}

fn written(value: f64, scale: Scale, span: &Span) -> String {
    match scale {
        Scale::Clock => {
            let time = Time::from_millis(value.max(0.0) as u64);
            if time.millis().is_multiple_of(86_400_000) && 86_400_000.0 < span.high - span.low {
                day_month(time)
            } else {
                hour_minute(time)
            }
        }
        Scale::Number => short(value, span),
        Scale::Dollars if value < 0.0 => format!("-${}", short(-value, span)),
        Scale::Dollars => format!("${}", short(value, span)),
        Scale::Percent => {
            let step = round_step((span.high - span.low) / 5.0) * 100.0;
            let digits = if step < 0.01 {
                3
            } else if step < 0.1 {
                2
            } else if step < 1.0 {
                1
            } else {
                0
            };
            format!("{:.digits$} %", value * 100.0)
        }
    }
}

/// A number with k, M or bn, as precise as the axis needs.
fn short(value: f64, span: &Span) -> String {
    let largest = span.high.abs().max(span.low.abs());
    let (unit, name) = if largest >= 1e9 {
        (1e9, "bn")
    } else if largest >= 1e6 {
        (1e6, "M")
    } else if largest >= 1e4 {
        (1e3, "k")
    } else {
        (1.0, "")
    };
    let step = round_step((span.high - span.low) / 5.0) / unit;
    let digits = if step >= 1.0 { 0 } else { (-step.log10()).ceil().clamp(0.0, 6.0) as usize };
    let value = value / unit;
    // No minus before a zero.
    let value = if value.abs() < step / 1e6 { 0.0 } else { value };
    format!("{value:.digits$}{name}")
}

fn line(out: &mut String, series: &Series, x: &Span, y: &Span) {
    let points = thinned(&series.points);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let path = path(&points, x, y);
    let colour = colour(series.colour);
    if series.shape == Shape::Area {
        let base = y.at(0.0);
        let (start, end) = (x.at(first.0), x.at(last.0));
        write(
            out,
            format_args!("<path fill=\"{colour}\" d=\"{path}L{end:.1} {base:.1}L{start:.1} {base:.1}Z\"/>\n"),
        );
        return;
    }
    let dash = if series.shape == Shape::Dashed { " stroke-dasharray=\"5 3\"" } else { "" };
    write(
        out,
        format_args!("<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.3\"{dash} d=\"{path}\"/>\n"),
    );
}

fn path(points: &[(f64, f64)], x: &Span, y: &Span) -> String {
    let mut path = String::new();
    for (at, (px, py)) in points.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        write(&mut path, format_args!("{letter}{:.1} {:.1}", x.at(*px), y.at(*py)));
    }
    path
}

fn dots(out: &mut String, series: &Series, x: &Span, y: &Span) {
    let colour = colour(series.colour);
    write(out, format_args!("<g fill=\"{colour}\" fill-opacity=\"0.5\">"));
    for (px, py) in thinned(&series.points) {
        write(out, format_args!("<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>", x.at(px), y.at(py)));
    }
    out.push_str("</g>\n");
}

fn draw_bars(out: &mut String, series: &Series, x: &Span, y: &Span, left: f64, width: f64) {
    let colour = colour(series.colour);
    write(out, format_args!("<g fill=\"{colour}\">"));
    for (px, py) in &series.points {
        let (top, base) = (y.at(py.max(0.0)), y.at(py.min(0.0)));
        let (from, width, height) = (x.at(*px) + left, width.max(0.4), base - top);
        if 0.05 < height {
            write(
                out,
                format_args!(
                    "<rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                ),
            );
        }
    }
    out.push_str("</g>\n");
}

/// At most so many points as can be seen: of each stretch its lowest and its highest.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let points: Vec<_> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    if points.len() <= POINTS_MAX {
        return points;
    }
    let stretch = points.len().div_ceil(POINTS_MAX / 2);
    let mut kept = Vec::new();
    for stretch in points.chunks(stretch) {
        let order = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let low = stretch.iter().min_by(order).expect("chunks are not empty");
        let high = stretch.iter().max_by(order).expect("chunks are not empty");
        if low.0 <= high.0 {
            kept.extend([*low, *high]);
        } else {
            kept.extend([*high, *low]);
        }
    }
    kept
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
