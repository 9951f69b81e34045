// The operating system threads that run blocks.
#include <condition_variable>
#include <cstdlib>
#include <thread>

#include "fault.h"
#include "sanitizers.h"
#include "worker.h"

namespace sim {

namespace {

// Launches below this many threads are over before a helper has woken up.
constexpr size_t ALONE_BELOW = 2048;
constexpr unsigned MAX_WORKERS = 16;

unsigned worker_count() {
    const char* wanted = std::getenv("CUDA_SIM_WORKERS");
    unsigned count = wanted ? static_cast<unsigned>(std::atoi(wanted)) : std::thread::hardware_concurrency();
    return count < 1 ? 1 : count > MAX_WORKERS ? MAX_WORKERS : count;
}

void become_worker() {
    if (this_worker) return;
    install_fault_handlers();
    create_signal_stack();
    this_worker = new Worker;
}

// Threads that help the one that launches. They live as long as the process.
class Helpers {
public:
    Helpers() : count_(worker_count() - 1) {
        for (unsigned index = 0; index < count_; ++index) std::thread([this] { help(); }).detach();
    }

    void run(Launch& launch) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            launch_ = &launch;
            ++generation_;
            busy_ = count_;
        }
        wake_.notify_all();
        this_worker->work(launch);
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return busy_ == 0; });
    }

    unsigned count() const { return count_; }

private:
    void help() {
        become_worker();
        unsigned seen = 0;
        for (;;) {
            Launch* launch = nullptr;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return generation_ != seen; });
                seen = generation_;
                launch = launch_;
            }
            this_worker->work(*launch);
            std::lock_guard<std::mutex> lock(mutex_);
            if (--busy_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    Launch* launch_ = nullptr;
    unsigned generation_ = 0;
    unsigned busy_ = 0;
    const unsigned count_;
};

}  // namespace

void run_launch(Launch& launch) {
    become_worker();
    release(&launch.begun);
    // Never destroyed: its threads wait in it until the process ends.
    static Helpers* helpers = new Helpers;
    size_t threads = launch.blocks() * launch.threads_per_block();
    if (launch.blocks() == 1 || helpers->count() == 0 || threads < ALONE_BELOW) {
        this_worker->work(launch);
    } else {
        helpers->run(launch);
    }
    acquire(&launch.ended);
}

}  // namespace sim
