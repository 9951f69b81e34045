// What of CUDA C++ the simulator must run as a GPU does; tests/language.rs knows the results.
#define N_THREADS 64
// NVRTC has no <math.h>, and neither INFINITY nor NAN.
#define INFINITY __int_as_float(0x7f800000)

struct Shape {
    int rows;
    int columns;
    float factor;
};

template <int COUNT, typename T>
__device__ __forceinline__ T sum_of(const T* __restrict__ values) {
    T sum = 0;
#pragma unroll
    for (int i = 0; i < COUNT; ++i) sum += values[i];
    return sum;
}

// A struct by value, a template, two dimensions.
extern "C" __global__ void __launch_bounds__(256, 2)
row_sums(const float* __restrict__ x, float* __restrict__ y, const __grid_constant__ Shape shape) {
    int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row < shape.rows && threadIdx.x == 0) y[row] = shape.factor * sum_of<5>(x + row * shape.columns);
}

// Static and dynamic shared memory, several declarators, __syncthreads in a loop.
extern "C" __global__ void block_sums(const float* __restrict__ x, float* __restrict__ y) {
    extern __shared__ __align__(16) float part[];
    __shared__ float total, unused[3];
    part[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
    for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
        __syncthreads();
        if (threadIdx.x < width) part[threadIdx.x] += part[threadIdx.x + width];
    }
    if (threadIdx.x == 0) {
        total = part[0];
        unused[2] = 1.0f;
    }
    __syncthreads();
    y[blockIdx.x * blockDim.x + threadIdx.x] = total * unused[2];
}

// __syncthreads_count, _and, _or.
extern "C" __global__ void votes_of_block(const int* __restrict__ x, int* __restrict__ y) {
    int v = x[threadIdx.x];
    int count = __syncthreads_count(v > 0);
    int all = __syncthreads_and(v > 0);
    int any = __syncthreads_or(v > 40);
    y[threadIdx.x] = count * 100 + (all != 0) * 10 + (any != 0);
}

// Shuffles and ballots of one warp.
extern "C" __global__ void warp_operations(int* __restrict__ y) {
    int lane = threadIdx.x & 31;
    unsigned all = 0xffffffffu;
    int* out = y + threadIdx.x * 8;
    out[0] = __shfl_sync(all, lane * 10, 5);
    out[1] = __shfl_down_sync(all, lane, 3);
    out[2] = __shfl_up_sync(all, lane, 3);
    out[3] = __shfl_xor_sync(all, lane, 1);
    out[4] = (int)__ballot_sync(all, lane % 3 == 0);
    out[5] = __any_sync(all, lane == 7) * 2 + __all_sync(all, lane < 31);
    out[6] = __shfl_down_sync(all, lane, 2, 8);
    if (lane < 16) out[7] = __shfl_xor_sync(0xffffu, lane, 8);
    if (lane >= 16) out[7] = __shfl_sync(0xffff0000u, lane, 20);
    __syncwarp();
}

// Atomics over all blocks, and the block that comes last.
__device__ unsigned finished = 0;
extern "C" __global__ void atomics(unsigned* __restrict__ y, float* __restrict__ f) {
    __shared__ bool last;
    atomicAdd(&y[0], 1u);
    atomicMax(&y[1], blockIdx.x * blockDim.x + threadIdx.x);
    atomicMin(&y[2], threadIdx.x + 5);
    atomicOr(&y[3], 1u << (threadIdx.x & 31));
    atomicAdd(f, 0.5f);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    __syncthreads();
    if (last && threadIdx.x == 0) y[4] = y[0];
}

// Vectors.
extern "C" __global__ void vectors(const float4* __restrict__ a, float2* __restrict__ b, const int4* c, double2* d, uint4* e) {
    float4 v = __ldg(a + threadIdx.x);
    float2 sums = {v.x + v.y}, zero = {}, pair[2] = {{1.0f, 2.0f}};
    sums.y = v.z * v.w + zero.x + pair[1].y;
    b[threadIdx.x] = sums;
    int4 i = c[threadIdx.x];
    d[threadIdx.x] = make_double2(i.x + 0.5, i.w);
    e[threadIdx.x] = make_uint4(i.x, i.y, i.z, i.w);
}

// Rounded arithmetic and predicates.
extern "C" __global__ void arithmetic(const float* __restrict__ x, const double* __restrict__ d, float* __restrict__ y,
                                      double* __restrict__ z) {
    float a = x[0], b = x[1], c = x[2];
    y[0] = __fmul_rn(a, b) - c;
    y[1] = fmaf(a, b, -c);
    y[2] = __fdiv_rn(a, b);
    y[3] = __fsqrt_rn(a);
    y[4] = __frcp_rn(b);
    y[5] = rsqrtf(a);
    y[6] = isnan(x[3]) + 2 * isinf(x[4]) + 4 * isinf(a);
    y[7] = fmaxf(x[3], a) + min(3, 4) + max(2.5f, 1.0f);
    y[8] = -INFINITY;
    y[9] = __frsqrt_rn(a);
    z[0] = __dsqrt_rn(d[0]);
    z[1] = fma(d[0], d[1], -d[2]);
    z[2] = rsqrt(d[0]);
}

// What a block has not written is NaN.
extern "C" __global__ void uninitialised(float* __restrict__ y, const float* __restrict__ fresh) {
    __shared__ float s[N_THREADS];
    extern __shared__ float dynamic[];
    if (threadIdx.x < 8) s[threadIdx.x] = 1.0f;
    if (threadIdx.x < 8) dynamic[threadIdx.x] = 1.0f;
    __syncthreads();
    y[blockIdx.x * N_THREADS + threadIdx.x] = s[threadIdx.x] + dynamic[threadIdx.x] + fresh[0] * 0.0f;
}

#define KERNEL(name) extern "C" __global__ void name
KERNEL(from_a_macro)(int* y) { y[0] = 1'000; }

__global__ void without_c_linkage(int* y) { y[0] = 1; }

extern "C" {
__global__ void in_a_block(char* y) { y[0] = '"'; }
}

// What g++ defines of itself and NVRTC does not.
#if defined __GNUC__ || defined __linux__ || !defined __CUDACC_RTC__ || __CUDA_ARCH__ != 900
#error not as NVRTC
#endif

#if 0
extern "C" __global__ void left_out(int* y);
#endif
