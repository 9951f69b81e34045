//! Launches in a graph that may begin before the launch before has ended.
#![allow(unsafe_code)]

mod common;

use std::env;
use std::ffi::c_void;
use std::process::Command;
use std::ptr::null_mut;

use common::{Device, device};
use cuda_sim::{Failure, Sanitizer, SimulatorError, run};
use cudarc::driver::sys::{self, CUlaunchAttributeID, CUresult};
use cudarc::driver::{CudaFunction, CudaSlice, DevicePtr};

const SOURCE: &str = include_str!("kernels/early.cu");

/// Numbers of a list, and threads of a block.
const COUNT: usize = 4096;
const THREADS: u32 = 64;

const PROGRAMMATIC: CUlaunchAttributeID =
    CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;

/// A launch: kernel, whether it may begin early, and the lists that it writes and reads.
type Launch<'a> = (&'a str, bool, &'a CudaSlice<i32>, &'a CudaSlice<i32>);

/// A kernel, and the addresses of its lists.
struct Prepared {
    kernel: CudaFunction,
    to: u64,
    from: u64,
}

/// All that must not be done while a stream is captured.
fn prepared(device: &Device, (name, _, to, from): Launch<'_>) -> Prepared {
    Prepared {
        kernel: device.kernel(SOURCE, name),
        to: to.device_ptr(&device.stream).0,
        from: from.device_ptr(&device.stream).0,
    }
}

fn launch_with(
    device: &Device,
    prepared: &Prepared,
    attributes: &mut [sys::CUlaunchAttribute],
) -> CUresult {
    let (mut to, mut from) = (prepared.to, prepared.from);
    let mut arguments: [*mut c_void; 2] = [(&raw mut to).cast(), (&raw mut from).cast()];
    let config = sys::CUlaunchConfig {
        gridDimX: COUNT as u32 / THREADS,
        gridDimY: 1,
        gridDimZ: 1,
        blockDimX: THREADS,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: 0,
        hStream: device.stream.cu_stream(),
        attrs: attributes.as_mut_ptr(),
        numAttrs: attributes.len() as u32,
    };
    // SAFETY: there are as many arguments as parameters, and their lists live until the graph is done.
    unsafe {
        sys::cuLaunchKernelEx(
            &raw const config,
            prepared.kernel.cu_function(),
            arguments.as_mut_ptr(),
            null_mut(),
        )
    }
}

fn attribute(id: CUlaunchAttributeID) -> sys::CUlaunchAttribute {
    sys::CUlaunchAttribute {
        id,
        pad: [0; 4],
        value: sys::CUlaunchAttributeValue {
            programmaticStreamSerializationAllowed: 1,
        },
    }
}

/// Runs launches as one graph.
fn replay(device: &Device, launches: &[Launch<'_>]) -> CUresult {
    let stream = device.stream.cu_stream();
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    let (mut graph, mut executable) = (null_mut(), null_mut());
    let all: Vec<Prepared> = launches
        .iter()
        .map(|&launch| prepared(device, launch))
        .collect();
    // SAFETY: stream and graph live.
    unsafe {
        sys::cuStreamBeginCapture_v2(stream, mode).result().unwrap();
        for (launch, prepared) in launches.iter().zip(&all) {
            let mut attributes = vec![attribute(PROGRAMMATIC)];
            attributes.truncate(usize::from(launch.1));
            launch_with(device, prepared, &mut attributes)
                .result()
                .unwrap();
        }
        sys::cuStreamEndCapture(stream, &mut graph)
            .result()
            .unwrap();
        sys::cuGraphInstantiateWithFlags(&mut executable, graph, 0)
            .result()
            .unwrap();
        sys::cuGraphLaunch(executable, stream).result().unwrap();
        let done = sys::cuStreamSynchronize(stream);
        // After an error that stays, these say the same.
        let _ = (
            sys::cuGraphExecDestroy(executable),
            sys::cuGraphDestroy(graph),
        );
        done
    }
}

/// Lists of zeros.
fn lists<const N: usize>(device: &Device) -> [CudaSlice<i32>; N] {
    std::array::from_fn(|_| device.stream.alloc_zeros(COUNT).unwrap())
}

/// The first number of a list, where what was read too early shows each time, and the last.
fn first_and_last(device: &Device, list: &CudaSlice<i32>) -> (i32, i32) {
    let numbers = device.stream.clone_dtoh(list).unwrap();
    (numbers[0], numbers[COUNT - 1])
}

#[test]
fn launches_that_wait_find_what_was_written() {
    let Some(device) = device() else { return };
    let [a, b, c, d] = lists(&device);
    let launches = [
        ("early_follows", false, &b, &a),
        ("early_follows", true, &c, &b),
        ("early_copies_later", true, &d, &c),
        ("early_follows", true, &a, &d),
        ("early_follows", false, &b, &a),
        ("early_copies_later", true, &c, &b),
    ];
    for round in 1..=3 {
        assert_eq!(replay(&device, &launches), CUresult::CUDA_SUCCESS);
        let numbers = device.stream.clone_dtoh(&c).unwrap();
        let expected = 4 * round + 2;
        assert!(
            numbers.iter().all(|&x| x == expected),
            "round {round}: {numbers:?}"
        );
    }
    let simulator = &device.simulator;
    assert_eq!((simulator.launches(), simulator.early_launches()), (18, 12));
}

#[test]
fn what_is_read_before_the_wait_is_what_was_there_before() {
    let Some(device) = device() else { return };
    for reader in ["early_reads_first", "early_copies_first"] {
        let [a, b, c] = lists(&device);
        let launches = [("early_follows", false, &b, &a), (reader, true, &c, &b)];
        assert_eq!(replay(&device, &launches), CUresult::CUDA_SUCCESS);
        let (first, last) = first_and_last(&device, &c);
        assert_eq!(
            (first, last),
            (1, 2),
            "{reader}: one has read too early, and not all"
        );
        // Not where it may not begin early.
        let launches = [("early_follows", false, &b, &a), (reader, false, &c, &b)];
        assert_eq!(replay(&device, &launches), CUresult::CUDA_SUCCESS);
        assert_eq!(first_and_last(&device, &c), (2, 2), "{reader}");
    }
}

/// A launch begins when those of the one before have waited, so that all before that has ended.
#[test]
fn what_the_launch_before_the_last_has_written_is_there() {
    let Some(device) = device() else { return };
    for reader in ["early_reads_first", "early_copies_first"] {
        let [a, b, c, d] = lists(&device);
        let launches = [
            ("early_follows", false, &b, &a),
            ("early_follows", true, &d, &a),
            (reader, true, &c, &b),
        ];
        assert_eq!(replay(&device, &launches), CUresult::CUDA_SUCCESS);
        assert_eq!(first_and_last(&device, &c), (2, 2), "{reader}");
    }
}

#[test]
fn a_thread_that_never_waits_is_an_error() {
    let Some(device) = device() else { return };
    let [a, b, c] = lists(&device);
    let launches = [
        ("early_follows", false, &b, &a),
        ("early_never_waits", true, &c, &b),
        ("early_follows", true, &a, &c),
    ];
    assert_eq!(
        replay(&device, &launches),
        CUresult::CUDA_ERROR_LAUNCH_FAILED
    );
    let report = device.report();
    for words in [
        "early_never_waits, block (1,0,0), thread (6,0,0)",
        "griddepcontrol.wait",
    ] {
        assert!(report.contains(words), "{report}");
    }
}

/// Three launches, of which one fails as `fail` makes it.
fn fails(at: usize, fail: impl Fn(&Device, &mut Launch<'_>)) -> Option<(CUresult, String)> {
    let device = device()?;
    let [a, b, c, d] = lists(&device);
    let mut launches = [
        ("early_follows", false, &b, &a),
        ("early_copies_later", true, &c, &b),
        ("early_reads_first", true, &d, &c),
    ];
    fail(&device, &mut launches[at]);
    let done = replay(&device, &launches);
    let outcome = (done, device.report());
    device.simulator.reset();
    Some(outcome)
}

#[test]
fn the_first_failure_is_reported_whichever_has_begun() {
    for at in 0..3 {
        let Some((done, report)) = fails(at, |_, launch| launch.0 = "early_faults") else {
            return;
        };
        assert_eq!(done, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
        assert!(report.contains("kernel early_faults, block"), "{report}");
        let asked_for = fails(at, |device, _| {
            let failure = Failure::EccUncorrectable;
            device.simulator.fail_launch(at as u64 + 1, failure);
        });
        let (done, report) = asked_for.unwrap();
        assert_eq!(done, CUresult::CUDA_ERROR_ECC_UNCORRECTABLE);
        let kernel = ["early_follows", "early_copies_later", "early_reads_first"][at];
        let expected = format!("kernel {kernel}: a failure that was asked for");
        assert_eq!(report, expected);
    }
}

/// What was recorded behind a launch that fails is not done, whatever it is.
#[test]
fn nothing_is_copied_after_a_failure() {
    let Some(device) = device() else { return };
    let [a, b] = lists(&device);
    let failing = prepared(&device, ("early_faults", false, &b, &a));
    let (from, to) = (a.device_ptr(&device.stream).0, common::raw::pinned(1));
    let stream = device.stream.cu_stream();
    let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    let (mut graph, mut executable) = (null_mut(), null_mut());
    // SAFETY: stream, graph and memory live, and the host's is read when all is done.
    unsafe {
        to.write_volatile(7);
        sys::cuStreamBeginCapture_v2(stream, mode).result().unwrap();
        launch_with(&device, &failing, &mut []).result().unwrap();
        sys::cuMemcpyDtoHAsync_v2(to.cast(), from, 4, stream)
            .result()
            .unwrap();
        sys::cuStreamEndCapture(stream, &mut graph)
            .result()
            .unwrap();
        sys::cuGraphInstantiateWithFlags(&mut executable, graph, 0)
            .result()
            .unwrap();
        sys::cuGraphLaunch(executable, stream).result().unwrap();
        let done = sys::cuStreamSynchronize(stream);
        assert_eq!(done, CUresult::CUDA_ERROR_ILLEGAL_ADDRESS);
        assert_eq!(to.read_volatile(), 7);
    }
}

#[test]
fn other_attributes_are_refused() {
    let Some(device) = device() else { return };
    let [a, b] = lists(&device);
    let launch = prepared(&device, ("early_follows", true, &b, &a));
    let mut attributes = [attribute(
        CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_COOPERATIVE,
    )];
    assert_eq!(
        launch_with(&device, &launch, &mut attributes),
        CUresult::CUDA_ERROR_NOT_SUPPORTED
    );
    assert!(
        device.report().contains("attribute 2"),
        "{}",
        device.report()
    );
    // Outside of a graph nothing begins early.
    let mut attributes = [attribute(PROGRAMMATIC)];
    assert_eq!(
        launch_with(&device, &launch, &mut attributes),
        CUresult::CUDA_SUCCESS
    );
    assert_eq!(first_and_last(&device, &b), (1, 1));
}

/// What another process does, under a sanitizer: a graph whose last launch is of the kernel that the environment names, and reads what
/// the launch before has written, or the one before that.
#[test]
fn a_graph_of_the_environment() {
    let Ok(reader) = env::var("READER") else {
        return;
    };
    let device = device().expect("a device");
    let [a, b, c, d] = lists(&device);
    let (reader, from) = match reader.strip_suffix(" of older") {
        Some(reader) => (reader, &b),
        None => (&reader[..], &c),
    };
    let launches = [
        ("early_follows", false, &b, &a),
        ("early_copies_later", true, &c, &b),
        (reader, true, &d, from),
    ];
    assert_eq!(replay(&device, &launches), CUresult::CUDA_SUCCESS);
    println!("replayed");
}

#[test]
fn what_is_read_too_early_is_a_race() {
    for (reader, is_race) in [
        ("early_follows", false),
        ("early_copies_later", false),
        ("early_reads_first of older", false),
        ("early_copies_first of older", false),
        ("early_reads_first", true),
        ("early_copies_first", true),
    ] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "a_graph_of_the_environment", "--nocapture"]);
        command.env("READER", reader);
        let run = match run(command, Some(Sanitizer::Thread)) {
            Err(
                error @ (SimulatorError::NoSanitizer { .. }
                | SimulatorError::NoCompiler(_)
                | SimulatorError::Platform),
            ) => return println!("skipped: {error}"),
            outcome => outcome.unwrap(),
        };
        assert_eq!(!run.reports.is_empty(), is_race, "{reader}: {run:?}");
        if is_race {
            let report = &run.reports[0];
            assert!(
                report.contains("data race") && report.contains(reader),
                "{report}"
            );
        } else {
            let output = String::from_utf8_lossy(&run.output.stdout);
            assert!(output.contains("replayed"), "{run:?}");
        }
    }
}
