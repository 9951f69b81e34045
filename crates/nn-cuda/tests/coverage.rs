//! The small cases of the corpus launch every kernel there is.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use nn_cuda::{CudaEngine, kernels};
use nn_engine::conformance::{Case, Tier};
use nn_engine::{Engine, EngineOptions, Products, Split};

/// What a step of training never launches: every case is evaluated and compared, too.
const OF_OTHER_CALLS: [&str; 2] = ["running_statistics", "compare"];

/// Names of all kernels, from their text.
fn names() -> Vec<String> {
    let source = kernels::source();
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
    let mut cases: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for case in Case::all(Tier::Sim) {
        let graph = case.graph().unwrap();
        for products in [Products::Full, Products::Tf32, Products::Bf16] {
            let options = EngineOptions {
                products,
                ..case.options(&graph)
            };
            let mut engine = CudaEngine::new(&graph, options).unwrap();
            let images = case.images(&graph, Split::Train).unwrap();
            engine.load_images(Split::Train, Arc::new(images)).unwrap();
            for kernel in engine.launches().unwrap() {
                cases.entry(kernel).or_default().push(case.name.clone());
            }
        }
    }
    let mut missing = Vec::new();
    for name in names() {
        let of = cases.get(&name[..]);
        println!(
            "{name}: {} launches, first in {:?}",
            of.map_or(0, Vec::len),
            of.map(|of| &of[0])
        );
        if of.is_none() && !OF_OTHER_CALLS.contains(&&name[..]) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "no small case launches {missing:?}");
}
