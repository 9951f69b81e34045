// Stream capture: work that is recorded into a graph in place of being done.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "cuda.h"
#include "stream.h"

namespace sim {

struct Node {
    Work work;
    // Of a launch.
    Beginning begin;
    // Numbers of the nodes that must come before.
    std::vector<size_t> after;
};

struct Graph {
    // In the order in which they were recorded, which is one that respects `after`.
    std::vector<Node> nodes;
};

struct Capture {
    unsigned long long id = 0;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
    std::thread::id thread;
    bool invalidated = false;
    bool ended = false;
    // Where it began and has to end.
    Stream* origin = nullptr;
    // All streams that take part.
    std::vector<std::weak_ptr<Stream>> streams;
    std::shared_ptr<Graph> graph = std::make_shared<Graph>();
};

// Whether a stream may be given work now: not after its capture has been invalidated, and not the legacy stream while
// a blocking stream is captured.
CUresult check_capture(const char* function, const Stream& stream);

// Adds a node to the stream's capture, after what the stream was given before.
void record(Stream& stream, Work work, Beginning begin);

// For what cannot be recorded: an error, which invalidates the stream's capture.
CUresult forbid_while_capturing(const char* function, Stream& stream);

// Invalidates the captures that forbid potentially unsafe calls to this thread.
CUresult forbid_unsafe(const char* function);

void invalidate(Stream& stream);

// Ends the stream's capture, if there is one, without a graph.
void abandon(Stream& stream);

// Ends all captures without a graph.
void abandon_all();

// Makes a stream wait, within a capture, for nodes that another one recorded.
CUresult join_capture(const char* function, const std::shared_ptr<Stream>& stream,
                      const std::shared_ptr<Capture>& capture, const std::vector<size_t>& nodes);

}  // namespace sim
