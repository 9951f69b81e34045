#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "../exec/sanitizers.h"
#include "state.h"
#include "stream.h"

namespace sim {

namespace {

constexpr size_t PAGE_SIZE = 4096;
// CUDA aligns allocations to 256 bytes, of which no access needs more than a vector's 16.
constexpr size_t ALIGNMENT = 16;
// Bytes before an allocation that must stay as they are.
constexpr std::ptrdiff_t CHECKED_BEFORE = 256;
constexpr size_t MAX_BURIALS = 4096;
constexpr size_t MAX_BURIED_BYTES = size_t{64} << 30;
constexpr unsigned long long DEFAULT_TOTAL = 8ull << 30;

size_t round_up(size_t size, size_t step) { return (size + step - 1) / step * step; }

}  // namespace

Memory& memory() {
    static auto* memory = new Memory;
    return *memory;
}

Memory::Memory() : total_(environment_number("CUDA_SIM_MEMORY", DEFAULT_TOTAL)) {}

CUresult Memory::allocate(const char* function, size_t size, CUdeviceptr* result) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (size > total_ - used_) {
        return fail(CUDA_ERROR_OUT_OF_MEMORY, std::string(function) + ": " + std::to_string(size) +
                                                  " bytes asked for, of " + std::to_string(total_) + " bytes " +
                                                  std::to_string(total_ - used_) + " are free");
    }
    size_t rounded = round_up(size, ALIGNMENT);
    size_t pages = round_up(rounded, PAGE_SIZE);
    Block block;
    block.size = size;
    block.slack = rounded - size;
    block.mapped = pages + 2 * PAGE_SIZE;
    void* base = mmap(nullptr, block.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return fail(CUDA_ERROR_OUT_OF_MEMORY, std::string(function) + ": the system has no memory left");
    block.base = static_cast<char*>(base);
    block.number = ++count_;
    mprotect(block.base + PAGE_SIZE, pages, PROT_READ | PROT_WRITE);
    std::memset(block.base + PAGE_SIZE, 0xff, pages);
    char* begin = block.base + PAGE_SIZE + pages - rounded;
    if (address_sanitizer() && block.slack) __asan_poison_memory_region(begin + size, block.slack);
    used_ += size;
    *result = reinterpret_cast<CUdeviceptr>(begin);
    live_.emplace(*result, block);
    return CUDA_SUCCESS;
}

CUresult Memory::free(const char* function, CUdeviceptr address) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = live_.find(address);
    if (found == live_.end()) {
        auto before = freed_.find(address);
        std::string what = before == freed_.end() ? hexadecimal(address) + " is not the beginning of an allocation"
                                                  : name(*before) + " was freed before";
        return fail(CUDA_ERROR_INVALID_VALUE, std::string(function) + ": " + what);
    }
    bury(found);
    return CUDA_SUCCESS;
}

// Takes the memory back, but keeps the addresses: a use after this faults.
void Memory::bury(Blocks::iterator found) {
    Block& block = found->second;
    if (address_sanitizer())
        __asan_unpoison_memory_region(reinterpret_cast<void*>(found->first), block.size + block.slack);
    mmap(block.base, block.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    used_ -= block.size;
    buried_bytes_ += block.mapped;
    burials_.push_back(found->first);
    freed_.insert(live_.extract(found));
    while (burials_.size() > MAX_BURIALS || buried_bytes_ > MAX_BURIED_BYTES) {
        auto oldest = freed_.find(burials_.front());
        burials_.pop_front();
        munmap(oldest->second.base, oldest->second.mapped);
        buried_bytes_ -= oldest->second.mapped;
        freed_.erase(oldest);
    }
}

CUresult Memory::allocate_host(size_t size, void** result) {
    size_t pages = round_up(std::max<size_t>(size, 1), PAGE_SIZE);
    void* memory = mmap(nullptr, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail(CUDA_ERROR_OUT_OF_MEMORY, "cuMemHostAlloc: the system has no memory left");
    std::memset(memory, 0xff, pages);
    std::lock_guard<std::mutex> lock(mutex_);
    host_.emplace(reinterpret_cast<CUdeviceptr>(memory), size);
    *result = memory;
    return CUDA_SUCCESS;
}

CUresult Memory::free_host(void* address) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = host_.find(reinterpret_cast<CUdeviceptr>(address));
    if (found == host_.end()) {
        return fail(CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost: " + hexadecimal(reinterpret_cast<CUdeviceptr>(address)) +
                                                  " was not allocated by cuMemHostAlloc, or was freed before");
    }
    munmap(address, round_up(std::max<size_t>(found->second, 1), PAGE_SIZE));
    host_.erase(found);
    return CUDA_SUCCESS;
}

// The block whose pages hold the address.
const Memory::Blocks::value_type* Memory::at(const Blocks& blocks, CUdeviceptr address) {
    // The guard before a block lies below the address that it is known by.
    auto after = blocks.upper_bound(address);
    for (auto candidate : {after, after == blocks.begin() ? blocks.end() : std::prev(after)}) {
        if (candidate == blocks.end()) continue;
        CUdeviceptr base = reinterpret_cast<CUdeviceptr>(candidate->second.base);
        if (address >= base && address < base + candidate->second.mapped) return &*candidate;
    }
    return nullptr;
}

bool Memory::pinned(const void* address, size_t size) const {
    std::lock_guard<std::mutex> lock(mutex_);
    CUdeviceptr begin = reinterpret_cast<CUdeviceptr>(address);
    auto after = host_.upper_bound(begin);
    if (after == host_.begin()) return false;
    const auto& block = *std::prev(after);
    return begin + size <= block.first + block.second;
}

CUresult Memory::check(const char* function, const char* role, CUdeviceptr address, size_t size) const {
    if (size == 0 || pinned(reinterpret_cast<void*>(address), size)) return CUDA_SUCCESS;
    std::unique_lock<std::mutex> lock(mutex_);
    const auto* block = at(live_, address);
    bool inside = block && address >= block->first && address + size <= block->first + block->second.size;
    lock.unlock();
    if (inside) return CUDA_SUCCESS;
    return fail(CUDA_ERROR_INVALID_VALUE, std::string(function) + ": the " + role + " of " + std::to_string(size) +
                                              " bytes begins at " + hexadecimal(address) + ", " + describe(address));
}

bool Memory::known(CUdeviceptr address) const {
    if (pinned(reinterpret_cast<void*>(address), 0)) return true;
    std::lock_guard<std::mutex> lock(mutex_);
    return at(live_, address) || at(freed_, address);
}

std::string Memory::name(const Blocks::value_type& block) {
    return "allocation " + std::to_string(block.second.number) + " (" + std::to_string(block.second.size) +
           " bytes at " + hexadecimal(block.first) + ")";
}

std::string Memory::describe(CUdeviceptr address) const {
    if (address < PAGE_SIZE) return "a null pointer";
    std::lock_guard<std::mutex> lock(mutex_);
    if (const auto* block = at(live_, address)) {
        if (address < block->first) return std::to_string(block->first - address) + " bytes before " + name(*block);
        size_t offset = address - block->first;
        if (offset < block->second.size) return std::to_string(offset) + " bytes into " + name(*block);
        return std::to_string(offset - block->second.size) + " bytes past the end of " + name(*block);
    }
    if (const auto* block = at(freed_, address)) {
        return std::to_string(address - block->first) + " bytes into " + name(*block) + ", which has been freed";
    }
    return "which is no memory of the device (a pointer of the host?)";
}

// Makes the bytes around an allocation fresh again, where its pages have room left: after it, and right before it.
// Returns whether they still were.
bool Memory::mend_surroundings(const Blocks::value_type& block) {
    unsigned char* begin = reinterpret_cast<unsigned char*>(block.first);
    unsigned char* first = reinterpret_cast<unsigned char*>(block.second.base) + PAGE_SIZE;
    unsigned char* end = begin + block.second.size;
    auto mend = [](unsigned char* from, unsigned char* to) {
        if (std::all_of(from, to, [](unsigned char byte) { return byte == 0xff; })) return true;
        std::memset(from, 0xff, static_cast<size_t>(to - from));
        return false;
    };
    bool untouched = mend(std::max(first, begin - CHECKED_BEFORE), begin);
    // AddressSanitizer guards what comes after, against this function too.
    return (address_sanitizer() || mend(end, end + block.second.slack)) && untouched;
}

std::string Memory::take_overrun() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string overrun;
    for (const auto& block : live_) {
        if (!mend_surroundings(block)) overrun = name(block);
    }
    return overrun;
}

std::string Memory::leaks() const {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string lines;
    for (const auto& block : live_) lines += name(block) + "\n";
    for (const auto& block : host_) {
        lines += "host memory (" + std::to_string(block.second) + " bytes at " + hexadecimal(block.first) + ")\n";
    }
    return lines;
}

size_t Memory::used() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return used_;
}

}  // namespace sim
