//! What was found, beside what theory says, as tables.

use claims::Outcome;
use toy::experiment::Experiment;
use toy::study::Findings;

use crate::output::table;

/// For a person, on standard output.
pub(super) fn text(experiment: &Experiment, findings: &Findings, outcomes: &[Outcome]) -> String {
    let seeds = findings.seeds.len();
    let title = &experiment.title;
    let mut text = format!("{title}\nm = {}, seeds: {seeds}\n", experiment.dimension);
    let errors = errors(findings);
    if !errors.is_empty() {
        text += "\nRoot mean square of the error θ/π, and mean error over √(ηλ); ± is the standard error over seeds\n\n";
        let header = [
            "run",
            "x",
            "measured",
            "predicted",
            "measured/predicted",
            "mean/√(ηλ)",
        ];
        text += &table(header, errors);
        text.push('\n');
    }
    let waiting = waiting(findings);
    if !waiting.is_empty() {
        text += "\nSteps within which all but a share δ of the runs exceed ε/π, and the bound of the nonconvergence theorem\n\n";
        let header = [
            "run",
            "batch",
            "steps",
            "bound",
            "largest steps/bound",
            "share later than the bound",
        ];
        text += &table(header, waiting);
        text.push('\n');
    }
    if !outcomes.is_empty() {
        text += "\nClaims\n\n";
    }
    for outcome in outcomes {
        text += &format!(
            "{}: {} ({})\n    {outcome}\n",
            outcome.id, outcome.says, outcome.source
        );
    }
    text
}

fn runs<'a>(findings: &'a Findings, quantity: &'a str) -> impl Iterator<Item = String> + 'a {
    let series = findings
        .seeds
        .iter()
        .take(1)
        .flat_map(|seed| seed.series.keys());
    series.filter_map(move |name| {
        let (run, of) = name.split_once('/')?;
        (of == quantity).then(|| run.to_owned())
    })
}

fn errors(findings: &Findings) -> Vec<[String; 6]> {
    let mut rows = Vec::new();
    for run in runs(findings, "log10-rms-error") {
        let of = |quantity: &str| findings.over_seeds(&format!("{run}/{quantity}"));
        let (predicted, ratio) = (of("log10-predicted-rms-error"), of("rms-over-predicted"));
        let means = of("mean-error-over-root");
        for (index, (x, measured, _)) in of("log10-rms-error").into_iter().enumerate() {
            let value = |points: &[(f64, f64, f64)]| points.get(index).map(|point| point.1);
            let with_error = |points: &[(f64, f64, f64)]| {
                let point = points.get(index);
                point
                    .map(|(_, y, error)| uncertain(*y, *error))
                    .unwrap_or_default()
            };
            rows.push([
                run.clone(),
                format!("{:.3e}", 10f64.powf(x)),
                format!("{:.4e}", 10f64.powf(measured)),
                value(&predicted).map_or(String::new(), |y| format!("{:.4e}", 10f64.powf(y))),
                with_error(&ratio),
                with_error(&means),
            ]);
        }
    }
    rows
}

fn waiting(findings: &Findings) -> Vec<[String; 6]> {
    let mut rows = Vec::new();
    for run in runs(findings, "log10-bound") {
        let of = |quantity: &str| findings.over_seeds(&format!("{run}/{quantity}"));
        let all = of("log10-waiting")
            .into_iter()
            .zip(of("log10-bound"))
            .zip(of("largest-waiting-over-bound"))
            .zip(of("late-share"));
        rows.extend(all.map(|(((waiting, bound), largest), late)| {
            [
                run.clone(),
                format!("{:.0}", 10f64.powf(waiting.0)),
                format!("{:.0}", 10f64.powf(waiting.1)),
                format!("{:.0}", 10f64.powf(bound.1)),
                uncertain(largest.1, largest.2),
                uncertain(late.1, late.2),
            ]
        }));
    }
    rows
}

/// A mean and its standard error, which one seed does not have.
fn uncertain(mean: f64, error: f64) -> String {
    if error.is_nan() {
        return format!("{mean:.4}");
    }
    format!("{mean:.4} ± {error:.4}")
}
