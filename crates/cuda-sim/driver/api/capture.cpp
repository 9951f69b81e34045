#include "capture.h"

#include <algorithm>
#include <mutex>

#include "graph.h"
#include "state.h"

namespace sim {

namespace {

// The captures in progress.
struct Captures {
    std::mutex mutex;
    std::vector<std::shared_ptr<Capture>> active;
    unsigned long long next_id = 1;
};

Captures& captures() {
    static auto* captures = new Captures;
    return *captures;
}

// What a thread has set by cuThreadExchangeStreamCaptureMode.
thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

bool forbids_unsafe(const Capture& capture) {
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return false;
    bool own = capture.thread == std::this_thread::get_id();
    if (own) return capture.mode != CU_STREAM_CAPTURE_MODE_RELAXED;
    return thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture.mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
}

bool captures_blocking_stream(const Capture& capture) {
    return std::any_of(capture.streams.begin(), capture.streams.end(), [](const std::weak_ptr<Stream>& member) {
        std::shared_ptr<Stream> stream = member.lock();
        return stream && stream->blocking;
    });
}

// Ends a capture: its streams are free again.
void finish(const std::shared_ptr<Capture>& capture) {
    capture->ended = true;
    for (const std::weak_ptr<Stream>& member : capture->streams) {
        std::shared_ptr<Stream> stream = member.lock();
        if (!stream || stream->capture != capture) continue;
        stream->capture.reset();
        stream->frontier.clear();
    }
    std::lock_guard<std::mutex> lock(captures().mutex);
    auto& active = captures().active;
    active.erase(std::remove(active.begin(), active.end(), capture), active.end());
}

// Whether a stream has recorded work that the origin does not wait for.
bool has_unjoined_work(const Capture& capture) {
    // Everything that comes before the origin's last nodes.
    std::vector<bool> joined(capture.graph->nodes.size(), false);
    std::vector<size_t> open = capture.origin->frontier;
    while (!open.empty()) {
        size_t node = open.back();
        open.pop_back();
        if (joined[node]) continue;
        joined[node] = true;
        const std::vector<size_t>& after = capture.graph->nodes[node].after;
        open.insert(open.end(), after.begin(), after.end());
    }
    return std::find(joined.begin(), joined.end(), false) != joined.end();
}

}  // namespace

CUresult check_capture(const char* function, const Stream& stream) {
    if (stream.capture) {
        if (!stream.capture->invalidated) return CUDA_SUCCESS;
        return fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
                    std::string(function) + ": the stream's capture was invalidated by an earlier call");
    }
    if (&stream != legacy_stream().get()) return CUDA_SUCCESS;
    std::lock_guard<std::mutex> lock(captures().mutex);
    for (const auto& capture : captures().active) {
        if (!captures_blocking_stream(*capture)) continue;
        capture->invalidated = true;
        return fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                    std::string(function) + ": work of the legacy stream would depend on a stream that is captured");
    }
    return CUDA_SUCCESS;
}

void record(Stream& stream, Work work, Beginning begin) {
    std::vector<Node>& nodes = stream.capture->graph->nodes;
    nodes.push_back({std::move(work), std::move(begin), stream.frontier});
    stream.frontier = {nodes.size() - 1};
}

void invalidate(Stream& stream) {
    if (stream.capture) stream.capture->invalidated = true;
}

void abandon(Stream& stream) {
    std::shared_ptr<Capture> capture = stream.capture;
    if (capture) finish(capture);
}

void abandon_all() {
    std::unique_lock<std::mutex> lock(captures().mutex);
    std::vector<std::shared_ptr<Capture>> active = captures().active;
    lock.unlock();
    for (const auto& capture : active) finish(capture);
}

CUresult forbid_while_capturing(const char* function, Stream& stream) {
    if (CUresult error = check_capture(function, stream)) return error;
    if (!stream.capture) return CUDA_SUCCESS;
    invalidate(stream);
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                std::string(function) + ": the stream is captured, and this cannot be recorded");
}

CUresult forbid_unsafe(const char* function) {
    std::lock_guard<std::mutex> lock(captures().mutex);
    bool forbidden = false;
    for (const auto& capture : captures().active) {
        if (!forbids_unsafe(*capture)) continue;
        capture->invalidated = true;
        forbidden = true;
    }
    if (!forbidden) return CUDA_SUCCESS;
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                std::string(function) + ": not permitted while a stream is captured in this mode");
}

CUresult join_capture(const char* function, const std::shared_ptr<Stream>& stream,
                      const std::shared_ptr<Capture>& capture, const std::vector<size_t>& nodes) {
    if (capture->ended) {
        invalidate(*stream);
        return fail(CUDA_ERROR_CAPTURED_EVENT,
                    std::string(function) + ": the event was last recorded in a capture that has ended");
    }
    if (stream->capture && stream->capture != capture) {
        invalidate(*stream);
        capture->invalidated = true;
        return fail(CUDA_ERROR_STREAM_CAPTURE_MERGE, std::string(function) + ": the event belongs to another capture");
    }
    if (!stream->capture) {
        stream->capture = capture;
        stream->frontier.clear();
        capture->streams.push_back(stream);
    }
    for (size_t node : nodes) {
        if (std::find(stream->frontier.begin(), stream->frontier.end(), node) == stream->frontier.end()) {
            stream->frontier.push_back(node);
        }
    }
    return CUDA_SUCCESS;
}

}  // namespace sim

API CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
    if (CUresult error = sim::begin("cuStreamBeginCapture")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamBeginCapture: the stream does not exist or was destroyed");
    }
    if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuStreamBeginCapture: unknown mode " + std::to_string(mode));
    }
    if (stream == sim::legacy_stream()) {
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                         "cuStreamBeginCapture: the legacy stream cannot be captured");
    }
    if (stream->capture) {
        return sim::fail(CUDA_ERROR_ILLEGAL_STATE, "cuStreamBeginCapture: the stream is being captured already");
    }
    auto capture = std::make_shared<sim::Capture>();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->origin = stream.get();
    capture->streams.push_back(stream);
    stream->capture = capture;
    stream->frontier.clear();
    std::lock_guard<std::mutex> lock(sim::captures().mutex);
    capture->id = sim::captures().next_id++;
    sim::captures().active.push_back(std::move(capture));
    return CUDA_SUCCESS;
}

API CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
    if (CUresult error = sim::begin("cuStreamEndCapture")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream || !graph) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamEndCapture: the stream does not exist or was destroyed");
    }
    *graph = nullptr;
    std::shared_ptr<sim::Capture> capture = stream->capture;
    if (!capture) return sim::fail(CUDA_ERROR_ILLEGAL_STATE, "cuStreamEndCapture: the stream is not captured");
    if (capture->origin != stream.get()) {
        capture->invalidated = true;
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
                         "cuStreamEndCapture: the capture began in another stream");
    }
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id()) {
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
                         "cuStreamEndCapture: the capture began in another thread");
    }
    bool unjoined = sim::has_unjoined_work(*capture);
    sim::finish(capture);
    if (capture->invalidated) {
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
                         "cuStreamEndCapture: an earlier call invalidated the capture");
    }
    if (unjoined) {
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
                         "cuStreamEndCapture: another stream has work that this one does not wait for");
    }
    *graph = sim::add_graph(capture->graph);
    return CUDA_SUCCESS;
}

API CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
    if (CUresult error = sim::begin("cuStreamIsCapturing")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream || !status) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamIsCapturing: the stream does not exist or was destroyed");
    }
    if (!stream->capture) {
        if (CUresult error = sim::check_capture("cuStreamIsCapturing", *stream)) return error;
    }
    *status = !stream->capture               ? CU_STREAM_CAPTURE_STATUS_NONE
              : stream->capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                             : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    return CUDA_SUCCESS;
}

API CUresult cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph,
                                       const CUgraphNode** nodes, const void** edges, size_t* count) {
    if (CUresult error = cuStreamIsCapturing(handle, status)) return error;
    if (graph || nodes || edges || count) {
        return sim::fail(CUDA_ERROR_NOT_SUPPORTED,
                         "cuStreamGetCaptureInfo: the simulator tells the status and the number only");
    }
    if (id && *status != CU_STREAM_CAPTURE_STATUS_NONE) *id = sim::find_stream(handle)->capture->id;
    return CUDA_SUCCESS;
}

API CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
    if (!mode || *mode < CU_STREAM_CAPTURE_MODE_GLOBAL || *mode > CU_STREAM_CAPTURE_MODE_RELAXED) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuThreadExchangeStreamCaptureMode: unknown mode");
    }
    std::swap(*mode, sim::thread_mode);
    return CUDA_SUCCESS;
}
