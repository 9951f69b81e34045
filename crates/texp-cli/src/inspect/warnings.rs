//! What may be wrong with a file, though it can be read.

use nn_graph::network::{Network, Rule};
use scale_invariance::{Inspection, Invariance};

/// What an exporter calls the bias that it makes of a batch normalisation.
const FOLDED_BIAS: &str = ".weight_bias";

/// Sentences for standard error; `needs_names` if the parameters' names are to be those of a program.
pub(super) fn warnings(network: &Network, found: &Inspection, needs_names: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    let names = || {
        found
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
    };
    let folded = names().find(|name| name.ends_with(FOLDED_BIAS));
    if lacks_normalisation(network, found) || folded.is_some() {
        let sign = match folded {
            Some(bias) => format!("`{bias}` is what an exporter makes of a batch normalisation"),
            None => "the network has convolutions and no normalisation".to_owned(),
        };
        warnings.push(format!(
            "{sign}: exporters for inference multiply batch normalisations into convolutions; export in training mode \
             without optimisation (PyTorch: dynamo=True, optimize=False; or dynamo=False, \
             training=torch.onnx.TrainingMode.TRAINING)"
        ));
    }
    if needs_names {
        let made_up: Vec<&str> = names().filter(|name| is_made_up(name)).collect();
        if let Some(first) = made_up.first() {
            warnings.push(format!(
                "{} parameters have names that an exporter made up, such as `{first}`: a program's model has none of \
                 these names; export without constant folding (PyTorch: dynamo=False, do_constant_folding=False)",
                made_up.len()
            ));
        }
    }
    warnings
}

/// Whether there are convolutions, no normalisation, and nothing that could be one in pieces.
fn lacks_normalisation(network: &Network, found: &Inspection) -> bool {
    let operations = || network.operations().iter();
    let scales = |invariance| matches!(invariance, Invariance::Alone | Invariance::Jointly);
    operations().any(|operation| operation.kind == "Conv")
        && !operations().any(|operation| matches!(operation.rule, Rule::Normalise(_)))
        && !found.parameters.iter().any(|p| scales(p.invariance))
}

/// Whether an exporter gave the name: PyTorch's `onnx::Conv_123`, and `val_12` of the newer one.
fn is_made_up(name: &str) -> bool {
    let number = name.strip_prefix("val_");
    name.starts_with("onnx::")
        || number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}
