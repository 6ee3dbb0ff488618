//! Bar charts, as SVG.
//!
//! charts-rs sets colors by attributes and not by `style`, so the page's policy allows them, and the page's style sheet replaces them
//! in light and dark mode.

use crate::PageError;
use crate::facet::{CellKind, Choice, Facet, filter};
use crate::text::{self, counted, plain, share, thousands};
use askama::Template;
use charts_rs::{Box as Margin, Color, FontConfig, HorizontalBarChart, Series, TextConfig, YAxisConfig};
use charts_rs::{measure_text_width_family, svg_with_accessibility};

/// Sizes in pixels, if the chart is shown in its original width.
const WIDTH: f32 = 400.0;
const ROW: f32 = 28.0;
const LABELS: f32 = 158.0;
const NUMBERS: f32 = 52.0;
const FONT: f32 = 13.0;

/// The font whose widths are known. The page may show a font that is wider by the factor [`WIDER`].
const FAMILY: &str = "Roboto";
const WIDER: f32 = 1.1;

/// The texts of the page about all its charts.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// The heading of the numbers.
    pub column: &'a str,
    /// The id of the section with the table, to which bars lead.
    pub section: &'a str,
    /// The text for a chart without bars.
    pub none: &'a str,
}

#[derive(Template)]
#[template(path = "charts.html")]
struct Charts<'a> {
    labels: Labels<'a>,
    charts: &'a [Chart],
}

/// Charts with their numbers, as HTML.
///
/// # Errors
/// The template cannot be rendered.
pub fn charts(charts: &[Chart], labels: Labels<'_>) -> Result<String, PageError> {
    Ok(Charts { labels, charts }.render()?)
}

/// A chart and its data.
#[derive(Debug)]
pub struct Chart {
    /// Its heading.
    pub title: &'static str,
    /// The picture; `None` if there are no bars.
    pub svg: Option<String>,
    /// The bars, the first at the top.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The counted thing.
    pub label: String,
    /// How many rows there are.
    pub count: usize,
    /// Their share of all rows.
    pub share: String,
    /// The kind of value, which decides the colour of the bar.
    pub kind: CellKind,
    /// The filter for these rows.
    pub filter: Option<String>,
}

/// The color of a kind, by which the style sheet knows the bar.
const fn color(kind: CellKind) -> (u8, u8, u8) {
    match kind {
        CellKind::Known => (0x2f, 0x6f, 0xb7),
        CellKind::Absent => (0x8a, 0x94, 0xa0),
        CellKind::Unknown => (0xd9, 0x7c, 0x06),
    }
}

impl Chart {
    /// The chart of these bars, without those of nothing.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub fn new(title: &'static str, bars: Vec<Bar>) -> Result<Self, PageError> {
        let bars: Vec<Bar> = bars.into_iter().filter(|bar| bar.count > 0).collect();
        let svg = (!bars.is_empty()).then(|| draw(title, &bars)).transpose();
        Ok(Self { title, svg: svg?, bars })
    }
}

fn draw(title: &str, bars: &[Bar]) -> Result<String, PageError> {
    // The first bar would be drawn at the bottom.
    let upwards = || bars.iter().rev();
    let mut counts = Series::new(title.to_owned(), upwards().map(|bar| float(bar.count)).collect());
    counts.label_show = true;
    counts.colors = Some(upwards().map(|bar| Some(Color::from(color(bar.kind)))).collect());
    let texts: Vec<String> =
        bars.iter().map(|bar| format!("{}: {}", plain(&bar.label), thousands(bar.count))).collect();
    render(title, vec![counts], bars, &texts, NUMBERS)
}

/// A part of stacked bars.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The counted thing.
    pub label: &'static str,
    /// Its colour, by which the style sheet may know it.
    pub color: (u8, u8, u8),
}

impl Chart {
    /// A chart whose bars are made of parts: `counts` has for each bar the counts of `parts`, in their order.
    ///
    /// # Errors
    /// It cannot be drawn.
    pub fn stacked(
        title: &'static str,
        parts: &[Part],
        bars: Vec<(Bar, Vec<usize>)>,
    ) -> Result<Self, PageError> {
        let (bars, counts): (Vec<Bar>, Vec<Vec<usize>>) =
            bars.into_iter().filter(|(bar, _)| bar.count > 0).unzip();
        if bars.is_empty() {
            return Ok(Self { title, svg: None, bars });
        }
        let count = |of: &Vec<usize>, part: usize| of.get(part).copied().unwrap_or_default();
        let series = parts.iter().enumerate().map(|(at, part)| {
            let data = counts.iter().rev().map(|of| float(count(of, at))).collect();
            let mut series = Series::new(part.label.to_owned(), data);
            series.stack = Some(String::new());
            series.colors = Some(vec![Some(Color::from(part.color)); bars.len()]);
            series
        });
        let told = |(bar, of): (&Bar, &Vec<usize>)| {
            let named = parts.iter().enumerate().filter(|(at, _)| count(of, *at) > 0);
            let named: Vec<String> =
                named.map(|(at, part)| format!("{} {}", part.label, thousands(count(of, at)))).collect();
            format!("{}: {} ({})", plain(&bar.label), thousands(bar.count), named.join(", "))
        };
        let texts: Vec<String> = bars.iter().zip(&counts).map(told).collect();
        let svg = render(title, series.collect(), &bars, &texts, NUMBERS)?;
        Ok(Self { title, svg: Some(svg), bars })
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer rows and bars than that")]
fn float(number: usize) -> f32 {
    number as f32
}

/// Draws the series, one bar below the other. Numbers of stacked bars are at the right edge.
fn render(
    title: &str,
    series: Vec<Series>,
    bars: &[Bar],
    texts: &[String],
    numbers: f32,
) -> Result<String, PageError> {
    let is_stacked = series.iter().any(|series| series.stack.is_some());
    let labels = bars.iter().rev().map(|bar| plain(&bar.label)).collect();
    let mut chart = HorizontalBarChart::new(series, labels);
    (chart.width, chart.height) = (WIDTH, ROW * float(bars.len()));
    chart.margin = Margin { left: LABELS, top: 0.0, right: numbers, bottom: 0.0 };
    chart.background_color = Color::transparent();
    chart.legend.show = Some(false);
    chart.x_axis.hidden = true;
    chart.grid.stroke_width = 0.0;
    // The chart's own labels are aligned only in the font that they were measured in.
    chart.y_axis_hidden = true;
    chart.texts = bars.iter().enumerate().map(|(at, bar)| label(&bar.label, float(at))).collect();
    if is_stacked {
        chart.texts.extend(bars.iter().enumerate().map(|(at, bar)| number(bar.count, float(at))));
    }
    // The longest bar has the whole width.
    let longest = bars.iter().map(|bar| bar.count).max().unwrap_or_default();
    chart.y_axis_configs =
        vec![YAxisConfig { min: Some(0.0), max: Some(float(longest)), ..YAxisConfig::default() }];
    "{t}".clone_into(&mut chart.series.label.formatter);
    chart.series.label.font = font();
    let svg =
        chart.svg().map_err(|error| PageError::Chart { title: title.to_owned(), why: error.to_string() })?;
    Ok(svg_with_accessibility(&svg, title, &texts.join("; ")))
}

fn font() -> FontConfig {
    FontConfig { size: FONT, color: Color::black(), weight: None }
}

/// The label of a bar, right-aligned before it.
fn label(text: &str, at: f32) -> TextConfig {
    TextConfig {
        text: fitting(&plain(text)),
        right: Some(WIDTH - LABELS + 8.0),
        top: Some(ROW * at + (ROW - FONT) / 2.0),
        font: font(),
        ..TextConfig::default()
    }
}

/// The number of a stacked bar, at the right edge.
fn number(count: usize, at: f32) -> TextConfig {
    TextConfig {
        text: thousands(count),
        right: Some(0.0),
        top: Some(ROW * at + (ROW - FONT) / 2.0),
        font: font(),
        ..TextConfig::default()
    }
}

/// The last characters of a label that does not fit. Names such as `repo:example/shop@main` differ there.
const END: usize = 5;

/// The part of a text that fits before a bar: its start and its end.
fn fitting(text: &str) -> String {
    let fits = |text: &str| {
        let width = measure_text_width_family(FAMILY, FONT, text).map_or(0.0, |size| size.width());
        width * WIDER <= LABELS - 12.0
    };
    if fits(text) {
        return text.to_owned();
    }
    let count = text.chars().count();
    let end: String = text.chars().skip(count.saturating_sub(END)).collect();
    let mut cut = String::new();
    for c in text.chars() {
        let longer = format!("{cut}{c}");
        if !fits(&format!("{longer}…{end}")) {
            break;
        }
        cut = longer;
    }
    format!("{}…{end}", cut.trim_end())
}

/// The bars of a facet: one for each of the first `most` values, one for the other values, then those for absent and unknown values.
pub fn bars(facet: &Facet, most: usize) -> Vec<Bar> {
    let all = facet.choices.iter().map(|choice| choice.count).sum();
    let bar = |choice: &Choice| Bar {
        label: choice.label.clone(),
        count: choice.count,
        share: share(choice.count, all),
        kind: choice.kind,
        filter: Some(filter(facet.name, &choice.key)),
    };
    let (known, others): (Vec<_>, Vec<_>) =
        facet.choices.iter().partition(|choice| choice.kind == CellKind::Known);
    let mut bars: Vec<Bar> = known.iter().copied().take(most).map(bar).collect();
    let rest = known.get(most..).unwrap_or_default();
    if !rest.is_empty() {
        let count = rest.iter().map(|choice| choice.count).sum();
        let label = counted(rest.len(), "other value", "other values");
        bars.push(Bar { label, count, share: share(count, all), kind: CellKind::Known, filter: None });
    }
    bars.extend(others.into_iter().map(bar));
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(label: &str, kind: CellKind, count: usize) -> Choice {
        Choice { key: label.to_owned(), label: label.to_owned(), kind, count }
    }

    fn facet(choices: Vec<Choice>) -> Facet {
        Facet { name: "env", title: "Environment", choices }
    }

    /// The distance from the top, then the width or the text.
    type Placed<T> = (f32, T);

    /// The bars and texts of a chart.
    fn drawn(svg: &str) -> (Vec<Placed<f32>>, Vec<Placed<String>>) {
        let document = roxmltree::Document::parse(svg).unwrap();
        let named =
            |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
        let number =
            |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<f32>().unwrap();
        let bars = named("rect").filter(|node| node.attribute("fill").is_some_and(|fill| fill != "none"));
        let mut bars: Vec<_> = bars.map(|node| (number(node, "y"), number(node, "width"))).collect();
        let texts =
            named("text").map(|node| (number(node, "y"), node.text().unwrap_or_default().trim().to_owned()));
        let mut texts: Vec<_> = texts.collect();
        bars.sort_by(|one, other| one.0.total_cmp(&other.0));
        texts.sort_by(|one, other| one.0.total_cmp(&other.0));
        (bars, texts)
    }

    #[test]
    fn every_bar_has_its_label_and_number_in_its_row() {
        let choices = [("prod", 4000), ("dev", 1000), ("test", 1)];
        let facet = facet(choices.map(|(label, count)| choice(label, CellKind::Known, count)).into());
        let chart = Chart::new("Accounts", bars(&facet, 9)).unwrap();
        let (bars, texts) = drawn(&chart.svg.unwrap());
        let widths: Vec<f32> = bars.iter().map(|(_, width)| *width).collect();
        assert_eq!(bars.len(), 3);
        assert!((widths[0] - 4.0 * widths[1]).abs() < 1.0 && widths[1] > widths[2], "{widths:?}");
        for (at, (label, number)) in
            [("prod", "4,000"), ("dev", "1,000"), ("test", "1")].into_iter().enumerate()
        {
            let top = ROW * [0.0, 1.0, 2.0][at];
            let here = texts.iter().filter(|(y, _)| (top..top + ROW).contains(y));
            let mut here: Vec<&str> = here.map(|(_, text)| text.as_str()).collect();
            here.sort_unstable();
            let mut expected = [label, number];
            expected.sort_unstable();
            assert_eq!(here, expected);
            assert!((top..top + ROW).contains(&bars[at].0));
        }
    }

    #[test]
    fn without_bars_there_is_no_chart() {
        assert!(Chart::new("Accounts", Vec::new()).unwrap().svg.is_none());
        let none = bars(&facet(vec![choice("prod", CellKind::Known, 0)]), 9);
        let chart = Chart::new("Accounts", none).unwrap();
        assert!(chart.svg.is_none() && chart.bars.is_empty());
    }

    #[test]
    fn stacked_bars_have_a_part_for_each_count() {
        let parts =
            [Part { label: "person", color: (1, 2, 3) }, Part { label: "workload", color: (4, 5, 6) }];
        let bar = |label: &str, counts: [usize; 2]| {
            let count = counts.iter().sum();
            let bar = Bar {
                label: label.to_owned(),
                count,
                share: String::new(),
                kind: CellKind::Known,
                filter: None,
            };
            (bar, counts.to_vec())
        };
        let bars = vec![bar("mara", [30, 10]), bar("none", [0, 0]), bar("deploy", [0, 20])];
        let chart = Chart::stacked("Owners", &parts, bars).unwrap();
        assert_eq!(chart.bars.len(), 2, "a bar of nothing is left out");
        let svg = chart.svg.unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let width = |fill: &str| -> Vec<f32> {
            let filled = document.descendants().filter(|node| node.attribute("fill") == Some(fill));
            filled.map(|node| node.attribute("width").unwrap().parse().unwrap()).collect()
        };
        let (persons, workloads) = (width("#010203"), width("#040506"));
        assert!(
            persons.iter().any(|one| workloads.iter().any(|other| (one - 3.0 * other).abs() < 1.0)),
            "{svg}"
        );
        assert!(svg.contains("mara: 40 (person 30, workload 10); deploy: 20 (workload 20)"), "{svg}");
        let (_, texts) = drawn(&svg);
        for text in ["mara", "40", "deploy", "20"] {
            assert!(texts.iter().any(|(_, drawn)| drawn == text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn odd_labels_are_drawn() {
        let long = "W".repeat(5000);
        for label in ["", " ", "\0", "\u{202e}abc", "]]>", "&amp;", "{c} {b} {t}", "日本語", "👩‍👩‍👧", &long]
        {
            let chart =
                Chart::new("Accounts", bars(&facet(vec![choice(label, CellKind::Known, 1)]), 9)).unwrap();
            let (bars, texts) = drawn(&chart.svg.unwrap());
            assert_eq!(bars.len(), 1, "{label:?}");
            assert!(texts.iter().any(|(_, text)| text == "1"), "{label:?}: {texts:?}");
        }
        assert!(fitting(&long).contains('…') && fitting(&long).len() < 40);
        let fitted = ["main", "dev1"].map(|branch| fitting(&format!("repo:example/storefront@{branch}")));
        assert!(fitted[0].starts_with("repo:ex") && fitted[0].ends_with("…@main"), "{fitted:?}");
        assert_ne!(fitted[0], fitted[1]);
        assert_eq!(fitting("PENDING_CLOSURE"), "PENDING_CLOSURE");
    }

    #[test]
    fn other_values_share_one_bar() {
        let known = (0..12).map(|number| choice(&number.to_string(), CellKind::Known, 12 - number));
        let others = [choice("not set", CellKind::Absent, 3), choice("unknown", CellKind::Unknown, 1)];
        let bars = bars(&facet(known.chain(others).collect()), 9);
        let told: Vec<(&str, usize)> = bars.iter().map(|bar| (bar.label.as_str(), bar.count)).collect();
        assert_eq!(told.get(8..).unwrap(), [("8", 4), ("3 other values", 6), ("not set", 3), ("unknown", 1)]);
        assert_eq!(bars[9].filter, None);
        assert_eq!(bars[10].filter.as_deref(), Some("env=not%20set"));
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<usize>(), 82);
    }
}
