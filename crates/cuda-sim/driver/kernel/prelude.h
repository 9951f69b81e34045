// Included before every kernel source: the CUDA C++ language in terms of C++17. Like NVRTC, it brings no header of the
// C++ library along, so that a kernel that compiles here does not depend on one.
#pragma once

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

#include "runtime.h"

#define __global__ __attribute__((noinline))
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
// In CUDA it may follow `__shared__`, where C++ has no place for the keyword.
#define alignas(n) __attribute__((aligned(n)))

#define threadIdx (::cuda_sim::state.thread->index)
#define blockIdx (::cuda_sim::state.block_index)
#define blockDim (::cuda_sim::state.block_dim)
#define gridDim (::cuda_sim::state.grid_dim)
static const int warpSize = 32;

#include "atomics.h"
#include "barriers.h"
#include "device_math.h"
#include "export.h"
#include "shared_memory.h"
#include "tensor_core.h"
#include "vector_types.h"
#include "warps.h"
