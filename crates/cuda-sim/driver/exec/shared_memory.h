// The shared memory of the block that a worker runs.
#pragma once

#include <cstddef>
#include <vector>

namespace sim {

// Limits of compute capability 9.0, in bytes.
constexpr size_t STATIC_SHARED_LIMIT = 48 << 10;
constexpr size_t SHARED_LIMIT = 227 << 10;

class SharedMemory {
public:
    // False where the system has no memory left.
    bool create();

    // Begins a block: all memory is NaN bytes, and the dynamic memory ends at a page that cannot be touched.
    void begin(size_t dynamic_size, size_t slots);

    // Makes ThreadSanitizer forget what the last block did.
    void renew();

    // Room for one declaration, between red zones. Null where the block uses more than a multiprocessor has.
    void* allocate(size_t size, size_t alignment);

    // Whether anything was written between the variables since the block began.
    bool red_zones_intact() const;

    size_t static_size() const { return static_size_; }
    void* dynamic() const { return dynamic_; }
    void** slots() { return slots_.data(); }

    // Whether the address lies in the pages around the memory, or in it.
    bool contains(const void* address) const;

private:
    struct Zone {
        size_t begin;
        size_t end;
    };

    char* base_ = nullptr;
    char* dynamic_ = nullptr;
    size_t dynamic_size_ = 0;
    // How much of the static region is taken, red zones included, and how much of it by variables.
    size_t used_ = 0;
    size_t static_size_ = 0;
    std::vector<Zone> red_zones_;
    std::vector<void*> slots_;
};

}  // namespace sim
