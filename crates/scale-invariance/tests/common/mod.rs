//! Networks that several test programs look at.

use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
use nn_graph::{Affine, Bias, Training};

/// A residual network of six choices: pre-activation, affine, bias, projecting shortcuts, a trained head, a longer stem;
/// of images of two channels, and with `ε = 0`.
pub(crate) fn config(
    [pre, affine, bias, project, head, stem]: [bool; 6],
    width: usize,
    size: usize,
) -> NetConfig {
    let architecture = match pre {
        true => Architecture::PreResNet,
        false => Architecture::ResNet,
    };
    let mut config = NetConfig::new(architecture, 8);
    (config.width, config.input, config.classes) = (width, [2, size, size], 8);
    config.epsilon = 0.0;
    if affine {
        config.affine = Affine::ScaleAndShift;
    }
    if bias {
        config.bias = Bias::Trained;
    }
    config.shortcut = match project {
        true => Shortcut::Projection,
        false => Shortcut::ZeroPad,
    };
    if head {
        config.head = Training::Trained;
    }
    if pre && stem {
        config.stem = Stem::ConvNormReluConv;
    }
    config
}
