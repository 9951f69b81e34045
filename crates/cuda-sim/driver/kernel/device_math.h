// Mathematical functions of device code. Those of the C library are declared, not included: NVRTC knows no header.
#pragma once

#define CUDA_SIM_C_FUNCTION_1(name)  \
    extern "C" double name(double);  \
    extern "C" float name##f(float); \
    inline float name(float x) { return name##f(x); }
#define CUDA_SIM_C_FUNCTION_2(name)         \
    extern "C" double name(double, double); \
    extern "C" float name##f(float, float); \
    inline float name(float x, float y) { return name##f(x, y); }

CUDA_SIM_C_FUNCTION_1(sqrt)
CUDA_SIM_C_FUNCTION_1(cbrt)
CUDA_SIM_C_FUNCTION_1(exp)
CUDA_SIM_C_FUNCTION_1(exp2)
CUDA_SIM_C_FUNCTION_1(expm1)
CUDA_SIM_C_FUNCTION_1(log)
CUDA_SIM_C_FUNCTION_1(log2)
CUDA_SIM_C_FUNCTION_1(log10)
CUDA_SIM_C_FUNCTION_1(log1p)
CUDA_SIM_C_FUNCTION_1(sin)
CUDA_SIM_C_FUNCTION_1(cos)
CUDA_SIM_C_FUNCTION_1(tan)
CUDA_SIM_C_FUNCTION_1(asin)
CUDA_SIM_C_FUNCTION_1(acos)
CUDA_SIM_C_FUNCTION_1(atan)
CUDA_SIM_C_FUNCTION_1(sinh)
CUDA_SIM_C_FUNCTION_1(cosh)
CUDA_SIM_C_FUNCTION_1(tanh)
CUDA_SIM_C_FUNCTION_1(erf)
CUDA_SIM_C_FUNCTION_1(erfc)
CUDA_SIM_C_FUNCTION_1(fabs)
CUDA_SIM_C_FUNCTION_1(floor)
CUDA_SIM_C_FUNCTION_1(ceil)
CUDA_SIM_C_FUNCTION_1(trunc)
CUDA_SIM_C_FUNCTION_1(round)
CUDA_SIM_C_FUNCTION_1(rint)
CUDA_SIM_C_FUNCTION_1(nearbyint)
CUDA_SIM_C_FUNCTION_2(pow)
CUDA_SIM_C_FUNCTION_2(fmod)
CUDA_SIM_C_FUNCTION_2(atan2)
CUDA_SIM_C_FUNCTION_2(hypot)
CUDA_SIM_C_FUNCTION_2(fmin)
CUDA_SIM_C_FUNCTION_2(fmax)
CUDA_SIM_C_FUNCTION_2(copysign)

extern "C" double fma(double, double, double);
extern "C" float fmaf(float, float, float);
extern "C" double ldexp(double, int);
extern "C" float ldexpf(float, int);
extern "C" double frexp(double, int*);
extern "C" float frexpf(float, int*);
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
inline float ldexp(float x, int exponent) { return ldexpf(x, exponent); }

extern "C" int abs(int);
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float abs(float x) { return fabsf(x); }
inline double abs(double x) { return fabs(x); }

// Kept from the optimiser: -ffp-contract must not fuse what is asked for as a rounding of its own.
template <class T>
inline T cuda_sim_rounded(T value) {
    asm("" : "+x"(value));
    return value;
}

inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(double x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
inline bool signbit(float x) { return __builtin_signbit(x); }
inline bool signbit(double x) { return __builtin_signbit(x); }

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }

inline float __fadd_rn(float x, float y) { return cuda_sim_rounded(x + y); }
inline float __fsub_rn(float x, float y) { return cuda_sim_rounded(x - y); }
inline float __fmul_rn(float x, float y) { return cuda_sim_rounded(x * y); }
inline float __fdiv_rn(float x, float y) { return cuda_sim_rounded(x / y); }
inline float __frcp_rn(float x) { return cuda_sim_rounded(1.0f / x); }
inline float __fsqrt_rn(float x) { return cuda_sim_rounded(sqrtf(x)); }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
// Rounding twice gives the correctly rounded result: tried for all 2^24 fractions of two neighbouring exponents.
inline float __frsqrt_rn(float x) { return cuda_sim_rounded(static_cast<float>(1.0 / sqrt(static_cast<double>(x)))); }
inline double __dadd_rn(double x, double y) { return cuda_sim_rounded(x + y); }
inline double __dsub_rn(double x, double y) { return cuda_sim_rounded(x - y); }
inline double __dmul_rn(double x, double y) { return cuda_sim_rounded(x * y); }
inline double __ddiv_rn(double x, double y) { return cuda_sim_rounded(x / y); }
inline double __drcp_rn(double x) { return cuda_sim_rounded(1.0 / x); }
inline double __dsqrt_rn(double x) { return cuda_sim_rounded(sqrt(x)); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }

// The fast approximations of a GPU are the accurate functions here.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x >= 1.0f ? 1.0f : x > 0.0f ? x : 0.0f; }

#define CUDA_SIM_MIN_MAX(T)                          \
    inline T min(T x, T y) { return y < x ? y : x; } \
    inline T max(T x, T y) { return x < y ? y : x; }
CUDA_SIM_MIN_MAX(int)
CUDA_SIM_MIN_MAX(unsigned)
CUDA_SIM_MIN_MAX(long)
CUDA_SIM_MIN_MAX(unsigned long)
CUDA_SIM_MIN_MAX(long long)
CUDA_SIM_MIN_MAX(unsigned long long)
// A number wins over NaN.
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }

template <class To, class From>
inline To cuda_sim_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "as many bits on both sides");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

inline float __int_as_float(int x) { return cuda_sim_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuda_sim_bits<float>(x); }
inline int __float_as_int(float x) { return cuda_sim_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_sim_bits<unsigned>(x); }
inline double __longlong_as_double(long long x) { return cuda_sim_bits<double>(x); }
inline long long __double_as_longlong(double x) { return cuda_sim_bits<long long>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(rintf(x)); }
inline int __float2int_rz(float x) { return static_cast<int>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
inline unsigned __umulhi(unsigned x, unsigned y) {
    return static_cast<unsigned>(static_cast<unsigned long long>(x) * y >> 32);
}
inline int __mulhi(int x, int y) { return static_cast<int>(static_cast<long long>(x) * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return static_cast<unsigned long long>(static_cast<unsigned __int128>(x) * y >> 64);
}

template <class T>
inline T __ldg(const T* place) {
    return *place;
}
template <class T>
inline T __ldcg(const T* place) {
    return *place;
}
template <class T>
inline void __stcg(T* place, T value) {
    *place = value;
}
