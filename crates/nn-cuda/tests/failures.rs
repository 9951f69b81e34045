//! A device that breaks down, damaged kernels, and a machine without a driver or compiler: an error in a sentence, never
//! a panic.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cuda_sim::Failure;
use nn_cuda::CudaEngine;
use nn_cuda::kernels::{Cache, cubin_name};
use nn_engine::{
    BatchSpec, Batches, Engine, EngineError, EngineOptions, Evaluation, GroupHyper, HyperTable,
    ImageSet, Products, Split, State, Stats,
};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};

fn graph() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (4, [3, 4, 4]);
    config.build().unwrap()
}

fn images() -> Arc<ImageSet> {
    let pixels = (0..4 * 48).map(|i| (i * 37 % 251) as u8).collect();
    let images = ImageSet::new([3, 4, 4], pixels, vec![1; 4], vec![0.5; 3], vec![0.25; 3]);
    Arc::new(images.unwrap())
}

fn ready() -> Result<CudaEngine, EngineError> {
    let graph = graph();
    let mut engine = CudaEngine::new(&graph, EngineOptions::new(&graph, 4))?;
    engine.load_images(Split::Train, images())?;
    Ok(engine)
}

fn step(engine: &mut CudaEngine) -> Result<Stats, EngineError> {
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 1e-3, 0.9));
    engine.run(
        Batches::shared(&[BatchSpec::plain(vec![0, 1, 2])]),
        &hyper.unwrap(),
    )
}

/// A step, an evaluation and the state: all that a run asks of an engine.
fn train(engine: &mut CudaEngine) -> Result<(Stats, Evaluation, State), EngineError> {
    let stats = step(engine)?;
    let evaluation = engine.evaluate(0, Split::Train, &[1.0])?;
    Ok((stats, evaluation, engine.state(0)?))
}

/// What every call says on a device that is lost.
fn answers(engine: &mut CudaEngine) -> Vec<Option<EngineError>> {
    let initial = State::initial(&graph(), 1);
    vec![
        engine.state(0).err(),
        step(engine).err(),
        engine.evaluate(0, Split::Train, &[1.0]).err(),
        engine.load_state(0, &initial).err(),
        engine.rescale(0, &[1]).err(),
        engine.compare(0, 0).err(),
        engine.load_images(Split::Test, images()).err(),
    ]
}

#[test]
fn a_device_lost_at_any_launch_is_an_error() {
    let Some(simulator) = common::simulator() else {
        return;
    };
    let mut engine = ready().unwrap();
    simulator.reset();
    let wanted = train(&mut engine).unwrap();
    let launches = simulator.launches();
    drop(engine);
    assert!(launches > 50, "{launches}");
    let failures = [
        (Failure::LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"),
        (Failure::DeviceUnavailable, "CUDA_ERROR_DEVICE_UNAVAILABLE"),
        (Failure::EccUncorrectable, "CUDA_ERROR_ECC_UNCORRECTABLE"),
    ];
    let is_of_device = |error: &Option<EngineError>, named: &str| matches!(error, Some(EngineError::DeviceLost { why, .. }) if why.contains(named));
    for (nth, (failure, named)) in (1..=launches).zip(failures.into_iter().cycle()) {
        let mut engine = ready().unwrap();
        simulator.fail_launch(nth, failure);
        let at = format!("launch {nth} of {launches}, {named}");
        let lost = train(&mut engine).err();
        assert!(is_of_device(&lost, named), "{at}: {lost:?}");
        for answer in answers(&mut engine) {
            assert!(is_of_device(&answer, named), "{at}, after: {answer:?}");
        }
        drop(engine);
        simulator.reset();
    }
    // On a device in order again, an engine that failed in a call does not go on from somewhere in it.
    let mut engine = ready().unwrap();
    simulator.fail_launch(launches / 2, Failure::LaunchFailed);
    train(&mut engine).unwrap_err();
    simulator.reset();
    let refused = step(&mut engine).unwrap_err().to_string();
    assert!(
        refused.ends_with("load a state of every replica"),
        "{refused}"
    );
    let initial = State::initial(engine.graph(), 0);
    engine.load_state(0, &initial).unwrap();
    assert!(train(&mut engine).unwrap() == wanted);
    drop(engine);
    // There is no other engine on a lost device; one in order again trains as before.
    let mut engine = ready().unwrap();
    simulator.fail_launch(1, Failure::DeviceUnavailable);
    train(&mut engine).unwrap_err();
    let other = ready().err();
    let typed = matches!(
        other,
        Some(EngineError::DeviceLost { .. } | EngineError::NoDevice { .. })
    );
    assert!(typed, "{other:?}");
    drop(engine);
    simulator.reset();
    assert!(train(&mut ready().unwrap()).unwrap() == wanted);
}

/// The loss, or the error, of an engine on the driver that the environment has.
#[test]
#[ignore = "started by the other tests"]
fn says_its_loss() {
    match ready().and_then(|mut engine| step(&mut engine)) {
        Ok(stats) => println!("told: loss {}", stats.get(0, 0).loss),
        Err(error) => println!("told: {error}"),
    }
}

/// What it says with these libraries, this folder of compiled kernels, and this one of kernels compiled ahead.
fn told(libraries: &Path, cache: &Path, cubins: &Path) -> String {
    let environment: [(&str, &OsStr); 3] = [
        ("LD_LIBRARY_PATH", libraries.as_ref()),
        ("NN_CUDA_CACHE", cache.as_ref()),
        ("NN_CUDA_CUBINS", cubins.as_ref()),
    ];
    common::told_by("says_its_loss", &environment)
}

/// The one entry of a cache.
fn entry(cache: &Path) -> PathBuf {
    let entries: Vec<_> = fs::read_dir(cache).unwrap().collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.into_iter().next().unwrap().unwrap().path()
}

/// Bytes of a cache's entry before its content.
const HASH: usize = 32;

#[test]
fn damaged_kernels_in_the_cache_are_compiled_again() {
    let Some(simulator) = common::unless_missing(cuda_sim::build()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (cache, none) = (folder.path().join("cache"), folder.path().join("none"));
    let loss = told(simulator.folder(), &cache, &none);
    assert!(loss.starts_with("loss 2."), "{loss}");
    let entry = entry(&cache);
    let whole = fs::read(&entry).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let cut = whole[..whole.len() / 2].to_vec();
    let key = entry.file_stem().unwrap().to_str().unwrap();
    for damaged in [cut, Vec::new(), changed] {
        fs::write(&entry, &damaged).unwrap();
        assert!(Cache::at(&cache).get(key).is_none());
    }
    assert_eq!(told(simulator.folder(), &cache, &none), loss);
    assert!(fs::read(&entry).unwrap().len() == whole.len());
    // Whole, but no code: the driver does not take it.
    Cache::at(&cache).put(key, b"no code").unwrap();
    assert_eq!(told(simulator.folder(), &cache, &none), loss);
    assert!(fs::read(&entry).unwrap().len() == whole.len());
    // Where nothing can be kept, as in a folder that is a file.
    assert_eq!(told(simulator.folder(), &entry, &none), loss);
}

#[test]
fn without_a_driver_or_kernels_a_sentence_says_so() {
    // A machine with a GPU may have a compiler of its own.
    if common::is_real() {
        return;
    }
    let Some(simulator) = common::unless_missing(cuda_sim::build()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let (cache, cubins) = (path("cache"), path("cubins"));
    // On a machine with a driver of its own, that one is found.
    let bare = told(&path("no-libraries"), &cache, &cubins);
    let known = bare.starts_with("loss ")
        || bare.starts_with("there is no GPU to compute with: NVIDIA's driver ");
    assert!(known, "{bare}");

    let libraries = path("no-compiler");
    let driver = simulator.folder().join("libcuda.so");
    std::os::unix::fs::symlink(driver, libraries.join("libcuda.so")).unwrap();
    let missing = told(&libraries, &cache, &cubins);
    let wanted = format!(
        "there is no GPU to compute with: NVIDIA's run-time compiler (libnvrtc, part of the CUDA toolkit) is not installed, \
         and none for this GPU and program are compiled ahead in {}",
        cubins.display()
    );
    assert_eq!(missing, wanted);
    // Kernels compiled ahead serve; those of another program, and what is not code, do not.
    let cubin = cubins.join(cubin_name("sm_90", Products::Full));
    fs::write(cubins.join("sm_90.cubin"), "another program's").unwrap();
    assert_eq!(told(&libraries, &cache, &cubins), wanted);
    let loss = told(simulator.folder(), &cache, &cubins);
    let code = fs::read(entry(&cache)).unwrap().split_off(HASH);
    fs::write(&cubin, code).unwrap();
    assert_eq!(told(&libraries, &path("empty"), &cubins), loss);
    fs::write(&cubin, "no code").unwrap();
    let refused = told(&libraries, &path("empty too"), &cubins);
    let end = "; of those compiled ahead, the GPU does not take the kernels: ";
    assert!(refused.contains(end), "{refused}");
}
