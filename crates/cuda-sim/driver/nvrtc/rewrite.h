// What a preprocessed CUDA source must have changed to be C++.
#pragma once

#include <string>

namespace sim {

struct Rewritten {
    std::string text;
    // What the source uses that the simulator cannot run, as a line of the log; else empty.
    std::string error;
};

// Turns __shared__ declarations into references to the block's memory, `#pragma unroll` into g++'s, and adds an
// export for each kernel that is extern "C". Line numbers stay as they are.
Rewritten rewrite(const std::string& source);

}  // namespace sim
