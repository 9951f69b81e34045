#include "module.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "../exec/sanitizers.h"
#include "../exec/shared_memory.h"
#include "../exec/worker.h"
#include "../image.h"
#include "registry.h"
#include "state.h"
#include "stream.h"

namespace sim {

Module::~Module() {
    // ThreadSanitizer and AddressSanitizer print what they know of a kernel at the end of the program.
    if (thread_sanitizer() || address_sanitizer()) return;
    if (library) dlclose(library);
    if (file >= 0) close(file);
}

namespace {

Registry<CUmodule, Module>& modules() {
    static auto* modules = new Registry<CUmodule, Module>(0x30000000);
    return *modules;
}

Registry<CUfunction, Function>& functions() {
    static auto* functions = new Registry<CUfunction, Function>(0x40000000);
    return *functions;
}

const char* sanitizer_name() { return thread_sanitizer() ? "thread" : address_sanitizer() ? "address" : ""; }

// Puts the image into a file in memory, which the dynamic linker can open.
int image_file(const unsigned char* image, size_t size) {
    int file = memfd_create("cuda-sim-module", MFD_CLOEXEC);
    if (file < 0) return file;
    std::vector<unsigned char> bytes(image, image + size);
    // The linker wants the padding, where the checksum is, to be zero.
    std::memset(bytes.data() + EI_PAD, 0, CHECKSUM_SIZE);
    for (size_t written = 0; written < size;) {
        ssize_t count = write(file, bytes.data() + written, size - written);
        if (count <= 0) {
            close(file);
            return -1;
        }
        written += static_cast<size_t>(count);
    }
    return file;
}

CUresult load(const unsigned char* image, std::shared_ptr<Module>& result) {
    size_t size = image_size(image);
    if (size == 0) {
        return fail(CUDA_ERROR_INVALID_IMAGE, "cuModuleLoadData: the image was not made by the simulator's NVRTC");
    }
    if (!image_intact(image, size)) {
        return fail(CUDA_ERROR_INVALID_IMAGE, "cuModuleLoadData: the image is damaged, its checksum does not fit");
    }
    auto module = std::make_shared<Module>();
    module->file = image_file(image, size);
    if (module->file < 0) return fail(CUDA_ERROR_OPERATING_SYSTEM, "cuModuleLoadData: no file can be made in memory");
    std::string path = "/proc/self/fd/" + std::to_string(module->file);
    module->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!module->library) {
        return fail(CUDA_ERROR_INVALID_IMAGE,
                    std::string("cuModuleLoadData: the image cannot be loaded: ") + dlerror());
    }
    const char* build = static_cast<const char*>(dlsym(module->library, "cuda_sim_build"));
    std::string wanted = std::string(CUDA_SIM_BUILD_NAME) + sanitizer_name();
    if (!build || build != wanted) {
        return fail(CUDA_ERROR_NO_BINARY_FOR_GPU,
                    std::string("cuModuleLoadData: the image is of another build of the simulator (") +
                        (build ? build : "none") + ", this one is " + wanted + ")");
    }
    result = std::move(module);
    return CUDA_SUCCESS;
}

}  // namespace

std::shared_ptr<Function> find_function(CUfunction handle) { return functions().find(handle); }

}  // namespace sim

API CUresult cuModuleLoadData(CUmodule* result, const void* image) {
    if (CUresult error = sim::begin("cuModuleLoadData")) return error;
    if (!result || !image) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData: no image");
    std::shared_ptr<sim::Module> module;
    if (CUresult error = sim::load(static_cast<const unsigned char*>(image), module)) return error;
    *result = sim::modules().add(std::move(module));
    return CUDA_SUCCESS;
}

API CUresult cuModuleLoadDataEx(CUmodule* result, const void* image, unsigned, void*, void**) {
    return cuModuleLoadData(result, image);
}

API CUresult cuModuleLoad(CUmodule* result, const char* path) {
    if (CUresult error = sim::begin("cuModuleLoad")) return error;
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    std::string image = bytes.str();
    if (!file) return sim::fail(CUDA_ERROR_FILE_NOT_FOUND, std::string("cuModuleLoad: ") + path + " cannot be read");
    const unsigned char* begin = reinterpret_cast<const unsigned char*>(image.data());
    if (image.size() < sizeof(Elf64_Ehdr) || sim::image_size(begin) > image.size()) {
        return sim::fail(CUDA_ERROR_INVALID_IMAGE, std::string("cuModuleLoad: ") + path + " is no image, or cut short");
    }
    return cuModuleLoadData(result, begin);
}

API CUresult cuModuleUnload(CUmodule handle) {
    if (CUresult error = sim::begin("cuModuleUnload")) return error;
    std::shared_ptr<sim::Module> module = sim::modules().remove(handle);
    if (!module)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuModuleUnload: the module does not exist or was unloaded");
    sim::wait_for_device();
    module->unloaded = true;
    return CUDA_SUCCESS;
}

API CUresult cuModuleGetFunction(CUfunction* result, CUmodule handle, const char* name) {
    if (CUresult error = sim::begin("cuModuleGetFunction")) return error;
    std::shared_ptr<sim::Module> module = sim::modules().find(handle);
    if (!module)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuModuleGetFunction: the module does not exist or was unloaded");
    if (!result || !name) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuModuleGetFunction: no name");
    void* symbol = dlsym(module->library, (std::string("cuda_sim_kernel_") + name).c_str());
    if (!symbol) {
        return sim::fail(CUDA_ERROR_NOT_FOUND, std::string("cuModuleGetFunction: the module has no kernel ") + name +
                                                   " that is extern \"C\"");
    }
    auto function = std::make_shared<sim::Function>();
    function->module = module;
    function->kernel = static_cast<const cuda_sim::KernelInfo*>(symbol);
    *result = sim::functions().add(std::move(function));
    return CUDA_SUCCESS;
}

// Numbers of CUfunction_attribute that the simulator knows. Registers and static shared memory are not among them: it
// is a compiler for GPUs that decides about those.
enum {
    MAX_THREADS_PER_BLOCK = 0,
    CONST_SIZE_BYTES = 2,
    PTX_VERSION = 5,
    BINARY_VERSION = 6,
    MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};

API CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction handle) {
    if (CUresult error = sim::begin("cuFuncGetAttribute")) return error;
    std::shared_ptr<sim::Function> function = sim::find_function(handle);
    if (!function || !value)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuFuncGetAttribute: the function does not exist");
    unsigned bound = function->kernel->max_threads;
    switch (attribute) {
        case MAX_THREADS_PER_BLOCK: *value = static_cast<int>(bound ? bound : sim::MAX_THREADS); return CUDA_SUCCESS;
        case CONST_SIZE_BYTES: *value = 0; return CUDA_SUCCESS;
        case PTX_VERSION:
        case BINARY_VERSION: *value = 90; return CUDA_SUCCESS;
        case MAX_DYNAMIC_SHARED_SIZE_BYTES:
            *value = static_cast<int>(function->max_dynamic_shared);
            return CUDA_SUCCESS;
    }
    return sim::fail(CUDA_ERROR_NOT_SUPPORTED,
                     "cuFuncGetAttribute: the simulator does not know attribute " + std::to_string(attribute));
}

API CUresult cuFuncSetAttribute(CUfunction handle, int attribute, int value) {
    if (CUresult error = sim::begin("cuFuncSetAttribute")) return error;
    std::shared_ptr<sim::Function> function = sim::find_function(handle);
    if (!function) return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuFuncSetAttribute: the function does not exist");
    // PREFERRED_SHARED_MEMORY_CARVEOUT is a hint.
    if (attribute == 9) return CUDA_SUCCESS;
    if (attribute != MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        return sim::fail(CUDA_ERROR_NOT_SUPPORTED,
                         "cuFuncSetAttribute: the simulator cannot set attribute " + std::to_string(attribute));
    }
    if (value < 0 || static_cast<size_t>(value) > sim::SHARED_LIMIT) {
        return sim::fail(
            CUDA_ERROR_INVALID_VALUE,
            "cuFuncSetAttribute: a block has up to 232448 bytes of shared memory, not " + std::to_string(value));
    }
    function->max_dynamic_shared = static_cast<size_t>(value);
    return CUDA_SUCCESS;
}

API CUresult cuFuncSetCacheConfig(CUfunction handle, int) {
    if (CUresult error = sim::begin("cuFuncSetCacheConfig")) return error;
    return sim::find_function(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
