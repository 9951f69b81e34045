// A worker runs blocks, one after another, on one operating system thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "fiber.h"
#include "launch.h"
#include "shared_memory.h"

namespace sim {

constexpr unsigned MAX_THREADS = 1024;
constexpr unsigned WARP_SIZE = 32;
// How many groups of lanes of one warp can wait at once.
constexpr unsigned MEETINGS = 8;

struct Thread : cuda_sim::ThreadState {
    Fiber* fiber = nullptr;
    // Where the thread waits, for reports.
    const char* waits_for = nullptr;
    cuda_sim::Site site = {nullptr, 0};
    // What it has asked for and not waited for.
    std::vector<cuda_sim::AsyncCopy> copies;
    // Whether it has waited for the launch before.
    bool has_waited = false;
};

// Lanes that meet at one operation of a warp.
struct Meeting {
    unsigned mask = 0;
    unsigned arrived = 0;
    cuda_sim::WarpOperation operation = cuda_sim::WARP_SYNC;
    cuda_sim::WarpFunction function = nullptr;
    cuda_sim::Site site = {nullptr, 0};
    // Tells a meeting from the next one in the same place, to ThreadSanitizer.
    unsigned generation = 0;
    void* arguments[WARP_SIZE] = {};
};

struct Warp {
    // Lanes that have not exited.
    unsigned alive = 0;
    // How many lanes wait at a meeting.
    unsigned waiting = 0;
    // Lanes with different masks may meet at the same time.
    Meeting meetings[MEETINGS];
};

// The __syncthreads at which the block waits.
struct Barrier {
    unsigned waiting = 0;
    cuda_sim::BarrierKind kind = cuda_sim::BARRIER_PLAIN;
    cuda_sim::Site site = {nullptr, 0};
    // By parity: a thread that runs ahead to the next barrier must not disturb one that has yet to leave this one.
    unsigned parity = 0;
    int result[2] = {0, 0};
};

// What ThreadSanitizer orders the threads of a block by. New for each block: blocks are not ordered.
struct Order {
    char barrier[2];
    char warp[MAX_THREADS / WARP_SIZE][MEETINGS][4];
};

class Worker {
public:
    // Claims and runs blocks until there are none left or one has failed.
    void work(Launch& launch);

    // Called by the threads of the block, through the functions of kernel/runtime.h.
    void* shared(size_t size, size_t alignment);
    int barrier(cuda_sim::BarrierKind kind, int predicate, cuda_sim::Site site);
    void warp(unsigned mask, cuda_sim::WarpOperation operation, void* argument, cuda_sim::WarpFunction function,
              cuda_sim::Site site);
    void copy_later(const cuda_sim::AsyncCopy& copy);
    bool copy_next(cuda_sim::AsyncCopy& copy);
    bool copy_kept(unsigned n, cuda_sim::AsyncCopy& copy);
    void copy_replace(unsigned n, const cuda_sim::AsyncCopy& copy);
    void wait_for_launch_before();
    [[noreturn]] void fail(Failure failure, const std::string& what);

    // Called when the processor reports a fault of the running thread.
    bool runs_block() const { return running_; }
    [[noreturn]] void fault(int signal, int code, const void* address);
    [[noreturn]] void misaligned(const void* address);
    // A stack on which a fault can be reported when the thread's own has overflowed.
    char* fault_stack_top() { return fault_stack_.data() + fault_stack_.size(); }

    static void fiber_main();

private:
    void prepare();
    void number_threads(const dim3& block);
    void begin_block(size_t number);
    void run_block(size_t number);
    void end_block();
    void live();
    void exit_thread();
    void wait(const char* what, cuda_sim::Site site);
    void switch_to_another();
    void begin_next_thread(Fiber& fiber);
    void renew();
    Thread* take_ready();
    Fiber* idle_fiber();
    void release_fiber(Fiber& fiber);
    bool add_fiber();
    void wake(Thread& thread);
    void release_barrier();
    void complete(unsigned warp, Meeting& meeting);
    Meeting& meeting_of(Warp& warp, unsigned mask, cuda_sim::WarpOperation operation, cuda_sim::Site site);
    [[noreturn]] void deadlock();
    unsigned random(unsigned bound);
    // "kernel k, block (0,0,0)"
    std::string block_name() const;
    std::string description(const void* address) const;

    Launch* launch_ = nullptr;
    SharedMemory shared_memory_;
    // The operating system thread's own stack.
    Fiber scheduler_;
    Fiber* current_ = nullptr;
    std::deque<Fiber> fibers_;
    std::deque<Fiber*> idle_;
    std::vector<Thread> threads_;
    // Threads that have begun and need not wait any longer, first in, first out: a ring.
    std::vector<Thread*> ready_;
    unsigned ready_begin_ = 0;
    unsigned ready_count_ = 0;
    // In which order threads begin, and how many have.
    std::vector<unsigned> sequence_;
    unsigned begun_ = 0;
    unsigned count_ = 0;
    unsigned alive_ = 0;
    Warp warps_[MAX_THREADS / WARP_SIZE];
    Barrier barrier_;
    unsigned long long random_state_ = 0;
    bool running_ = false;
    bool failed_ = false;
    std::vector<char> fault_stack_;
    std::unique_ptr<Order> order_;
    // The threads of a block begin after its memory was made new.
    char block_begun_ = 0;
};

// The worker of the calling operating system thread.
extern thread_local Worker* this_worker;

// "k.cu:12"
std::string place(cuda_sim::Site site);

}  // namespace sim
