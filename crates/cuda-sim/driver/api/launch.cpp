// cuLaunchKernel and cuLaunchKernelEx: check a launch, keep its arguments, and run it when its stream gets there.
#include "launch.h"

#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../exec/launch.h"
#include "../exec/shared_memory.h"
#include "../exec/worker.h"
#include "capture.h"
#include "memory.h"
#include "module.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

std::atomic<unsigned long long> launches{0};
std::atomic<unsigned long long> begun_early{0};
// The number of the launch that is to fail, 0 for none.
std::atomic<unsigned long long> failing_launch{0};
std::atomic<int> failing_code{CUDA_SUCCESS};

// A launch that waits for its turn. The arguments are copies, as the program may change its own after the call.
struct Pending {
    // What the program called.
    const char* call = nullptr;
    std::shared_ptr<Function> function;
    dim3 grid;
    dim3 block;
    size_t dynamic_shared = 0;
    // Whether it may begin before the launch before has ended.
    bool early = false;
    std::vector<char> bytes;
    std::vector<void*> arguments;
};

CUresult invalid(const Pending& pending, CUresult code, const std::string& what) {
    return fail(code, std::string(pending.call) + ": kernel " + pending.function->kernel->name + ": " + what);
}

std::string text(const dim3& size) {
    return std::to_string(size.x) + " x " + std::to_string(size.y) + " x " + std::to_string(size.z);
}

// The limits of compute capability 9.0.
CUresult check_configuration(const Pending& pending) {
    const dim3 &grid = pending.grid, &block = pending.block;
    unsigned long long threads = 1ull * block.x * block.y * block.z;
    if (!grid.x || !grid.y || !grid.z || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
        return invalid(pending, CUDA_ERROR_INVALID_VALUE,
                       "a grid has 1 to 2147483647 x 65535 x 65535 blocks, not " + text(grid));
    }
    if (!block.x || !block.y || !block.z || block.x > 1024 || block.y > 1024 || block.z > 64 || threads > MAX_THREADS) {
        return invalid(pending, CUDA_ERROR_INVALID_VALUE,
                       "a block has 1 to 1024 threads, up to 1024 x 1024 x 64, not " + text(block));
    }
    unsigned bound = pending.function->kernel->max_threads;
    if (bound && threads > bound) {
        return invalid(
            pending, CUDA_ERROR_INVALID_VALUE,
            std::to_string(threads) + " threads a block, but __launch_bounds__(" + std::to_string(bound) + ")");
    }
    unsigned long long allowed = pending.function->max_dynamic_shared;
    if (pending.dynamic_shared > allowed) {
        return invalid(pending, CUDA_ERROR_INVALID_VALUE,
                       std::to_string(pending.dynamic_shared) + " bytes of dynamic shared memory, but only " +
                           std::to_string(allowed) + " were allowed by MAX_DYNAMIC_SHARED_SIZE_BYTES");
    }
    return CUDA_SUCCESS;
}

// Copies memory that may not be there: a launch with too few arguments leaves arbitrary pointers to read from.
bool read_safely(void* to, const void* from, size_t size) {
    iovec local = {to, size};
    iovec remote = {const_cast<void*>(from), size};
    ssize_t count = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    if (count < 0 && (errno == EPERM || errno == ENOSYS)) {
        // Not allowed in this container: read without a net.
        std::memcpy(to, from, size);
        return true;
    }
    return count == static_cast<ssize_t>(size);
}

CUresult copy_arguments(Pending& pending, void** arguments) {
    const cuda_sim::KernelInfo& kernel = *pending.function->kernel;
    unsigned count = kernel.parameter_count;
    std::vector<void*> given(count);
    bool readable = count == 0 || (arguments && read_safely(given.data(), arguments, count * sizeof(void*)));
    std::vector<size_t> offsets(count);
    size_t size = 0;
    for (unsigned index = 0; index < count; ++index) {
        const cuda_sim::Parameter& parameter = kernel.parameters[index];
        size = (size + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
        offsets[index] = size;
        size += parameter.size;
    }
    // Room to align the first to 64 bytes, as much as any parameter can ask for.
    pending.bytes.resize(size + 64);
    char* begin = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(pending.bytes.data()) + 63) / 64 * 64);
    pending.arguments.resize(count);
    for (unsigned index = 0; index < count; ++index) {
        pending.arguments[index] = begin + offsets[index];
        size_t bytes = kernel.parameters[index].size;
        if (!readable || !given[index] || !read_safely(pending.arguments[index], given[index], bytes)) {
            return invalid(pending, CUDA_ERROR_INVALID_VALUE,
                           "argument " + std::to_string(index + 1) + " of " + std::to_string(count) +
                               " cannot be read; were there enough arguments?");
        }
    }
    return CUDA_SUCCESS;
}

// Why a launch cannot run, or nothing.
struct Refusal {
    CUresult code = CUDA_SUCCESS;
    std::string what;
};

// A pointer parameter that points nowhere on the device would be read as memory of this process: refused here.
Refusal check_pointers(const Pending& pending) {
    const cuda_sim::KernelInfo& kernel = *pending.function->kernel;
    for (unsigned index = 0; index < kernel.parameter_count; ++index) {
        if (!kernel.parameters[index].is_pointer) continue;
        CUdeviceptr address = 0;
        std::memcpy(&address, pending.arguments[index], sizeof address);
        if (address == 0 || memory().known(address)) continue;
        return {CUDA_ERROR_ILLEGAL_ADDRESS, "parameter " + std::to_string(index + 1) + " is the address " +
                                                hexadecimal(address) + ", " + memory().describe(address)};
    }
    return {};
}

Refusal check(const Pending& pending, unsigned long long number) {
    if (number == failing_launch) return {static_cast<CUresult>(failing_code.load()), "a failure that was asked for"};
    if (pending.function->module->unloaded) return {CUDA_ERROR_INVALID_HANDLE, "its module was unloaded"};
    return check_pointers(pending);
}

CUresult code_of(Failure failure) {
    switch (failure) {
        case Failure::None: return CUDA_SUCCESS;
        case Failure::IllegalAddress: return CUDA_ERROR_ILLEGAL_ADDRESS;
        case Failure::MisalignedAddress: return CUDA_ERROR_MISALIGNED_ADDRESS;
        case Failure::StackOverflow: return CUDA_ERROR_HARDWARE_STACK_ERROR;
        case Failure::TooManyResources: return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
        case Failure::Assertion: return CUDA_ERROR_ASSERT;
        case Failure::Kernel: return CUDA_ERROR_LAUNCH_FAILED;
    }
    return CUDA_ERROR_UNKNOWN;
}

void refuse(const Pending& pending, const Refusal& refusal) {
    break_device(refusal.code, std::string("kernel ") + pending.function->kernel->name + ": " + refusal.what);
}

// `launch` refers to the arguments of `pending`.
void prepare(const Pending& pending, unsigned long long number, Launch& launch) {
    describe_address = [](const void* address) { return memory().describe(reinterpret_cast<CUdeviceptr>(address)); };
    launch.kernel = pending.function->kernel;
    launch.grid = pending.grid;
    launch.block = pending.block;
    launch.dynamic_shared = pending.dynamic_shared;
    launch.arguments = const_cast<void**>(pending.arguments.data());
    launch.seed = seed() ? seed() + number : 0;
    launch.early = pending.early;
}

// What has become of a launch that has ended.
void conclude(const Launch& launch) {
    if (launch.failed) {
        break_device(code_of(launch.failure), launch.report);
        return;
    }
    std::string overrun = memory().take_overrun();
    if (!overrun.empty()) {
        break_device(CUDA_ERROR_ILLEGAL_ADDRESS, std::string("kernel ") + launch.kernel->name +
                                                     " wrote before the beginning or past the end of " + overrun);
    }
}

void run(const Pending& pending, unsigned long long number) {
    Refusal refusal = check(pending, number);
    if (refusal.code != CUDA_SUCCESS) return refuse(pending, refusal);
    Launch launch;
    prepare(pending, number, launch);
    run_launch(launch);
    conclude(launch);
}

// Until its threads wait for the launch before, if it may begin earlier; gives the rest.
Work begin_node(const std::shared_ptr<Pending>& pending, bool follows_alone) {
    unsigned long long number = ++launches;
    if (!follows_alone || !pending->early || check(*pending, number).code != CUDA_SUCCESS) {
        return unless_failed([pending, number] { run(*pending, number); });
    }
    auto launch = std::make_shared<Launch>();
    prepare(*pending, number, *launch);
    ++begun_early;
    begin_launch(*launch);
    return [pending, launch] {
        // Blocks that have begun go on, to nobody's use: no more of them begin.
        if (device_state() != CUDA_SUCCESS) launch->failed = true;
        end_launch(*launch);
        if (device_state() == CUDA_SUCCESS) conclude(*launch);
    };
}

CUresult launch(const char* call, CUfunction handle, const CUlaunchConfig& config, bool early, void** arguments,
                void** extra) {
    auto pending = std::make_shared<Pending>();
    pending->call = call;
    pending->function = find_function(handle);
    if (!pending->function || pending->function->module->unloaded) {
        return fail(CUDA_ERROR_INVALID_HANDLE,
                    std::string(call) + ": the function does not exist, or its module was unloaded");
    }
    if (extra) {
        return fail(CUDA_ERROR_NOT_SUPPORTED, std::string(call) + ": arguments in `extra` are not supported");
    }
    pending->grid = dim3(config.grid_x, config.grid_y, config.grid_z);
    pending->block = dim3(config.block_x, config.block_y, config.block_z);
    pending->dynamic_shared = config.dynamic_shared;
    pending->early = early;
    if (CUresult error = check_configuration(*pending)) return error;
    if (CUresult error = copy_arguments(*pending, arguments)) return error;
    return issue(
        call, config.stream, [pending] { run(*pending, ++launches); },
        [pending](bool follows_alone) { return begin_node(pending, follows_alone); });
}

}  // namespace

unsigned long long launch_count() { return launches; }

unsigned long long early_launch_count() { return begun_early; }

void reset_launch_count() { launches = begun_early = 0; }

void fail_launch(unsigned long long after, CUresult code) {
    failing_code = code;
    failing_launch = launches + after;
}

void forget_failure() { failing_launch = 0; }

}  // namespace sim

API CUresult cuLaunchKernel(CUfunction handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                            unsigned block_y, unsigned block_z, unsigned dynamic_shared, CUstream stream,
                            void** arguments, void** extra) {
    if (CUresult error = sim::begin("cuLaunchKernel")) return error;
    const CUlaunchConfig config = {grid_x,  grid_y,         grid_z, block_x, block_y,
                                   block_z, dynamic_shared, stream, nullptr, 0};
    return sim::launch("cuLaunchKernel", handle, config, false, arguments, extra);
}

API CUresult cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction handle, void** arguments, void** extra) {
    if (CUresult error = sim::begin("cuLaunchKernelEx")) return error;
    if (!config || (config->attribute_count > 0 && !config->attributes)) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE,
                         "cuLaunchKernelEx: no configuration, or no attributes where some are counted");
    }
    bool early = false;
    for (unsigned index = 0; index < config->attribute_count; ++index) {
        const CUlaunchAttribute& attribute = config->attributes[index];
        if (attribute.id != CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION) {
            return sim::fail(CUDA_ERROR_NOT_SUPPORTED,
                             "cuLaunchKernelEx: the simulator does not know attribute " + std::to_string(attribute.id));
        }
        early = attribute.value.programmatic_stream_serialization_allowed != 0;
    }
    return sim::launch("cuLaunchKernelEx", handle, *config, early, arguments, extra);
}

API CUresult cuLaunchHostFunc(CUstream stream, void (*function)(void*), void* data) {
    if (CUresult error = sim::begin("cuLaunchHostFunc")) return error;
    if (!function) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuLaunchHostFunc: no function");
    return sim::issue("cuLaunchHostFunc", stream, [function, data] {
        sim::in_host_function = true;
        function(data);
        sim::in_host_function = false;
    });
}
