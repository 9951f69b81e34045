// Kernels with and without races, and with and without overruns; tests/sanitizers.rs knows which. x has 256 floats.

extern "C" __global__ void reverse_good(float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[63 - threadIdx.x];
}

extern "C" __global__ void reverse_without_barrier(float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = s[63 - threadIdx.x];
}

// The second barrier of a loop: what is read must not be overwritten yet.
extern "C" __global__ void loop_good(float* x) {
    extern __shared__ float s[];
    float sum = 0.0f;
    for (int round = 0; round < 3; ++round) {
        s[threadIdx.x] = x[threadIdx.x] * round;
        __syncthreads();
        sum += s[(threadIdx.x + 1) % 64];
        __syncthreads();
    }
    x[threadIdx.x] = sum;
}

extern "C" __global__ void loop_without_second_barrier(float* x) {
    extern __shared__ float s[];
    float sum = 0.0f;
    for (int round = 0; round < 3; ++round) {
        s[threadIdx.x] = x[threadIdx.x] * round;
        __syncthreads();
        sum += s[(threadIdx.x + 1) % 64];
    }
    x[threadIdx.x] = sum;
}

// Lanes of one warp.
extern "C" __global__ void warp_good(float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    x[threadIdx.x] = s[threadIdx.x ^ 1];
}

extern "C" __global__ void warp_without_barrier(float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    float other = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
    x[threadIdx.x] = s[threadIdx.x ^ 1] + other;
}

// Blocks: each its own part, all the same element, and a count that is atomic.
extern "C" __global__ void blocks_good(float* x) {
    x[blockIdx.x * 64 + threadIdx.x] = threadIdx.x;
    atomicAdd(reinterpret_cast<unsigned*>(x) + 255, 0u);
}

extern "C" __global__ void blocks_race(float* x) {
    if (threadIdx.x == 5) x[7] = blockIdx.x;
}

// The block that comes last adds up what all blocks wrote.
__device__ unsigned finished = 0;
extern "C" __global__ void last_block_good(float* x) {
    __shared__ bool last;
    x[64 + blockIdx.x * 64 + threadIdx.x] = 1.0f;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    __syncthreads();
    if (last) {
        float sum = 0.0f;
        for (unsigned block = 0; block < gridDim.x; ++block) sum += x[64 + block * 64 + threadIdx.x];
        x[threadIdx.x] = sum;
    }
}

extern "C" __global__ void last_block_without_fence(float* x) {
    __shared__ bool last;
    x[64 + blockIdx.x * 64 + threadIdx.x] = 1.0f;
    __syncthreads();
    if (threadIdx.x == 0) last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    __syncthreads();
    if (last) {
        float sum = 0.0f;
        for (unsigned block = 0; block < gridDim.x; ++block) sum += x[64 + block * 64 + threadIdx.x];
        x[threadIdx.x] = sum;
    }
}

// Arrays and their ends.
extern "C" __global__ void arrays_good(float* x) {
    __shared__ float s[63];
    extern __shared__ float dynamic[];
    float local[8] = {};
    if (threadIdx.x < 63) s[threadIdx.x] = x[threadIdx.x];
    dynamic[threadIdx.x] = 1.0f;
    local[threadIdx.x % 8] = 2.0f;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x % 63] + dynamic[63 - threadIdx.x] + local[(threadIdx.x + 1) % 8];
}

extern "C" __global__ void shared_read_past_the_end(float* x) {
    __shared__ float s[63];
    __shared__ float t[64];
    if (threadIdx.x < 63) s[threadIdx.x] = x[threadIdx.x];
    t[threadIdx.x] = 0.0f;
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x] + t[threadIdx.x];
}

extern "C" __global__ void dynamic_read_past_the_end(float* x) {
    extern __shared__ float s[];
    x[threadIdx.x] = s[threadIdx.x + 1];
}

extern "C" __global__ void local_write_past_the_end(float* x) {
    volatile float local[8];
    local[threadIdx.x % 8 + (threadIdx.x == 63)] = 1.0f;
    x[threadIdx.x] = local[threadIdx.x % 8];
}

extern "C" __global__ void global_read_past_the_end(float* x) { x[threadIdx.x] = x[threadIdx.x + 253 - 61]; }
