//! What was found, drawn.

use report::{Chart, Curve, ReportError, Scale, Stroke, to_svg};
use toy::experiment::{BatchSizes, Experiment};
use toy::study::Findings;

/// A figure for each question, with its name.
pub(super) fn draw(
    experiment: &Experiment,
    findings: &Findings,
) -> Result<Vec<(String, String)>, ReportError> {
    let charts = charts(experiment, findings).into_iter();
    let drawn = charts.map(|chart| Ok((chart.id.clone(), to_svg(&[chart])?)));
    drawn.collect()
}

/// A chart for each question that was asked.
pub(super) fn charts(experiment: &Experiment, findings: &Findings) -> Vec<Chart> {
    let sweeps = experiment.sweeps.iter().map(|sweep| sweep.name.clone());
    let population = experiment.population.iter().map(|sweep| sweep.name.clone());
    let sweeps: Vec<String> = sweeps.chain(population).collect();
    let batches = BatchSizes::RUNS.map(str::to_owned);
    let alone = experiment.norm_alone.iter();
    let alone: Vec<String> = alone.flat_map(|alone| alone.runs()).collect();
    let waiting = experiment.nonconvergences.iter();
    let waiting: Vec<String> = waiting.map(|waiting| waiting.name.clone()).collect();

    let errors = |runs: &[String]| {
        let quantities = ["log10-rms-error", "log10-predicted-rms-error"];
        pairs(findings, runs, quantities, "theory")
    };
    let steps = pairs(
        findings,
        &waiting,
        ["log10-waiting", "log10-bound"],
        "bound",
    );
    let (root, size) = ("√(ηλ)", "batch size");
    let charts = [
        chart(
            "error-over-rate",
            "Both: root mean square of the error",
            root,
            errors(&sweeps),
        ),
        chart(
            "error-over-batch",
            "Root mean square of the error",
            size,
            errors(&batches),
        ),
        chart(
            "error-over-time",
            "Normalisation alone: root mean square of the error",
            "step",
            errors(&alone),
        ),
        chart(
            "mean-error-over-rate",
            "Both: mean error over √(ηλ)",
            root,
            means(findings, &sweeps),
        ),
        chart(
            "waiting",
            "Both: steps until the error exceeds ε/π",
            size,
            steps,
        ),
    ];
    let charts = charts.into_iter();
    charts.filter(|chart| !chart.curves.is_empty()).collect()
}

/// Logarithmic on both axes, which is what the series are.
fn chart(id: &str, title: &str, x_label: &str, curves: Vec<Curve>) -> Chart {
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        x_label: x_label.to_owned(),
        x_scale: Scale::Log10,
        y_scale: Scale::Log10,
        curves,
        ..Chart::default()
    }
}

/// The series of every seed; of none if there is no such series.
fn series(findings: &Findings, name: &str) -> Vec<Vec<(f64, f64)>> {
    let seeds = findings.seeds.iter();
    let series = seeds.filter_map(|seed| seed.series.get(name));
    series.map(|series| series.points.clone()).collect()
}

/// Of each run what was measured, and what is said of it, dashed and in the same colour.
fn pairs(findings: &Findings, runs: &[String], quantities: [&str; 2], said: &str) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let [measured, theory] =
            quantities.map(|quantity| series(findings, &format!("{run}/{quantity}")));
        if !measured.is_empty() {
            let labels = [run.clone(), format!("{run}, {said}")].map(Some);
            let [label, theory_label] = labels;
            curves.push(Curve::over_seeds(label, index, Stroke::Broad, &measured));
            curves.push(Curve::over_seeds(
                theory_label,
                index,
                Stroke::Dashed(0),
                &theory,
            ));
        }
    }
    curves
}

fn means(findings: &Findings, runs: &[String]) -> Vec<Curve> {
    let curve = |(index, run): (usize, &String)| {
        let mut seeds = series(findings, &format!("{run}/mean-error-over-root"));
        let values = seeds.iter_mut().flatten();
        values.for_each(|(_, y)| *y = y.log10());
        Curve::over_seeds(Some(run.clone()), index, Stroke::Solid, &seeds)
    };
    runs.iter().enumerate().map(curve).collect()
}
