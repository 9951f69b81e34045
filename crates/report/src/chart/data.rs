//! A chart as JSON, for the script of the page.

use serde::Serialize;

use super::canvas::Ink;
use super::{Chart, Curve, Scale};

/// What the script is told of a chart.
#[derive(Serialize)]
struct ChartData<'a> {
    x: AxisData<'a>,
    y: AxisData<'a>,
    /// The x-axis goes from 0 to here, unless it is logarithmic.
    end: f64,
    marks: Vec<f64>,
    curves: Vec<CurveData<'a>>,
}

#[derive(Serialize)]
struct AxisData<'a> {
    label: &'a str,
    /// Whether values are base-10 logarithms.
    log: bool,
}

/// One curve. A number that is not finite is written as null.
#[derive(Serialize)]
struct CurveData<'a> {
    /// Without, it belongs to another curve of its colour.
    label: Option<&'a str>,
    /// Of the style sheet: the colour, then the stroke.
    classes: String,
    /// x, y, x, y, …
    xy: Vec<f64>,
    /// x, lowest, highest, x, …
    band: Vec<f64>,
}

impl Chart {
    /// As JSON that can stand in a page: no `<` occurs in it.
    pub(crate) fn data(&self) -> Result<String, serde_json::Error> {
        let axis = |label, scale| AxisData {
            label,
            log: scale == Scale::Log10,
        };
        let marks = self.marks.iter().copied().filter(|mark| mark.is_finite());
        let data = ChartData {
            x: axis(&self.x_label, self.x_scale),
            y: axis(&self.title, self.y_scale),
            end: self.x_end,
            marks: marks.collect(),
            curves: self.curves.iter().map(|curve| self.curve(curve)).collect(),
        };
        Ok(serde_json::to_string(&data)?.replace('<', "\\u003c"))
    }

    fn curve<'a>(&self, curve: &'a Curve) -> CurveData<'a> {
        let x = |x| rounded(x, self.x_scale);
        let y = |y| rounded(y, self.y_scale);
        let points = curve.points.iter();
        let band = curve.band.iter();
        CurveData {
            label: curve.label.as_deref(),
            classes: Ink::Curve(curve.run, curve.stroke).classes(),
            xy: points.flat_map(|point| [x(point.0), y(point.1)]).collect(),
            band: band
                .flat_map(|range| [x(range.0), y(range.1), y(range.2)])
                .collect(),
        }
    }
}

/// Six digits of a number, five decimals of a logarithm: more than a reader can see, at any zoom.
fn rounded(value: f64, scale: Scale) -> f64 {
    let text = match scale {
        Scale::Linear => format!("{value:.5e}"),
        Scale::Log10 => format!("{value:.5}"),
    };
    // Whatever Rust writes it can read.
    text.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::super::Stroke;
    use super::*;

    #[test]
    fn holes_are_null_and_no_markup_is_in_it() {
        let label = Some("</script><b>".to_owned());
        let points = [(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0 / 3.0)];
        let curve = Curve::new(label, 8, Stroke::Dashed(1), points).with_band([(0.0, 0.5, 1.5)]);
        let chart = Chart {
            title: "Loss".to_owned(),
            x_label: "epoch".to_owned(),
            x_end: 2.0,
            curves: vec![curve],
            marks: vec![1.5, f64::NAN],
            ..Chart::default()
        };
        let data = chart.data().expect("JSON");
        assert!(!data.contains('<'), "{data}");
        let read: serde_json::Value = serde_json::from_str(&data).expect("JSON");
        let curve = &read["curves"][0];
        assert_eq!(curve["label"], "</script><b>");
        assert_eq!(curve["classes"], "run-1 dashed-1");
        let expected = serde_json::json!([0.0, 1.0, 1.0, null, 2.0, 0.333333]);
        assert_eq!(curve["xy"], expected);
        assert_eq!(curve["band"], serde_json::json!([0.0, 0.5, 1.5]));
        assert_eq!(read["marks"], serde_json::json!([1.5]));
    }
}
