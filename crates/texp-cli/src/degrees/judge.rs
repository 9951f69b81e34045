//! What became of a row.

use claims::{Outcome, Verdict};
use nn_graph::network::Network;
use nn_graph::{Graph, Parameter};
use nn_onnx::{FileParameter, ImportedGraph};
use scale_invariance::{
    Check, Claim, Degrees, Inspection, PROBE_FACTOR, Violation, degrees, inspect,
};

use super::table::{Function, Row, Rules};
use crate::CommandError;
use crate::inspect::probe::{self, Probed};

/// Asks the rules, the calculus and the numbers what they say of a row's network.
///
/// # Errors
/// [`CommandError::Probe`] if the network takes too much memory.
pub(super) fn judge(row: &Row, graph: &Graph) -> Result<Outcome, CommandError> {
    let exponents: Vec<i32> = graph
        .parameters()
        .iter()
        .map(|parameter| i32::from(parameter.trainable))
        .collect();
    let rules = degrees(graph, &exponents);
    let found = inspect(&Network::from(graph));
    let probed = probe::run(&as_imported(graph), &found)?;
    let rules_agree = match (&row.rules, &rules) {
        (Rules::Degrees(claimed), Ok(found)) => *claimed == found.normaliser_inputs,
        (Rules::FailAt(layer), Err(violation)) => violation.node() == Some(layer),
        _ => false,
    };
    let function_agrees = found.scale_invariant == (row.function == Function::Stays);
    let numbers_agree = probed.broken().next().is_none();
    let mut evidence = [of_rules(&rules), of_function(&found, &probed)].join(". ");
    let disagreements = [
        (rules_agree, "the rules do not say what is claimed of them"),
        (
            function_agrees,
            "the function does not do what is claimed of it",
        ),
        (numbers_agree, "numbers contradict the calculus"),
    ];
    for (_, what) in disagreements.iter().filter(|(agrees, _)| !agrees) {
        evidence += &format!("; but {what}");
    }
    let agree = disagreements.iter().all(|(agrees, _)| *agrees);
    Ok(Outcome {
        id: row.id.clone(),
        says: row.says.clone(),
        source: row.source.clone(),
        verdict: match agree {
            true => Verdict::Reproduced,
            false => Verdict::NotReproduced,
        },
        evidence,
    })
}

/// The graph as if from a file, each parameter under its own name.
fn as_imported(graph: &Graph) -> ImportedGraph {
    let named = |parameter: &Parameter| FileParameter {
        name: parameter.name.clone(),
        transposed: false,
    };
    ImportedGraph {
        graph: graph.clone(),
        parameters: graph.parameters().iter().map(named).collect(),
    }
}

fn of_rules(rules: &Result<Degrees, Violation>) -> String {
    match rules {
        Ok(degrees) => {
            let inputs = degrees.normaliser_inputs.iter();
            let inputs: Vec<String> = inputs.map(i32::to_string).collect();
            format!(
                "By the paper's rules scale-invariant: normalisations read degrees {}, the result has degree 0",
                inputs.join(", ")
            )
        }
        Err(violation) => {
            format!("By the paper's rules not shown to be scale-invariant: {violation}")
        }
    }
}

fn of_function(found: &Inspection, probed: &Probed) -> String {
    let is_together = |check: &&Check| matches!(check.claim, Claim::Together { .. });
    let change = probed.checks.iter().find(is_together);
    let change = change.map_or(f64::NAN, |check| check.change);
    format!(
        "In truth {}: with all trained weights times {PROBE_FACTOR} the output changes by {change:.0e} of its largest number, \
         and of {} checks of weights alone and together {} hold",
        match found.scale_invariant {
            true => "scale-invariant",
            false => "not scale-invariant",
        },
        probed.checks.len(),
        probed.checks.len() - probed.broken().count(),
    )
}
