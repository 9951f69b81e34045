//! How long a training step should take, from counts alone.

use std::error::Error;

use clap::Args;
use nn_cuda::CudaEngine;
use nn_engine::plan::{Cost, Plan};
use nn_graph::{Graph, Op};

use crate::{Format, Setting, Table, Training};

/// What a device can do.
#[derive(Clone, Copy, Debug, Args)]
pub struct Capability {
    /// Terabytes of memory a second, read and written.
    #[arg(long, value_name = "TB/S", default_value_t = 4.3)]
    pub bandwidth: f64,
    /// Operations of convolutions a second, in 10¹²; a multiply-add counts two. Unless given, those of an H200 in the format that
    /// is multiplied in: 67, in tf32 495, of which tf32x3 multiplies three times: 165, in bf16 990.
    #[arg(long, value_name = "TFLOP/S")]
    pub arithmetic: Option<f64>,
    /// Microseconds from the start of a launch in a graph to that of the next, which depends on it, if it does nothing.
    #[arg(long, value_name = "US", default_value_t = 3.0)]
    pub launch: f64,
    /// Instructions of threads a second, in 10¹².
    #[arg(long, value_name = "TINSTR/S", default_value_t = 29.7)]
    pub issue: f64,
    /// Which share of the arithmetic, and of the instructions, kernels reach.
    #[arg(long, value_name = "SHARE", default_value_t = 0.4)]
    pub share: f64,
    /// Which share of the memory's bandwidth kernels reach.
    #[arg(long, value_name = "SHARE", default_value_t = 0.6)]
    pub traffic_share: f64,
}

/// Which share of a device is reached, of its arithmetic and of its bandwidth.
#[derive(Clone, Copy, Debug)]
struct Shares {
    arithmetic: f64,
    traffic: f64,
}

const ALL: Shares = Shares {
    arithmetic: 1.0,
    traffic: 1.0,
};

impl Capability {
    /// The same with the arithmetic of a format, where none is given.
    fn of_format(self, format: Format) -> Self {
        let arithmetic = match format {
            Format::Full => 67.0,
            Format::Tf32x3 => 165.0,
            Format::Tf32 => 495.0,
            Format::Bf16 => 990.0,
        };
        Self {
            arithmetic: self.arithmetic.or(Some(arithmetic)),
            ..self
        }
    }

    /// Seconds of some work, with a share of what the device can do.
    fn seconds(&self, flops: f64, bytes: f64, shares: Shares) -> f64 {
        let arithmetic = 1e12 * self.arithmetic.unwrap_or(f64::INFINITY) * shares.arithmetic;
        (flops / arithmetic).max(bytes / (1e12 * self.bandwidth * shares.traffic))
    }
}

/// What a format costs beside its arithmetic.
#[derive(Clone, Copy, Debug)]
struct Storage {
    /// Bytes of a value between operations.
    value: f64,
    /// Instructions of a thread for each of them that is read or written, and for each operation of a convolution: of tiles of
    /// PreResNet's three stages, as many of each as it has, counted in the code that NVIDIA's compiler makes for sm_90. None in full,
    /// whose instructions are its arithmetic.
    per_value: f64,
    per_operation: f64,
}

impl Storage {
    fn of(format: Format) -> Self {
        let (value, per_value, per_operation) = match format {
            Format::Full => (4.0, 0.0, 0.0),
            Format::Tf32x3 => (4.0, 12.5, 0.3),
            Format::Tf32 => (4.0, 13.8, 0.034),
            Format::Bf16 => (2.0, 12.5, 0.016),
        };
        Self {
            value,
            per_value,
            per_operation,
        }
    }
}

/// A part of a step: operations, bytes, and seconds, at best and with the shares that are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Work {
    flops: f64,
    bytes: f64,
    best: f64,
    reached: f64,
}

impl Work {
    /// One pass over a group of the plan.
    fn add(&mut self, cost: Cost, images: f64, storage: Storage, capability: &Capability) {
        let (flops, values) = (images * cost.flops as f64, images * cost.elements as f64);
        let instructions = values * storage.per_value + flops * storage.per_operation;
        self.add_counts([flops, values * storage.value, instructions], capability);
    }

    /// What kernels issue is theirs, and no limit at best.
    fn add_counts(&mut self, [flops, bytes, instructions]: [f64; 3], capability: &Capability) {
        self.flops += flops;
        self.bytes += bytes;
        let reached = Shares {
            arithmetic: capability.share,
            traffic: capability.traffic_share,
        };
        self.best += capability.seconds(flops, bytes, ALL);
        let issued = instructions / (1e12 * capability.issue * capability.share);
        self.reached += capability.seconds(flops, bytes, reached).max(issued);
    }
}

/// Predicts the step of `setting` on a device: every group of the plan takes the longest of its arithmetic, its traffic (each
/// tensor once a pass, all to and from memory) and its instructions, every launch its latency besides. The launches are
/// counted by the engine itself, on any device it finds.
///
/// # Errors
/// What the engine says.
pub fn predict(setting: Setting, capability: &Capability) -> Result<String, Box<dyn Error>> {
    let capability = &capability.of_format(setting.format);
    // The launches do not depend on the number of images.
    let small = Setting {
        batch: 2,
        ..setting
    };
    let make = |graph: &_, options| CudaEngine::new(graph, options).map(Box::new);
    let training: Training<CudaEngine> = Training::new(small, 1, make)?;
    let launches = training.engine.launches()?.len();
    let graph = setting.graph()?;
    let images = (setting.batch * setting.replicas) as f64;
    let storage = Storage::of(setting.format);
    let parts = parts(
        &graph,
        [images, setting.replicas as f64],
        storage,
        capability,
    );

    let mut table = Table::new([
        "part of a step",
        "GFLOP",
        "MB",
        "ms at best",
        "ms predicted",
    ]);
    let waiting = 1e-6 * capability.launch * launches as f64;
    let row = |name: &str, work: &Work| {
        vec![
            name.to_owned(),
            format!("{:.2}", 1e-9 * work.flops),
            format!("{:.1}", 1e-6 * work.bytes),
            format!("{:.3}", 1e3 * work.best),
            format!("{:.3}", 1e3 * work.reached),
        ]
    };
    let mut sum = Work {
        best: waiting,
        reached: waiting,
        ..Work::default()
    };
    let launching = sum;
    for (name, work) in &parts {
        table.row(row(name, work));
        sum.flops += work.flops;
        sum.bytes += work.bytes;
        sum.best += work.best;
        sum.reached += work.reached;
    }
    table.row(row(&format!("{launches} launches"), &launching));
    table.row(row("all", &sum));
    println!("{}", table.markdown());
    Ok(format!(
        "predicted {:.2} ms a step, {:.0} images/s; at best {:.2} ms, {:.0} images/s",
        1e3 * sum.reached,
        images / sum.reached,
        1e3 * sum.best,
        images / sum.best
    ))
}

/// The work of all groups by kind, and of the update.
fn parts(
    graph: &Graph,
    [images, replicas]: [f64; 2],
    storage: Storage,
    capability: &Capability,
) -> Vec<(&'static str, Work)> {
    let mut convolutions = [Work::default(); 2];
    let mut others = [Work::default(); 2];
    for group in Plan::compile(graph).groups() {
        let convolves = matches!(graph.node(group.head).op, Op::Conv2d(_));
        let kind = if convolves {
            &mut convolutions
        } else {
            &mut others
        };
        kind[0].add(group.forward, images, storage, capability);
        // Two kernels, for the data and for the weights: as one, they differ in what is read twice.
        kind[1].add(group.backward, images, storage, capability);
    }
    let trained = graph
        .parameters()
        .iter()
        .filter(|parameter| parameter.trainable);
    let trained: usize = trained.map(|parameter| parameter.elements()).sum();
    let mut update = Work::default();
    // The gradient, the buffer twice and the parameter twice.
    let bytes = 5.0 * 4.0 * replicas * trained as f64;
    update.add_counts([0.0, bytes, 0.0], capability);
    vec![
        ("convolutions, forward", convolutions[0]),
        ("convolutions, backward", convolutions[1]),
        ("all else, forward", others[0]),
        ("all else, backward", others[1]),
        ("update", update),
    ]
}

#[cfg(test)]
mod tests {
    use nn_graph::nets::Normaliser;

    use super::*;

    const DEVICE: Capability = Capability {
        bandwidth: 1.0,
        arithmetic: Some(10.0),
        launch: 3.0,
        issue: 1.0,
        share: 0.5,
        traffic_share: 0.5,
    };

    #[test]
    fn work_takes_the_longer_of_arithmetic_and_traffic() {
        let mut work = Work::default();
        work.add_counts([1e9, 1e6, 1e6], &DEVICE);
        assert_eq!((work.best, work.reached), (1e-4, 2e-4));
        let mut work = Work::default();
        work.add_counts([1e6, 1e9, 1e8], &DEVICE);
        assert_eq!((work.best, work.reached), (1e-3, 2e-3));
        let mut work = Work::default();
        work.add_counts([1e6, 1e6, 1e9], &DEVICE);
        assert_eq!((work.best, work.reached), (1e-6, 2e-3));
        let given = DEVICE.of_format(Format::Bf16);
        assert_eq!(given.arithmetic, Some(10.0));
        let of_format = Capability {
            arithmetic: None,
            ..DEVICE
        };
        assert_eq!(of_format.of_format(Format::Tf32).arithmetic, Some(495.0));
    }

    #[test]
    fn nothing_of_the_plan_is_left_out() {
        let setting = Setting {
            depth: 14,
            width: 8,
            normaliser: Normaliser::Batch,
            batch: 4,
            replicas: 1,
            threads: 1,
            format: crate::Format::Full,
        };
        let graph = setting.graph().unwrap();
        let storage = Storage::of(Format::Bf16);
        let parts = parts(&graph, [4.0, 1.0], storage, &DEVICE);
        let cost = Plan::compile(&graph).cost();
        let flops: f64 = parts.iter().map(|(_, work)| work.flops).sum();
        let bytes: f64 = parts.iter().map(|(_, work)| work.bytes).sum();
        let update = parts.last().unwrap().1.bytes;
        assert_eq!(flops, 4.0 * cost.flops as f64);
        assert_eq!(bytes - update, 8.0 * cost.elements as f64);
        assert!(parts[0].1.flops > 20.0 * parts[2].1.flops);
    }
}
