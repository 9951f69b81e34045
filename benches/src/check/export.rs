//! A training that another program can repeat: everything it needs, and what came out.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use nn_engine::{
    Batches, EngineOptions, GroupHyper, HyperTable, ImageSet, NamedTensor, Split, State,
};
use nn_graph::nets::Normaliser;
use serde_json::{Value, json};

use super::Failure;
use crate::training::{DEVIATION, MEAN, batch, images};
use crate::{Choice, Setting};

/// Trains the network of `setting` for `steps` steps and writes a folder: `run.json`, and `values.f64`, the tensors one
/// after the other as 64-bit floats, little-endian.
///
/// `run.json` holds `device`; `network`, `images` and `hyper`, as the engine was given them; `steps`, each with its
/// batch, its loss and number of right answers; and `tensors`: `{stage, name, shape, first}`, of the stages `after 0`,
/// `after 1`, and those of the last step, `after N - 1` and `after N`; `first` is the tensor's first value in the file.
/// Pixels are the tensor of stage `images`.
///
/// # Errors
/// What the engine says, or what cannot be written.
pub fn export(
    choice: Choice,
    setting: Setting,
    steps: usize,
    folder: &Path,
) -> Result<String, Failure> {
    let graph = setting.graph()?;
    let options = EngineOptions {
        replicas: 1,
        ..setting.options(&graph)
    };
    let mut engine = choice.engine(&graph, options)?;
    let images = Arc::new(images(setting.batch)?);
    engine.load_images(Split::Train, images.clone())?;
    let start = State::initial(&graph, 21);
    engine.load_state(0, &start)?;
    let mut values = Values::default();
    values.add("images", &pixels(&images));
    values.add_state("after 0", &start);

    // Float32 numbers, so that every precision trains with the same; and so much decay that it would be missed.
    let [rate, decay, momentum] = [0.05_f32, 0.05, 0.9].map(f64::from);
    let mut told = Vec::new();
    for step in 0..steps {
        // No decay at first: the buffers are then the gradients.
        let decay = if step == 0 { 0.0 } else { decay };
        let hyper = |_, _, _| GroupHyper::new(rate, decay, momentum);
        let spec = batch(setting.batch, step);
        let stats = engine.run(
            Batches::shared(std::slice::from_ref(&spec)),
            &HyperTable::from_fn(1, 1, 1, hyper)?,
        )?;
        let stats = stats.get(0, 0);
        told.push(json!({
            "indices": spec.indices,
            "crops": spec.crops.iter().map(|crop| [crop.dy, crop.dx]).collect::<Vec<_>>(),
            "flips": spec.flips,
            "learning_rate": rate,
            "weight_decay": decay,
            "momentum": momentum,
            "loss": stats.loss,
            "correct": stats.correct,
        }));
        let done = step + 1;
        if done == 1 || done + 1 >= steps {
            values.add_state(&format!("after {done}"), &engine.state(0)?);
        }
    }
    let device = engine.device().to_string();
    let run = json!({
        "device": device,
        "network": network(&setting),
        "images": { "mean": MEAN, "deviation": DEVIATION, "labels": images.labels() },
        "steps": told,
        "tensors": values.tensors,
    });
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).map_err(|error| format!("cannot write {}: {error}", file.display()))
    };
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    write("run.json", run.to_string().as_bytes())?;
    write("values.f64", &values.bytes)?;
    Ok(format!("{steps} steps of {device}"))
}

fn network(setting: &Setting) -> Value {
    let groups = match setting.normaliser {
        // As PyTorch has it: 0 stands for batch normalisation.
        Normaliser::Batch => json!(0),
        Normaliser::Group { groups } => json!(groups),
        Normaliser::Layer => json!(1),
        Normaliser::Instance => json!("channels"),
    };
    json!({ "depth": setting.depth, "width": setting.width, "groups": groups, "epsilon": 1e-5 })
}

fn pixels(images: &ImageSet) -> NamedTensor {
    let bytes = images.pixels().iter();
    NamedTensor {
        name: "pixels".to_owned(),
        shape: [&[images.len()], &images.shape()[..]].concat(),
        values: bytes.map(|&byte| f64::from(byte)).collect(),
    }
}

/// Tensors one after the other.
#[derive(Default)]
struct Values {
    tensors: Vec<Value>,
    bytes: Vec<u8>,
}

impl Values {
    fn add(&mut self, stage: &str, tensor: &NamedTensor) {
        self.tensors.push(json!({
            "stage": stage,
            "name": tensor.name,
            "shape": tensor.shape,
            "first": self.bytes.len() / size_of::<f64>(),
        }));
        let values = tensor.values.iter();
        self.bytes
            .extend(values.flat_map(|value| value.to_le_bytes()));
    }

    fn add_state(&mut self, stage: &str, state: &State) {
        state
            .tensors
            .iter()
            .for_each(|tensor| self.add(stage, tensor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_where_the_list_says() {
        let folder = std::env::temp_dir().join(format!("texp-export-{}", std::process::id()));
        let setting = Setting {
            depth: 8,
            width: 4,
            normaliser: Normaliser::Batch,
            batch: 3,
            replicas: 1,
            threads: 1,
            format: crate::Format::Full,
        };
        export(Choice::Cpu, setting, 3, &folder).unwrap();
        let run: Value =
            serde_json::from_slice(&fs::read(folder.join("run.json")).unwrap()).unwrap();
        let bytes = fs::read(folder.join("values.f64")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let start = State::initial(&setting.graph().unwrap(), 21);
        let tensors = run["tensors"].as_array().unwrap();
        assert_eq!(tensors.len(), 1 + 4 * start.tensors.len());
        let entry = tensors
            .iter()
            .find(|tensor| tensor["name"] == "head.weight")
            .unwrap();
        let first = entry["first"].as_u64().unwrap() as usize * 8;
        let value = f64::from_le_bytes(bytes[first..first + 8].try_into().unwrap());
        assert_eq!(value, start.get("head.weight").unwrap().values[0]);
        assert_eq!(run["steps"][1]["weight_decay"], f64::from(0.05_f32));
    }
}
