// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): four random words from the
// number of their block.
#pragma once

#include "cuda/device.cuh"

namespace talus::cuda {

struct Philox {
  uint32_t words[4];
};

__device__ __forceinline__ static Philox philox(uint64_t seed, uint64_t block) {
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  uint32_t a = static_cast<uint32_t>(block), b = static_cast<uint32_t>(block >> 32), c = 0, d = 0;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const uint64_t left = uint64_t{a} * 0xD2511F53u, right = uint64_t{c} * 0xCD9E8D57u;
    a = static_cast<uint32_t>(right >> 32) ^ b ^ key0;
    c = static_cast<uint32_t>(left >> 32) ^ d ^ key1;
    b = static_cast<uint32_t>(right);
    d = static_cast<uint32_t>(left);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

}  // namespace talus::cuda
