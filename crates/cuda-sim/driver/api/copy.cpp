// The functions that copy and fill memory.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "capture.h"
#include "memory.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

void* pointer(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

// The memory is checked again when the stream gets there: it may have been freed by then.
Work checked_copy(const char* function, CUdeviceptr checked, const char* role, void* to, const void* from,
                  size_t size) {
    return [=] {
        if (CUresult error = memory().check(function, role, checked, size)) {
            break_device(error == CUDA_ERROR_INVALID_VALUE ? CUDA_ERROR_ILLEGAL_ADDRESS : error,
                         std::string(function) + ": the " + role + " at " + hexadecimal(checked) + " is gone, " +
                             memory().describe(checked));
            return;
        }
        std::memmove(to, from, size);
    };
}

CUresult copy_to_device(const char* function, CUdeviceptr to, const void* from, size_t size, CUstream stream) {
    if (CUresult error = memory().check(function, "destination", to, size)) return error;
    if (size == 0) return CUDA_SUCCESS;
    std::shared_ptr<Stream> found = find_stream(stream);
    if (memory().pinned(from, size) || (found && found->capture)) {
        // Read when the stream gets there.
        return issue(function, stream, checked_copy(function, to, "destination", pointer(to), from, size));
    }
    // Memory that is not pinned is read at once.
    const char* bytes = static_cast<const char*>(from);
    auto staged = std::make_shared<std::vector<char>>(bytes, bytes + size);
    Work copy = checked_copy(function, to, "destination", pointer(to), staged->data(), size);
    return issue(function, stream, [staged, copy] { copy(); });
}

CUresult copy_from_device(const char* function, void* to, CUdeviceptr from, size_t size, CUstream stream) {
    if (CUresult error = memory().check(function, "source", from, size)) return error;
    if (size == 0) return CUDA_SUCCESS;
    Work copy = checked_copy(function, from, "source", to, pointer(from), size);
    if (CUresult error = issue(function, stream, copy)) return error;
    std::shared_ptr<Stream> found = find_stream(stream);
    // Memory that is not pinned has been written on return.
    if (memory().pinned(to, size) || found->capture) return CUDA_SUCCESS;
    wait_for(everything(found));
    return device_state();
}

CUresult copy_on_device(const char* function, CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
    if (CUresult error = memory().check(function, "destination", to, size)) return error;
    if (CUresult error = memory().check(function, "source", from, size)) return error;
    if (size == 0) return CUDA_SUCCESS;
    Work copy = checked_copy(function, to, "destination", pointer(to), pointer(from), size);
    return issue(function, stream, [=] {
        if (memory().check(function, "source", from, size) != CUDA_SUCCESS) {
            break_device(CUDA_ERROR_ILLEGAL_ADDRESS, std::string(function) + ": the source at " + hexadecimal(from) +
                                                         " is gone, " + memory().describe(from));
            return;
        }
        copy();
    });
}

template <class Value>
CUresult fill(const char* function, CUdeviceptr to, Value value, size_t count, CUstream stream) {
    size_t size = count * sizeof(Value);
    if (to % sizeof(Value) != 0) {
        return fail(CUDA_ERROR_INVALID_VALUE,
                    std::string(function) + ": " + hexadecimal(to) + " is not a multiple of the size");
    }
    if (CUresult error = memory().check(function, "destination", to, size)) return error;
    if (size == 0) return CUDA_SUCCESS;
    return issue(function, stream, [=] {
        if (memory().check(function, "destination", to, size) != CUDA_SUCCESS) {
            break_device(CUDA_ERROR_ILLEGAL_ADDRESS, std::string(function) + ": the destination at " + hexadecimal(to) +
                                                         " is gone, " + memory().describe(to));
            return;
        }
        Value* values = static_cast<Value*>(pointer(to));
        for (size_t index = 0; index < count; ++index) values[index] = value;
    });
}

// A copy without a stream is one in the legacy stream that has been done on return.
CUresult complete(CUresult issued) {
    if (issued != CUDA_SUCCESS) return issued;
    wait_for(everything(legacy_stream()));
    return device_state();
}

}  // namespace

}  // namespace sim

API CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t size) {
    if (CUresult error = sim::begin_unsafe("cuMemcpyHtoD")) return error;
    return sim::complete(sim::copy_to_device("cuMemcpyHtoD", to, from, size, nullptr));
}

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t size, CUstream stream) {
    if (CUresult error = sim::begin("cuMemcpyHtoDAsync")) return error;
    return sim::copy_to_device("cuMemcpyHtoDAsync", to, from, size, stream);
}

API CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t size) {
    if (CUresult error = sim::begin_unsafe("cuMemcpyDtoH")) return error;
    return sim::complete(sim::copy_from_device("cuMemcpyDtoH", to, from, size, nullptr));
}

API CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t size, CUstream stream) {
    if (CUresult error = sim::begin("cuMemcpyDtoHAsync")) return error;
    return sim::copy_from_device("cuMemcpyDtoHAsync", to, from, size, stream);
}

// Not waited for: CUDA does not either, between two places on the device.
API CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size) {
    if (CUresult error = sim::begin_unsafe("cuMemcpyDtoD")) return error;
    return sim::copy_on_device("cuMemcpyDtoD", to, from, size, nullptr);
}

API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
    if (CUresult error = sim::begin("cuMemcpyDtoDAsync")) return error;
    return sim::copy_on_device("cuMemcpyDtoDAsync", to, from, size, stream);
}

API CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
    if (CUresult error = sim::begin_unsafe("cuMemsetD8")) return error;
    return sim::fill("cuMemsetD8", to, value, count, nullptr);
}

API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    if (CUresult error = sim::begin("cuMemsetD8Async")) return error;
    return sim::fill("cuMemsetD8Async", to, value, count, stream);
}

API CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    if (CUresult error = sim::begin_unsafe("cuMemsetD32")) return error;
    return sim::fill("cuMemsetD32", to, value, count, nullptr);
}

API CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    if (CUresult error = sim::begin("cuMemsetD32Async")) return error;
    return sim::fill("cuMemsetD32Async", to, value, count, stream);
}
