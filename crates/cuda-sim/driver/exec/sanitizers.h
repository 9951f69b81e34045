// What the runtimes of ThreadSanitizer and AddressSanitizer must be told. The driver itself is compiled without either;
// the symbols exist where the program was started with a runtime preloaded.
#pragma once

#include <cstddef>

extern "C" {
void* __tsan_create_fiber(unsigned flags) __attribute__((weak));
void __tsan_destroy_fiber(void* fiber) __attribute__((weak));
void* __tsan_get_current_fiber() __attribute__((weak));
void __tsan_switch_to_fiber(void* fiber, unsigned flags) __attribute__((weak));
void __tsan_set_fiber_name(void* fiber, const char* name) __attribute__((weak));
void __tsan_acquire(void* address) __attribute__((weak));
void __tsan_release(void* address) __attribute__((weak));
void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom, size_t size) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, size_t* size) __attribute__((weak));
void __asan_poison_memory_region(const volatile void* address, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void* address, size_t size) __attribute__((weak));
}

namespace sim {

inline bool thread_sanitizer() { return __tsan_create_fiber != nullptr; }

inline bool address_sanitizer() { return __asan_poison_memory_region != nullptr; }

// What a thread does before `release(x)` has happened for those who then call `acquire(x)`.
inline void release(void* address) {
    if (__tsan_release) __tsan_release(address);
}

inline void acquire(void* address) {
    if (__tsan_acquire) __tsan_acquire(address);
}

}  // namespace sim
