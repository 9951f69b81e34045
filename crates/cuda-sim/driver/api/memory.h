// Memory of the device, and memory of the host that the device may use.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cuda.h"

namespace sim {

// Each allocation lies on pages of its own and ends where a page begins that cannot be touched, so that an access past
// the end faults; so does one before the beginning or after the memory was freed. Fresh memory is NaN bytes.
class Memory {
public:
    Memory();

    CUresult allocate(const char* function, size_t size, CUdeviceptr* result);
    CUresult free(const char* function, CUdeviceptr address);

    CUresult allocate_host(size_t size, void** result);
    CUresult free_host(void* address);

    // Whether all of it is memory of the device or of the host that the device may use.
    CUresult check(const char* function, const char* role, CUdeviceptr address, size_t size) const;
    bool pinned(const void* address, size_t size) const;

    // Whether a kernel that touches the address works on memory of the device, or faults.
    bool known(CUdeviceptr address) const;

    // What lies at an address, as the end of a sentence.
    std::string describe(CUdeviceptr address) const;

    // Around which allocation something was written that no page could catch since the last call; empty where around
    // none.
    std::string take_overrun();

    // One line an allocation that has not been freed.
    std::string leaks() const;

    size_t total() const { return total_; }
    size_t used() const;

private:
    struct Block {
        size_t size = 0;
        // Bytes from the end to the next multiple of 16, where vectors end too.
        size_t slack = 0;
        // The pages, guards included.
        char* base = nullptr;
        size_t mapped = 0;
        // Counts allocations from 1.
        unsigned long long number = 0;
    };
    typedef std::map<CUdeviceptr, Block> Blocks;

    static const Blocks::value_type* at(const Blocks& blocks, CUdeviceptr address);
    static std::string name(const Blocks::value_type& block);
    static bool mend_surroundings(const Blocks::value_type& block);
    void bury(Blocks::iterator block);

    mutable std::mutex mutex_;
    Blocks live_;
    // Freed, but their addresses not given away again, for as long as there is room.
    Blocks freed_;
    std::deque<CUdeviceptr> burials_;
    size_t buried_bytes_ = 0;
    std::map<CUdeviceptr, size_t> host_;
    unsigned long long count_ = 0;
    size_t used_ = 0;
    size_t total_ = 0;
};

Memory& memory();

}  // namespace sim
