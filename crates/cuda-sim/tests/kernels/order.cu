// What depends on the order of threads, and what does not; tests/seeds.rs runs them with several seeds.

extern "C" __global__ void tickets(int* order, int* next) {
    order[atomicAdd(next, 1)] = blockIdx.x * blockDim.x + threadIdx.x;
}

extern "C" __global__ void sums(float* sum, const float* x) {
    __shared__ float part[64];
    part[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
    for (int width = 32; width > 0; width /= 2) {
        __syncthreads();
        if (threadIdx.x < width) part[threadIdx.x] += part[threadIdx.x + width];
    }
    float v = threadIdx.x;
    for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(0xffffffffu, v, lanes);
    if (threadIdx.x == 0) sum[blockIdx.x] = part[0] + v;
}
