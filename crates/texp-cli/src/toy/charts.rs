//! What was found, drawn.

use report::{Chart, Curve, ReportError, Scale, Stroke, to_svg};
use toy::experiment::{BatchSizes, Experiment};
use toy::study::Findings;

/// A figure for each question, with its name.
pub(super) fn draw(
    experiment: &Experiment,
    findings: &Findings,
) -> Result<Vec<(String, String)>, ReportError> {
    let sweeps = experiment.sweeps.iter().map(|sweep| sweep.name.clone());
    let population = experiment.population.iter().map(|sweep| sweep.name.clone());
    let sweeps: Vec<String> = sweeps.chain(population).collect();
    let alone = experiment.norm_alone.iter();
    let alone: Vec<String> = alone.flat_map(|alone| alone.runs()).collect();
    let waiting = experiment.nonconvergences.iter();
    let waiting: Vec<String> = waiting.map(|waiting| waiting.name.clone()).collect();
    let batches = BatchSizes::RUNS.map(str::to_owned);

    let errors = ["log10-rms-error", "log10-predicted-rms-error"];
    let charts = [
        Chart {
            id: "error-over-rate".to_owned(),
            title: "Weight decay and normalisation: root mean square of the error".to_owned(),
            x_label: "√(ηλ)".to_owned(),
            x_scale: Scale::Log10,
            x_end: 0.0,
            y_scale: Scale::Log10,
            curves: pairs(findings, &sweeps, errors),
            marks: vec![],
        },
        Chart {
            id: "error-over-batch".to_owned(),
            title: "Weight decay alone, and with normalisation: root mean square of the error"
                .to_owned(),
            x_label: "batch size".to_owned(),
            x_scale: Scale::Log10,
            x_end: 0.0,
            y_scale: Scale::Log10,
            curves: pairs(findings, &batches, errors),
            marks: vec![],
        },
        Chart {
            id: "error-over-time".to_owned(),
            title: "Normalisation alone: root mean square of the error".to_owned(),
            x_label: "step".to_owned(),
            x_scale: Scale::Log10,
            x_end: 0.0,
            y_scale: Scale::Log10,
            curves: pairs(findings, &alone, errors),
            marks: vec![],
        },
        Chart {
            id: "mean-error-over-rate".to_owned(),
            title: "Weight decay and normalisation: mean error over √(ηλ)".to_owned(),
            x_label: "√(ηλ)".to_owned(),
            x_scale: Scale::Log10,
            x_end: 0.0,
            y_scale: Scale::Log10,
            curves: means(findings, &sweeps),
            marks: vec![],
        },
        Chart {
            id: "waiting".to_owned(),
            title: "Steps until the error exceeds ε/π".to_owned(),
            x_label: "batch size".to_owned(),
            x_scale: Scale::Log10,
            x_end: 0.0,
            y_scale: Scale::Log10,
            curves: pairs(findings, &waiting, ["log10-waiting", "log10-bound"]),
            marks: vec![],
        },
    ];
    let drawn = charts
        .into_iter()
        .filter(|chart| !chart.curves.is_empty())
        .map(|chart| Ok((chart.id.clone(), to_svg(&[chart])?)));
    drawn.collect()
}

/// Of each run what was measured, and what theory says of it, dashed and in the same colour.
fn pairs(findings: &Findings, runs: &[String], quantities: [&str; 2]) -> Vec<Curve> {
    let [measured, theory] = quantities;
    let mut curves = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let points = |quantity| -> Vec<(f64, f64)> {
            let points = findings.over_seeds(&format!("{run}/{quantity}"));
            points.into_iter().map(|(x, y, _)| (x, y)).collect()
        };
        let (found, said) = (points(measured), points(theory));
        if !found.is_empty() {
            let label = Some(format!("{run}, theory"));
            curves.push(Curve::new(Some(run.clone()), index, Stroke::Broad, found));
            curves.push(Curve::new(label, index, Stroke::Dashed(0), said));
        }
    }
    curves
}

fn means(findings: &Findings, runs: &[String]) -> Vec<Curve> {
    let curve = |(index, run): (usize, &String)| {
        let points = findings.over_seeds(&format!("{run}/mean-error-over-root"));
        let points = points.into_iter().map(|(x, y, _)| (x, y.log10()));
        Curve::new(Some(run.clone()), index, Stroke::Solid, points)
    };
    runs.iter().enumerate().map(curve).collect()
}
