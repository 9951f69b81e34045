// Modules and their kernels.
#pragma once

#include <memory>
#include <string>

#include "../kernel/runtime.h"
#include "cuda.h"

namespace sim {

struct Module {
    Module() = default;
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;
    ~Module();

    void* library = nullptr;
    // The image, which a debugger or sanitizer reads symbols from.
    int file = -1;
    bool unloaded = false;
};

struct Function {
    std::shared_ptr<Module> module;
    const cuda_sim::KernelInfo* kernel = nullptr;
    // How much dynamic shared memory a launch may ask for, in bytes.
    size_t max_dynamic_shared = 48 << 10;
};

// Null where the handle is unknown.
std::shared_ptr<Function> find_function(CUfunction handle);

}  // namespace sim
