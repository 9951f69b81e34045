// The functions that allocate and free memory.
#include "capture.h"
#include "memory.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

// What streams have yet to free may be what is missing.
CUresult allocate_after_frees(const char* function, size_t size, CUdeviceptr* result) {
    CUresult outcome = memory().allocate(function, size, result);
    if (outcome != CUDA_ERROR_OUT_OF_MEMORY) return outcome;
    wait_for_device();
    return memory().allocate(function, size, result);
}

}  // namespace

}  // namespace sim

API CUresult cuMemAlloc_v2(CUdeviceptr* result, size_t size) {
    if (CUresult error = sim::begin_unsafe("cuMemAlloc")) return error;
    if (!result || size == 0) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuMemAlloc: 0 bytes asked for");
    return sim::allocate_after_frees("cuMemAlloc", size, result);
}

API CUresult cuMemAllocAsync(CUdeviceptr* result, size_t size, CUstream handle) {
    if (CUresult error = sim::begin("cuMemAllocAsync")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuMemAllocAsync: the stream does not exist or was destroyed");
    }
    if (!result) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuMemAllocAsync: no place for the result");
    // CUDA makes it a node of the graph; the simulator does not.
    if (CUresult error = sim::forbid_while_capturing("cuMemAllocAsync", *stream)) return error;
    *result = 0;
    return size == 0 ? CUDA_SUCCESS : sim::allocate_after_frees("cuMemAllocAsync", size, result);
}

API CUresult cuMemFree_v2(CUdeviceptr address) {
    if (CUresult error = sim::begin_unsafe("cuMemFree")) return error;
    if (address == 0) return CUDA_SUCCESS;
    sim::wait_for_device();
    if (CUresult error = sim::device_state()) return error;
    return sim::memory().free("cuMemFree", address);
}

API CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
    if (CUresult error = sim::begin("cuMemFreeAsync")) return error;
    if (address == 0) return CUDA_SUCCESS;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuMemFreeAsync: the stream does not exist or was destroyed");
    }
    if (CUresult error = sim::forbid_while_capturing("cuMemFreeAsync", *stream)) return error;
    if (CUresult error = sim::memory().check("cuMemFreeAsync", "memory", address, 1)) return error;
    return sim::issue("cuMemFreeAsync", handle, [address] {
        CUresult outcome = sim::memory().free("cuMemFreeAsync", address);
        if (outcome != CUDA_SUCCESS) {
            sim::break_device(outcome, "cuMemFreeAsync: " + sim::hexadecimal(address) + " was freed before");
        }
    });
}

API CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    if (CUresult error = sim::begin("cuMemGetInfo")) return error;
    if (!free || !total) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuMemGetInfo: no place for the result");
    *total = sim::memory().total();
    *free = *total - sim::memory().used();
    return CUDA_SUCCESS;
}

API CUresult cuMemHostAlloc(void** result, size_t size, unsigned) {
    if (CUresult error = sim::begin_unsafe("cuMemHostAlloc")) return error;
    if (!result || size == 0) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuMemHostAlloc: 0 bytes asked for");
    return sim::memory().allocate_host(size, result);
}

API CUresult cuMemFreeHost(void* address) {
    if (CUresult error = sim::begin_unsafe("cuMemFreeHost")) return error;
    if (!address) return CUDA_SUCCESS;
    sim::wait_for_device();
    return sim::memory().free_host(address);
}

// One address space: what the host has pinned, the device finds in the same place.
API CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr* result, void* address, unsigned) {
    if (CUresult error = sim::begin("cuMemHostGetDevicePointer")) return error;
    if (!result || !sim::memory().pinned(address, 1)) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE,
                         "cuMemHostGetDevicePointer: the memory was not allocated by cuMemHostAlloc");
    }
    *result = reinterpret_cast<CUdeviceptr>(address);
    return CUDA_SUCCESS;
}
