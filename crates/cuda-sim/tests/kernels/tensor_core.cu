// What stands for inline PTX of tensor cores: the simulator's own functions, so that no other compiler takes this file.

// out[i] = x[i], rounded, and 1.
extern "C" __global__ void roundings(const float* x, unsigned* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = cuda_sim_bf16x2(x[i], 1.0f);
}

// d[16][8] = c + a b, of a[16][32 bytes] and b[8][32 bytes], which is b transposed. One warp.
template <bool BF16>
__device__ void product(const uint4* a, const uint4* b, float* d) {
    __shared__ uint4 first[32], second[16];
    int lane = threadIdx.x;
    first[lane] = a[lane];
    if (lane < 16) cuda_sim_copy_async<16>(&second[lane], b + lane, 16);
    cuda_sim_copy_wait();
    __syncwarp();
    unsigned x[4], y[4];
    cuda_sim_ldmatrix(x, &first[2 * (lane % 16) + lane / 16]);
    // The other half of the lanes names rows that are not used.
    cuda_sim_ldmatrix(y, &second[2 * (lane % 8) + lane / 8 % 2]);
    float sums[4];
    for (int i = 0; i < 4; ++i) sums[i] = d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2];
    if (BF16) {
        cuda_sim_mma_bf16(sums, x, y[0], y[1]);
    } else {
        cuda_sim_mma_tf32(sums, x, y[0], y[1]);
    }
    for (int i = 0; i < 4; ++i) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}

extern "C" __global__ void product_tf32(const uint4* a, const uint4* b, float* d) { product<false>(a, b, d); }

extern "C" __global__ void product_bf16(const uint4* a, const uint4* b, float* d) { product<true>(a, b, d); }

// A matrix of 8 by 8 halves of a word, transposed; four of them.
extern "C" __global__ void transposed(const uint4* x, unsigned* out) {
    __shared__ uint4 rows[32];
    rows[threadIdx.x] = x[threadIdx.x];
    __syncwarp();
    unsigned words[4];
    cuda_sim_ldmatrix_trans(words, &rows[threadIdx.x]);
    for (int i = 0; i < 4; ++i) out[(i * 8 + threadIdx.x / 4) * 4 + threadIdx.x % 4] = words[i];
}

// Asks for eight bytes, of which the last four are not there, and reads them too early.
extern "C" __global__ void too_early(const float* x, float* out) {
    __shared__ float2 room[32];
    room[threadIdx.x] = make_float2(-1.0f, -1.0f);
    cuda_sim_copy_async<8>(&room[threadIdx.x], x + 2 * threadIdx.x, 4);
    out[4 * threadIdx.x] = room[threadIdx.x].x;
    out[4 * threadIdx.x + 1] = room[threadIdx.x].y;
    cuda_sim_copy_wait();
    out[4 * threadIdx.x + 2] = room[threadIdx.x].x;
    out[4 * threadIdx.x + 3] = room[threadIdx.x].y;
}

extern "C" __global__ void never_waited_for(const float* x, float* out) {
    __shared__ float2 room[32];
    cuda_sim_copy_async<8>(&room[threadIdx.x], x + 2 * threadIdx.x, 8);
    out[threadIdx.x] = 1.0f;
}

extern "C" __global__ void half_a_warp(const float* x, float* out) {
    __shared__ uint4 rows[32];
    rows[threadIdx.x] = make_uint4(0, 0, 0, 0);
    if (threadIdx.x >= 16) return;
    unsigned words[4];
    cuda_sim_ldmatrix(words, &rows[threadIdx.x]);
    out[threadIdx.x] = x[0] + words[0];
}

extern "C" __global__ void misaligned_row(const float* x, float* out) {
    __shared__ uint4 rows[34];
    rows[threadIdx.x] = make_uint4(0, 0, 0, 0);
    unsigned words[4];
    cuda_sim_ldmatrix(words, reinterpret_cast<const unsigned char*>(&rows[threadIdx.x]) + 8);
    out[threadIdx.x] = x[0] + words[0];
}
