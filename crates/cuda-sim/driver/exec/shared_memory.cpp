#include "shared_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "fiber.h"
#include "sanitizers.h"

namespace sim {

namespace {

constexpr size_t PAGE = 4096;
// Twice what variables may take, so that red zones fit between them.
constexpr size_t STATIC_REGION = 2 * SHARED_LIMIT / PAGE * PAGE;
constexpr size_t DYNAMIC_REGION = (SHARED_LIMIT + PAGE - 1) / PAGE * PAGE;
constexpr size_t REGION = PAGE + STATIC_REGION + PAGE + DYNAMIC_REGION + PAGE;
constexpr size_t RED_ZONE = 32;

// Not memset where a sanitizer intercepts it: filling is no access of the program.
void fill(char* begin, size_t size) {
    volatile char* bytes = begin;
    if (!thread_sanitizer() && !address_sanitizer()) {
        std::memset(begin, 0xff, size);
        return;
    }
    for (size_t index = 0; index < size; ++index) bytes[index] = static_cast<char>(0xff);
}

void set_poisoned(char* begin, size_t size, bool poisoned) {
    if (!address_sanitizer() || size == 0) return;
    if (poisoned) {
        __asan_poison_memory_region(begin, size);
    } else {
        __asan_unpoison_memory_region(begin, size);
    }
}

}  // namespace

bool SharedMemory::create() {
    void* memory = mmap(nullptr, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    base_ = static_cast<char*>(memory);
    for (size_t guard : {size_t{0}, PAGE + STATIC_REGION, REGION - PAGE}) mprotect(base_ + guard, PAGE, PROT_NONE);
    return true;
}

void SharedMemory::begin(size_t dynamic_size, size_t slots) {
    set_poisoned(base_ + PAGE, REGION - 2 * PAGE, false);
    slots_.assign(slots, nullptr);
    red_zones_.clear();
    used_ = 0;
    static_size_ = 0;
    dynamic_size_ = dynamic_size;
    size_t rounded = (dynamic_size + 15) / 16 * 16;
    dynamic_ = base_ + REGION - PAGE - rounded;
    fill(dynamic_, rounded);
    set_poisoned(base_ + PAGE, STATIC_REGION, true);
    char* dynamic_region = base_ + REGION - PAGE - DYNAMIC_REGION;
    set_poisoned(dynamic_region, static_cast<size_t>(dynamic_ - dynamic_region), true);
    set_poisoned(dynamic_ + dynamic_size, rounded - dynamic_size, true);
}

void SharedMemory::renew() {
    renew_pages(base_ + PAGE, STATIC_REGION);
    renew_pages(base_ + REGION - PAGE - DYNAMIC_REGION, DYNAMIC_REGION);
}

void* SharedMemory::allocate(size_t size, size_t alignment) {
    static_size_ += size;
    if (static_size_ > STATIC_SHARED_LIMIT || static_size_ + dynamic_size_ > SHARED_LIMIT) return nullptr;
    size_t step = std::max<size_t>(alignment, 16);
    size_t zone_end = (used_ + RED_ZONE + step - 1) / step * step;
    size_t end = zone_end + size;
    if (end + RED_ZONE > STATIC_REGION) return nullptr;
    char* region = base_ + PAGE;
    fill(region + used_, end + RED_ZONE - used_);
    red_zones_.push_back({used_, zone_end});
    used_ = end;
    set_poisoned(region + zone_end, size, false);
    return region + zone_end;
}

bool SharedMemory::red_zones_intact() const {
    if (address_sanitizer()) return true;
    auto untouched = [this](Zone zone) {
        return std::all_of(base_ + PAGE + zone.begin, base_ + PAGE + zone.end,
                           [](char byte) { return byte == static_cast<char>(0xff); });
    };
    if (!red_zones_.empty() && !untouched({used_, used_ + RED_ZONE})) return false;
    return std::all_of(red_zones_.begin(), red_zones_.end(), untouched);
}

bool SharedMemory::contains(const void* address) const {
    const char* place = static_cast<const char*>(address);
    return base_ && place >= base_ && place < base_ + REGION;
}

}  // namespace sim
