// How many parts something is cut into, and how large they are.
#pragma once

#include <algorithm>
#include <cstdint>

namespace talus::cpu {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Size of the parts when n is cut evenly into the fewest parts of at most `most`, each a multiple of `unit`: more than
// n, perhaps, if that is no multiple.
inline int64_t even_part(int64_t n, int64_t most, int64_t unit = 1) {
  const int64_t parts = std::max<int64_t>(1, ceil_div(n, std::max<int64_t>(1, most)));
  return ceil_div(ceil_div(n, parts), unit) * unit;
}

}  // namespace talus::cpu
