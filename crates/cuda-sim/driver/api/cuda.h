// The types of CUDA's driver interface, as far as the simulator knows them:
// https://docs.nvidia.com/cuda/cuda-driver-api/
#pragma once

#include <cstddef>
#include <cstdint>

#define API extern "C" __attribute__((visibility("default")))

// Name, number and description of the results that the simulator returns.
#define CUDA_RESULTS(X)                                                                                               \
    X(CUDA_SUCCESS, 0, "no error")                                                                                    \
    X(CUDA_ERROR_INVALID_VALUE, 1, "invalid argument")                                                                \
    X(CUDA_ERROR_OUT_OF_MEMORY, 2, "out of memory")                                                                   \
    X(CUDA_ERROR_NOT_INITIALIZED, 3, "initialization error")                                                          \
    X(CUDA_ERROR_DEVICE_UNAVAILABLE, 46, "CUDA-capable device(s) is/are busy or unavailable")                         \
    X(CUDA_ERROR_NO_DEVICE, 100, "no CUDA-capable device is detected")                                                \
    X(CUDA_ERROR_INVALID_DEVICE, 101, "invalid device ordinal")                                                       \
    X(CUDA_ERROR_INVALID_IMAGE, 200, "device kernel image is invalid")                                                \
    X(CUDA_ERROR_INVALID_CONTEXT, 201, "invalid device context")                                                      \
    X(CUDA_ERROR_NO_BINARY_FOR_GPU, 209, "no kernel image is available for execution on the device")                  \
    X(CUDA_ERROR_ECC_UNCORRECTABLE, 214, "uncorrectable ECC error encountered")                                       \
    X(CUDA_ERROR_INVALID_PTX, 218, "a PTX JIT compilation failed")                                                    \
    X(CUDA_ERROR_FILE_NOT_FOUND, 301, "file not found")                                                               \
    X(CUDA_ERROR_OPERATING_SYSTEM, 304, "OS call failed or operation not supported on this OS")                       \
    X(CUDA_ERROR_INVALID_HANDLE, 400, "invalid resource handle")                                                      \
    X(CUDA_ERROR_ILLEGAL_STATE, 401, "the operation cannot be performed in the present state")                        \
    X(CUDA_ERROR_NOT_FOUND, 500, "named symbol not found")                                                            \
    X(CUDA_ERROR_NOT_READY, 600, "device not ready")                                                                  \
    X(CUDA_ERROR_ILLEGAL_ADDRESS, 700, "an illegal memory access was encountered")                                    \
    X(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701, "too many resources requested for launch")                             \
    X(CUDA_ERROR_LAUNCH_TIMEOUT, 702, "the launch timed out and was terminated")                                      \
    X(CUDA_ERROR_ASSERT, 710, "device-side assert triggered")                                                         \
    X(CUDA_ERROR_HARDWARE_STACK_ERROR, 714, "hardware stack error")                                                   \
    X(CUDA_ERROR_ILLEGAL_INSTRUCTION, 715, "an illegal instruction was encountered")                                  \
    X(CUDA_ERROR_MISALIGNED_ADDRESS, 716, "misaligned address")                                                       \
    X(CUDA_ERROR_LAUNCH_FAILED, 719, "unspecified launch failure")                                                    \
    X(CUDA_ERROR_NOT_PERMITTED, 800, "operation not permitted")                                                       \
    X(CUDA_ERROR_NOT_SUPPORTED, 801, "operation not supported")                                                       \
    X(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, 900, "operation not permitted when stream is capturing")                 \
    X(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 901, "operation failed due to a previous error during capture")          \
    X(CUDA_ERROR_STREAM_CAPTURE_MERGE, 902, "operation would result in a merge of separate capture sequences")        \
    X(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, 903, "capture was not ended in the same stream as it began")               \
    X(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, 904, "capturing stream has unjoined work")                                  \
    X(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, 905, "dependency created on uncaptured work in another stream")            \
    X(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, 906, "operation would make the legacy stream depend on a capturing one")    \
    X(CUDA_ERROR_CAPTURED_EVENT, 907, "operation not permitted on an event last recorded in a capturing stream")      \
    X(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, 908, "attempt to terminate a thread-local capture from another thread") \
    X(CUDA_ERROR_UNKNOWN, 999, "unknown error")

#define CUDA_RESULT_NUMBER(name, number, description) name = number,
enum CUresult : int { CUDA_RESULTS(CUDA_RESULT_NUMBER) };
#undef CUDA_RESULT_NUMBER

typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
// Handles are numbers that are never used twice: one that has been destroyed is told from those that live.
typedef struct CUctx_st* CUcontext;
typedef struct CUstream_st* CUstream;
typedef struct CUevent_st* CUevent;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUgraph_st* CUgraph;
typedef struct CUgraphExec_st* CUgraphExec;
typedef struct CUgraphNode_st* CUgraphNode;

enum CUstreamCaptureMode : int {
    CU_STREAM_CAPTURE_MODE_GLOBAL = 0,
    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1,
    CU_STREAM_CAPTURE_MODE_RELAXED = 2,
};

enum CUstreamCaptureStatus : int {
    CU_STREAM_CAPTURE_STATUS_NONE = 0,
    CU_STREAM_CAPTURE_STATUS_ACTIVE = 1,
    CU_STREAM_CAPTURE_STATUS_INVALIDATED = 2,
};

enum CUlaunchAttributeID : unsigned { CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION = 6 };

struct CUlaunchAttribute {
    CUlaunchAttributeID id;
    char padding[4];
    union {
        char bytes[64];
        int programmatic_stream_serialization_allowed;
    } value;
};

struct CUlaunchConfig {
    unsigned grid_x, grid_y, grid_z;
    unsigned block_x, block_y, block_z;
    unsigned dynamic_shared;
    CUstream stream;
    CUlaunchAttribute* attributes;
    unsigned attribute_count;
};

constexpr unsigned CU_STREAM_NON_BLOCKING = 1;
constexpr unsigned CU_EVENT_DISABLE_TIMING = 2;
