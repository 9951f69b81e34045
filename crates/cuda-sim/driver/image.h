// The form of a compiled module: the ELF shared object that g++ made, with a checksum of itself in the padding of its
// identification, so that a damaged copy is refused rather than run.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sim {

constexpr size_t CHECKSUM_SIZE = EI_NIDENT - EI_PAD;

// Images are larger than this only when their header is damaged.
constexpr size_t MAX_IMAGE = size_t{1} << 28;

// Fowler-Noll-Vo hash of all bytes but those that hold it.
inline uint64_t image_checksum(const unsigned char* image, size_t size) {
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t index = 0; index < size; ++index) {
        bool padding = index >= EI_PAD && index < EI_NIDENT;
        hash = (hash ^ (padding ? 0 : image[index])) * 0x100000001b3ull;
    }
    return hash;
}

inline void seal_image(unsigned char* image, size_t size) {
    uint64_t checksum = image_checksum(image, size);
    std::memcpy(image + EI_PAD, &checksum, CHECKSUM_SIZE);
}

// The bytes of an image as its header tells them, 0 where it is none.
inline size_t image_size(const unsigned char* image) {
    if (std::memcmp(image, ELFMAG, SELFMAG) != 0 || image[EI_CLASS] != ELFCLASS64) return 0;
    Elf64_Ehdr header;
    std::memcpy(&header, image, sizeof header);
    // The section headers come last.
    if (header.e_shoff > MAX_IMAGE || header.e_shentsize != sizeof(Elf64_Shdr)) return 0;
    return header.e_shoff + size_t{header.e_shnum} * header.e_shentsize;
}

inline bool image_intact(const unsigned char* image, size_t size) {
    uint64_t checksum = image_checksum(image, size);
    return std::memcmp(image + EI_PAD, &checksum, CHECKSUM_SIZE) == 0;
}

}  // namespace sim
