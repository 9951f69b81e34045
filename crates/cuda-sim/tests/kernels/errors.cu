// Kernels that are wrong, each in one way; tests/errors.rs knows the reports. x has n floats, n = 64.

extern "C" __global__ void read_past_the_end(float* x, int n) { x[threadIdx.x] = x[threadIdx.x + n]; }

extern "C" __global__ void write_past_the_end(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) x[i] = 1.0f;
}

extern "C" __global__ void write_before_the_beginning(float* x, int n) { x[(int)threadIdx.x - 1024] = n; }

extern "C" __global__ void null_pointer(float* x, int n) {
    float* p = nullptr;
    p[threadIdx.x] = x[n - 1];
}

extern "C" __global__ void misaligned_vector(float* x, int n) {
    float4* v = reinterpret_cast<float4*>(x + 1);
    v[threadIdx.x % 8] = make_float4(n, n, n, n);
}

extern "C" __global__ void misaligned_vector_read(float* x, int n) {
    const float4* v = reinterpret_cast<const float4*>(x + 1);
    float4 first = v[0];
    x[threadIdx.x] = first.x + first.w;
}

extern "C" __global__ void misaligned_pair(float* x, int n) {
    float2* v = reinterpret_cast<float2*>(x + 1);
    v[threadIdx.x % 8] = make_float2(n, n);
}

extern "C" __global__ void divergent_barriers(float* x, int n) {
    if (threadIdx.x < 32) {
        __syncthreads();  // of the first warp
        x[threadIdx.x] = 1.0f;
    } else {
        __syncthreads();  // of the others
        x[threadIdx.x] = 2.0f;
    }
}

extern "C" __global__ void barrier_of_some(float* x, int n) {
    if (threadIdx.x < 32) __syncthreads();  // of some
    x[threadIdx.x] = n;
}

extern "C" __global__ void barrier_after_exit(float* x, int n) {
    if (threadIdx.x >= 40) return;
    __syncthreads();
    x[threadIdx.x] = n;
}

extern "C" __global__ void deadlock(float* x, int n) {
    if (threadIdx.x < 32) {
        x[threadIdx.x] = __shfl_down_sync(0xffffffffu, x[threadIdx.x], 1);
        if (threadIdx.x < 16) __syncwarp();  // of half a warp
    }
    __syncthreads();
}

extern "C" __global__ void lane_outside_the_mask(float* x, int n) {
    x[threadIdx.x] = __shfl_down_sync(0xffffu, x[threadIdx.x], 1);
}

extern "C" __global__ void different_operations(float* x, int n) {
    if (threadIdx.x % 2) {
        x[threadIdx.x] = __shfl_sync(0xffffffffu, x[threadIdx.x], 1);
    } else {
        x[threadIdx.x] = __ballot_sync(0xffffffffu, n);
    }
}

extern "C" __global__ void overruns_shared(float* x, int n) {
    __shared__ float s[48];
    __shared__ float t[16];
    s[threadIdx.x % 48 + 1] = x[0];
    t[threadIdx.x % 16] = x[1];
    __syncthreads();
    x[threadIdx.x] = s[0] + t[0];
}

extern "C" __global__ void overruns_dynamic_shared(float* x, int n) {
    extern __shared__ float s[];
    s[threadIdx.x + 1] = x[0];
}

extern "C" __global__ void too_much_shared(float* x, int n) {
    __shared__ float s[12288];
    __shared__ float t[16];
    s[threadIdx.x] = t[threadIdx.x % 16];
}

extern "C" __global__ void stack_overflow(float* x, int n) {
    volatile float big[100000];
    big[threadIdx.x] = n;
    x[threadIdx.x] = big[threadIdx.x + n];
}

extern "C" __global__ void divides_by_zero(float* x, int n) { x[threadIdx.x] = n / (int)(threadIdx.x / 64); }

extern "C" __global__ void traps(float* x, int n) {
    if (threadIdx.x == 9) __trap();
}

extern "C" __global__ void __launch_bounds__(128) fine(float* x, int n) { x[threadIdx.x] = n; }

extern "C" __global__ void write_just_before(float* x, int n) {
    if (threadIdx.x == 0) x[-3] = n;
}

extern "C" __global__ void asserts(float* x, int n) {
    assert(n == 64);
    assert(threadIdx.x < 50 && "too many, by far");
}
