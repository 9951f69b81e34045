//! Every operation has its file in every crate that treats operations, and a case in the corpus that every engine runs. Its
//! rule of scaling is in one place for all, `nn-graph/src/network/from_graph.rs`, whose match the compiler checks.

use std::path::Path;

use nn_engine::conformance::{Case, Tier};
use nn_graph::Op;

const CRATES: [&str; 4] = ["nn-graph", "nn-reference", "nn-cpu", "nn-cuda"];

/// The smallest case of the corpus with this operation, and how many there are.
fn covering(op: &str, cases: &[(Case, Vec<&str>)]) -> Option<(String, usize)> {
    let with_it = cases.iter().filter(|(_, ops)| ops.contains(&op));
    let smallest = with_it
        .clone()
        .min_by_key(|(case, ops)| (case.tier, ops.len()))?;
    Some((smallest.0.name.clone(), with_it.count()))
}

/// Where a crate has an operation, within its `src/op`.
fn place<'a>(name: &str, op: &'a str) -> &'a str {
    match (name, op) {
        // Two ways to put the statistics of one normalisation together.
        ("nn-cpu", "batch_norm") => "normalisation/batch",
        ("nn-cpu", "group_norm") => "normalisation/group",
        _ => op,
    }
}

#[test]
fn the_table_of_operations_and_crates_has_no_hole() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("crates");
    let cases: Vec<_> = Case::all(Tier::Full)
        .into_iter()
        .map(|case| {
            let graph = case.graph().unwrap();
            let ops = graph.nodes().iter().map(|node| node.op.name()).collect();
            (case, ops)
        })
        .collect();
    println!(
        "{:<21}{}{:<7}smallest case",
        "operation",
        CRATES.map(|name| format!("{name:<14}")).concat(),
        "cases"
    );
    let mut holes = Vec::new();
    for op in Op::NAMES {
        let cells = CRATES.map(|name| {
            let ops = crates.join(name).join("src/op");
            let file = place(name, op);
            // A file, or a folder where it needs several.
            let found = [format!("{file}.rs"), format!("{file}/mod.rs")]
                .iter()
                .any(|file| ops.join(file).is_file());
            if !found {
                holes.push(ops.join(file).display().to_string());
            }
            format!("{:<14}", if found { "yes" } else { "–" })
        });
        let (case, count) = covering(op, &cases).unwrap_or_else(|| {
            holes.push(format!("a case of the corpus with {op}"));
            ("–".into(), 0)
        });
        println!("{op:<21}{}{count:<7}{case}", cells.concat());
    }
    assert!(holes.is_empty(), "missing: {holes:#?}");
}
