// The interface of libnvrtc: https://docs.nvidia.com/cuda/nvrtc/
#include <cstring>
#include <memory>
#include <string>

#include "../image.h"
#include "compile.h"
#include "options.h"

#define API extern "C" __attribute__((visibility("default")))

namespace {

enum Result {
    NVRTC_SUCCESS = 0,
    NVRTC_ERROR_OUT_OF_MEMORY = 1,
    NVRTC_ERROR_PROGRAM_CREATION_FAILURE = 2,
    NVRTC_ERROR_INVALID_INPUT = 3,
    NVRTC_ERROR_INVALID_PROGRAM = 4,
    NVRTC_ERROR_INVALID_OPTION = 5,
    NVRTC_ERROR_COMPILATION = 6,
    NVRTC_ERROR_BUILTIN_OPERATION_FAILURE = 7,
    NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION = 8,
    NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION = 9,
    NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID = 10,
    NVRTC_ERROR_INTERNAL_ERROR = 11,
};

}  // namespace

struct nvrtcProgram_st {
    sim::Source source;
    std::string log;
    std::string image;
    bool real_architecture = false;
};
typedef nvrtcProgram_st* nvrtcProgram;

API Result nvrtcVersion(int* major, int* minor) {
    if (!major || !minor) return NVRTC_ERROR_INVALID_INPUT;
    *major = 13;
    *minor = 0;
    return NVRTC_SUCCESS;
}

API const char* nvrtcGetErrorString(Result result) {
    switch (result) {
        case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
        case NVRTC_ERROR_OUT_OF_MEMORY: return "NVRTC_ERROR_OUT_OF_MEMORY";
        case NVRTC_ERROR_PROGRAM_CREATION_FAILURE: return "NVRTC_ERROR_PROGRAM_CREATION_FAILURE";
        case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
        case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
        case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
        case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
        case NVRTC_ERROR_BUILTIN_OPERATION_FAILURE: return "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE";
        case NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION:
            return "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION";
        case NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION: return "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION";
        case NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID: return "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID";
        case NVRTC_ERROR_INTERNAL_ERROR: return "NVRTC_ERROR_INTERNAL_ERROR";
    }
    return "NVRTC_ERROR unknown";
}

API Result nvrtcGetNumSupportedArchs(int* count) {
    if (!count) return NVRTC_ERROR_INVALID_INPUT;
    *count = static_cast<int>(sim::ARCHITECTURES.size());
    return NVRTC_SUCCESS;
}

API Result nvrtcGetSupportedArchs(int* architectures) {
    if (!architectures) return NVRTC_ERROR_INVALID_INPUT;
    std::memcpy(architectures, sim::ARCHITECTURES.data(), sim::ARCHITECTURES.size() * sizeof(int));
    return NVRTC_SUCCESS;
}

API Result nvrtcCreateProgram(nvrtcProgram* program, const char* source, const char* name, int header_count,
                              const char* const* headers, const char* const* include_names) {
    if (!program || !source || header_count < 0) return NVRTC_ERROR_INVALID_INPUT;
    if (header_count > 0 && (!headers || !include_names)) return NVRTC_ERROR_INVALID_INPUT;
    auto created = std::make_unique<nvrtcProgram_st>();
    created->source.name = name && *name ? name : "default_program";
    created->source.text = source;
    for (int index = 0; index < header_count; ++index) {
        created->source.headers.emplace_back(include_names[index], headers[index]);
    }
    *program = created.release();
    return NVRTC_SUCCESS;
}

API Result nvrtcDestroyProgram(nvrtcProgram* program) {
    if (!program || !*program) return NVRTC_ERROR_INVALID_PROGRAM;
    delete *program;
    *program = nullptr;
    return NVRTC_SUCCESS;
}

API Result nvrtcCompileProgram(nvrtcProgram program, int option_count, const char* const* option_texts) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (option_count < 0 || (option_count > 0 && !option_texts)) return NVRTC_ERROR_INVALID_INPUT;
    program->log.clear();
    program->image.clear();
    sim::Options options;
    if (!sim::read_options(option_count, option_texts, options, program->log)) return NVRTC_ERROR_INVALID_OPTION;
    program->real_architecture = options.real_architecture;
    switch (sim::compile(program->source, options, program->image, program->log)) {
        case sim::Outcome::Compiled: return NVRTC_SUCCESS;
        case sim::Outcome::SourceError: return NVRTC_ERROR_COMPILATION;
        case sim::Outcome::SystemError: return NVRTC_ERROR_INTERNAL_ERROR;
    }
    return NVRTC_ERROR_INTERNAL_ERROR;
}

API Result nvrtcGetProgramLogSize(nvrtcProgram program, size_t* size) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!size) return NVRTC_ERROR_INVALID_INPUT;
    *size = program->log.size() + 1;
    return NVRTC_SUCCESS;
}

API Result nvrtcGetProgramLog(nvrtcProgram program, char* log) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!log) return NVRTC_ERROR_INVALID_INPUT;
    std::memcpy(log, program->log.c_str(), program->log.size() + 1);
    return NVRTC_SUCCESS;
}

// The image serves as PTX as well as cubin: the driver takes either.
API Result nvrtcGetPTXSize(nvrtcProgram program, size_t* size) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!size) return NVRTC_ERROR_INVALID_INPUT;
    *size = program->image.size();
    return NVRTC_SUCCESS;
}

API Result nvrtcGetPTX(nvrtcProgram program, char* ptx) {
    if (!program) return NVRTC_ERROR_INVALID_PROGRAM;
    if (!ptx) return NVRTC_ERROR_INVALID_INPUT;
    std::memcpy(ptx, program->image.data(), program->image.size());
    return NVRTC_SUCCESS;
}

// As with NVIDIA's, a virtual architecture (compute_90) has no cubin.
API Result nvrtcGetCUBINSize(nvrtcProgram program, size_t* size) {
    Result result = nvrtcGetPTXSize(program, size);
    if (result == NVRTC_SUCCESS && !program->real_architecture) *size = 0;
    return result;
}

API Result nvrtcGetCUBIN(nvrtcProgram program, char* cubin) {
    if (program && !program->real_architecture) return NVRTC_ERROR_INVALID_PROGRAM;
    return nvrtcGetPTX(program, cubin);
}
