// How the parameters of two replicas compare, so that only three numbers of each leave the GPU.

struct ComparisonArguments {
    const Parameter* parameters;
    const float* a;   // the values of a replica
    const float* b;   // and of another, or the same
    double* results;  // [parameter][norm of a, norm of b, distance of their directions]
};

#define COMPARISON_THREADS 256

// Sum over the threads of a block, the same for all, in one order.
__device__ __forceinline__ double over_threads(double (&parts)[COMPARISON_THREADS], double x) {
    parts[threadIdx.x] = x;
    __syncthreads();
    for (int half = COMPARISON_THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
        __syncthreads();
    }
    const double total = parts[0];
    // Before the next sum is put there.
    __syncthreads();
    return total;
}

__device__ __forceinline__ double unit(float x, double norm) { return norm == 0.0 ? 0.0 : x / norm; }

// Channels that fill up are 0, and add nothing. See nn-engine's ParameterComparison.
// grid (parameters, 1, 1), block COMPARISON_THREADS.
extern "C" __global__ void __launch_bounds__(COMPARISON_THREADS) compare(const __grid_constant__ ComparisonArguments a) {
    wait_for_launch_before();
    __shared__ double parts[COMPARISON_THREADS];
    const Parameter parameter = a.parameters[blockIdx.x];
    const float* first = a.a + parameter.first;
    const float* second = a.b + parameter.first;
    double squares[2] = {0.0, 0.0};
    for (Offset i = threadIdx.x; i < parameter.length; i += COMPARISON_THREADS) {
        const double x = first[i], y = second[i];
        squares[0] += x * x;
        squares[1] += y * y;
    }
    const double norm_a = sqrt(over_threads(parts, squares[0])), norm_b = sqrt(over_threads(parts, squares[1]));
    double distance = 0.0;
    for (Offset i = threadIdx.x; i < parameter.length; i += COMPARISON_THREADS) {
        const double off = unit(first[i], norm_a) - unit(second[i], norm_b);
        distance += off * off;
    }
    distance = sqrt(over_threads(parts, distance));
    if (threadIdx.x != 0) return;
    double* to = a.results + 3 * blockIdx.x;
    to[0] = norm_a;
    to[1] = norm_b;
    to[2] = distance;
}
