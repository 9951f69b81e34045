// What the Rust side of the simulator calls, beside CUDA's interface.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <string>

#include "capture.h"
#include "launch.h"
#include "memory.h"
#include "state.h"
#include "stream.h"

namespace {

// Copies a text that ends with a null; returns its length, which may be more than there is room for.
size_t copy_text(const std::string& text, char* to, size_t room) {
    if (room > 0) {
        size_t count = std::min(text.size(), room - 1);
        std::memcpy(to, text.data(), count);
        to[count] = '\0';
    }
    return text.size();
}

}  // namespace

// The report of what went wrong last, empty where nothing did.
API size_t cuda_sim_last_error(char* text, size_t room) { return copy_text(sim::last_report(), text, room); }

// Allocations that have not been freed, one a line.
API size_t cuda_sim_leaks(char* text, size_t room) {
    sim::wait_for_device();
    return copy_text(sim::memory().leaks(), text, room);
}

API unsigned long long cuda_sim_launches() { return sim::launch_count(); }

API unsigned long long cuda_sim_early_launches() { return sim::early_launch_count(); }

API void cuda_sim_fail_launch(unsigned long long after, int code) {
    sim::fail_launch(after, static_cast<CUresult>(code));
}

// Work that waits is done or, after an error, forgotten, and captures end; then the device is in order again.
API void cuda_sim_reset() {
    sim::abandon_all();
    sim::wait_for_device();
    sim::repair_device();
    sim::reset_launch_count();
    sim::forget_failure();
}
