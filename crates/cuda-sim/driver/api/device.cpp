// The one device that there is, of compute capability 9.0.
#include <cstdio>
#include <cstring>

#include "memory.h"
#include "state.h"

namespace {

struct Attribute {
    int number;
    int value;
};

// By the numbers of CUdevice_attribute. Few multiprocessors, so that programs choose small grids.
constexpr Attribute ATTRIBUTES[] = {
    {1, 1024},         // MAX_THREADS_PER_BLOCK
    {2, 1024},         // MAX_BLOCK_DIM_X
    {3, 1024},         // MAX_BLOCK_DIM_Y
    {4, 64},           // MAX_BLOCK_DIM_Z
    {5, 2147483647},   // MAX_GRID_DIM_X
    {6, 65535},        // MAX_GRID_DIM_Y
    {7, 65535},        // MAX_GRID_DIM_Z
    {8, 48 << 10},     // MAX_SHARED_MEMORY_PER_BLOCK
    {9, 64 << 10},     // TOTAL_CONSTANT_MEMORY
    {10, 32},          // WARP_SIZE
    {11, 2147483647},  // MAX_PITCH
    {12, 65536},       // MAX_REGISTERS_PER_BLOCK
    {13, 1000000},     // CLOCK_RATE, kHz
    {14, 512},         // TEXTURE_ALIGNMENT
    {15, 1},           // GPU_OVERLAP
    {16, 4},           // MULTIPROCESSOR_COUNT
    {17, 0},           // KERNEL_EXEC_TIMEOUT
    {18, 0},           // INTEGRATED
    {19, 1},           // CAN_MAP_HOST_MEMORY
    {20, 0},           // COMPUTE_MODE
    {31, 1},           // CONCURRENT_KERNELS
    {32, 0},           // ECC_ENABLED
    {33, 0},           // PCI_BUS_ID
    {34, 0},           // PCI_DEVICE_ID
    {36, 1000000},     // MEMORY_CLOCK_RATE, kHz
    {37, 64},          // GLOBAL_MEMORY_BUS_WIDTH, bits
    {38, 4 << 20},     // L2_CACHE_SIZE
    {39, 2048},        // MAX_THREADS_PER_MULTIPROCESSOR
    {40, 1},           // ASYNC_ENGINE_COUNT
    {41, 1},           // UNIFIED_ADDRESSING
    {75, 9},           // COMPUTE_CAPABILITY_MAJOR
    {76, 0},           // COMPUTE_CAPABILITY_MINOR
    {78, 1},           // STREAM_PRIORITIES_SUPPORTED
    {81, 228 << 10},   // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
    {82, 65536},       // MAX_REGISTERS_PER_MULTIPROCESSOR
    {83, 0},           // MANAGED_MEMORY
    {89, 0},           // CONCURRENT_MANAGED_ACCESS
    {95, 0},           // COOPERATIVE_LAUNCH
    {97, 227 << 10},   // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
    {106, 32},         // MAX_BLOCKS_PER_MULTIPROCESSOR
    {111, 1 << 10},    // RESERVED_SHARED_MEMORY_PER_BLOCK
    {115, 1},          // MEMORY_POOLS_SUPPORTED
    {120, 0},          // CLUSTER_LAUNCH
};

CUresult check_device(const char* function, CUdevice device) {
    if (device == 0) return CUDA_SUCCESS;
    return sim::fail(CUDA_ERROR_INVALID_DEVICE, std::string(function) + ": there is one device, number 0");
}

}  // namespace

API CUresult cuDriverGetVersion(int* version) {
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = 13000;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetCount(int* count) {
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = 1;
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    *device = ordinal;
    return check_device("cuDeviceGet", ordinal);
}

API CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
    if (CUresult error = check_device("cuDeviceGetName", device)) return error;
    if (!name || length <= 0) return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, static_cast<size_t>(length), "CUDA simulator");
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid_v2(unsigned char* uuid, CUdevice device) {
    if (CUresult error = check_device("cuDeviceGetUuid", device)) return error;
    if (!uuid) return CUDA_ERROR_INVALID_VALUE;
    std::memcpy(uuid, "CUDA simulator\0", 16);
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetUuid(unsigned char* uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

API CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    if (CUresult error = check_device("cuDeviceTotalMem", device)) return error;
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    *bytes = sim::memory().total();
    return CUDA_SUCCESS;
}

API CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
    if (CUresult error = check_device("cuDeviceGetAttribute", device)) return error;
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    for (const Attribute& known : ATTRIBUTES) {
        if (known.number != attribute) continue;
        *value = known.value;
        return CUDA_SUCCESS;
    }
    return sim::fail(CUDA_ERROR_NOT_SUPPORTED,
                     "cuDeviceGetAttribute: the simulator does not know attribute " + std::to_string(attribute));
}
