//! Networks that there are not.

use super::{REMEDY, TINY, check, parse};

#[test]
fn depths_that_no_residual_network_has() {
    check(
        "depth = 8",
        "depth = 10",
        "line 6, column 9: `network.depth` is 10; it must be 6n + 2 with n from 1 to 1000 (8, 14, 20, 26, 32, …)",
    );
}

#[test]
fn choices_that_plain_networks_do_not_have() {
    let architecture = "architecture = \"preresnet\"\ndepth = 8";
    check(
        architecture,
        "architecture = \"plain-cnn\"\ndepth = 9",
        "line 6, column 9: `network.depth` is 9; it must be 6n + 2 with n from 1 to 1000 (8, 14, 20, 26, 32, …)",
    );
    check(
        architecture,
        "architecture = \"fully-connected\"\ndepth = 1",
        "line 6, column 9: `network.depth` is 1; it must be between 2 and 1000, the last layer included",
    );
    check(
        architecture,
        "architecture = \"fully-connected\"\ndepth = 3\nstem = \"conv-projection\"",
        "line 4, column 1: the stem can be chosen only for a PreResNet",
    );
    check(
        architecture,
        "architecture = \"plain-cnn\"\ndepth = 8\nshortcut = \"projection\"",
        "line 4, column 1: the shortcut can be chosen only for a residual network; others have none",
    );
    check(
        architecture,
        "architecture = \"fully-connected\"\ndepth = 3\nnormaliser = \"instance\"",
        "line 4, column 1: a normalisation of single features leaves nothing of a fully connected network; normalise over \
         the batch, over all features, or over groups of several",
    );
    check(
        architecture,
        "architecture = \"perceptron\"\ndepth = 3",
        &format!(
            "line 5, column 16: unknown value `perceptron`, expected one of `resnet`, `preresnet`, `plain-cnn`, \
             `fully-connected`{REMEDY}"
        ),
    );
}

#[test]
fn networks_that_are_scale_invariant_in_part_are_no_mistake() {
    for network in [
        "affine = \"scale-and-shift\"",
        "affine = \"scale-and-shift\"\nstem = \"conv-norm-relu-conv\"",
        "affine = \"scale-and-shift\"\nhead = \"trained\"",
    ] {
        assert!(
            parse(&TINY.replace("width = 2", network)).is_ok(),
            "{network}"
        );
    }
}
