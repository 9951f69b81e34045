// Launches that may begin before the launch before has ended (programmatic dependent launches). x has 4096 numbers, 64 blocks of 64.

#define INDEX (blockIdx.x * blockDim.x + threadIdx.x)

// to = from + 1: of what the launch before has written.
extern "C" __global__ void early_follows(int* to, const int* from) {
    cuda_sim_grid_wait();
    to[INDEX] = from[INDEX] + 1;
}

// The same, of what was there before that.
extern "C" __global__ void early_reads_first(int* to, const int* from) {
    int x = from[INDEX];
    cuda_sim_grid_wait();
    to[INDEX] = x + 1;
}

// The same, by a copy that nobody has waited for yet.
extern "C" __global__ void early_copies_first(int* to, const int* from) {
    __shared__ int x[64];
    cuda_sim_copy_async<4>(&x[threadIdx.x], from + INDEX, 4);
    cuda_sim_grid_wait();
    cuda_sim_copy_wait();
    to[INDEX] = x[threadIdx.x] + 1;
}

// A copy after the wait, and barriers round it.
extern "C" __global__ void early_copies_later(int* to, const int* from) {
    __shared__ int x[64];
    __syncthreads();
    cuda_sim_grid_wait();
    cuda_sim_copy_async<4>(&x[63 - threadIdx.x], from + INDEX, 4);
    cuda_sim_copy_wait();
    __syncthreads();
    to[INDEX] = x[63 - threadIdx.x] + 1;
}

// One thread of many goes its own way.
extern "C" __global__ void early_never_waits(int* to, const int* from) {
    if (INDEX == 70) return;
    cuda_sim_grid_wait();
    to[INDEX] = from[INDEX] + 1;
}

extern "C" __global__ void early_faults(int* to, const int* from) {
    cuda_sim_grid_wait();
    to[INDEX + 4096] = from[INDEX];
}
