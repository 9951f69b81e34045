//! Every operation has its file in every crate that treats operations. Its rule of scaling is in one place for all,
//! `nn-graph/src/network/from_graph.rs`, whose match the compiler checks.

use std::path::Path;

use nn_graph::Op;

const CRATES: [&str; 3] = ["nn-graph", "nn-reference", "nn-cpu"];

#[test]
fn the_table_of_operations_and_crates_has_no_hole() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("crates");
    println!(
        "{:<22}{}",
        "operation",
        CRATES.map(|name| format!("{name:<18}")).concat()
    );
    let mut holes = Vec::new();
    for op in Op::NAMES {
        let cells = CRATES.map(|name| {
            let file = crates
                .join(name)
                .join("src/op")
                .join(op)
                .with_extension("rs");
            if !file.is_file() {
                holes.push(file.display().to_string());
            }
            format!("{:<18}", if file.is_file() { "yes" } else { "–" })
        });
        println!("{op:<22}{}", cells.concat());
    }
    assert!(holes.is_empty(), "missing: {holes:#?}");
}
