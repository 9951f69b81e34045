// What inline PTX does on a GPU's tensor cores: copies to shared memory that a thread does not wait for, matrices
// loaded from there by a warp, rounded factors, and products of matrices. Kernels call these instead where __CUDA_SIM__
// is defined, since the simulator reads no PTX.
// And what it does in launches that begin early.
//
// Lane 4 g + q has row g and columns 2 q, 2 q + 1 of a matrix of 8 rows of 4 words: its word q of 4 bytes. Fragments of
// a product are such matrices one behind the other.
#pragma once

#include "device_math.h"
#include "warps.h"

namespace cuda_sim {

// cvt.rn.bf16.f32: to 8 significant bits, ties to even.
inline unsigned bf16_of(float x) {
    if (isnan(x)) return 0x7fffu;
    const unsigned bits = __float_as_uint(x);
    return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

// A row of a product, all columns at once: most of what the simulator does for a convolution is done here.
typedef double Doubles __attribute__((vector_size(8 * sizeof(double))));
typedef float Floats __attribute__((vector_size(8 * sizeof(float))));
typedef int Words __attribute__((vector_size(8 * sizeof(int))));

// Towards 0, as tensor cores round a sum that float32 cannot hold.
CUDA_SIM_WARP_FUNCTION inline Floats truncated(Doubles x) {
    const Floats nearest = __builtin_convertvector(x, Floats);
    const Doubles rounded = __builtin_convertvector(nearest, Doubles);
    // The squares of what float32 holds neither overflow nor vanish: this is |rounded| > |x|.
    const Words beyond = __builtin_convertvector((rounded - x) * x > 0.0, Words);
    const Words finite = ((Words)nearest & 0x7f800000) != 0x7f800000;
    return (Floats)((Words)nearest + (beyond & finite));
}

struct LoadMatrices {
    unsigned row[4];  // the row that this lane's address names
    unsigned words[4];
};

CUDA_SIM_WARP_FUNCTION inline void run_load_matrices(void** arguments, unsigned) {
    for (int lane = 0; lane < 32; ++lane) {
        LoadMatrices* mine = static_cast<LoadMatrices*>(arguments[lane]);
        for (int matrix = 0; matrix < 4; ++matrix) {
            const LoadMatrices* row = static_cast<LoadMatrices*>(arguments[8 * matrix + lane / 4]);
            mine->words[matrix] = row->row[lane % 4];
        }
    }
}

CUDA_SIM_WARP_FUNCTION inline void run_load_transposed(void** arguments, unsigned) {
    for (int lane = 0; lane < 32; ++lane) {
        LoadMatrices* mine = static_cast<LoadMatrices*>(arguments[lane]);
        const int column = lane / 4, row = lane % 4 * 2;
        for (int matrix = 0; matrix < 4; ++matrix) {
            unsigned halves[2];
            for (int i = 0; i < 2; ++i) {
                const LoadMatrices* from = static_cast<LoadMatrices*>(arguments[8 * matrix + row + i]);
                halves[i] = from->row[column / 2] >> 16 * (column % 2) & 0xffffu;
            }
            mine->words[matrix] = halves[0] | halves[1] << 16;
        }
    }
}

inline void load_matrices(unsigned (&words)[4], const void* row, bool transposed, Site site) {
    if (reinterpret_cast<size_t>(row) % 16 != 0) cuda_sim_misaligned(row);
    LoadMatrices argument;
    __builtin_memcpy(argument.row, row, sizeof argument.row);
    cuda_sim_warp(0xffffffffu, WARP_LOAD_MATRICES, &argument, transposed ? run_load_transposed : run_load_matrices,
                  site);
    __builtin_memcpy(words, argument.words, sizeof words);
}

// Fragments of a lane: a of 16 rows, b of 8 columns, d of 16 by 8.
struct Product {
    const unsigned* a;
    const unsigned* b;
    float* d;
};

// The n-th factor in each of some words, of `PER_WORD`.
template <int PER_WORD>
CUDA_SIM_WARP_FUNCTION inline Doubles factors(const int (&words)[8], int n) {
    Words bits;
    __builtin_memcpy(&bits, words, sizeof bits);
    bits = PER_WORD == 2 ? bits >> 16 * n << 16 : bits & (int)0xffffe000;
    return __builtin_convertvector((Floats)bits, Doubles);
}

// d += a b, over 8 words of a row: products are exact, and each sum is rounded once.
template <int PER_WORD>
CUDA_SIM_WARP_FUNCTION inline void run_product(void** arguments, unsigned) {
    int a[16][8], b[8][8];  // words of a row, and of all columns
    float d[16][8];
    for (int lane = 0; lane < 32; ++lane) {
        const Product* of = static_cast<Product*>(arguments[lane]);
        const int row = lane / 4, word = lane % 4;
        for (int half = 0; half < 2; ++half) {
            for (int i = 0; i < 2; ++i) a[row + 8 * i][word + 4 * half] = of->a[2 * half + i];
            b[word + 4 * half][row] = of->b[half];
        }
        for (int i = 0; i < 4; ++i) d[row + i / 2 * 8][2 * word + i % 2] = of->d[i];
    }
    Doubles columns[PER_WORD][8];
    for (int n = 0; n < PER_WORD; ++n) {
        for (int word = 0; word < 8; ++word) columns[n][word] = factors<PER_WORD>(b[word], n);
    }
    for (int row = 0; row < 16; ++row) {
        Doubles sum = {};
        for (int n = 0; n < PER_WORD; ++n) {
            const Doubles x = factors<PER_WORD>(a[row], n);
            for (int word = 0; word < 8; ++word) sum += x[word] * columns[n][word];
        }
        Floats before;
        __builtin_memcpy(&before, d[row], sizeof before);
        const Floats after = truncated(__builtin_convertvector(before, Doubles) + sum);
        __builtin_memcpy(d[row], &after, sizeof after);
    }
    for (int lane = 0; lane < 32; ++lane) {
        float* to = static_cast<Product*>(arguments[lane])->d;
        for (int i = 0; i < 4; ++i) to[i] = d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
    }
}

template <int PER_WORD>
inline void product(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, Site site) {
    const unsigned b[2] = {b0, b1};
    Product argument = {a, b, d};
    cuda_sim_warp(0xffffffffu, WARP_PRODUCT, &argument, run_product<PER_WORD>, site);
}

}  // namespace cuda_sim

// Two in a word, the first in its lower half.
inline unsigned cuda_sim_bf16x2(float first, float second) {
    return cuda_sim::bf16_of(first) | cuda_sim::bf16_of(second) << 16;
}

// ldmatrix.sync.aligned.m8n8.x4.shared.b16: lanes 8 n to 8 n + 7 name the rows of matrix n, 16 bytes each.
inline void cuda_sim_ldmatrix(unsigned (&words)[4], const void* row, CUDA_SIM_SITE) {
    cuda_sim::load_matrices(words, row, false, {file, line});
}

// The same with .trans: each matrix transposed, of 8 by 8 halves of a word.
inline void cuda_sim_ldmatrix_trans(unsigned (&words)[4], const void* row, CUDA_SIM_SITE) {
    cuda_sim::load_matrices(words, row, true, {file, line});
}

// mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32
inline void cuda_sim_mma_tf32(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, CUDA_SIM_SITE) {
    cuda_sim::product<1>(d, a, b0, b1, {file, line});
}

// mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
inline void cuda_sim_mma_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, CUDA_SIM_SITE) {
    cuda_sim::product<2>(d, a, b0, b1, {file, line});
}

// cp.async: `filled` of BYTES bytes, the rest 0, at the next cuda_sim_copy_wait: what is read before is what was there.
template <int BYTES>
inline void cuda_sim_copy_async(void* to, const void* from, int filled) {
    static_assert(BYTES == 4 || BYTES == 8 || BYTES == 16, "as PTX has them");
    if (reinterpret_cast<size_t>(to) % BYTES != 0) cuda_sim_misaligned(to);
    if (filled && reinterpret_cast<size_t>(from) % BYTES != 0) cuda_sim_misaligned(from);
    const cuda_sim::AsyncCopy copy = {to, from, BYTES, static_cast<unsigned>(filled), false, {}};
    cuda_sim_copy_later(&copy);
}

// cp.async.wait_all
inline void cuda_sim_copy_wait() {
    cuda_sim::AsyncCopy copy;
    while (cuda_sim_copy_next(&copy)) {
        unsigned char* to = static_cast<unsigned char*>(copy.to);
        const unsigned char* from = copy.was_read ? copy.read : static_cast<const unsigned char*>(copy.from);
        for (unsigned byte = 0; byte < copy.bytes; ++byte) to[byte] = byte < copy.filled ? from[byte] : 0;
    }
}

// griddepcontrol.wait: what the launch before has written is there afterwards. What is being copied may have been read
// before it.
inline void cuda_sim_grid_wait() {
    cuda_sim::AsyncCopy copy;
    for (unsigned n = 0; cuda_sim_copy_kept(n, &copy); ++n) {
        if (copy.was_read) continue;
        copy.was_read = true;
        for (unsigned byte = 0; byte < copy.filled; ++byte) {
            copy.read[byte] = static_cast<const unsigned char*>(copy.from)[byte];
        }
        cuda_sim_copy_replace(n, &copy);
    }
    cuda_sim_wait_for_launch_before();
}
