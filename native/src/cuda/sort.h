// Sorting of keys, stable.
#pragma once

#include <cstdint>

namespace talus::cuda {

// buffers: 4 n numbers, the first n of them keys below 2^bits. Returns where, within buffers, the keys lie in order,
// and right behind them the positions they had; equal keys keep their order.
const uint32_t* sort_keys(uint32_t* buffers, int64_t n, int bits);

}  // namespace talus::cuda
