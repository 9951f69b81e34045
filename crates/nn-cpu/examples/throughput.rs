//! Training speed of a residual network on random images:
//! `cargo run --release -p nn-cpu --example throughput -- [depth] [batch] [threads] [steps] [level]
//! [normaliser]`; the normaliser is `batch`, `layer`, `instance` or a number of groups.
//!
//! Prints the median images a second over the steps, the spread, and the arithmetic rate it means.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use nn_cpu::{CpuEngine, Level};
use nn_engine::plan::Plan;
use nn_engine::{BatchSpec, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: usize| match arguments.get(index) {
        Some(text) => text.parse::<usize>(),
        None => Ok(default),
    };
    let (depth, batch, threads, steps) = (
        number(0, 32)?,
        number(1, 128)?,
        number(2, 0)?,
        number(3, 15)?,
    );
    let level = match arguments.get(4).map(String::as_str) {
        Some("portable") => Level::Portable,
        Some("avx2") => Level::Avx2,
        _ => Level::detect(),
    };

    let mut config = NetConfig::new(Architecture::PreResNet, depth);
    config.normaliser = match arguments.get(5).map(String::as_str) {
        None | Some("batch") => Normaliser::Batch,
        Some("layer") => Normaliser::Layer,
        Some("instance") => Normaliser::Instance,
        Some(groups) => Normaliser::Group {
            groups: groups.parse()?,
        },
    };
    let graph = config.build()?;
    let options = EngineOptions {
        threads,
        ..EngineOptions::new(&graph, batch)
    };
    let mut engine = CpuEngine::at_level(&graph, options, level)?;
    let pixels = (0..batch * 3072).map(|i| (i * 7919 % 256) as u8).collect();
    let labels = (0..batch).map(|i| (i % 10) as u8).collect();
    let images = ImageSet::new([3, 32, 32], pixels, labels, vec![0.5; 3], vec![0.25; 3])?;
    engine.load_images(Split::Train, Arc::new(images))?;

    let spec = BatchSpec::plain((0..batch as u32).collect());
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 5e-4, 0.9))?;
    let mut rates: Vec<f64> = (0..steps + 3)
        .map(|_| {
            let start = Instant::now();
            engine
                .run(std::slice::from_ref(&spec), &hyper)
                .map(|_| batch as f64 / start.elapsed().as_secs_f64())
        })
        .skip(3)
        .collect::<Result<_, _>>()?;
    rates.sort_by(f64::total_cmp);
    let median = rates[rates.len() / 2];
    println!(
        "{}: PreResNet-{depth}, {:?}, batch {batch}: {median:.0} images/s [{:.0}–{:.0}, n = {steps}], {:.0} GFLOP/s, {} MB",
        engine.device(),
        config.normaliser,
        rates[0],
        rates[rates.len() - 1],
        median * Plan::compile(&graph).cost().flops as f64 / 1e9,
        engine.bytes() / 1_000_000,
    );
    Ok(())
}
