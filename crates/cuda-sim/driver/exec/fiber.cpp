#include "fiber.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

#include "sanitizers.h"

#ifndef __x86_64__
#error "fibers are written for x86-64"
#endif

// sim_switch_stack(save, load): pushes what a function must preserve, stores the stack pointer in *save, goes on with
// the stack `load`.
asm(R"(
.text
.globl sim_switch_stack
.hidden sim_switch_stack
.type sim_switch_stack, @function
sim_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size sim_switch_stack, . - sim_switch_stack

.globl sim_begin_fiber
.hidden sim_begin_fiber
.type sim_begin_fiber, @function
sim_begin_fiber:
    callq *%rbx
    ud2
.size sim_begin_fiber, . - sim_begin_fiber
)");

extern "C" void sim_switch_stack(void** save, void* load);
extern "C" void sim_begin_fiber();

namespace sim {

namespace {

constexpr size_t STACK_SIZE = 256 << 10;

// Writes a stack as sim_switch_stack leaves it, for a function that has not begun.
void lay_out(Fiber& fiber, void (*main)()) {
    void** top = reinterpret_cast<void**>(fiber.stack + fiber.stack_size);
    // r15, r14, r13, r12, rbx, rbp, return address; then a null for debuggers to end at.
    *--top = nullptr;
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(sim_begin_fiber);
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(main);
    for (int saved = 0; saved < 4; ++saved) *--top = nullptr;
    fiber.stack_pointer = top;
    fiber.thread = nullptr;
}

// Threads of a block are at the same depth of their stacks: without this, what they use there would share the same few
// lines of the processor's caches.
size_t cache_colour(size_t number) { return number * 5 % 64 * 64; }

}  // namespace

bool create_stack(Fiber& fiber, size_t number) {
    void* memory = mmap(nullptr, STACK_GUARD + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    mprotect(memory, STACK_GUARD, PROT_NONE);
    fiber.stack = static_cast<char*>(memory) + STACK_GUARD;
    fiber.stack_size = STACK_SIZE - cache_colour(number);
    return true;
}

void renew_pages(char* begin, size_t size) {
    constexpr size_t PAGE = 4096;
    char* first = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(begin) / PAGE * PAGE);
    size_t pages = (static_cast<size_t>(begin - first) + size + PAGE - 1) / PAGE;
    std::vector<unsigned char> used(pages);
    if (mincore(first, pages * PAGE, used.data()) != 0) return;
    for (size_t page = 0; page < pages; ++page) {
        if (!(used[page] & 1)) continue;
        // ThreadSanitizer intercepts it.
        mmap(first + page * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0);
    }
}

void renew_stack(Fiber& fiber, void (*main)()) {
    fiber.used = false;
    renew_pages(fiber.stack, fiber.stack_size);
    lay_out(fiber, main);
}

void prime(Fiber& fiber, void (*main)()) {
    lay_out(fiber, main);
    if (address_sanitizer()) __asan_unpoison_memory_region(fiber.stack, fiber.stack_size);
    if (thread_sanitizer()) {
        if (fiber.tsan) __tsan_destroy_fiber(fiber.tsan);
        fiber.tsan = __tsan_create_fiber(0);
    }
}

void switch_fiber(Fiber& from, Fiber& to) {
    // Flag 1: a switch orders nothing, the threads of a block stay concurrent to ThreadSanitizer.
    if (__tsan_switch_to_fiber) __tsan_switch_to_fiber(to.tsan, 1);
    void* fake_stack = nullptr;
    if (__sanitizer_start_switch_fiber) __sanitizer_start_switch_fiber(&fake_stack, to.stack, to.stack_size);
    sim_switch_stack(&from.stack_pointer, to.stack_pointer);
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

void entered_fiber() {
    if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}

void adopt_thread(Fiber& fiber) {
    if (__tsan_get_current_fiber) fiber.tsan = __tsan_get_current_fiber();
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    void* stack = nullptr;
    pthread_attr_getstack(&attributes, &stack, &fiber.stack_size);
    fiber.stack = static_cast<char*>(stack);
    pthread_attr_destroy(&attributes);
}

}  // namespace sim
