// Events: places in a stream that other streams and the host can wait for.
#include <chrono>
#include <memory>
#include <string>

#include "capture.h"
#include "registry.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

typedef std::chrono::steady_clock::time_point Time;

struct Event {
    bool timed = true;
    bool recorded = false;
    Ticket ticket;
    // When the stream got there; of the latest record.
    std::shared_ptr<Time> time;
    // Where it was last recorded in a capture: the nodes that come before it.
    std::shared_ptr<Capture> capture;
    std::vector<size_t> nodes;
};

Registry<CUevent, Event>& events() {
    static auto* events = new Registry<CUevent, Event>(0xe1000000);
    return *events;
}

CUresult no_event(const char* function) {
    return fail(CUDA_ERROR_INVALID_HANDLE, std::string(function) + ": the event does not exist or was destroyed");
}

CUresult no_stream(const char* function) {
    return fail(CUDA_ERROR_INVALID_HANDLE, std::string(function) + ": the stream does not exist or was destroyed");
}

CUresult captured(const char* function, const Event& event) {
    if (!event.capture) return CUDA_SUCCESS;
    event.capture->invalidated = true;
    return fail(CUDA_ERROR_CAPTURED_EVENT,
                std::string(function) + ": the event was last recorded in a captured stream");
}

}  // namespace

}  // namespace sim

API CUresult cuEventCreate(CUevent* event, unsigned flags) {
    if (CUresult error = sim::begin("cuEventCreate")) return error;
    if (!event) return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuEventCreate: no place for the result");
    auto created = std::make_shared<sim::Event>();
    created->timed = !(flags & CU_EVENT_DISABLE_TIMING);
    *event = sim::events().add(std::move(created));
    return CUDA_SUCCESS;
}

API CUresult cuEventDestroy_v2(CUevent event) {
    if (CUresult error = sim::begin("cuEventDestroy")) return error;
    return sim::events().remove(event) ? CUDA_SUCCESS : sim::no_event("cuEventDestroy");
}

API CUresult cuEventRecord(CUevent handle, CUstream stream_handle) {
    if (CUresult error = sim::begin("cuEventRecord")) return error;
    std::shared_ptr<sim::Event> event = sim::events().find(handle);
    if (!event) return sim::no_event("cuEventRecord");
    std::shared_ptr<sim::Stream> stream = sim::find_stream(stream_handle);
    if (!stream) return sim::no_stream("cuEventRecord");
    if (CUresult error = sim::check_capture("cuEventRecord", *stream)) return error;
    event->recorded = true;
    event->capture = stream->capture;
    event->nodes = stream->frontier;
    if (stream->capture) return CUDA_SUCCESS;
    auto time = std::make_shared<sim::Time>();
    event->time = time;
    event->ticket = sim::enqueue(stream, [time] { *time = std::chrono::steady_clock::now(); });
    return CUDA_SUCCESS;
}

API CUresult cuEventSynchronize(CUevent handle) {
    if (CUresult error = sim::begin("cuEventSynchronize")) return error;
    std::shared_ptr<sim::Event> event = sim::events().find(handle);
    if (!event) return sim::no_event("cuEventSynchronize");
    if (CUresult error = sim::captured("cuEventSynchronize", *event)) return error;
    if (event->recorded) sim::wait_for(event->ticket);
    return sim::device_state();
}

API CUresult cuEventQuery(CUevent handle) {
    if (CUresult error = sim::begin("cuEventQuery")) return error;
    std::shared_ptr<sim::Event> event = sim::events().find(handle);
    if (!event) return sim::no_event("cuEventQuery");
    if (CUresult error = sim::captured("cuEventQuery", *event)) return error;
    if (event->recorded && !sim::poll(event->ticket)) return CUDA_ERROR_NOT_READY;
    return sim::device_state();
}

API CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start_handle, CUevent end_handle) {
    if (CUresult error = sim::begin("cuEventElapsedTime")) return error;
    std::shared_ptr<sim::Event> start = sim::events().find(start_handle);
    std::shared_ptr<sim::Event> end = sim::events().find(end_handle);
    if (!start || !end) return sim::no_event("cuEventElapsedTime");
    for (const auto& event : {start, end}) {
        if (CUresult error = sim::captured("cuEventElapsedTime", *event)) return error;
        if (!event->timed || !event->recorded) {
            return sim::fail(CUDA_ERROR_INVALID_HANDLE,
                             "cuEventElapsedTime: an event was never recorded, or was made without timing");
        }
        if (!sim::poll(event->ticket)) return CUDA_ERROR_NOT_READY;
    }
    *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *start->time).count();
    return CUDA_SUCCESS;
}

API CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent event_handle, unsigned) {
    if (CUresult error = sim::begin("cuStreamWaitEvent")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(stream_handle);
    if (!stream) return sim::no_stream("cuStreamWaitEvent");
    std::shared_ptr<sim::Event> event = sim::events().find(event_handle);
    if (!event) return sim::no_event("cuStreamWaitEvent");
    if (CUresult error = sim::check_capture("cuStreamWaitEvent", *stream)) return error;
    if (!event->recorded) return CUDA_SUCCESS;
    if (event->capture) return sim::join_capture("cuStreamWaitEvent", stream, event->capture, event->nodes);
    if (stream->capture) {
        sim::invalidate(*stream);
        return sim::fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
                         "cuStreamWaitEvent: a captured stream cannot wait for an event from outside the capture");
    }
    sim::enqueue(stream, nullptr, {event->ticket});
    return CUDA_SUCCESS;
}
