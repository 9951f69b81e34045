//! The small cases of the corpus launch every kernel there is.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use nn_cuda::{CudaEngine, kernels};
use nn_engine::conformance::{Case, Tier};
use nn_engine::{Engine, EngineOptions, Products, Split};

/// What a step of training never launches: every case is evaluated and compared, too.
const OF_OTHER_CALLS: [&str; 2] = ["running_statistics", "compare"];

/// Convolutions that no tensor core takes, of many channels: in those formats `products.rs` draws some.
const OF_NO_CASE: [&str; 2] = ["conv2d_forward_64x32", "conv2d_weight_gradient_96x32"];

/// Names of all kernels of a format, from their text.
fn names(products: Products) -> Vec<String> {
    let source = kernels::source(products);
    let declarations = source.split("extern \"C\" __global__ void").skip(1);
    // Kernels on tensor cores are named by these, in lines of their own.
    let made = source.lines().filter_map(|line| {
        let rest = line.strip_prefix("TENSOR_")?;
        let (_, arguments) = rest.split_once('(')?;
        Some(arguments.split(',').next()?.to_owned())
    });
    let declarations = declarations.filter(|text| !text.contains("VA_ARGS"));
    let name = |text: &str| {
        let arguments = text.find("(const __grid").or(text.find("(int")).unwrap();
        let before = &text[..arguments];
        before.split_whitespace().last().unwrap().to_owned()
    };
    declarations.map(name).chain(made).collect()
}

#[test]
fn the_small_cases_launch_every_kernel() {
    if !common::device() {
        return;
    }
    for products in Products::ALL {
        launch_every_kernel(products);
    }
}

fn launch_every_kernel(products: Products) {
    let mut cases: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in Case::all(Tier::Sim) {
        let graph = case.graph().unwrap();
        let options = EngineOptions {
            products,
            ..case.options(&graph)
        };
        let mut engine = CudaEngine::new(&graph, options).unwrap();
        let images = case.images(&graph, Split::Train).unwrap();
        engine.load_images(Split::Train, Arc::new(images)).unwrap();
        let launches = engine.launches().unwrap();
        // Weights are read while the launch before a convolution may still run.
        let too_close =
            |pair: &&[&str]| pair[0] == "round_weights" && pair[1].starts_with("tensor_");
        let found = launches.windows(2).find(too_close);
        assert_eq!(found, None, "{} in {products}", case.name);
        for kernel in launches {
            cases.entry(kernel).or_default().push(case.name.clone());
        }
    }
    let mut missing = Vec::new();
    for name in names(products) {
        let of = cases.get(&name[..]);
        println!(
            "{products}, {name}: {} launches, first in {:?}",
            of.map_or(0, Vec::len),
            of.map(|of| &of[0])
        );
        let elsewhere = OF_OTHER_CALLS.contains(&&name[..])
            || products != Products::Full && OF_NO_CASE.contains(&&name[..]);
        if of.is_none() && !elsewhere {
            missing.push(name);
        }
    }
    assert!(
        missing.is_empty(),
        "no small case launches {missing:?} in {products}"
    );
}
