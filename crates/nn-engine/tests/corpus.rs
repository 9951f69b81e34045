//! What the corpus holds: its sizes, and the combinations that every engine meets.

use std::collections::BTreeSet;

use nn_engine::conformance::{Case, Tier};
use nn_graph::{Graph, Op};

/// Cases up to a tier, with their graphs.
fn cases(tier: Tier) -> Vec<(Case, Graph)> {
    let cases = Case::all(tier).into_iter();
    let built = cases.map(|case| {
        let graph = case.graph();
        let graph = graph.unwrap_or_else(|error| panic!("case `{}`: {error}", case.name));
        (case, graph)
    });
    built.collect()
}

#[test]
fn a_simulated_device_runs_its_tier_in_minutes() {
    let cases = cases(Tier::Sim);
    let mut all = 0;
    for (case, graph) in &cases {
        let multiply_adds = case.multiply_adds(graph);
        println!("{}: {multiply_adds}", case.name);
        assert!(multiply_adds < 1_000_000, "{}: {multiply_adds}", case.name);
        all += multiply_adds;
    }
    println!("{} cases, {all} multiply-adds", cases.len());
    assert!(cases.len() <= 70, "{} cases", cases.len());
    assert!(all < 10_000_000, "{all} multiply-adds");
}

#[test]
fn no_two_cases_are_called_the_same() {
    let mut names = BTreeSet::new();
    for case in Case::all(Tier::Full) {
        assert!(names.insert(case.name.clone()), "`{}` twice", case.name);
    }
}

/// What the cases of a tier hold, one text for each thing that a kernel may treat apart.
fn kinds(tier: Tier) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for (case, graph) in cases(tier) {
        if case.batch == 1 {
            kinds.insert("batch 1".to_owned());
        }
        for node in graph.nodes() {
            let affine = |trained| if trained { ", affine" } else { "" };
            let shape = |id| &graph.parameter(id).shape;
            let kind = match &node.op {
                Op::Conv2d(conv) => {
                    let (kernel, stride) = (shape(conv.weight)[2], conv.stride);
                    if let (3, 1, Some((_, h, w))) = (kernel, stride, node.shape.image()) {
                        kinds.insert(format!("tiles with {}x{} left over", h % 4, w % 4));
                    }
                    if conv.bias.is_some() {
                        kinds.insert("convolution with bias".into());
                    }
                    kinds.insert(format!("{} channels", node.shape.channels()));
                    format!("kernel {kernel}, stride {stride}")
                }
                Op::BatchNorm(norm) => format!("batch norm{}", affine(norm.scale.is_some())),
                Op::GroupNorm(norm) => {
                    let kind = match norm.groups {
                        1 => "layer",
                        groups if groups == node.shape.channels() => "instance",
                        _ => "group",
                    };
                    format!("{kind} norm{}", affine(norm.scale.is_some()))
                }
                Op::Input => format!("images {:?}", &node.shape.dims()[1..]),
                Op::ZeroPadShortcut(shortcut) => {
                    format!("zero padding, stride {}", shortcut.stride)
                }
                _ => continue,
            };
            kinds.insert(kind);
        }
    }
    kinds
}

#[test]
fn every_engine_meets_every_kind() {
    let others = [
        "batch 1",
        "images [1, 1]",
        "convolution with bias",
        "zero padding, stride 2",
    ];
    let mut wanted: Vec<String> = others.map(String::from).into();
    for norm in ["batch", "layer", "group", "instance"] {
        wanted.extend([format!("{norm} norm"), format!("{norm} norm, affine")]);
    }
    for kernel in [1, 3, 5] {
        wanted.extend([1, 2, 3].map(|stride| format!("kernel {kernel}, stride {stride}")));
    }
    wanted.extend([3, 5, 17, 33].map(|channels| format!("{channels} channels")));
    expect(Tier::Sim, &wanted);
    for rest in 0..16 {
        wanted.push(format!("tiles with {}x{} left over", rest / 4, rest % 4));
    }
    expect(Tier::Cpu, &wanted);
}

fn expect(tier: Tier, wanted: &[String]) {
    let found = kinds(tier);
    println!("{tier:?}: {found:#?}");
    let missing = wanted.iter().filter(|kind| !found.contains(*kind));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "{tier:?}: no case with {missing:?}");
}
