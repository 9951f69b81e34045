// The fibers of a worker: made when they are needed, and used again.
#include "sanitizers.h"
#include "worker.h"

namespace sim {

Fiber* Worker::idle_fiber() {
    if (idle_.empty() && !add_fiber()) return nullptr;
    Fiber* fiber = idle_.front();
    idle_.pop_front();
    return fiber;
}

// The one used last is used next, its stack being in the cache; under ThreadSanitizer the one used longest ago.
void Worker::release_fiber(Fiber& fiber) {
    if (thread_sanitizer()) {
        idle_.push_back(&fiber);
    } else {
        idle_.push_front(&fiber);
    }
}

bool Worker::add_fiber() {
    Fiber fiber;
    if (!create_stack(fiber, fibers_.size())) return false;
    prime(fiber, fiber_main);
    fibers_.push_back(fiber);
    idle_.push_front(&fibers_.back());
    return true;
}

// Blocks are concurrent, though they use the memory of one worker in turn: that memory becomes new with each. To
// ThreadSanitizer a fiber is a thread, and what it does is in order: the threads of a block have one each, and those of
// the next block others. They are made here, since one that was made by a thread would follow that thread.
void Worker::renew() {
    if (!thread_sanitizer()) return;
    order_ = std::make_unique<Order>();
    while (fibers_.size() < 2 * launch_->threads_per_block() && add_fiber()) {}
    shared_memory_.renew();
    for (Fiber* fiber : idle_) {
        if (fiber->used) renew_stack(*fiber, fiber_main);
    }
    release(&block_begun_);
}

}  // namespace sim
