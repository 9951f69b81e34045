//! The `svg` element around a drawn chart.

use std::error::Error;

use maud::{Markup, PreEscaped, html};

use super::Chart;
use super::draw::{Drawing, WIDTH, draw};
use super::{png, style};
use crate::error::ReportError;

/// A chart, drawn in every form.
#[derive(Clone, Debug)]
pub(crate) struct Pictures {
    /// SVG for a page that has [`FIGURE_STYLE`](super::FIGURE_STYLE).
    pub(crate) inline: String,
    /// SVG as a file of its own.
    pub(crate) svg: String,
    /// PNG, light, for paper.
    pub(crate) png: Vec<u8>,
}

/// Draws a chart.
pub(crate) fn render(chart: &Chart) -> Result<Pictures, ReportError> {
    let drawing = [drawn(chart)?];
    let charts = std::slice::from_ref(chart);
    let light = element(charts, &drawing, Some(&style::light())).into_string();
    let png = png::from_svg(&light, drawing[0].height).map_err(|error| failed(chart, error))?;
    Ok(Pictures {
        inline: element(charts, &drawing, None).into_string(),
        svg: element(charts, &drawing, Some(&style::light_and_dark())).into_string(),
        png,
    })
}

/// Draws charts below each other, as one SVG file that follows light and dark mode.
///
/// # Errors
/// [`ReportError::Drawing`] names the chart.
///
/// ```
/// use report::{Chart, Curve, Stroke, to_svg};
///
/// let points = (0..100).map(|x| (f64::from(x), f64::from(x * x)));
/// let chart = Chart {
///     id: "squares".to_owned(),
///     title: "Squares".to_owned(),
///     x_label: "number".to_owned(),
///     x_end: 99.0,
///     curves: vec![Curve::new(Some("square".to_owned()), 0, Stroke::Solid, points)],
///     ..Chart::default()
/// };
/// assert!(to_svg(&[chart])?.starts_with("<svg "));
/// # Ok::<(), report::ReportError>(())
/// ```
pub fn to_svg(charts: &[Chart]) -> Result<String, ReportError> {
    let drawings: Vec<Drawing> = charts.iter().map(drawn).collect::<Result<_, _>>()?;
    Ok(element(charts, &drawings, Some(&style::light_and_dark())).into_string())
}

fn drawn(chart: &Chart) -> Result<Drawing, ReportError> {
    draw(chart).map_err(|error| failed(chart, error))
}

fn failed(chart: &Chart, source: impl Error + Send + Sync + 'static) -> ReportError {
    ReportError::Drawing {
        figure: chart.id.clone(),
        source: Box::new(source),
    }
}

/// A text without the characters that XML has no way to write.
pub(super) fn legal(text: &str) -> String {
    let is_legal = |character: &char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_legal).collect()
}

fn element(charts: &[Chart], drawings: &[Drawing], style: Option<&str>) -> Markup {
    let height: u32 = drawings.iter().map(|drawing| drawing.height).sum();
    let view = format!("0 0 {WIDTH} {height}");
    let id = charts.first().map_or("chart", |chart| &chart.id);
    let (title_id, description_id) = (format!("{id}-title"), format!("{id}-desc"));
    let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
    let descriptions: Vec<String> = charts.iter().map(Chart::description).collect();
    let tops = drawings.iter().scan(0, |next, drawing| {
        let top = *next;
        *next += drawing.height;
        Some(top)
    });
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox=(view) role="img"
            aria-labelledby={ (title_id) " " (description_id) } {
            title id=(title_id) { (legal(&titles.join(", "))) }
            desc id=(description_id) { (legal(&descriptions.join(" "))) }
            @if let Some(style) = style { style { (PreEscaped(style)) } }
            @for (drawing, top) in drawings.iter().zip(tops) {
                @if top == 0 { (PreEscaped(&drawing.body)) }
                @else { g transform={ "translate(0 " (top) ")" } { (PreEscaped(&drawing.body)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ::png;

    use super::super::{Curve, Scale, Stroke};
    use super::*;
    use crate::series::Point;

    fn chart(y_scale: Scale, points: Vec<Point>) -> Chart {
        let label = Some("run <1> & \"more\"".to_owned());
        Chart {
            id: "test".to_owned(),
            title: "Test".to_owned(),
            x_label: "epoch".to_owned(),
            y_scale,
            curves: vec![Curve::new(label, 0, Stroke::Broad, points)],
            marks: vec![0.5, 1e9, f64::NAN],
            ..Chart::default()
        }
    }

    #[test]
    fn series_that_are_hardly_series_are_drawn() {
        let hardly: [Vec<Point>; 8] = [
            vec![],
            vec![(0.0, 1.0)],
            vec![(3.0, f64::NAN)],
            vec![(0.0, f64::NAN); 100],
            vec![(0.0, 5.0), (1.0, 5.0)],
            vec![
                (0.0, f64::INFINITY),
                (1.0, 1.0),
                (2.0, f64::NEG_INFINITY),
                (3.0, 2.0),
            ],
            vec![(0.0, f64::MAX), (1.0, f64::MIN)],
            vec![(0.0, 1.0), (f64::MAX, 2.0)],
        ];
        for scale in [Scale::Linear, Scale::Log10] {
            for points in &hardly {
                let svg = render(&chart(scale, points.clone())).expect("draws");
                assert!(
                    !svg.inline.contains("NaN") && !svg.inline.contains("inf"),
                    "{}",
                    svg.inline
                );
            }
        }
    }

    #[test]
    fn nothing_to_draw_says_so() {
        let svg = render(&chart(Scale::Linear, vec![])).expect("draws");
        assert!(svg.inline.contains("nothing recorded") && svg.inline.contains("no values"));
    }

    #[test]
    fn labels_are_escaped() {
        let svg = render(&chart(Scale::Linear, vec![(0.0, 1.0), (1.0, 2.0)])).expect("draws");
        assert!(svg.svg.contains("run &lt;1&gt; &amp;"));
        assert!(!svg.svg.contains("<1>"));
    }

    #[test]
    fn holes_break_curves_into_pieces() {
        let points = vec![
            (0.0, 1.0),
            (1.0, 2.0),
            (2.0, f64::NAN),
            (3.0, 1.0),
            (4.0, 2.0),
            (5.0, 3.0),
        ];
        let svg = render(&chart(Scale::Linear, points)).expect("draws");
        // Two pieces, and the sample in the legend.
        assert_eq!(
            svg.inline
                .matches("<polyline class=\"run-0 broad\"")
                .count(),
            3
        );
    }

    #[test]
    fn a_band_is_one_area_below_the_curves_and_a_hole_breaks_it() {
        let seeds = [1.0, 3.0].map(|height| -> Vec<Point> {
            let value = |x| if x == 4.0 { f64::NAN } else { height };
            (0..9)
                .map(|x| (f64::from(x), value(f64::from(x))))
                .collect()
        });
        let curve = Curve::over_seeds(Some("two seeds".to_owned()), 2, Stroke::Solid, &seeds);
        let chart = Chart {
            curves: vec![curve],
            ..chart(Scale::Linear, vec![])
        };
        let svg = render(&chart).expect("draws").inline;
        assert_eq!(svg.matches("<polygon class=\"run-2 band\"").count(), 2);
        assert!(svg.rfind("<polygon") < svg.rfind("<polyline class=\"run-2 solid\""));
        assert!(svg.contains("Its seeds end between 1 and 3."), "{svg}");
    }

    #[test]
    fn the_axis_makes_room_for_bands_and_for_powers_of_ten() {
        let curve = Curve::new(None, 0, Stroke::Solid, [(1.0, 5.0), (3.0, 5.0)])
            .with_band([(1.0, 0.0, 90.0), (3.0, 0.0, 90.0)]);
        let chart = Chart {
            x_scale: Scale::Log10,
            x_end: 1e9,
            curves: vec![curve],
            ..chart(Scale::Linear, vec![])
        };
        let svg = render(&chart).expect("draws").inline;
        for tick in [">80</text>", ">10</text>", ">1000</text>"] {
            assert!(svg.contains(tick), "{tick} {svg}");
        }
        assert!(!svg.contains("10⁹"));
    }

    #[test]
    fn no_label_and_no_number_of_runs_stops_a_figure() {
        let label = Some("a\0b\u{1b}\u{ffff}c".to_owned());
        let curve = Curve::new(label, 0, Stroke::Solid, [(0.0, 1.0), (1.0, 2.0)]);
        let chart = Chart {
            curves: vec![curve; 3000],
            ..chart(Scale::Linear, vec![])
        };
        let pictures = render(&chart).expect("draws");
        assert!(pictures.svg.contains(">abc</text>"));
        roxmltree::Document::parse(&pictures.svg).expect("well-formed XML");
        let mut picture = png::Decoder::new(std::io::Cursor::new(pictures.png)).read_info();
        let info = picture.as_mut().expect("a PNG").info();
        assert!(info.height <= 20_000, "{}", info.height);
    }
}
