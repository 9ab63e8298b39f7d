//! Charts as SVG, drawn here: no script, and no style of their own; the colours are in `desk.css`, so that light, dark
//! and paper each have theirs. Each chart is drawn twice, wide and narrow, and the stylesheet shows the one that fits: a
//! picture that only shrinks has letters that nobody reads on a phone. Beside each stands a table with the same numbers.

use std::fmt::Write as _;

use super::admin::grouped;
use crate::mail::slot::escape_html;

/// Width of a letter of an axis, in the units of the drawing: a little more than the widest digit.
const LETTER: f64 = 7.5;
/// Between two words of an axis.
const GAP: f64 = 14.0;
/// Above the plot, and to its right.
const MARGIN: f64 = 12.0;
/// Below the plot, for the words of the axis.
const FOOT: f64 = 26.0;
/// How much of its place a group of bars fills.
const FILL: f64 = 0.72;
/// A bar is no wider, however few there are.
const BAR_MAX: f64 = 30.0;
/// Lines across the plot, about.
const TICKS: i64 = 4;

/// Numbers of one kind, a value for each point.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    /// Of the stylesheet: `first` or `second`.
    pub class: &'static str,
    pub values: Vec<i64>,
}

/// A place on the axis.
#[derive(Debug, Clone)]
pub struct Point {
    /// On the axis, where there is room.
    pub short: String,
    /// When one points at it.
    pub long: String,
}

#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows, for who does not see it.
    pub title: String,
    pub points: Vec<Point>,
    pub series: Vec<Series>,
}

/// The size of a drawing.
#[derive(Debug, Clone, Copy)]
struct Size {
    class: &'static str,
    width: f64,
    height: f64,
}

const SIZES: [Size; 2] = [
    Size { class: "wide", width: 760.0, height: 260.0 },
    Size { class: "narrow", width: 290.0, height: 210.0 },
];

/// Round numbers from 0 up to the first that is not below `most`, about `wanted` steps of 1, 2 or 5 times a power of ten.
pub fn ticks(most: i64, wanted: i64) -> Vec<i64> {
    let least = (most.max(1) - 1) / wanted.max(1) + 1;
    let mut power: i64 = 1;
    let step = loop {
        if let Some(step) =
            [1, 2, 5].iter().map(|round| power.saturating_mul(*round)).find(|step| *step >= least)
        {
            break step;
        }
        power = power.saturating_mul(10);
    };
    let mut ticks = vec![0];
    while let Some(last) = ticks.last().copied().filter(|last| *last < most.max(1)) {
        ticks.push(last.saturating_add(step));
    }
    ticks
}

impl Chart {
    /// A group of bars for each point.
    pub fn bars(&self) -> String {
        SIZES.iter().map(|size| self.draw(*size, Self::draw_bars)).collect()
    }

    /// A line for each series, from point to point.
    pub fn lines(&self) -> String {
        SIZES.iter().map(|size| self.draw(*size, Self::draw_lines)).collect()
    }

    fn most(&self) -> i64 {
        self.series.iter().flat_map(|series| &series.values).copied().max().unwrap_or(0)
    }

    fn draw(&self, size: Size, inside: fn(&Self, &mut String, &Plot)) -> String {
        let ticks = ticks(self.most(), TICKS);
        let plot = Plot::new(size, &ticks, self.points.len());
        let mut svg = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = write!(
            svg,
            "<svg class=\"chart {}\" viewBox=\"0 0 {:.0} {:.0}\" role=\"img\" aria-label=\"{}\">",
            size.class,
            size.width,
            size.height,
            escape_html(&self.title)
        );
        for tick in &ticks {
            let (y, words) = (plot.y(*tick), grouped(*tick));
            let (left, right, text) = (plot.left, plot.right, plot.left - 6.0);
            let _ = write!(
                svg,
                "<path class=\"grid\" d=\"M{left:.1} {y:.1}H{right:.1}\"/><text class=\"axis end\" x=\"{text:.1}\" y=\"{:.1}\">{words}</text>",
                y + 4.0
            );
        }
        self.draw_axis(&mut svg, &plot);
        inside(self, &mut svg, &plot);
        svg.push_str("</svg>");
        svg
    }

    /// The words below, as many as have room.
    fn draw_axis(&self, svg: &mut String, plot: &Plot) {
        let widest = self.points.iter().map(|point| point.short.chars().count()).max().unwrap_or(0);
        let every = plot.every(widest);
        for (at, point) in self.points.iter().enumerate().step_by(every) {
            let (x, y) = (plot.x(at), plot.bottom + 18.0);
            // A word in the middle of the first or the last point may be wider than what is left of the drawing.
            let half = text_width(&point.short) / 2.0;
            let x = x.clamp(half.min(plot.right), (plot.right + MARGIN - half).max(half));
            let _ = write!(
                svg,
                "<text class=\"axis\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                escape_html(&point.short)
            );
        }
    }

    fn draw_bars(&self, svg: &mut String, plot: &Plot) {
        let count = self.series.len().max(1);
        let width = (plot.step * FILL / as_number(count)).min(BAR_MAX);
        for (at, point) in self.points.iter().enumerate() {
            let left = plot.x(at) - width * as_number(count) / 2.0;
            for (number, series) in self.series.iter().enumerate() {
                let value = series.values.get(at).copied().unwrap_or(0);
                let (top, x) = (plot.y(value.max(0)), left + width * as_number(number));
                let _ = write!(
                    svg,
                    "<rect class=\"{}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                    series.class,
                    x + 0.5,
                    (width - 1.0).max(1.0),
                    plot.bottom - top,
                    escape_html(&format!("{}: {} {}", point.long, grouped(value), series.name))
                );
            }
        }
    }

    fn draw_lines(&self, svg: &mut String, plot: &Plot) {
        for series in &self.series {
            let place = |(at, value): (usize, &i64)| format!("{:.1} {:.1}", plot.x(at), plot.y(*value));
            let places: Vec<String> = series.values.iter().enumerate().map(place).collect();
            let Some(last) = series.values.len().checked_sub(1) else { continue };
            let _ = write!(svg, "<path class=\"line {}\" d=\"M{}\"/>", series.class, places.join("L"));
            let (x, y) = (plot.x(last), plot.y(series.values[last]));
            let _ =
                write!(svg, "<circle class=\"dot {}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>", series.class);
            // Wider than the dot is, to be pointed at.
            for (at, (value, point)) in series.values.iter().zip(&self.points).enumerate() {
                let _ = write!(
                    svg,
                    "<rect class=\"point\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                    plot.x(at) - plot.step / 2.0,
                    MARGIN,
                    plot.step,
                    plot.bottom - MARGIN,
                    escape_html(&format!("{}: {} {}", point.long, grouped(*value), series.name))
                );
            }
        }
    }
}

/// Where what stands in a drawing.
struct Plot {
    left: f64,
    right: f64,
    bottom: f64,
    /// Between two points.
    step: f64,
    most: f64,
}

impl Plot {
    fn new(size: Size, ticks: &[i64], points: usize) -> Self {
        let most = ticks.last().copied().unwrap_or(1).max(1);
        let left = text_width(&grouped(most)) + 12.0;
        let right = size.width - MARGIN;
        Self {
            left,
            right,
            bottom: size.height - FOOT,
            step: (right - left) / as_number(points.max(1)),
            most: as_float(most),
        }
    }

    /// The middle of a point.
    fn x(&self, at: usize) -> f64 {
        self.left + self.step * (as_number(at) + 0.5)
    }

    fn y(&self, value: i64) -> f64 {
        self.bottom - (self.bottom - MARGIN) * as_float(value) / self.most
    }

    /// Each how many points there is room for a word of so many letters.
    fn every(&self, letters: usize) -> usize {
        let room = as_number(letters) * LETTER + GAP;
        let mut every = 1;
        while as_number(every) * self.step < room && every < 1000 {
            every += 1;
        }
        every
    }
}

fn text_width(text: &str) -> f64 {
    as_number(text.chars().count()) * LETTER
}

/// A small number; what is larger stands at the edge of the drawing anyway.
fn as_number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Exact to three decimals of a drawing, however many readers there are.
#[expect(clippy::cast_precision_loss, reason = "a drawing shows no more than three digits")]
const fn as_float(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[i64]) -> Chart {
        let point = |at: usize| Point { short: format!("{at}/11"), long: format!("Week {at}") };
        Chart {
            title: "Readers <new>".into(),
            points: (0..values.len()).map(point).collect(),
            series: vec![Series { name: "came".into(), class: "first", values: values.to_vec() }],
        }
    }

    #[test]
    fn ticks_are_round_and_reach_the_most() {
        for (most, expected) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (3, vec![0, 1, 2, 3]),
            (7, vec![0, 2, 4, 6, 8]),
            (10, vec![0, 5, 10]),
            (13, vec![0, 5, 10, 15]),
            (100, vec![0, 50, 100]),
            (1234, vec![0, 500, 1000, 1500]),
            (999_999, vec![0, 500_000, 1_000_000]),
        ] {
            assert_eq!(ticks(most, 4), expected, "{most}");
        }
        assert!(ticks(i64::MAX, 4).len() < 12);
    }

    #[test]
    fn every_value_is_a_bar_as_high_as_it_is_large() {
        let svg = chart(&[0, 50, 100]).bars();
        let wide = svg.split("</svg>").next().expect("a drawing");
        let heights: Vec<f64> = wide
            .split("<rect class=\"first\"")
            .skip(1)
            .map(|rect| {
                rect.split("height=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a height")
            })
            .map(|height| height.parse().expect("a number"))
            .collect();
        assert_eq!(heights, [0.0, 111.0, 222.0]);
    }

    #[test]
    fn a_drawing_is_sound_xml_that_says_what_it_shows_with_no_style_of_its_own() {
        for values in [vec![], vec![0], vec![5; 1], (0..26).collect::<Vec<i64>>(), vec![1_000_000; 60]] {
            for svg in [chart(&values).bars(), chart(&values).lines()] {
                assert!(!svg.contains("style") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                let all = format!("<all>{svg}</all>");
                let xml = roxmltree::Document::parse(&all).expect("XML");
                let drawings: Vec<_> =
                    xml.root_element().children().filter(|node| node.is_element()).collect();
                assert_eq!(drawings.len(), 2);
                for drawing in drawings {
                    assert_eq!(drawing.attribute("aria-label"), Some("Readers <new>"));
                    let width: f64 = drawing
                        .attribute("viewBox")
                        .and_then(|size| size.split(' ').nth(2))
                        .expect("a size")
                        .parse()
                        .expect("a number");
                    for x in drawing.descendants().filter_map(|node| node.attribute("x")) {
                        let x: f64 = x.parse().expect("a number");
                        assert!((0.0..=width).contains(&x), "{x} is outside");
                    }
                }
            }
        }
    }

    #[test]
    fn words_of_an_axis_have_room() {
        let svg = chart(&[1; 26]).bars();
        for drawing in svg.split("</svg>").take(2) {
            let places: Vec<f64> = drawing
                .split("<text class=\"axis\" x=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().expect("a place").parse().expect("a number"))
                .collect();
            assert!(places.len() >= 3);
            for pair in places.windows(2) {
                assert!(pair[1] - pair[0] >= 5.0 * LETTER, "{pair:?}");
            }
        }
    }
}
