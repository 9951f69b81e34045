//! Arithmetic and traffic of each kind of operation, beside its time.

use std::error::Error;

use nn_cpu::{CpuEngine, GroupTime};
use nn_engine::Batches;
use nn_engine::plan::{Group, Plan};
use nn_graph::{Graph, Op};
use serde_json::{Value, json};

use crate::Training;

/// Time of each kind of operation in the training step of `training`, medians over its steps after
/// one call to warm up, and what the plan counts for it.
///
/// An object with `rows` and the milliseconds `batch_ms`, `loss_ms` and `update_ms`. A row is
/// `{op, groups, forward, backward}`, a direction `{ms, gflop, mb}`: summed over the groups of the
/// plan that are alike; `gflop` by the direct count of multiply-adds (two each), `mb` by each tensor
/// read or written once a pass.
///
/// # Errors
/// What the engine says.
///
/// ```
/// use benches::{Setting, Training, roofline};
/// use nn_cpu::CpuEngine;
/// use nn_graph::nets::Normaliser;
/// let (normaliser, format) = (Normaliser::Batch, benches::Format::Full);
/// let setting = Setting { depth: 8, width: 4, normaliser, batch: 2, replicas: 1, threads: 1, format };
/// let engine = |graph: &_, options| CpuEngine::new(graph, options).map(Box::new);
/// let table = roofline(&mut Training::new(setting, 3, engine)?)?;
/// assert_eq!(table["rows"][0]["op"], "conv 3×3, 3→4, 32×32");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn roofline(training: &mut Training<CpuEngine>) -> Result<Value, Box<dyn Error>> {
    training.steps()?;
    let profile = training
        .engine
        .profile(Batches::shared(&training.batches), &training.hyper)?;
    let plan = Plan::compile(&training.graph);
    let images = training.batches[0].len() as f64;
    let mut rows: Vec<Row> = Vec::new();
    for (group, time) in plan.groups().iter().zip(&profile.groups) {
        let op = name(&training.graph, group);
        let index = rows.iter().position(|row| row.op == op);
        let index = index.unwrap_or_else(|| {
            rows.push(Row {
                op,
                groups: 0,
                passes: [[0.0; 3]; 2],
            });
            rows.len() - 1
        });
        rows[index].add(group, time, images);
    }
    Ok(json!({
        "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
        "batch_ms": 1e3 * profile.batch,
        "loss_ms": 1e3 * profile.loss,
        "update_ms": 1e3 * profile.update,
    }))
}

/// Groups that are alike.
struct Row {
    op: String,
    groups: usize,
    /// Milliseconds, GFLOP and MB, forward and backward.
    passes: [[f64; 3]; 2],
}

impl Row {
    fn add(&mut self, group: &Group, time: &GroupTime, images: f64) {
        self.groups += 1;
        let passes = [
            (group.forward, time.forward),
            (group.backward, time.backward),
        ];
        for ([ms, gflop, mb], (cost, seconds)) in self.passes.iter_mut().zip(passes) {
            *ms += 1e3 * seconds;
            *gflop += 1e-9 * images * cost.flops as f64;
            *mb += 1e-6 * images * 4.0 * cost.elements as f64;
        }
    }

    fn json(&self) -> Value {
        let [forward, backward] = self
            .passes
            .map(|[ms, gflop, mb]| json!({ "ms": ms, "gflop": gflop, "mb": mb }));
        json!({
            "op": self.op, "groups": self.groups, "forward": forward, "backward": backward,
        })
    }
}

/// What groups that are alike have in common: the operations, and the shape that the first one works
/// on.
fn name(graph: &Graph, group: &Group) -> String {
    let head = graph.node(group.head);
    let input = &graph.node(group.inputs[0]).shape;
    let place = |shape: &nn_graph::Shape| match shape.image() {
        Some((_, height, width)) => format!("{height}×{width}"),
        None => String::new(),
    };
    let mut name = match &head.op {
        Op::Conv2d(conv) => {
            let [out, fan, kernel, _] = graph.parameter(conv.weight).shape[..] else {
                return head.op.name().to_owned();
            };
            let to = place(input);
            let stride = match conv.stride {
                1 => String::new(),
                stride => format!(", stride {stride}"),
            };
            format!("conv {kernel}×{kernel}, {fan}→{out}, {to}{stride}")
        }
        Op::Linear(_) => format!("linear, {}→{}", input.elements(), head.shape.elements()),
        op => {
            let words = op.name().replace('_', " ");
            format!("{words}, {}, {}", input.channels(), place(input))
        }
    };
    for (fused, what) in [(group.add, " + add"), (group.relu, " + ReLU")] {
        if fused.is_some() {
            name.push_str(what);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use nn_graph::nets::Normaliser;

    use super::*;
    use crate::Setting;

    #[test]
    fn every_group_is_in_one_row() {
        let setting = Setting {
            depth: 14,
            width: 4,
            normaliser: Normaliser::Group { groups: 2 },
            batch: 2,
            replicas: 1,
            threads: 1,
            format: crate::Format::Full,
        };
        let engine = |graph: &_, options| CpuEngine::new(graph, options).map(Box::new);
        let mut training = Training::new(setting, 1, engine).unwrap();
        let table = roofline(&mut training).unwrap();
        let rows = table["rows"].as_array().unwrap();
        let ops: Vec<&str> = rows.iter().map(|row| row["op"].as_str().unwrap()).collect();
        for expected in [
            "group norm, 4, 32×32 + ReLU",
            "conv 3×3, 4→4, 32×32",
            "conv 3×3, 4→4, 32×32 + add",
            "conv 1×1, 4→8, 32×32, stride 2",
            "global average pool, 16, 8×8",
            "linear, 16→10",
        ] {
            assert!(ops.contains(&expected), "{expected} is not among {ops:?}");
        }
        let plan = Plan::compile(&training.graph);
        let groups: u64 = rows.iter().map(|row| row["groups"].as_u64().unwrap()).sum();
        assert_eq!(groups, plan.groups().len() as u64);
        let gflop = |row: &Value| {
            let pass = |pass: &str| row[pass]["gflop"].as_f64().unwrap();
            pass("forward") + pass("backward")
        };
        let counted = 2e-9 * plan.cost().flops as f64;
        let told: f64 = rows.iter().map(gflop).sum();
        assert!((told / counted - 1.0).abs() < 1e-12, "{told} of {counted}");
    }
}
