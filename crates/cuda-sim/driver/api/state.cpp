#include "state.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "capture.h"

namespace sim {

thread_local bool in_host_function = false;

namespace {

std::atomic<bool> initialised{false};
std::atomic<int> device_result{CUDA_SUCCESS};
thread_local CUcontext context = nullptr;

// What last_error() tells.
struct Report {
    std::mutex mutex;
    std::string text;
};

Report& report() {
    static auto* report = new Report;
    return *report;
}

// The one context there is: the device's primary one.
CUcontext primary_context() { return reinterpret_cast<CUcontext>(0xc0000); }

}  // namespace

std::string hexadecimal(unsigned long long value) {
    char text[32];
    snprintf(text, sizeof text, "0x%llx", value);
    return text;
}

CUcontext current_context() { return context; }

CUresult fail(CUresult code, const std::string& what) {
    std::lock_guard<std::mutex> lock(report().mutex);
    // The report of what broke the device is not to be lost in what follows from it.
    if (device_result == CUDA_SUCCESS) report().text = what;
    return code;
}

void break_device(CUresult code, const std::string& what) {
    int in_order = CUDA_SUCCESS;
    std::lock_guard<std::mutex> lock(report().mutex);
    if (!device_result.compare_exchange_strong(in_order, code)) return;
    report().text = what;
    std::fprintf(stderr, "cuda-sim: %s\n", what.c_str());
}

std::string last_report() {
    std::lock_guard<std::mutex> lock(report().mutex);
    return report().text;
}

void repair_device() {
    std::lock_guard<std::mutex> lock(report().mutex);
    device_result = CUDA_SUCCESS;
    report().text.clear();
}

CUresult device_state() { return static_cast<CUresult>(device_result.load()); }

CUresult begin(const char* function) {
    if (!initialised) return fail(CUDA_ERROR_NOT_INITIALIZED, std::string(function) + ": cuInit was not called");
    if (in_host_function) {
        return fail(CUDA_ERROR_NOT_PERMITTED,
                    std::string(function) + ": called by a function given to cuLaunchHostFunc");
    }
    if (CUresult broken = device_state()) return broken;
    if (!context)
        return fail(CUDA_ERROR_INVALID_CONTEXT, std::string(function) + ": this thread has no current context");
    return CUDA_SUCCESS;
}

CUresult begin_unsafe(const char* function) {
    if (CUresult error = begin(function)) return error;
    return forbid_unsafe(function);
}

unsigned long long environment_number(const char* name, unsigned long long otherwise) {
    const char* text = std::getenv(name);
    return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

unsigned long long seed() {
    static const unsigned long long seed = environment_number("CUDA_SIM_SEED", 0);
    return seed;
}

unsigned random_below(unsigned bound) {
    static std::atomic<unsigned long long> counter{0};
    // splitmix64 of the seed and how often it was asked
    unsigned long long x = seed() + 0x9e3779b97f4a7c15ull * ++counter;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return static_cast<unsigned>((x ^ x >> 31) >> 33) % bound;
}

}  // namespace sim

API CUresult cuInit(unsigned flags) {
    if (flags != 0) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuInit: the flags must be 0");
    sim::initialised = true;
    return CUDA_SUCCESS;
}

API CUresult cuGetErrorName(CUresult result, const char** name) {
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    switch (result) {
#define CUDA_RESULT_NAME(result, number, description) \
    case result: *name = #result; return CUDA_SUCCESS;
        CUDA_RESULTS(CUDA_RESULT_NAME)
#undef CUDA_RESULT_NAME
    }
    *name = nullptr;
    return CUDA_ERROR_INVALID_VALUE;
}

API CUresult cuGetErrorString(CUresult result, const char** text) {
    if (!text) return CUDA_ERROR_INVALID_VALUE;
    switch (result) {
#define CUDA_RESULT_TEXT(result, number, description) \
    case result: *text = description; return CUDA_SUCCESS;
        CUDA_RESULTS(CUDA_RESULT_TEXT)
#undef CUDA_RESULT_TEXT
    }
    *text = nullptr;
    return CUDA_ERROR_INVALID_VALUE;
}

API CUresult cuDevicePrimaryCtxRetain(CUcontext* result, CUdevice device) {
    if (!sim::initialised)
        return sim::fail(CUDA_ERROR_NOT_INITIALIZED, "cuDevicePrimaryCtxRetain: cuInit was not called");
    if (device != 0)
        return sim::fail(CUDA_ERROR_INVALID_DEVICE, "cuDevicePrimaryCtxRetain: there is one device, number 0");
    if (!result) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuDevicePrimaryCtxRetain: no place for the result");
    *result = sim::primary_context();
    return sim::device_state();
}

// The context stays: what a program allocated in it is told by cuda_sim_leaks.
API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return device == 0 ? sim::device_state() : CUDA_ERROR_INVALID_DEVICE;
}

API CUresult cuCtxGetCurrent(CUcontext* result) {
    if (!result) return CUDA_ERROR_INVALID_VALUE;
    *result = sim::context;
    return CUDA_SUCCESS;
}

API CUresult cuCtxSetCurrent(CUcontext context) {
    if (context && context != sim::primary_context()) {
        return sim::fail(CUDA_ERROR_INVALID_CONTEXT, "cuCtxSetCurrent: the simulator has the primary context only");
    }
    sim::context = context;
    return CUDA_SUCCESS;
}

API CUresult cuCtxGetDevice(CUdevice* device) {
    if (CUresult error = sim::begin("cuCtxGetDevice")) return error;
    *device = 0;
    return CUDA_SUCCESS;
}

API CUresult cuCtxSetFlags(unsigned) { return sim::begin("cuCtxSetFlags"); }

API CUresult cuCtxSynchronize() {
    if (CUresult error = sim::begin_unsafe("cuCtxSynchronize")) return error;
    sim::wait_for_device();
    return sim::device_state();
}

API CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    if (CUresult error = sim::begin("cuCtxGetStreamPriorityRange")) return error;
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return CUDA_SUCCESS;
}
