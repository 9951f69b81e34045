//! Prints the network in an ONNX file: `cargo run -p nn-onnx --example print_network -- model.onnx`.

use nn_graph::network::Source;

fn main() -> std::process::ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("give the path of an ONNX file");
        return 2.into();
    };
    let imported = match nn_onnx::open(path).and_then(|model| model.import()) {
        Ok(imported) => imported,
        Err(error) => {
            eprintln!("{error}");
            return 2.into();
        }
    };
    let network = &imported.network;
    for tensor in network.tensors() {
        let (name, extents) = (&tensor.name, &tensor.extents);
        match &tensor.source {
            Source::Operation(place) => {
                let operation = &network.operations()[*place];
                let inputs = operation
                    .inputs
                    .iter()
                    .map(|&id| network.tensor(id).name.as_str());
                let inputs: Vec<&str> = inputs.collect();
                println!(
                    "{name} ({}) of {inputs:?}: {:?} {extents:?}",
                    operation.kind, operation.rule
                );
            }
            source => println!("{name}: {source:?} {extents:?}"),
        }
    }
    for unsupported in &imported.unsupported {
        println!(
            "not known: {} in {:?}",
            unsupported.operator, unsupported.layers
        );
    }
    std::process::ExitCode::SUCCESS
}
