#include "stream.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "capture.h"
#include "registry.h"
#include "state.h"

namespace sim {

namespace {

// As on a device, a queue that is full makes the program wait.
constexpr size_t QUEUE_LIMIT = 1024;

// The thread of the device: does what has been asked for, and what that depends on.
class Executor {
public:
    Ticket enqueue(const std::shared_ptr<Stream>& stream, Work work, std::vector<Ticket> after) {
        std::unique_lock<std::mutex> lock(mutex_);
        if (stream->queue.size() >= QUEUE_LIMIT) wait(lock, {stream, stream->completed + QUEUE_LIMIT / 2});
        stream->queue.push_back({std::move(work), std::move(after)});
        Ticket ticket{stream, ++stream->submitted};
        // With a seed, the device runs ahead now and then.
        if (seed() && random_below(4) == 0) demand({stream, stream->completed + 1 + random_below(4)});
        return ticket;
    }

    Ticket everything(const std::shared_ptr<Stream>& stream) {
        std::lock_guard<std::mutex> lock(mutex_);
        return {stream, stream->submitted};
    }

    void wait_for(const Ticket& ticket) {
        std::unique_lock<std::mutex> lock(mutex_);
        wait(lock, ticket);
    }

    bool poll(const Ticket& ticket) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (ticket.stream->completed >= ticket.number) return true;
        demand({ticket.stream, ticket.stream->completed + 1});
        return false;
    }

private:
    // Asks for the work up to a ticket.
    void demand(Ticket ticket) {
        ticket.number = std::min(ticket.number, ticket.stream->submitted);
        demands_.push_back(std::move(ticket));
        if (!started_) {
            started_ = true;
            std::thread([this] { run(); }).detach();
        }
        wake_.notify_one();
    }

    void wait(std::unique_lock<std::mutex>& lock, const Ticket& ticket) {
        if (ticket.stream->completed >= ticket.number) return;
        demand(ticket);
        done_.wait(lock, [&] { return ticket.stream->completed >= ticket.number; });
    }

    // The stream whose next operation must come first for the ticket to be reached. Operations follow only what was
    // submitted before them, so the search ends.
    static Stream* runnable(const Ticket& ticket) {
        Stream* stream = ticket.stream.get();
        for (;;) {
            const std::vector<Ticket>& after = stream->queue.front().after;
            auto open = std::find_if(after.begin(), after.end(),
                                     [](const Ticket& earlier) { return earlier.stream->completed < earlier.number; });
            if (open == after.end()) return stream;
            stream = open->stream.get();
        }
    }

    void run() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return !demands_.empty(); });
            Ticket ticket = std::move(demands_.front());
            demands_.pop_front();
            while (ticket.stream->completed < ticket.number) {
                Stream* stream = runnable(ticket);
                Operation operation = std::move(stream->queue.front());
                stream->queue.pop_front();
                lock.unlock();
                // After an error the device does nothing any more.
                if (device_state() == CUDA_SUCCESS && operation.work) operation.work();
                operation = Operation();
                lock.lock();
                ++stream->completed;
                done_.notify_all();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::deque<Ticket> demands_;
    bool started_ = false;
};

// Neither is ever destroyed: the device's thread uses them until the process ends.
Executor& executor() {
    static Executor* executor = new Executor;
    return *executor;
}

Registry<CUstream, Stream>& streams() {
    static auto* streams = new Registry<CUstream, Stream>(0x51000);
    return *streams;
}

// The stream of one thread of the program that has the handle 2.
std::shared_ptr<Stream> per_thread_stream() {
    static thread_local std::shared_ptr<Stream> stream;
    if (!stream) {
        stream = std::make_shared<Stream>();
        streams().add(stream);
    }
    return stream;
}

// With the legacy stream all blocking streams wait for each other.
std::vector<Ticket> implied_order(const std::shared_ptr<Stream>& stream) {
    std::vector<Ticket> after;
    if (stream == legacy_stream()) {
        for (const auto& other : streams().all()) {
            if (other->blocking && other != stream) after.push_back(executor().everything(other));
        }
    } else if (stream->blocking) {
        after.push_back(executor().everything(legacy_stream()));
    }
    return after;
}

}  // namespace

Work unless_failed(Work work) {
    return [work = std::move(work)] {
        if (device_state() == CUDA_SUCCESS) work();
    };
}

std::shared_ptr<Stream> legacy_stream() {
    static auto* stream = new std::shared_ptr<Stream>(std::make_shared<Stream>());
    return *stream;
}

std::shared_ptr<Stream> find_stream(CUstream handle) {
    switch (reinterpret_cast<uintptr_t>(handle)) {
        case 0:
        case 1: return legacy_stream();
        case 2: return per_thread_stream();
        default: return streams().find(handle);
    }
}

Ticket enqueue(const std::shared_ptr<Stream>& stream, Work work, std::vector<Ticket> after) {
    std::vector<Ticket> implied = implied_order(stream);
    after.insert(after.end(), implied.begin(), implied.end());
    return executor().enqueue(stream, std::move(work), std::move(after));
}

CUresult issue(const char* function, CUstream handle, Work work, Beginning begin) {
    std::shared_ptr<Stream> stream = find_stream(handle);
    if (!stream) {
        return fail(CUDA_ERROR_INVALID_HANDLE, std::string(function) + ": the stream does not exist or was destroyed");
    }
    if (CUresult error = check_capture(function, *stream)) return error;
    if (stream->capture) {
        record(*stream, std::move(work), std::move(begin));
    } else {
        enqueue(stream, std::move(work));
    }
    return CUDA_SUCCESS;
}

Ticket everything(const std::shared_ptr<Stream>& stream) { return executor().everything(stream); }

void wait_for(const Ticket& ticket) { executor().wait_for(ticket); }

void wait_for_device() {
    for (const auto& stream : streams().all()) wait_for(everything(stream));
    wait_for(everything(legacy_stream()));
}

bool poll(const Ticket& ticket) { return executor().poll(ticket); }

}  // namespace sim

API CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
    if (CUresult error = sim::begin("cuStreamCreate")) return error;
    if (!stream || flags > CU_STREAM_NON_BLOCKING) {
        return sim::fail(CUDA_ERROR_INVALID_VALUE, "cuStreamCreate: unknown flags " + std::to_string(flags));
    }
    auto created = std::make_shared<sim::Stream>();
    created->flags = flags;
    created->priority = priority;
    created->blocking = !(flags & CU_STREAM_NON_BLOCKING);
    *stream = sim::streams().add(std::move(created));
    return CUDA_SUCCESS;
}

API CUresult cuStreamCreate(CUstream* stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

API CUresult cuStreamDestroy_v2(CUstream handle) {
    if (CUresult error = sim::begin("cuStreamDestroy")) return error;
    std::shared_ptr<sim::Stream> stream = sim::streams().remove(handle);
    if (!stream)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamDestroy: the stream does not exist or was destroyed");
    sim::abandon(*stream);
    sim::wait_for(sim::everything(stream));
    return CUDA_SUCCESS;
}

API CUresult cuStreamSynchronize(CUstream handle) {
    if (CUresult error = sim::begin("cuStreamSynchronize")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream) {
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamSynchronize: the stream does not exist or was destroyed");
    }
    if (CUresult error = sim::forbid_while_capturing("cuStreamSynchronize", *stream)) return error;
    sim::wait_for(sim::everything(stream));
    // The legacy stream waits for the blocking ones even where it has no work of its own.
    if (stream == sim::legacy_stream()) {
        for (const sim::Ticket& ticket : sim::implied_order(stream)) sim::wait_for(ticket);
    }
    return sim::device_state();
}

API CUresult cuStreamQuery(CUstream handle) {
    if (CUresult error = sim::begin("cuStreamQuery")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamQuery: the stream does not exist or was destroyed");
    if (CUresult error = sim::forbid_while_capturing("cuStreamQuery", *stream)) return error;
    return sim::poll(sim::everything(stream)) ? sim::device_state() : CUDA_ERROR_NOT_READY;
}

API CUresult cuStreamGetFlags(CUstream handle, unsigned* flags) {
    if (CUresult error = sim::begin("cuStreamGetFlags")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream || !flags) return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamGetFlags: the stream does not exist");
    *flags = stream->flags;
    return CUDA_SUCCESS;
}

API CUresult cuStreamGetPriority(CUstream handle, int* priority) {
    if (CUresult error = sim::begin("cuStreamGetPriority")) return error;
    std::shared_ptr<sim::Stream> stream = sim::find_stream(handle);
    if (!stream || !priority)
        return sim::fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamGetPriority: the stream does not exist");
    *priority = stream->priority;
    return CUDA_SUCCESS;
}
