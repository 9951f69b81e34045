//! DenseNet-121, with layers of one position and few features in the place of convolutions.

use nn_graph::network::{Rule, TensorId};
use scale_invariance::Granularity;
use scale_invariance::Invariance::{self, Alone, Balanced, Jointly};

use crate::net::{Net, find};

/// Features that every layer adds.
const GROWTH: usize = 2;

struct DenseNet {
    net: Net,
    layers: usize,
}

impl DenseNet {
    /// A convolution.
    fn conv(&mut self, out: usize) {
        self.net.linear(&format!("conv{}", self.layers), out);
        self.layers += 1;
    }

    /// Normalisation with scale and shift, and ReLU.
    fn norm(&mut self) {
        let net = &mut self.net;
        net.norm("norm", &[0]);
        let extents = net.extents(net.x);
        let scale = net.parameter("scale", &[extents[1].unwrap()]);
        net.x = net.push("scaled", Rule::Multiply, &[net.x, scale], extents);
        net.bias("shift");
        net.map("relu", Rule::Homogeneous);
    }

    /// What came before, and new features of all of it.
    fn dense_layer(&mut self) {
        let before: TensorId = self.net.x;
        let width = self.net.extents(before)[1].unwrap() + GROWTH;
        self.norm();
        self.conv(4 * GROWTH);
        self.norm();
        self.conv(GROWTH);
        let inputs = [before, self.net.x];
        let extents = vec![None, Some(width)];
        self.net.x = self
            .net
            .push("features", Rule::Concat { axis: 1 }, &inputs, extents);
    }
}

/// All that is ever read of the features is read by normalisations, which treat every channel by itself: convolutions scale
/// alone, filter by filter, and scales and shifts in pairs. Only the last pair meets nothing but the classifier.
#[test]
fn every_convolution_scales_alone() {
    let net = Net::features(3);
    let mut dense = DenseNet { net, layers: 0 };
    dense.conv(2 * GROWTH);
    dense.norm();
    for (block, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        if block > 0 {
            dense.norm();
            let width = dense.net.extents(dense.net.x)[1].unwrap();
            dense.conv(width / 2);
        }
        (0..layers).for_each(|_| dense.dense_layer());
    }
    dense.norm();
    dense.net.linear("classifier", 10);
    dense.net.bias("classifier.bias");
    let found = dense.net.inspect();
    let of = |wanted: Invariance| {
        let parameters = found.parameters.iter();
        parameters.filter(|p| p.invariance == wanted).count()
    };
    assert_eq!(found.parameters.len(), 364);
    assert_eq!(
        [Alone, Jointly, Balanced, Invariance::None].map(of),
        [120, 240, 3, 1]
    );
    assert_eq!(found.dimension, 241);
    let cut = Some(Granularity::Filter);
    assert!((0..120).all(|conv| find(&found, &format!("conv{conv}")).granularity == cut));
}
