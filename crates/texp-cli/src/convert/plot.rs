//! A conversion, drawn.

use std::f64::consts::LN_10;

use recipe_convert::{Conversion, Row};
use report::{Chart, Curve, Point, ReportError, Scale, Stroke, to_svg};

/// Points of a curve before it is thinned to what a figure shows.
const MOST_POINTS: u64 = 10_000;

/// Rates and scale over epochs as one SVG, with the phases marked.
pub(super) fn svg(conversion: &Conversion<'_>) -> Result<String, ReportError> {
    let steps = conversion.file().steps();
    let stride = steps.div_ceil(MOST_POINTS).max(1);
    let shown = |row: &Row| row.step.is_multiple_of(stride) || row.step + 1 == steps;
    let rows: Vec<Row> = conversion.rows().filter(shown).collect();
    let per_epoch = conversion.file().steps_per_epoch() as f64;
    let twin = if conversion.target().keeps_weight_decay() {
        "twin, with another"
    } else {
        "twin, without"
    };
    let curve = |label: &str, run, stroke, log10: &dyn Fn(&Row) -> f64| {
        let points = rows
            .iter()
            .map(|row| -> Point { (row.step as f64 / per_epoch, log10(row)) });
        Curve::new(Some(label.to_owned()), run, stroke, points)
    };
    let phases = conversion.summary().phases.iter().skip(1);
    let marks: Vec<f64> = phases.map(|phase| phase.start as f64 / per_epoch).collect();
    let chart = |id, title, curves| Chart {
        id,
        title,
        x_label: "epoch",
        x_end: steps as f64 / per_epoch,
        y_scale: Scale::Log10,
        curves,
        marks: marks.clone(),
    };
    to_svg(&[
        chart(
            "learning-rate",
            "Learning rate",
            vec![
                curve("recipe, with weight decay", 0, Stroke::Broad, &|row| {
                    row.recipe.learning_rate.log10()
                }),
                curve(twin, 1, Stroke::Dashed(0), &|row| row.ln_lr_exp / LN_10),
            ],
        ),
        chart(
            "scale",
            "Size of the twin's parameters, over the recipe's",
            vec![curve("1/A", 1, Stroke::Solid, &|row| -row.ln_scale / LN_10)],
        ),
    ])
}
