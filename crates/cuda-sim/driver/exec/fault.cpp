#include "fault.h"

#include <signal.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "sanitizers.h"
#include "worker.h"

namespace sim {

std::string (*describe_address)(const void* address) = nullptr;

namespace {

constexpr int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction previous_actions[NSIG];

void report_fault(int signal, int code, void* address) { this_worker->fault(signal, code, address); }

void pass_on(int signal, siginfo_t* information, void* context) {
    const struct sigaction& previous = previous_actions[signal];
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signal, information, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal);
    } else {
        // Runs the instruction again, to die of it.
        ::signal(signal, SIG_DFL);
    }
}

// Leaves the kernel for report_fault, on a stack that is whole; the kernel's code is not gone back to.
void handle(int signal, siginfo_t* information, void* context) {
    if (!this_worker || !this_worker->runs_block()) {
        pass_on(signal, information, context);
        return;
    }
    greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    uintptr_t top = reinterpret_cast<uintptr_t>(this_worker->fault_stack_top()) / 16 * 16;
    // As after a call: the return address, which is never used, has been pushed.
    registers[REG_RSP] = static_cast<greg_t>(top - 8);
    registers[REG_RIP] = reinterpret_cast<greg_t>(report_fault);
    registers[REG_RDI] = signal;
    registers[REG_RSI] = information->si_code;
    registers[REG_RDX] = reinterpret_cast<greg_t>(information->si_addr);
}

}  // namespace

void install_fault_handlers() {
    static std::once_flag once;
    std::call_once(once, [] {
        // AddressSanitizer reports faults itself, with the stack.
        if (address_sanitizer()) return;
        struct sigaction action = {};
        action.sa_sigaction = handle;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        for (int signal : SIGNALS) sigaction(signal, &action, &previous_actions[signal]);
    });
}

void create_signal_stack() {
    constexpr size_t SIZE = 64 << 10;
    stack_t stack = {};
    stack.ss_sp = std::malloc(SIZE);
    stack.ss_size = SIZE;
    if (stack.ss_sp) sigaltstack(&stack, nullptr);
}

void Worker::fault(int signal, int code, const void* address) {
    const char* place = static_cast<const char*>(address);
    const Fiber& fiber = *current_;
    if (signal == SIGFPE) fail(Failure::Kernel, "an integer was divided by zero, or has no quotient");
    if (signal == SIGILL) fail(Failure::Kernel, "an illegal instruction was executed");
    if (place >= fiber.stack - STACK_GUARD && place < fiber.stack) {
        fail(Failure::StackOverflow, "the thread's stack overflowed: its local variables take more than " +
                                         std::to_string(fiber.stack_size >> 10) + " KiB");
    }
    // The processor raises a general protection fault, which tells no address.
    if (signal == SIGBUS || code == SI_KERNEL) {
        fail(Failure::MisalignedAddress, "memory was read or written at an address that is not a multiple of the size");
    }
    fail(Failure::IllegalAddress, "illegal address " + description(address));
}

void Worker::misaligned(const void* address) {
    fail(Failure::MisalignedAddress,
         "a vector was read or written at an address that is not a multiple of its size, " + description(address));
}

std::string Worker::description(const void* address) const {
    char text[64];
    snprintf(text, sizeof text, "0x%zx, ", reinterpret_cast<uintptr_t>(address));
    std::string what = text;
    if (shared_memory_.contains(address)) return what + "past the end of the block's shared memory";
    return describe_address ? what + describe_address(address) : what;
}

}  // namespace sim
