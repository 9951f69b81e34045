//! The networks that graphs are, of every normaliser, by the same laws.

use nn_graph::nets::Normaliser;
use nn_graph::network::Network;

use crate::common::config;
use crate::evaluator::Concrete;
use crate::laws::{Tally, check};

/// Images of a batch.
const BATCH: usize = 2;

#[test]
fn what_is_claimed_of_graphs_leaves_the_results_alone() {
    let normalisers = [
        Normaliser::Batch,
        Normaliser::Group { groups: 2 },
        Normaliser::Layer,
        Normaliser::Instance,
    ];
    let mut tally = Tally::default();
    for choice in 0..32u8 {
        let [pre, affine, bias] = [0, 1, 2].map(|place: u8| choice >> place & 1 == 1);
        let mut config = config([pre, affine, bias, pre != bias, affine, affine], 2, 5);
        config.normaliser = normalisers[usize::from(choice) / 8];
        let network = Network::from(&config.build().unwrap());
        let lengths = network.tensors().iter().map(|tensor| {
            let extents = tensor.extents.iter().flatten();
            extents.map(|length| length.unwrap_or(BATCH)).collect()
        });
        let concrete = Concrete {
            lengths: lengths.collect(),
            flavours: vec![0; network.operations().len()],
            epsilons: Vec::new(),
            network,
        };
        if let Err(what) = check(&concrete, &mut tally) {
            panic!("{what}: {config:?}");
        }
    }
    assert_eq!(tally.degenerate, 0);
}
