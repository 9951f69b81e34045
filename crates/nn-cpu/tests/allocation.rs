//! A step allocates nothing: what a call of `run` allocates does not grow with its steps. What an engine allocates
//! before is what it says, and what it says is known before it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nn_cpu::CpuEngine;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Optimiser, Split,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code)]
// SAFETY: hands every call on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, since it counts what all threads allocate.
#[test]
fn memory_is_known_before_and_constant() {
    for normaliser in [Normaliser::Batch, Normaliser::Group { groups: 2 }] {
        for architecture in [Architecture::PreResNet, Architecture::ResNet] {
            for (batch_size, replicas) in [(1, 1), (2, 3), (17, 1), (33, 2)] {
                for optimiser in [Optimiser::Sgd, Optimiser::AdamW] {
                    check_bytes(architecture, normaliser, optimiser, (batch_size, replicas));
                }
            }
        }
        let adamw = |_, _, _| GroupHyper::adamw(1e-3, 0.1, [0.9, 0.99], 1e-8, 0);
        check_steps(normaliser, Optimiser::Sgd, |_, _, _| {
            GroupHyper::new(0.1, 5e-4, 0.9)
        });
        check_steps(normaliser, Optimiser::AdamW, adamw);
    }
}

fn check_bytes(
    architecture: Architecture,
    normaliser: Normaliser,
    optimiser: Optimiser,
    (batch_size, replicas): (usize, usize),
) {
    let mut config = NetConfig::new(architecture, 14);
    (config.width, config.input, config.normaliser) = (20, [3, 12, 10], normaliser);
    let graph = config.build().unwrap();
    let options = EngineOptions {
        threads: 1,
        replicas,
        optimiser,
        ..EngineOptions::new(&graph, batch_size)
    };
    let needed = CpuEngine::bytes_needed(&graph, &options).unwrap();
    let before = BYTES.load(Ordering::Relaxed);
    let engine = CpuEngine::new(&graph, options).unwrap();
    let found = BYTES.load(Ordering::Relaxed) - before;
    let of = format!("{architecture:?}, {normaliser:?}, {optimiser}, {replicas} of {batch_size}");
    assert_eq!(needed, engine.bytes() as u128, "{of}");
    println!("{of}: {needed} bytes needed, {found} allocated");
    // Threads, names and lists of buffers come on top.
    let rest = found as f64 - needed as f64;
    assert!(
        (0.0..1e5 + 0.02 * found as f64).contains(&rest),
        "{of}: {found}"
    );
}

fn check_steps(
    normaliser: Normaliser,
    optimiser: Optimiser,
    hyper: impl Fn(usize, usize, usize) -> GroupHyper,
) {
    let mut config = NetConfig::new(Architecture::PreResNet, 14);
    (config.width, config.input) = (8, [3, 12, 12]);
    config.normaliser = normaliser;
    let graph = config.build().unwrap();
    let options = EngineOptions {
        threads: 2,
        optimiser,
        ..EngineOptions::new(&graph, 32)
    };
    let mut engine = CpuEngine::new(&graph, options).unwrap();
    let pixels = (0..32 * 432).map(|i| (i * 7919 % 251) as u8).collect();
    let images = ImageSet::new(
        [3, 12, 12],
        pixels,
        vec![1; 32],
        vec![0.5; 3],
        vec![0.25; 3],
    )
    .unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();

    let mut allocations = |steps: usize| {
        let batches = vec![BatchSpec::plain((0..32).collect()); steps];
        let hyper = HyperTable::from_fn(steps, 1, 1, &hyper).unwrap();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        engine.run(Batches::shared(&batches), &hyper).unwrap();
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // The first call may find threads that are still starting.
    allocations(20);
    let (few, many) = (allocations(1), allocations(101));
    println!("{normaliser:?}: {few} allocations in a call of 1 step, {many} in one of 101");
    assert_eq!(few, many, "a call of 1 step against one of 101");
}
