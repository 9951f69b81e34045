//! What is found, drawn.

use std::f64::consts::LN_10;

use audit::Audit;
use report::{Chart, Curve, Point, ReportError, Scale, Stroke, to_svg};

/// Norms with their predictions and equilibria, the effective rate, and the rates of run and twin, with the phases marked.
pub(super) fn svg(audit: &Audit) -> Result<String, ReportError> {
    let findings = audit.findings();
    let per_epoch = findings.steps_per_epoch.map_or(1.0, |steps| steps as f64);
    let point = move |(step, ln): (u64, f64)| -> Point { (step as f64 / per_epoch, ln / LN_10) };
    let starts = findings
        .phases
        .iter()
        .filter(|phase| phase.constant)
        .map(|phase| phase.start);
    let marks: Vec<f64> = starts
        .filter(|&start| start > findings.first_step)
        .map(|start| start as f64 / per_epoch)
        .collect();
    let chart = |id: &str, title: &str, curves| Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        x_label: if findings.steps_per_epoch.is_some() {
            "epoch"
        } else {
            "step"
        }
        .to_owned(),
        x_end: findings.end_step as f64 / per_epoch,
        y_scale: Scale::Log10,
        curves,
        marks: marks.clone(),
        ..Chart::default()
    };
    let measured = audit.measured();
    let mut charts = Vec::new();
    if !measured.is_empty() {
        charts.push(chart(
            "norm",
            "Squared norm of the weights",
            norms(audit, &measured, point),
        ));
        charts.push(chart(
            "effective-rate",
            "Effective rate, learning rate over squared norm",
            effective_rates(audit, &measured, point),
        ));
    }
    let rates = audit
        .rates()
        .into_iter()
        .map(|(step, rate)| point((step, rate.ln())));
    let twin = audit.twin_curve().iter().copied().map(point);
    let curves = vec![
        Curve::new(Some("as logged".to_owned()), 0, Stroke::Broad, rates),
        Curve::new(
            Some("twin, without weight decay".to_owned()),
            1,
            Stroke::Dashed(0),
            twin,
        ),
    ];
    charts.push(chart("learning-rate", "Learning rate", curves));
    to_svg(&charts)
}

fn norms(
    audit: &Audit,
    measured: &[(u64, f64)],
    point: impl Fn((u64, f64)) -> Point + Copy,
) -> Vec<Curve> {
    let measured = measured.iter().copied().map(point);
    vec![
        Curve::new(Some("measured".to_owned()), 0, Stroke::Broad, measured),
        Curve::new(
            Some("predicted from each phase's start".to_owned()),
            1,
            Stroke::Dashed(0),
            pieces(audit.predicted(), point),
        ),
        Curve::new(
            Some("equilibrium".to_owned()),
            2,
            Stroke::Dashed(1),
            pieces(audit.equilibria(), point),
        ),
    ]
}

fn effective_rates(
    audit: &Audit,
    measured: &[(u64, f64)],
    point: impl Fn((u64, f64)) -> Point + Copy,
) -> Vec<Curve> {
    let of = |(step, ln_square)| point((step, audit.rate_at(step).ln() - ln_square));
    let rates = measured.iter().copied().map(of);
    vec![
        Curve::new(Some("measured".to_owned()), 0, Stroke::Broad, rates),
        Curve::new(
            Some("equilibrium".to_owned()),
            2,
            Stroke::Dashed(1),
            pieces(audit.equilibria(), of),
        ),
    ]
}

/// Curves as one, with a hole halfway to the next.
fn pieces(curves: &[Vec<(u64, f64)>], point: impl Fn((u64, f64)) -> Point) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for curve in curves {
        let mut piece = curve.iter().map(|&each| point(each)).peekable();
        if let (Some((last, _)), Some((first, _))) = (points.last(), piece.peek()) {
            points.push(((last + first) / 2.0, f64::NAN));
        }
        points.extend(piece);
    }
    points
}
