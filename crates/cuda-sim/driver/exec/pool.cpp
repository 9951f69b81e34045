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
    // ThreadSanitizer follows 8128 threads at most. A worker has up to 768, and there are three pools of workers.
    unsigned most = thread_sanitizer() ? 3 : MAX_WORKERS;
    return count < 1 ? 1 : count > most ? most : count;
}

void become_worker() {
    if (this_worker) return;
    install_fault_handlers();
    create_signal_stack();
    this_worker = new Worker;
}

// Threads that run blocks. They live as long as the process.
class Workers {
public:
    explicit Workers(unsigned count) : count_(count) {
        for (unsigned index = 0; index < count_; ++index) std::thread([this, index] { help(index); }).detach();
    }

    // Lets the first `wanted` of them run blocks of a launch.
    void begin(Launch& launch, unsigned wanted) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            launch_ = &launch;
            ++generation_;
            wanted_ = busy_ = wanted;
        }
        wake_.notify_all();
    }

    // Until they have ended.
    void end() {
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [this] { return busy_ == 0; });
    }

    unsigned count() const { return count_; }

private:
    void help(unsigned index) {
        become_worker();
        unsigned seen = 0;
        for (;;) {
            Launch* launch = nullptr;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return generation_ != seen; });
                seen = generation_;
                if (index >= wanted_) continue;
                launch = launch_;
            }
            this_worker->work(*launch);
            launch->held.add_one();
            std::lock_guard<std::mutex> lock(mutex_);
            if (--busy_ == 0) done_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    Launch* launch_ = nullptr;
    unsigned generation_ = 0;
    unsigned wanted_ = 0;
    unsigned busy_ = 0;
    const unsigned count_;
};

// As many as are worth waking.
unsigned workers_for(const Launch& launch, unsigned most) {
    if (launch.blocks() * launch.threads_per_block() < ALONE_BELOW) return 1;
    return launch.blocks() < most ? static_cast<unsigned>(launch.blocks()) : most;
}

// Two launches are under way at most: one that has begun, and the one before, which ends. Each has workers of its own.
class Early {
public:
    void begin(Launch& launch) {
        Workers& workers = of(begun_++);
        unsigned wanted = workers_for(launch, workers.count());
        workers.begin(launch, wanted);
        launch.held.wait_for(wanted);
    }

    void end() { of(ended_++).end(); }

private:
    Workers& of(unsigned number) { return *workers_[number % 2]; }

    Workers* workers_[2] = {new Workers(worker_count()), new Workers(worker_count())};
    unsigned begun_ = 0;
    unsigned ended_ = 0;
};

Early& early_launches() {
    static Early* launches = new Early;
    return *launches;
}

}  // namespace

void run_launch(Launch& launch) {
    become_worker();
    release(&launch.begun);
    // Never destroyed: its threads wait in it until the process ends.
    static Workers* helpers = new Workers(worker_count() - 1);
    unsigned wanted = workers_for(launch, helpers->count() + 1) - 1;
    if (wanted > 0) helpers->begin(launch, wanted);
    this_worker->work(launch);
    if (wanted > 0) helpers->end();
    acquire(&launch.ended);
}

void begin_launch(Launch& launch) {
    release(&launch.begun);
    launch.overlaps = true;
    early_launches().begin(launch);
}

void end_launch(Launch& launch) {
    release(&launch.follows);
    launch.ended_before.add_one();
    early_launches().end();
    acquire(&launch.ended);
}

}  // namespace sim
