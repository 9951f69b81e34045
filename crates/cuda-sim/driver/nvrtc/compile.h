// Compiles a CUDA source to a shared object with g++.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "options.h"

namespace sim {

struct Source {
    std::string name;
    std::string text;
    // Name and text of headers that the source may include.
    std::vector<std::pair<std::string, std::string>> headers;
};

enum class Outcome { Compiled, SourceError, SystemError };

// Leaves the sealed image, and what the compiler said.
Outcome compile(const Source& source, const Options& options, std::string& image, std::string& log);

}  // namespace sim
