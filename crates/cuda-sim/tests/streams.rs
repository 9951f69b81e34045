//! Streams are asynchronous, and only what orders them on a GPU orders them here.
#![allow(unsafe_code)]

mod common;

use std::ffi::c_void;
use std::ptr::null_mut;

use common::raw::{Raw, SOURCE, memory, pinned, raw, read, stream};
use common::{config, device};
use cudarc::driver::PushKernelArg;
use cudarc::driver::sys::{self, CUresult, CUstream};

#[test]
fn copies_to_pinned_memory_are_done_at_synchronisation() {
    let Some(raw) = raw() else { return };
    let (s, x, host) = (stream(1), memory(), pinned(32));
    raw.store(s, x, 7);
    // SAFETY: pinned memory and device memory have 128 bytes, and nobody else uses them.
    unsafe {
        sys::cuMemcpyDtoHAsync_v2(host.cast(), x, 128, s)
            .result()
            .unwrap();
        assert_eq!(
            host.read_volatile(),
            -1,
            "without synchronisation the memory is as it was"
        );
        sys::cuStreamSynchronize(s).result().unwrap();
        assert_eq!(host.read_volatile(), 7);
        sys::cuMemFreeHost(host.cast()).result().unwrap();
    }
}

#[test]
fn pinned_memory_is_read_when_the_stream_gets_there() {
    let Some(_raw) = raw() else { return };
    let (s, x, host) = (stream(1), memory(), pinned(32));
    let mut pageable = [5i32; 32];
    // SAFETY: all memory has 128 bytes, and nobody else uses it.
    unsafe {
        host.write_volatile(3);
        host.add(31).write_volatile(3);
        sys::cuMemcpyHtoDAsync_v2(x, host.cast(), 128, s)
            .result()
            .unwrap();
        host.add(31).write_volatile(4);
        sys::cuStreamSynchronize(s).result().unwrap();
        assert_eq!(read(x), 4, "the program changed it before it was read");
        sys::cuMemcpyHtoDAsync_v2(x, pageable.as_ptr().cast(), 128, s)
            .result()
            .unwrap();
        pageable[31] = 6;
        assert_eq!(pageable[31], 6);
        sys::cuStreamSynchronize(s).result().unwrap();
        assert_eq!(read(x), 5, "memory that is not pinned was read by the call");
    }
}

#[test]
fn streams_are_ordered_by_events_alone() {
    let Some(raw) = raw() else { return };
    let (a, b, x, y) = (stream(1), stream(1), memory(), memory());
    let mut event = null_mut();
    // SAFETY: streams and event live.
    unsafe {
        sys::cuEventCreate(&mut event, 2).result().unwrap();
        raw.store(a, x, 7);
        raw.copy(b, y, x);
        sys::cuStreamSynchronize(b).result().unwrap();
        assert_eq!(read(y), -1, "the copy did not wait");
        raw.store(a, x, 8);
        sys::cuEventRecord(event, a).result().unwrap();
        raw.store(a, x, 9);
        sys::cuStreamWaitEvent(b, event, 0).result().unwrap();
        raw.copy(b, y, x);
        sys::cuStreamSynchronize(b).result().unwrap();
        assert_eq!(
            read(y),
            8,
            "the copy waited for the event, and not for what came after it"
        );
    }
}

#[test]
fn the_legacy_stream_waits_for_blocking_streams() {
    let Some(raw) = raw() else { return };
    let (blocking, free, x, y) = (stream(0), stream(1), memory(), memory());
    raw.store(blocking, x, 7);
    raw.copy(null_mut(), y, x);
    // SAFETY: the stream lives.
    unsafe { sys::cuStreamSynchronize(null_mut()) }
        .result()
        .unwrap();
    assert_eq!(read(y), 7);
    raw.store(null_mut(), x, 8);
    raw.copy(blocking, y, x);
    // SAFETY: the stream lives.
    unsafe { sys::cuStreamSynchronize(blocking) }
        .result()
        .unwrap();
    assert_eq!(read(y), 8);
    raw.store(free, x, 9);
    assert_eq!(read(x), 8, "a non-blocking stream is not waited for");
}

#[test]
fn polling_comes_to_an_end() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    let mut event = null_mut();
    // SAFETY: stream and event live.
    unsafe {
        sys::cuEventCreate(&mut event, 0).result().unwrap();
        assert_eq!(
            sys::cuEventQuery(event),
            CUresult::CUDA_SUCCESS,
            "never recorded"
        );
        for value in 0..10 {
            raw.store(s, x, value);
        }
        sys::cuEventRecord(event, s).result().unwrap();
        assert_eq!(sys::cuEventQuery(event), CUresult::CUDA_ERROR_NOT_READY);
        assert_eq!(sys::cuStreamQuery(s), CUresult::CUDA_ERROR_NOT_READY);
        while sys::cuEventQuery(event) != CUresult::CUDA_SUCCESS {
            std::thread::yield_now();
        }
        assert_eq!(sys::cuStreamQuery(s), CUresult::CUDA_SUCCESS);
    }
    assert_eq!(read(x), 9);
}

#[test]
fn events_tell_the_time_between_them() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    let (mut start, mut end, mut untimed) = (null_mut(), null_mut(), null_mut());
    let mut milliseconds = -1.0f32;
    // SAFETY: stream and events live.
    unsafe {
        sys::cuEventCreate(&mut start, 0).result().unwrap();
        sys::cuEventCreate(&mut end, 0).result().unwrap();
        sys::cuEventCreate(&mut untimed, 2).result().unwrap();
        sys::cuEventRecord(start, s).result().unwrap();
        raw.store(s, x, 1);
        sys::cuEventRecord(end, s).result().unwrap();
        sys::cuEventRecord(untimed, s).result().unwrap();
        let early = sys::cuEventElapsedTime_v2(&mut milliseconds, start, end);
        assert_eq!(early, CUresult::CUDA_ERROR_NOT_READY);
        sys::cuEventSynchronize(untimed).result().unwrap();
        sys::cuEventElapsedTime_v2(&mut milliseconds, start, end)
            .result()
            .unwrap();
        assert!(
            milliseconds > 0.0 && milliseconds < 10_000.0,
            "{milliseconds}"
        );
        let untimed = sys::cuEventElapsedTime_v2(&mut milliseconds, start, untimed);
        assert_eq!(untimed, CUresult::CUDA_ERROR_INVALID_HANDLE);
    }
}

#[test]
fn a_full_queue_makes_the_program_wait() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    for value in 0..3000 {
        raw.store(s, x, value);
    }
    assert!(
        raw.device.simulator.launches() >= 1000,
        "{}",
        raw.device.simulator.launches()
    );
    // SAFETY: the stream lives.
    unsafe { sys::cuStreamDestroy_v2(s) }.result().unwrap();
    assert_eq!(raw.device.simulator.launches(), 3000);
    assert_eq!(read(x), 2999);
}

#[test]
fn a_broken_device_forgets_what_waits() {
    let Some(raw) = raw() else { return };
    let (s, x) = (stream(1), memory());
    raw.device
        .simulator
        .fail_launch(3, cuda_sim::Failure::DeviceUnavailable);
    for value in 0..5 {
        raw.store(s, x, value);
    }
    let unavailable = CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE;
    // SAFETY: the stream lives.
    unsafe {
        assert_eq!(sys::cuStreamSynchronize(s), unavailable);
        assert_eq!(
            sys::cuMemcpyDtoH_v2(null_mut(), x, 4),
            unavailable,
            "the error stays"
        );
    }
    assert!(
        raw.device
            .report()
            .contains("kernel store: a failure that was asked for")
    );
    raw.device.simulator.reset();
    assert_eq!(read(x), 1, "two of five were done");
    let refused = device_launch_fails(&raw, s, x, cuda_sim::Failure::LaunchFailed);
    assert_eq!(refused, CUresult::CUDA_ERROR_LAUNCH_FAILED);
    let refused = device_launch_fails(&raw, s, x, cuda_sim::Failure::EccUncorrectable);
    assert_eq!(refused, CUresult::CUDA_ERROR_ECC_UNCORRECTABLE);
}

fn device_launch_fails(raw: &Raw, s: CUstream, x: u64, failure: cuda_sim::Failure) -> CUresult {
    raw.device.simulator.fail_launch(1, failure);
    raw.store(s, x, 1);
    // SAFETY: the stream lives.
    let outcome = unsafe { sys::cuStreamSynchronize(s) };
    raw.device.simulator.reset();
    outcome
}

unsafe extern "C" fn notes(data: *mut c_void) {
    // SAFETY: the test gives the address of its record, and waits.
    let record = unsafe { &mut *data.cast::<Vec<CUresult>>() };
    // SAFETY: the stream need not exist: the call is refused before.
    record.push(unsafe { sys::cuStreamSynchronize(null_mut()) });
}

#[test]
fn functions_of_the_host_run_in_their_turn_and_must_not_call_cuda() {
    let Some(_raw) = raw() else { return };
    let s = stream(1);
    let mut record: Vec<CUresult> = Vec::new();
    // SAFETY: the record outlives the synchronisation.
    unsafe {
        sys::cuLaunchHostFunc(s, Some(notes), (&raw mut record).cast())
            .result()
            .unwrap();
        assert_eq!(record.len(), 0);
        sys::cuStreamSynchronize(s).result().unwrap();
    }
    assert_eq!(record, [CUresult::CUDA_ERROR_NOT_PERMITTED]);
}

#[test]
fn memory_freed_by_a_stream_is_gone_for_what_comes_after() {
    let Some(raw) = raw() else { return };
    let (s, x, y) = (stream(1), memory(), memory());
    raw.store(s, x, 7);
    // SAFETY: the use after the free is what the simulator must find.
    unsafe {
        sys::cuMemFreeAsync(x, s).result().unwrap();
        raw.copy(s, y, x);
        assert_eq!(
            sys::cuStreamSynchronize(s),
            CUresult::CUDA_ERROR_ILLEGAL_ADDRESS
        );
    }
    assert!(
        raw.device.report().contains("which has been freed"),
        "{}",
        raw.device.report()
    );
    raw.device.simulator.reset();
}

/// cudarc's own bookkeeping of events, with two streams.
#[test]
fn cudarc_orders_two_streams() {
    let Some(device) = device() else { return };
    let other = device.context.new_stream().unwrap();
    let store = device.kernel(SOURCE, "store");
    let mut x = device.stream.alloc_zeros::<i32>(32).unwrap();
    device
        .launch(&store, config(1, 32, 0), |arguments| {
            arguments.arg(&mut x).arg(&5i32);
        })
        .unwrap();
    assert_eq!(other.clone_dtoh(&x).unwrap(), [5; 32]);
}
