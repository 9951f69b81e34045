#include "graph.h"

#include <string>

#include "registry.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

Registry<CUgraph, Graph>& graphs() {
    static auto* graphs = new Registry<CUgraph, Graph>(0x600000000);
    return *graphs;
}

Registry<CUgraphExec, const Graph>& executables() {
    static auto* executables = new Registry<CUgraphExec, const Graph>(0x700000000);
    return *executables;
}

// The nodes one after another: as recorded, or with a seed in another order that their dependencies allow.
void replay(const Graph& graph) {
    const std::vector<Node>& nodes = graph.nodes;
    std::vector<size_t> open(nodes.size());
    std::vector<std::vector<size_t>> followers(nodes.size());
    std::vector<size_t> ready;
    for (size_t node = 0; node < nodes.size(); ++node) {
        open[node] = nodes[node].after.size();
        for (size_t earlier : nodes[node].after) followers[earlier].push_back(node);
        if (open[node] == 0) ready.push_back(node);
    }
    while (!ready.empty() && device_state() == CUDA_SUCCESS) {
        size_t choice = random_below(static_cast<unsigned>(ready.size()));
        size_t node = ready[choice];
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(choice));
        nodes[node].work();
        for (size_t follower : followers[node]) {
            if (--open[follower] == 0) ready.push_back(follower);
        }
    }
}

// As recorded. A launch that may begin early begins as early as it can: when what comes before the node before has
// ended.
void replay_in_order(const Graph& graph) {
    Work rest;  // of the node before
    for (size_t node = 0; node < graph.nodes.size() && device_state() == CUDA_SUCCESS; ++node) {
        const Node& now = graph.nodes[node];
        Work mine = now.begin ? now.begin(now.after == std::vector<size_t>{node - 1}) : unless_failed(now.work);
        if (rest) rest();
        rest = std::move(mine);
    }
    if (rest) rest();
}

CUresult no_graph(const char* function) {
    return fail(CUDA_ERROR_INVALID_VALUE, std::string(function) + ": the graph does not exist or was destroyed");
}

}  // namespace

CUgraph add_graph(std::shared_ptr<Graph> graph) { return graphs().add(std::move(graph)); }

}  // namespace sim

API CUresult cuGraphDestroy(CUgraph graph) {
    if (CUresult error = sim::begin("cuGraphDestroy")) return error;
    return sim::graphs().remove(graph) ? CUDA_SUCCESS : sim::no_graph("cuGraphDestroy");
}

API CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode* nodes, size_t* count) {
    if (CUresult error = sim::begin("cuGraphGetNodes")) return error;
    std::shared_ptr<sim::Graph> graph = sim::graphs().find(handle);
    if (!graph || !count) return sim::no_graph("cuGraphGetNodes");
    if (nodes) return sim::fail(CUDA_ERROR_NOT_SUPPORTED, "cuGraphGetNodes: the simulator only counts the nodes");
    *count = graph->nodes.size();
    return CUDA_SUCCESS;
}

API CUresult cuGraphInstantiateWithFlags(CUgraphExec* result, CUgraph handle, unsigned long long flags) {
    if (CUresult error = sim::begin("cuGraphInstantiate")) return error;
    std::shared_ptr<sim::Graph> graph = sim::graphs().find(handle);
    if (!graph || !result) return sim::no_graph("cuGraphInstantiate");
    // AUTO_FREE_ON_LAUNCH, UPLOAD and USE_NODE_PRIORITY change nothing here; a graph launched by the device is not
    // known.
    if (flags & ~0xbull) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE,
                         "cuGraphInstantiate: flags " + sim::hexadecimal(flags) + " are not known");
    }
    *result = sim::executables().add(std::make_shared<const sim::Graph>(*graph));
    return CUDA_SUCCESS;
}

API CUresult cuGraphExecDestroy(CUgraphExec executable) {
    if (CUresult error = sim::begin("cuGraphExecDestroy")) return error;
    return sim::executables().remove(executable) ? CUDA_SUCCESS : sim::no_graph("cuGraphExecDestroy");
}

API CUresult cuGraphUpload(CUgraphExec executable, CUstream stream) {
    if (CUresult error = sim::begin("cuGraphUpload")) return error;
    if (!sim::executables().find(executable)) return sim::no_graph("cuGraphUpload");
    return sim::issue("cuGraphUpload", stream, [] {});
}

API CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    if (CUresult error = sim::begin("cuGraphLaunch")) return error;
    std::shared_ptr<const sim::Graph> graph = sim::executables().find(executable);
    if (!graph) return sim::no_graph("cuGraphLaunch");
    return sim::issue("cuGraphLaunch", stream, [graph] {
        if (sim::seed()) {
            sim::replay(*graph);
        } else {
            sim::replay_in_order(*graph);
        }
    });
}
