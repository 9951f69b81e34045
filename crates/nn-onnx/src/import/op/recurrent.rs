//! Recurrent layers: only their shapes are known.

use nn_graph::network::Rule;

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;

use super::Outcome;

pub(super) fn recurrent(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, weight) = (layer.input(0)?, layer.input(1)?);
    let dims = layer.of_rank(&x.shape, 3)?;
    let directions = layer.of_rank(&weight.shape, 3)?.swap_remove(0);
    let hidden = layer.int("hidden_size", 0);
    let hidden = layer.or_fresh((hidden > 0).then(|| Dim::known(hidden)));
    let batch_first = layer.int("layout", 0) != 0;
    let (steps, batch) = match batch_first {
        true => (dims[1].clone(), dims[0].clone()),
        false => (dims[0].clone(), dims[1].clone()),
    };
    let given = layer.given();
    let inputs: Vec<_> = given.iter().collect();
    for place in 0..layer.outputs.len() {
        if !layer.wants(place) {
            continue;
        }
        let (steps, batch) = (steps.clone(), batch.clone());
        let (directions, hidden) = (directions.clone(), hidden.clone());
        let shape = match (place, batch_first) {
            (0, false) => vec![steps, directions, batch, hidden],
            (0, true) => vec![batch, steps, directions, hidden],
            (_, false) => vec![directions, batch, hidden],
            (_, true) => vec![batch, directions, hidden],
        };
        layer.result(place, Rule::Unknown, &inputs, Some(shape))?;
    }
    Ok(Outcome::Unknown)
}
