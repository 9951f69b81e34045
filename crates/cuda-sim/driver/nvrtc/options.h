// The options of nvrtcCompileProgram.
#pragma once

#include <string>
#include <vector>

namespace sim {

struct Options {
    // Of --gpu-architecture: 90 for sm_90 and compute_90.
    int architecture = 75;
    // sm_90 makes a cubin, compute_90 does not.
    bool real_architecture = false;
    bool contract = true;
    std::string standard = "c++17";
    // Passed on to the preprocessor: macros and include folders.
    std::vector<std::string> preprocessor;
};

// The architectures of NVRTC 13.0.
extern const std::vector<int> ARCHITECTURES;

// Reads the options; what NVRTC would not accept is an error, told in `log`.
bool read_options(int count, const char* const* texts, Options& options, std::string& log);

}  // namespace sim
