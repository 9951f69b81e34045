// Graphs of recorded work.
#pragma once

#include <memory>

#include "capture.h"

namespace sim {

// Hands a graph out to the program.
CUgraph add_graph(std::shared_ptr<Graph> graph);

}  // namespace sim
