// How a worker runs a block: threads begin in turn on one fiber, as plain calls, until one has to wait; then the next
// goes on on another fiber. barriers.cpp has what they wait for.
#include "worker.h"

#include <algorithm>
#include <numeric>

#include "sanitizers.h"

__thread cuda_sim::BlockState cuda_sim::state = {};

namespace sim {

thread_local Worker* this_worker = nullptr;

std::string place(cuda_sim::Site site) {
    return std::string(site.file ? site.file : "?") + ":" + std::to_string(site.line);
}

namespace {

std::string triple(uint3 index) {
    return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," + std::to_string(index.z) + ")";
}

const char NO_STACK[] = "the system has no memory for the stack of a thread";

// A step that visits all of `count` numbers: one without a common divisor.
size_t coprime_step(size_t wanted, size_t count) {
    size_t step = wanted % count;
    while (std::gcd(step, count) != 1) step = (step + 1) % count;
    return step;
}

}  // namespace

// xorshift64*: the order of threads needs no better numbers.
unsigned Worker::random(unsigned bound) {
    random_state_ ^= random_state_ >> 12;
    random_state_ ^= random_state_ << 25;
    random_state_ ^= random_state_ >> 27;
    return static_cast<unsigned>((random_state_ * 0x2545f4914f6cdd1dull) >> 33) % bound;
}

void Worker::prepare() {
    if (!threads_.empty()) return;
    threads_.resize(MAX_THREADS);
    ready_.resize(MAX_THREADS);
    order_ = std::make_unique<Order>();
    fault_stack_.resize(64 << 10);
    adopt_thread(scheduler_);
    shared_memory_.create();
}

void Worker::work(Launch& launch) {
    prepare();
    launch_ = &launch;
    size_t blocks = launch.blocks();
    size_t step =
        launch.seed ? coprime_step(static_cast<size_t>(launch.seed * 0x9e3779b97f4a7c15ull >> 16), blocks) : 1;
    while (!launch.failed) {
        size_t number = launch.next_block++;
        if (number >= blocks) break;
        size_t shift = launch.seed ? static_cast<size_t>(launch.seed) : 0;
        run_block(static_cast<size_t>((static_cast<unsigned __int128>(number) * step + shift) % blocks));
    }
}

// The indices of threads, where the block before had another shape.
void Worker::number_threads(const dim3& block) {
    const dim3& before = cuda_sim::state.block_dim;
    if (before.x == block.x && before.y == block.y && before.z == block.z) return;
    unsigned linear = 0;
    for (unsigned z = 0; z < block.z; ++z) {
        for (unsigned y = 0; y < block.y; ++y) {
            for (unsigned x = 0; x < block.x; ++x, ++linear) {
                threads_[linear].index = {x, y, z};
                threads_[linear].linear = linear;
            }
        }
    }
}

void Worker::begin_block(size_t number) {
    cuda_sim::BlockState& state = cuda_sim::state;
    const Launch& launch = *launch_;
    state.block_index = {static_cast<unsigned>(number % launch.grid.x),
                         static_cast<unsigned>(number / launch.grid.x % launch.grid.y),
                         static_cast<unsigned>(number / launch.grid.x / launch.grid.y)};
    number_threads(launch.block);
    state.block_dim = launch.block;
    state.grid_dim = launch.grid;
    shared_memory_.begin(launch.dynamic_shared, *launch.kernel->shared_slots);
    state.shared_slots = shared_memory_.slots();
    state.dynamic_shared = shared_memory_.dynamic();

    count_ = alive_ = launch.threads_per_block();
    begun_ = 0;
    failed_ = false;
    ready_count_ = 0;
    barrier_ = Barrier();
    for (unsigned first = 0; first < count_; first += WARP_SIZE) {
        Warp& warp = warps_[first / WARP_SIZE];
        warp.alive = count_ - first >= WARP_SIZE ? ~0u : (1u << (count_ - first)) - 1;
        warp.waiting = 0;
        for (Meeting& meeting : warp.meetings) meeting.arrived = 0;
    }
    sequence_.resize(count_);
    std::iota(sequence_.begin(), sequence_.end(), 0u);
    random_state_ = launch.seed ? launch.seed * 0x9e3779b97f4a7c15ull + number + 1 : 0;
    if (random_state_) {
        for (unsigned index = count_ - 1; index > 0; --index) std::swap(sequence_[index], sequence_[random(index + 1)]);
    }
}

void Worker::run_block(size_t number) {
    renew();
    begin_block(number);
    Fiber* fiber = idle_fiber();
    if (!fiber) {
        launch_->fail(Failure::TooManyResources, NO_STACK);
        return;
    }
    begin_next_thread(*fiber);
    current_ = fiber;
    running_ = true;
    switch_fiber(scheduler_, *fiber);
    running_ = false;
    current_ = nullptr;
    end_block();
}

void Worker::end_block() {
    if (failed_) {
        // What the fibers were doing is abandoned.
        idle_.clear();
        for (Fiber& fiber : fibers_) {
            prime(fiber, fiber_main);
            idle_.push_back(&fiber);
        }
        return;
    }
    if (!shared_memory_.red_zones_intact()) {
        launch_->fail(Failure::IllegalAddress, block_name() + ": a write past the end of a __shared__ variable");
    }
}

void Worker::begin_next_thread(Fiber& fiber) {
    unsigned linear = sequence_[begun_++];
    Thread& thread = threads_[linear];
    thread.fenced = false;
    thread.waits_for = nullptr;
    thread.copies.clear();
    thread.has_waited = false;
    thread.fiber = &fiber;
    fiber.thread = &thread;
    fiber.used = true;
    cuda_sim::state.thread = &thread;
    if (__tsan_set_fiber_name) {
        std::string name =
            std::string(launch_->kernel->name) + " " + triple(cuda_sim::state.block_index) + " " + triple(thread.index);
        __tsan_set_fiber_name(fiber.tsan, name.c_str());
    }
}

void Worker::fiber_main() {
    entered_fiber();
    for (;;) this_worker->live();
}

// One stay of a fiber: runs the thread that it was given, and those that can follow on the same stack.
void Worker::live() {
    for (;;) {
        acquire(&launch_->begun);
        acquire(&block_begun_);
        launch_->kernel->call(launch_->arguments);
        release(&launch_->ended);
        exit_thread();
        // ThreadSanitizer would take what two threads do on one stack for a race.
        bool shares_stack = !thread_sanitizer() && begun_ < count_ && ready_count_ == 0;
        if (!shares_stack) break;
        begin_next_thread(*current_);
    }
    current_->thread = nullptr;
    switch_to_another();
}

void Worker::copy_later(const cuda_sim::AsyncCopy& copy) { current_->thread->copies.push_back(copy); }

bool Worker::copy_next(cuda_sim::AsyncCopy& copy) {
    std::vector<cuda_sim::AsyncCopy>& copies = current_->thread->copies;
    if (copies.empty()) return false;
    copy = copies.back();
    copies.pop_back();
    return true;
}

bool Worker::copy_kept(unsigned n, cuda_sim::AsyncCopy& copy) {
    const std::vector<cuda_sim::AsyncCopy>& copies = current_->thread->copies;
    if (n >= copies.size()) return false;
    copy = copies[n];
    return true;
}

void Worker::copy_replace(unsigned n, const cuda_sim::AsyncCopy& copy) { current_->thread->copies[n] = copy; }

// Keeps the worker until then: what its other threads do before they wait comes later, as it may.
void Worker::wait_for_launch_before() {
    current_->thread->has_waited = true;
    launch_->wait_for_launch_before();
    acquire(&launch_->follows);
}

void Worker::exit_thread() {
    unsigned linear = current_->thread->linear;
    if (launch_->early && !current_->thread->has_waited) {
        fail(Failure::Kernel,
             "it exits before it has waited for the launch before (griddepcontrol.wait), which need not have "
             "ended when this one begins");
    }
    if (!current_->thread->copies.empty()) {
        fail(Failure::Kernel, "it exits before it has waited for " + std::to_string(current_->thread->copies.size()) +
                                  " asynchronous copies");
    }
    Warp& warp = warps_[linear / WARP_SIZE];
    warp.alive &= ~(1u << linear % WARP_SIZE);
    --alive_;
    if (warp.waiting) {
        for (Meeting& meeting : warp.meetings) {
            if (meeting.arrived && meeting.arrived == (meeting.mask & warp.alive)) {
                complete(linear / WARP_SIZE, meeting);
            }
        }
    }
    if (alive_ && barrier_.waiting == alive_) release_barrier();
}

void Worker::wake(Thread& thread) {
    thread.waits_for = nullptr;
    ready_[(ready_begin_ + ready_count_++) % MAX_THREADS] = &thread;
}

Thread* Worker::take_ready() {
    if (ready_count_ == 0) return nullptr;
    Thread*& first = ready_[ready_begin_];
    if (random_state_) std::swap(first, ready_[(ready_begin_ + random(ready_count_)) % MAX_THREADS]);
    ready_begin_ = (ready_begin_ + 1) % MAX_THREADS;
    --ready_count_;
    return first;
}

// Gives the processor to another thread of the block: one that waits no longer, else one that has not begun.
// Returns when the fiber that called is switched back to.
void Worker::switch_to_another() {
    Fiber* self = current_;
    Fiber* next = nullptr;
    bool prefer_new = random_state_ && begun_ < count_ && random(2) == 0;
    Thread* thread = prefer_new ? nullptr : take_ready();
    if (thread) {
        next = thread->fiber;
        cuda_sim::state.thread = thread;
    } else if (begun_ < count_) {
        next = idle_fiber();
        if (!next) fail(Failure::TooManyResources, NO_STACK);
        begin_next_thread(*next);
    } else if (alive_) {
        deadlock();
    }
    if (!self->thread) release_fiber(*self);
    if (next == self) return;
    current_ = next;
    switch_fiber(*self, next ? *next : scheduler_);
}

void Worker::wait(const char* what, cuda_sim::Site site) {
    Thread* thread = current_->thread;
    thread->waits_for = what;
    thread->site = site;
    switch_to_another();
}

std::string Worker::block_name() const {
    return std::string("kernel ") + launch_->kernel->name + ", block " + triple(cuda_sim::state.block_index);
}

void Worker::fail(Failure failure, const std::string& what) {
    failed_ = true;
    launch_->fail(failure, block_name() + ", thread " + triple(cuda_sim::state.thread->index) + ": " + what);
    Fiber* self = current_;
    current_ = nullptr;
    switch_fiber(*self, scheduler_);
    __builtin_unreachable();
}

}  // namespace sim
