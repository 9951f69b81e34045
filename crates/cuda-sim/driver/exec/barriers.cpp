// What the threads of a block wait for: barriers of the block, operations of a warp.
#include <cstdio>
#include <cstring>
#include <map>

#include "sanitizers.h"
#include "worker.h"

namespace sim {

namespace {

bool same(cuda_sim::Site left, cuda_sim::Site right) {
    return left.line == right.line && (left.file == right.file || std::strcmp(left.file, right.file) == 0);
}

std::string mask_text(unsigned value) {
    char text[16];
    snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

const char* name(cuda_sim::WarpOperation operation) {
    switch (operation) {
        case cuda_sim::WARP_SYNC: return "__syncwarp";
        case cuda_sim::WARP_SHUFFLE: return "a shuffle";
        case cuda_sim::WARP_BALLOT: return "a vote";
        case cuda_sim::WARP_MATCH: return "a match";
        case cuda_sim::WARP_LOAD_MATRICES: return "ldmatrix";
        case cuda_sim::WARP_PRODUCT: return "mma";
    }
    return "an operation of the warp";
}

}  // namespace

void* Worker::shared(size_t size, size_t alignment) {
    void* room = shared_memory_.allocate(size, alignment);
    if (!room) {
        fail(Failure::TooManyResources,
             "the block's __shared__ variables take more than 48 KiB, or more than 227 KiB "
             "together with its dynamic shared memory");
    }
    return room;
}

int Worker::barrier(cuda_sim::BarrierKind kind, int predicate, cuda_sim::Site site) {
    Barrier& barrier = barrier_;
    unsigned parity = barrier.parity;
    int& result = barrier.result[parity];
    if (barrier.waiting == 0) {
        barrier.kind = kind;
        barrier.site = site;
        result = kind == cuda_sim::BARRIER_AND;
    } else if (kind != barrier.kind || !same(site, barrier.site)) {
        fail(Failure::Kernel, "divergent barriers: this thread waits at " + place(site) + " while " +
                                  std::to_string(barrier.waiting) + " threads of the block wait at " +
                                  place(barrier.site));
    }
    switch (kind) {
        case cuda_sim::BARRIER_PLAIN: break;
        case cuda_sim::BARRIER_COUNT: result += predicate != 0; break;
        case cuda_sim::BARRIER_AND: result &= predicate != 0; break;
        case cuda_sim::BARRIER_OR: result |= predicate != 0; break;
    }
    release(&order_->barrier[parity]);
    if (++barrier.waiting == alive_) {
        release_barrier();
    } else {
        wait("__syncthreads", site);
    }
    acquire(&order_->barrier[parity]);
    return barrier_.result[parity];
}

// All threads that live have arrived.
void Worker::release_barrier() {
    if (alive_ < count_) {
        fail(Failure::Kernel, "barrier after an exit: " + std::to_string(alive_) + " threads wait at " +
                                  place(barrier_.site) + ", the other " + std::to_string(count_ - alive_) +
                                  " of the block have exited");
    }
    barrier_.waiting = 0;
    barrier_.parity ^= 1;
    for (unsigned linear = 0; linear < count_; ++linear) {
        Thread& thread = threads_[linear];
        if (thread.waits_for) wake(thread);
    }
}

// Lanes may wait with a mask while others of it are still at an operation with another one: both go on in the end, or
// the block is deadlocked.
Meeting& Worker::meeting_of(Warp& warp, unsigned mask, cuda_sim::WarpOperation operation, cuda_sim::Site site) {
    Meeting* found = nullptr;
    for (Meeting& meeting : warp.meetings) {
        if (meeting.arrived && meeting.mask == mask) {
            found = &meeting;
            break;
        }
        if (!meeting.arrived && !found) found = &meeting;
    }
    if (!found) fail(Failure::Kernel, "more than 8 groups of lanes of one warp wait at once");
    if (found->arrived && (found->operation != operation || !same(found->site, site))) {
        fail(Failure::Kernel, "lanes of one mask execute different operations: " + std::string(name(operation)) +
                                  " at " + place(site) + " and " + name(found->operation) + " at " +
                                  place(found->site));
    }
    return *found;
}

void Worker::warp(unsigned mask, cuda_sim::WarpOperation operation, void* argument, cuda_sim::WarpFunction function,
                  cuda_sim::Site site) {
    unsigned linear = current_->thread->linear;
    unsigned lane = linear % WARP_SIZE;
    Warp& warp = warps_[linear / WARP_SIZE];
    if (!(mask >> lane & 1)) {
        fail(Failure::Kernel, std::string("lane outside the mask: lane ") + std::to_string(lane) + " calls " +
                                  name(operation) + " at " + place(site) + " with mask " + mask_text(mask));
    }
    Meeting& meeting = meeting_of(warp, mask, operation, site);
    meeting.mask = mask;
    meeting.operation = operation;
    meeting.function = function;
    meeting.site = site;
    meeting.arrived |= 1u << lane;
    meeting.arguments[lane] = argument;
    // Only __syncwarp orders what lanes write to memory.
    char* order = &order_->warp[linear / WARP_SIZE][&meeting - warp.meetings][meeting.generation % 4];
    if (operation == cuda_sim::WARP_SYNC) release(order);
    if (meeting.arrived == (mask & warp.alive)) {
        complete(linear / WARP_SIZE, meeting);
    } else {
        ++warp.waiting;
        wait(name(operation), site);
        --warp.waiting;
    }
    if (operation == cuda_sim::WARP_SYNC) acquire(order);
}

// All lanes have arrived: runs the operation and wakes those that wait for it.
void Worker::complete(unsigned warp, Meeting& meeting) {
    unsigned arrived = meeting.arrived;
    const bool of_matrices =
        meeting.operation == cuda_sim::WARP_LOAD_MATRICES || meeting.operation == cuda_sim::WARP_PRODUCT;
    if (of_matrices && arrived != 0xffffffffu) {
        fail(Failure::Kernel, std::string(name(meeting.operation)) + " at " + place(meeting.site) +
                                  " wants all lanes of the warp; these have not exited: " + mask_text(arrived));
    }
    meeting.function(meeting.arguments, arrived);
    meeting.arrived = 0;
    ++meeting.generation;
    for (unsigned lane = 0; lane < WARP_SIZE; ++lane) {
        if (!(arrived >> lane & 1)) continue;
        Thread& thread = threads_[warp * WARP_SIZE + lane];
        if (thread.waits_for) wake(thread);
    }
}

// Nobody can go on: says where how many threads wait.
void Worker::deadlock() {
    std::map<std::string, unsigned> waiting;
    for (unsigned linear = 0; linear < count_; ++linear) {
        const Thread& thread = threads_[linear];
        if (thread.waits_for) ++waiting[std::string(thread.waits_for) + " at " + place(thread.site)];
    }
    std::string what = "deadlock:";
    for (const auto& entry : waiting) {
        what += (what.back() == ':' ? " " : ", ") + std::to_string(entry.second) + " threads wait for " + entry.first;
    }
    if (alive_ < count_) what += ", " + std::to_string(count_ - alive_) + " have exited";
    fail(Failure::Kernel, what);
}

}  // namespace sim

void* cuda_sim_shared(unsigned long size, unsigned long alignment) { return sim::this_worker->shared(size, alignment); }

int cuda_sim_barrier(cuda_sim::BarrierKind kind, int predicate, cuda_sim::Site site) {
    return sim::this_worker->barrier(kind, predicate, site);
}

void cuda_sim_warp(unsigned mask, cuda_sim::WarpOperation operation, void* argument, cuda_sim::WarpFunction function,
                   cuda_sim::Site site) {
    sim::this_worker->warp(mask, operation, argument, function, site);
}

void cuda_sim_copy_later(const cuda_sim::AsyncCopy* copy) { sim::this_worker->copy_later(*copy); }

int cuda_sim_copy_next(cuda_sim::AsyncCopy* copy) { return sim::this_worker->copy_next(*copy); }

int cuda_sim_copy_kept(unsigned n, cuda_sim::AsyncCopy* copy) { return sim::this_worker->copy_kept(n, *copy); }

void cuda_sim_copy_replace(unsigned n, const cuda_sim::AsyncCopy* copy) { sim::this_worker->copy_replace(n, *copy); }

void cuda_sim_wait_for_launch_before() { sim::this_worker->wait_for_launch_before(); }

void cuda_sim_misaligned(const void* address) { sim::this_worker->misaligned(address); }

void cuda_sim_assert(const char* condition, cuda_sim::Site site) {
    sim::this_worker->fail(sim::Failure::Assertion,
                           "assertion " + std::string(condition) + " failed at " + sim::place(site));
}

void cuda_sim_fail(const char* what, cuda_sim::Site site) {
    sim::this_worker->fail(sim::Failure::Kernel, std::string(what) + " at " + sim::place(site));
}
