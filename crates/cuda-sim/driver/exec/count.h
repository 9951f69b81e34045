// A number that threads wait for. To ThreadSanitizer, which knows mutexes and condition variables but not this, nobody
// who waits so comes after what others did: that is for acquire and release of sanitizers.h to say.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>

namespace sim {

class Count {
public:
    void add_one() {
        ++value_;
        syscall(SYS_futex, reinterpret_cast<unsigned*>(&value_), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
    }

    void wait_for(unsigned least) {
        for (unsigned now = value_; now < least; now = value_) {
            syscall(SYS_futex, reinterpret_cast<unsigned*>(&value_), FUTEX_WAIT_PRIVATE, now, nullptr, nullptr, 0);
        }
    }

    bool is(unsigned least) const { return value_ >= least; }

private:
    std::atomic<unsigned> value_{0};
    static_assert(sizeof(std::atomic<unsigned>) == sizeof(unsigned), "what the system waits for");
};

}  // namespace sim
