//! The answer as one JSON object.

use std::io::{self, Write};

use scale_invariance::{Check, Granularity, Inspection, Invariance, ParameterInvariance};
use serde::Serialize;

use super::Answer;
use super::groups::json::{Group, groups};
use super::probe::words;

#[derive(Serialize)]
struct Told<'a> {
    scale_invariant: bool,
    paper_rules: bool,
    dimension: usize,
    parameters: Vec<Parameter<'a>>,
    unsupported: Vec<Unsupported<'a>>,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Vec<Probed>>,
    /// Only with a recipe.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter_groups: Option<Vec<Group<'a>>>,
}

#[derive(Serialize)]
struct Probed {
    claim: String,
    holds: bool,
    change: f64,
}

#[derive(Serialize)]
struct Parameter<'a> {
    name: &'a str,
    shape: Option<&'a [Option<usize>]>,
    invariance: &'static str,
    group: Option<usize>,
    degree: Option<[i64; 2]>,
    granularity: Option<&'static str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Unsupported<'a> {
    operator: &'a str,
    layers: &'a [String],
}

pub(super) fn write(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let inspection = &answer.inspection;
    let told = Told {
        scale_invariant: inspection.scale_invariant,
        paper_rules: inspection.paper_rules.is_ok(),
        dimension: inspection.dimension,
        parameters: inspection.parameters.iter().map(parameter).collect(),
        unsupported: (answer.unsupported.iter())
            .map(|unsupported| Unsupported {
                operator: &unsupported.operator,
                layers: &unsupported.layers,
            })
            .collect(),
        probe: (answer.probed.as_ref()).map(|probed| {
            let checks = probed.checks.iter();
            checks.map(|check| checked(check, inspection)).collect()
        }),
        parameter_groups: answer.groups.as_ref().map(groups),
    };
    serde_json::to_writer_pretty(&mut *out, &told)?;
    writeln!(out)
}

fn checked(check: &Check, claimed: &Inspection) -> Probed {
    Probed {
        claim: words(&check.claim, claimed),
        holds: check.holds(),
        change: check.change,
    }
}

fn parameter(found: &ParameterInvariance) -> Parameter<'_> {
    Parameter {
        name: &found.name,
        shape: found.extents.as_deref(),
        invariance: invariance(found.invariance),
        group: found.group,
        degree: (found.degree).map(|degree| [degree.numerator, degree.denominator]),
        granularity: found.granularity.map(granularity),
        reason: found.reason.as_deref(),
    }
}

/// The word for it.
pub(super) fn invariance(invariance: Invariance) -> &'static str {
    match invariance {
        Invariance::Alone => "alone",
        Invariance::Jointly => "jointly",
        Invariance::Balanced => "balanced",
        Invariance::None => "none",
    }
}

/// The word for it.
pub(super) fn granularity(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Filter => "filter",
        Granularity::Group { .. } => "group",
        Granularity::Tensor => "tensor",
    }
}
