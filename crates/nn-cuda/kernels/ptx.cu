// All the inline PTX there is: maxima, factors rounded, copies that nobody waits for, tensor cores, and launches that begin early. The
// simulator, which reads no PTX, has functions instead.
//
// A warp multiplies 16 rows by 8 columns, over 32 bytes of each: 8 channels of tf32 or 16 of bf16. Products are exact, and sums
// are float32, cut off towards 0; of how many products at a time is the generation's.
//
// Lane 4 g + q of a warp has the words q of row g and row g + 8 of the first factor, the same 16 bytes on; word q of column g of
// the second, the same 16 bytes on; and of the result columns 2 q, 2 q + 1 of rows g and g + 8.

#ifdef __CUDA_SIM__

__device__ __forceinline__ unsigned bf16x2_of(float first, float second) { return cuda_sim_bf16x2(first, second); }

__device__ __forceinline__ void load_matrices(unsigned (&words)[4], const unsigned char* row) {
    cuda_sim_ldmatrix(words, row);
}

__device__ __forceinline__ void load_transposed(unsigned (&words)[4], const unsigned char* row) {
    cuda_sim_ldmatrix_trans(words, row);
}

__device__ __forceinline__ void multiply_tf32(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    cuda_sim_mma_tf32(d, a, b0, b1);
}

__device__ __forceinline__ void multiply_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    cuda_sim_mma_bf16(d, a, b0, b1);
}

template <int BYTES>
__device__ __forceinline__ void copy_async(unsigned char* to, const void* from, bool inside) {
    cuda_sim_copy_async<BYTES>(to, from, inside ? BYTES : 0);
}

__device__ __forceinline__ void wait_for_copies() { cuda_sim_copy_wait(); }

__device__ __forceinline__ void wait_for_launch_before() { cuda_sim_grid_wait(); }

__device__ __forceinline__ int anew(int x) { return x; }

template <class T>
__device__ __forceinline__ T* found(T* at) { return at; }

__device__ __forceinline__ float at_least(float x, float least) { return x <= least ? least : x; }

#else

// To the nearest numbers of 8 bits, ties to even; the first in the lower half.
__device__ __forceinline__ unsigned bf16x2_of(float first, float second) {
    unsigned word;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}

// Four matrices of 8 rows of 16 bytes: lanes 8 n to 8 n + 7 name the rows of matrix n.
__device__ __forceinline__ void load_matrices(unsigned (&words)[4], const unsigned char* row) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
}

// The same, each transposed, of 8 by 8 halves of a word.
__device__ __forceinline__ void load_transposed(unsigned (&words)[4], const unsigned char* row) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void multiply_tf32(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ void multiply_bf16(float (&d)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Copies BYTES bytes to shared memory, or makes them 0, without waiting: 16 past the L1 cache, fewer through it.
template <int BYTES>
__device__ __forceinline__ void copy_async(unsigned char* to, const void* from, bool inside) {
    const unsigned address = (unsigned)__cvta_generic_to_shared(to);
    const int bytes = inside ? BYTES : 0;
    if constexpr (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(address), "l"(from), "n"(BYTES), "r"(bytes) : "memory");
    }
}

// Until this thread's are done; others see them after a barrier.
__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

// Every thread of every kernel calls it once. It waits until the launch before has ended, and then lets the next one begin. So launch
// n + 1 may begin when every block of n has called it, and n - 1 has ended: before the call, a thread of n + 1 may read past the L1
// cache what n - 1 and older launches have written, if n does not write it, and must write nothing to memory. After it, what n has
// written is there.
//
// Before compute capability 9.0 no launch begins early.
__device__ __forceinline__ void wait_for_launch_before() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// The same number, which the compiler does not know: what follows from it is found anew, not kept in registers from before.
__device__ __forceinline__ int anew(int x) {
    asm volatile("" : "+r"(x));
    return x;
}

// The same address, which the compiler keeps in registers instead of finding it again wherever it is used.
template <class T>
__device__ __forceinline__ T* found(T* at) {
    // As one of global memory: of another the compiler would not know what kind it is.
    size_t address = __cvta_generic_to_global(at);
    asm volatile("" : "+l"(address));
    return static_cast<T*>(__cvta_global_to_generic(address));
}

// The larger of both. NaN stays NaN, so that a diverged run shows.
__device__ __forceinline__ float at_least(float x, float least) {
    float y;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(x), "f"(least));
    return y;
}

#endif
