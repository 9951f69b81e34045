// Makes kernels callable by the driver, which knows the parameters of a launch as an array of pointers.
#pragma once

#include "runtime.h"

namespace cuda_sim {

template <class T>
struct IsPointer {
    static constexpr bool value = false;
};
template <class T>
struct IsPointer<T*> {
    static constexpr bool value = true;
};
template <class T>
struct IsPointer<T* __restrict__> {
    static constexpr bool value = true;
};

template <class T>
struct Plain {
    typedef T Type;
};
template <class T>
struct Plain<const T> {
    typedef T Type;
};

template <unsigned... numbers>
struct Numbers {};

template <auto kernel>
struct Kernel;

template <class... Parameters, void (*kernel)(Parameters...)>
struct Kernel<kernel> {
    static constexpr unsigned count = sizeof...(Parameters);

    // One entry more than there are parameters, since an array cannot be empty.
    static constexpr Parameter parameters[count + 1] = {
        {sizeof(Parameters), alignof(Parameters), IsPointer<typename Plain<Parameters>::Type>::value}...,
        {0, 1, false}};

    template <unsigned... numbers>
    static void apply(void** arguments, Numbers<numbers...>) {
        kernel(*static_cast<typename Plain<Parameters>::Type*>(arguments[numbers])...);
    }

    static void call(void** arguments) { apply(arguments, Numbers<__integer_pack(count)...>()); }
};

// The first of the arguments of __launch_bounds__, of which there are up to three.
constexpr unsigned first() { return 0; }
constexpr unsigned first(unsigned long value, unsigned long = 0, unsigned long = 0) {
    return static_cast<unsigned>(value);
}

}  // namespace cuda_sim

// What the driver loads modules of; a module of another build of the simulator is refused.
extern "C" __attribute__((visibility("default"), used)) const char cuda_sim_build[] = CUDA_SIM_BUILD;

// Written after the source for each kernel that is extern "C": `bounds` are the arguments of __launch_bounds__.
#define CUDA_SIM_EXPORT(name, ...)                                                            \
    extern "C" __attribute__((visibility("default"), used))                                   \
    const cuda_sim::KernelInfo cuda_sim_kernel_##name = {#name,                               \
                                                         &cuda_sim::Kernel<&name>::call,      \
                                                         cuda_sim::Kernel<&name>::count,      \
                                                         cuda_sim::Kernel<&name>::parameters, \
                                                         cuda_sim::first(__VA_ARGS__),        \
                                                         &cuda_sim::shared_slot_count};
