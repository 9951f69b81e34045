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
    let twin = if conversion.keeps_weight_decay() {
        "twin, with another"
    } else {
        "twin, without"
    };
    let names = conversion.file().groups().iter().map(|group| &group.name);
    let mut groups: Vec<(Option<usize>, String)> = names
        .enumerate()
        .map(|(at, name)| (Some(at), format!("{name}: ")))
        .collect();
    if groups.is_empty() {
        groups.push((None, String::new()));
    }
    // Of each group, the recipe and the twin in colours of their own.
    let curves = |label: &str, is_twin: usize, stroke, log10: &dyn Fn(&Row) -> f64| -> Vec<Curve> {
        let of_group = |(index, (group, name)): (usize, &(Option<usize>, String))| {
            let points = rows
                .iter()
                .filter(|row| row.group == *group)
                .map(|row| -> Point { (row.step as f64 / per_epoch, log10(row)) });
            let label = Some(format!("{name}{label}"));
            Curve::new(label, 2 * index + is_twin, stroke, points)
        };
        groups.iter().enumerate().map(of_group).collect()
    };
    let phases = conversion.summary().phases.iter().skip(1);
    let marks: Vec<f64> = phases.map(|phase| phase.start as f64 / per_epoch).collect();
    let chart = |id: &str, title: &str, curves| Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        x_label: "epoch".to_owned(),
        x_end: steps as f64 / per_epoch,
        y_scale: Scale::Log10,
        curves,
        marks: marks.clone(),
        ..Chart::default()
    };
    to_svg(&[
        chart(
            "learning-rate",
            "Learning rate",
            [
                curves("recipe, with weight decay", 0, Stroke::Broad, &|row| {
                    row.recipe.learning_rate.log10()
                }),
                curves(twin, 1, Stroke::Dashed(0), &|row| row.ln_lr_exp / LN_10),
            ]
            .concat(),
        ),
        chart(
            "scale",
            "Size of the twin's parameters, over the recipe's",
            curves("1/A", 1, Stroke::Solid, &|row| -row.ln_scale / LN_10),
        ),
    ])
}
