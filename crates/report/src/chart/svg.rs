//! The `svg` element around a drawn chart.

use maud::{Markup, PreEscaped, html};

use super::Chart;
use super::draw::{Drawing, WIDTH, draw};
use crate::error::ReportError;

/// Colours, strokes and fonts of figures, for light and dark. The page includes it once.
pub(crate) const FIGURE_STYLE: &str = include_str!("figure.css");

/// A chart as SVG, twice.
#[derive(Clone, Debug)]
pub(crate) struct Svg {
    /// For a page that has [`FIGURE_STYLE`].
    pub(crate) inline: String,
    /// A file of its own.
    pub(crate) standalone: String,
}

/// Draws a chart.
pub(crate) fn render(chart: &Chart) -> Result<Svg, ReportError> {
    let drawing = draw(chart).map_err(|error| ReportError::Drawing {
        figure: chart.id.to_owned(),
        source: Box::new(error),
    })?;
    let standalone = element(chart, &drawing, Some(FIGURE_STYLE)).into_string();
    Ok(Svg {
        inline: element(chart, &drawing, None).into_string(),
        standalone,
    })
}

fn element(chart: &Chart, drawing: &Drawing, style: Option<&str>) -> Markup {
    let view = format!("0 0 {WIDTH} {}", drawing.height);
    let (title, description) = (format!("{}-title", chart.id), format!("{}-desc", chart.id));
    html! {
        svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox=(view) role="img"
            aria-labelledby={ (title) " " (description) } {
            title id=(title) { (chart.title) }
            desc id=(description) { (chart.description()) }
            @if let Some(style) = style { style { (PreEscaped(style)) } }
            (PreEscaped(&drawing.body))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, Scale, Stroke};
    use super::*;
    use crate::series::Point;

    fn chart(y_scale: Scale, points: Vec<Point>) -> Chart {
        let label = Some("run <1> & \"more\"".to_owned());
        Chart {
            id: "test",
            title: "Test",
            x_label: "epoch",
            x_end: 0.0,
            y_scale,
            curves: vec![Curve::new(label, 0, Stroke::Broad, points)],
            marks: vec![0.5, 1e9, f64::NAN],
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
        assert!(svg.standalone.contains("run &lt;1&gt; &amp;"));
        assert!(!svg.standalone.contains("<1>"));
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
}
