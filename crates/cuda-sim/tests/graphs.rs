//! Stream capture: what is recorded, replayed, and refused.
#![allow(unsafe_code)]

mod common;

use std::ptr::null_mut;

use common::raw::{Raw, SOURCE, memory, pinned, raw, read, stream};
use common::{config, device};
use cudarc::driver::PushKernelArg;
use cudarc::driver::sys::{self, CUgraph, CUgraphExec, CUresult, CUstream, CUstreamCaptureMode};
use cudarc::driver::sys::{CUgraphInstantiate_flags, CUstreamCaptureStatus};

const GLOBAL: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_GLOBAL;
const THREAD_LOCAL: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
const RELAXED: CUstreamCaptureMode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;

fn begin(stream: CUstream, mode: CUstreamCaptureMode) {
    // SAFETY: the stream lives.
    unsafe { sys::cuStreamBeginCapture_v2(stream, mode) }
        .result()
        .unwrap();
}

fn end(stream: CUstream) -> Result<CUgraph, CUresult> {
    let mut graph = null_mut();
    // SAFETY: the stream lives.
    let outcome = unsafe { sys::cuStreamEndCapture(stream, &mut graph) };
    outcome.result().map_err(|error| error.0)?;
    Ok(graph)
}

fn instantiate(graph: CUgraph) -> CUgraphExec {
    let mut executable = null_mut();
    // SAFETY: the graph lives.
    unsafe {
        sys::cuGraphInstantiateWithFlags(&mut executable, graph, 0)
            .result()
            .unwrap();
        sys::cuGraphDestroy(graph).result().unwrap();
    }
    executable
}

fn launch(executable: CUgraphExec, stream: CUstream) {
    // SAFETY: graph and stream live.
    unsafe { sys::cuGraphLaunch(executable, stream) }
        .result()
        .unwrap();
}

fn synchronize(stream: CUstream) -> CUresult {
    // SAFETY: a stream that does not live is refused.
    unsafe { sys::cuStreamSynchronize(stream) }
}

fn event() -> sys::CUevent {
    let mut event = null_mut();
    // SAFETY: the event's place is valid.
    unsafe { sys::cuEventCreate(&mut event, 2) }
        .result()
        .unwrap();
    event
}

#[test]
fn kernels_copies_and_fills_are_replayed() {
    let Some(raw) = raw() else { return };
    let (s, x, y, host) = (stream(1), memory(), memory(), pinned(32));
    begin(s, THREAD_LOCAL);
    // SAFETY: all memory has 128 bytes and lives.
    unsafe {
        sys::cuMemcpyHtoDAsync_v2(x, host.cast(), 128, s)
            .result()
            .unwrap();
        raw.add(s, x, 10);
        sys::cuMemsetD8Async(y, 0, 128, s).result().unwrap();
        sys::cuMemcpyDtoDAsync_v2(y, x, 128, s).result().unwrap();
        raw.add(s, y, 100);
        sys::cuMemcpyDtoHAsync_v2(host.cast(), y, 128, s)
            .result()
            .unwrap();
    }
    let graph = instantiate(end(s).unwrap());
    assert_eq!(read(x), -1, "recorded, not done");
    assert_eq!(raw.device.simulator.launches(), 0);
    // SAFETY: the memory is read and written between synchronisations.
    unsafe {
        host.add(31).write_volatile(1);
        for round in 1..=3 {
            launch(graph, s);
            assert_eq!(
                host.add(31).read_volatile(),
                1 + 110 * (round - 1),
                "launched, not done"
            );
            assert_eq!(synchronize(s), CUresult::CUDA_SUCCESS);
            assert_eq!(host.add(31).read_volatile(), 1 + 110 * round);
        }
        sys::cuGraphExecDestroy(graph).result().unwrap();
        assert_eq!(
            sys::cuGraphLaunch(graph, s),
            CUresult::CUDA_ERROR_INVALID_VALUE
        );
    }
    assert_eq!(raw.device.simulator.launches(), 6);
}

/// A rate that is passed by value stays what it was when it was recorded.
#[test]
fn arguments_are_frozen() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    let mut value = 5;
    begin(s, GLOBAL);
    raw.store(s, x, value);
    let graph = instantiate(end(s).unwrap());
    value += 1;
    launch(graph, s);
    assert_eq!(synchronize(s), CUresult::CUDA_SUCCESS);
    assert_eq!((read(x), value), (5, 6));
}

#[test]
fn streams_fork_and_join() {
    let Some(raw) = raw() else { return };
    let (a, b, x, y) = (stream(1), stream(1), memory(), memory());
    let (fork, join) = (event(), event());
    begin(a, THREAD_LOCAL);
    raw.store(a, x, 1);
    // SAFETY: streams and events live.
    unsafe {
        sys::cuEventRecord(fork, a).result().unwrap();
        sys::cuStreamWaitEvent(b, fork, 0).result().unwrap();
        raw.copy(b, y, x);
        raw.add(b, y, 5);
        sys::cuEventRecord(join, b).result().unwrap();
        sys::cuStreamWaitEvent(a, join, 0).result().unwrap();
    }
    raw.copy(a, x, y);
    raw.add(a, x, 10);
    let graph = instantiate(end(a).unwrap());
    launch(graph, a);
    launch(graph, a);
    assert_eq!(synchronize(a), CUresult::CUDA_SUCCESS);
    assert_eq!((read(x), read(y)), (16, 6));
    raw.store(b, y, 0);
    assert_eq!(synchronize(b), CUresult::CUDA_SUCCESS);
    assert_eq!(read(y), 0, "the stream is free again");
}

#[test]
fn work_of_another_stream_must_be_joined() {
    let Some(raw) = raw() else { return };
    let (a, b, x) = (stream(1), stream(1), memory());
    let fork = event();
    begin(a, THREAD_LOCAL);
    // SAFETY: streams and event live.
    unsafe {
        sys::cuEventRecord(fork, a).result().unwrap();
        sys::cuStreamWaitEvent(b, fork, 0).result().unwrap();
        raw.store(b, x, 1);
        assert_eq!(end(b), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_UNMATCHED));
        assert_eq!(end(a), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED));
        begin(a, THREAD_LOCAL);
        sys::cuEventRecord(fork, a).result().unwrap();
        sys::cuStreamWaitEvent(b, fork, 0).result().unwrap();
        raw.store(b, x, 1);
        assert_eq!(end(a), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_UNJOINED));
    }
}

#[test]
fn an_event_of_a_capture_is_of_no_use_after_it() {
    let Some(raw) = raw() else { return };
    let (a, b, x) = (stream(1), stream(1), memory());
    let within = event();
    begin(a, THREAD_LOCAL);
    raw.store(a, x, 1);
    // SAFETY: streams and event live.
    unsafe {
        sys::cuEventRecord(within, a).result().unwrap();
        assert!(end(a).is_ok());
        let late = sys::cuStreamWaitEvent(b, within, 0);
        assert_eq!(
            late,
            CUresult::CUDA_ERROR_CAPTURED_EVENT,
            "{}",
            raw.device.report()
        );
        sys::cuEventRecord(within, a).result().unwrap();
        sys::cuStreamWaitEvent(b, within, 0).result().unwrap();
    }
    raw.store(b, x, 2);
    assert_eq!(synchronize(b), CUresult::CUDA_SUCCESS);
}

/// A call that a capture forbids: what it is, in which stream, and the error.
type Forbidden = (&'static str, fn(&Raw, CUstream, u64) -> CUresult, CUresult);

/// Calls that CUDA refuses while a stream is captured, and that spoil the capture.
#[test]
#[expect(
    clippy::undocumented_unsafe_blocks,
    reason = "of all: handles and memory live, and the calls are refused"
)]
fn illegal_calls_invalidate_the_capture() {
    let Some(raw) = raw() else { return };
    let unsupported = CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    let calls: [Forbidden; 9] = [
        ("cuStreamSynchronize", |_, s, _| synchronize(s), unsupported),
        (
            "cuStreamQuery",
            |_, s, _| unsafe { sys::cuStreamQuery(s) },
            unsupported,
        ),
        (
            "cuCtxSynchronize",
            |_, _, _| unsafe { sys::cuCtxSynchronize() },
            unsupported,
        ),
        (
            "cuMemAlloc",
            |_, _, _| unsafe { sys::cuMemAlloc_v2(&mut 0, 4) },
            unsupported,
        ),
        (
            "cuMemFree",
            |_, _, x| unsafe { sys::cuMemFree_v2(x) },
            unsupported,
        ),
        (
            "cuMemcpyDtoH",
            |_, _, x| unsafe { sys::cuMemcpyDtoH_v2(null_mut(), x, 4) },
            unsupported,
        ),
        (
            "cuMemHostAlloc",
            |_, _, _| unsafe { sys::cuMemHostAlloc(&mut null_mut(), 4, 0) },
            unsupported,
        ),
        (
            "an event from outside",
            |_, s, _| unsafe {
                let (outside, other) = (event(), stream(1));
                sys::cuEventRecord(outside, other).result().unwrap();
                sys::cuStreamWaitEvent(s, outside, 0)
            },
            CUresult::CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
        ),
        (
            "waiting for an event within",
            |_, s, _| unsafe {
                let within = event();
                sys::cuEventRecord(within, s).result().unwrap();
                sys::cuEventSynchronize(within)
            },
            CUresult::CUDA_ERROR_CAPTURED_EVENT,
        ),
    ];
    for (name, call, error) in calls {
        let (s, x) = (stream(1), memory());
        begin(s, THREAD_LOCAL);
        raw.store(s, x, 1);
        assert_eq!(call(&raw, s, x), error, "{name}: {}", raw.device.report());
        let mut status = CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_NONE;
        // SAFETY: the stream lives.
        unsafe { sys::cuStreamIsCapturing(s, &mut status) }
            .result()
            .unwrap();
        assert_eq!(
            status,
            CUstreamCaptureStatus::CU_STREAM_CAPTURE_STATUS_INVALIDATED,
            "{name}"
        );
        assert_eq!(
            end(s),
            Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED),
            "{name}"
        );
        raw.store(s, x, 2);
        assert_eq!(
            synchronize(s),
            CUresult::CUDA_SUCCESS,
            "{name}: afterwards the stream works"
        );
        assert_eq!(read(x), 2, "{name}");
    }
}

#[test]
fn modes_decide_who_may_allocate() {
    let Some(_raw) = raw() else { return };
    let unsupported = CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    let allocate = || {
        let mut address = 0;
        // SAFETY: the address' place is valid.
        unsafe { sys::cuMemAlloc_v2(&mut address, 4) }
    };
    let context = current();
    let allocate_elsewhere = || {
        let context = context as usize;
        let elsewhere = std::thread::spawn(move || {
            // SAFETY: the context lives.
            unsafe { sys::cuCtxSetCurrent(context as sys::CUcontext) }
                .result()
                .unwrap();
            allocate()
        });
        elsewhere.join().unwrap()
    };
    let s = stream(1);
    for (mode, here, elsewhere) in [
        (GLOBAL, unsupported, unsupported),
        (THREAD_LOCAL, unsupported, CUresult::CUDA_SUCCESS),
        (RELAXED, CUresult::CUDA_SUCCESS, CUresult::CUDA_SUCCESS),
    ] {
        begin(s, mode);
        assert_eq!(allocate_elsewhere(), elsewhere, "{mode:?}");
        assert_eq!(allocate(), here, "{mode:?}");
        let _ = end(s);
    }
}

fn current() -> sys::CUcontext {
    let mut context = null_mut();
    // SAFETY: the context's place is valid.
    unsafe { sys::cuCtxGetCurrent(&mut context) }
        .result()
        .unwrap();
    context
}

#[test]
fn the_legacy_stream_and_captures() {
    let Some(raw) = raw() else { return };
    let (blocking, free, x) = (stream(0), stream(1), memory());
    // SAFETY: the stream exists always.
    let legacy = unsafe { sys::cuStreamBeginCapture_v2(null_mut(), GLOBAL) };
    assert_eq!(legacy, CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    // SAFETY: the memory has 128 bytes.
    let fill = || unsafe { sys::cuMemsetD8Async(x, 0, 128, null_mut()) };
    begin(free, RELAXED);
    assert_eq!(fill(), CUresult::CUDA_SUCCESS);
    assert!(end(free).is_ok());
    begin(blocking, RELAXED);
    raw.store(blocking, x, 1);
    assert_eq!(fill(), CUresult::CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    assert_eq!(
        end(blocking),
        Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
    );
}

#[test]
fn captures_begin_and_end_once_in_one_thread() {
    let Some(_raw) = raw() else { return };
    let s = stream(1);
    assert_eq!(end(s), Err(CUresult::CUDA_ERROR_ILLEGAL_STATE));
    begin(s, THREAD_LOCAL);
    // SAFETY: the stream lives.
    let again = unsafe { sys::cuStreamBeginCapture_v2(s, THREAD_LOCAL) };
    assert_eq!(again, CUresult::CUDA_ERROR_ILLEGAL_STATE);
    let (handle, context) = (s as usize, current() as usize);
    let elsewhere = std::thread::spawn(move || {
        // SAFETY: the context lives.
        unsafe { sys::cuCtxSetCurrent(context as sys::CUcontext) }
            .result()
            .unwrap();
        end(handle as CUstream).map(|_| ())
    });
    let elsewhere = elsewhere.join().unwrap();
    assert_eq!(
        elsewhere,
        Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD)
    );
    assert!(end(s).is_ok());
}

/// What a test leaves behind when it fails in the middle of a capture.
#[test]
fn captures_end_with_their_stream_and_with_a_reset() {
    let Some(raw) = raw() else { return };
    // SAFETY: the stream lives until it is destroyed.
    let allocate = || unsafe { sys::cuMemAlloc_v2(&mut 0, 4) };
    let s = stream(1);
    begin(s, GLOBAL);
    assert_eq!(allocate(), CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    // SAFETY: nobody uses the stream after this.
    unsafe { sys::cuStreamDestroy_v2(s) }.result().unwrap();
    assert_eq!(allocate(), CUresult::CUDA_SUCCESS);
    let s = stream(1);
    begin(s, GLOBAL);
    raw.device.simulator.reset();
    assert_eq!(allocate(), CUresult::CUDA_SUCCESS);
    assert_eq!(end(s), Err(CUresult::CUDA_ERROR_ILLEGAL_STATE));
}

/// A launch that fails in a replay breaks the device as any other.
#[test]
fn failures_in_replays() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    begin(s, THREAD_LOCAL);
    raw.store(s, x, 1);
    raw.add(s, x, 1);
    let graph = instantiate(end(s).unwrap());
    raw.device
        .simulator
        .fail_launch(4, cuda_sim::Failure::LaunchFailed);
    launch(graph, s);
    launch(graph, s);
    assert_eq!(synchronize(s), CUresult::CUDA_ERROR_LAUNCH_FAILED);
    raw.device.simulator.reset();
    assert_eq!(read(x), 1);
}

/// Through cudarc's safe part.
#[test]
fn cudarc_captures_and_replays() {
    let Some(device) = device() else { return };
    // SAFETY: one stream does all.
    unsafe { device.context.disable_event_tracking() };
    let add = device.kernel(SOURCE, "add");
    let mut x = device.stream.alloc_zeros::<i32>(32).unwrap();
    device.stream.begin_capture(THREAD_LOCAL).unwrap();
    for value in [1, 10] {
        device
            .launch(&add, config(1, 32, 0), |arguments| {
                arguments.arg(&mut x).arg(&value);
            })
            .unwrap();
    }
    let graph = device
        .stream
        .end_capture(CUgraphInstantiate_flags(0))
        .unwrap()
        .expect("a graph");
    graph.upload().unwrap();
    for _ in 0..4 {
        graph.launch().unwrap();
    }
    assert_eq!(device.stream.clone_dtoh(&x).unwrap(), [44; 32]);
    drop(graph);
    device.stream.begin_capture(THREAD_LOCAL).unwrap();
    let refused = device
        .stream
        .end_capture(CUgraphInstantiate_flags(4))
        .map(|_| ());
    assert_eq!(refused.unwrap_err().0, CUresult::CUDA_ERROR_INVALID_VALUE);
}
