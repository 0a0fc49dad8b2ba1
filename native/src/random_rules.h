// What random numbers of all devices check, and where integers lie.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "dtype.h"

namespace talus {

template <class T>
void check_uniform(double from, double to) {
  constexpr double max = std::numeric_limits<T>::max();
  if (!(std::fabs(from) <= max && std::fabs(to) <= max))
    fail(TALUS_INVALID_ARGUMENT, "uniform_ expects bounds the dtype can hold, but found from=%g and to=%g", from, to);
  if (!(from <= to))
    fail(TALUS_INVALID_ARGUMENT, "uniform_ expects to return a [from, to) range, but found from=%g > to=%g", from, to);
  if (!(to - from <= max))
    fail(TALUS_INVALID_ARGUMENT, "uniform_ expects to - from to be at most %g, but found from=%g and to=%g", max, from,
         to);
}

inline void check_normal(double std) {
  if (!(std >= 0)) fail(TALUS_INVALID_ARGUMENT, "normal_ expects std >= 0.0, but found std %g", std);
}

inline void check_bernoulli(double p) {
  if (!(p >= 0 && p <= 1)) fail(TALUS_INVALID_ARGUMENT, "bernoulli_ expects p to be in [0, 1], but got p=%g", p);
}

// Moves a bound inwards to a value the type can represent where rounding its neighbour would leave [low, high), as
// PyTorch does. direction: +1 for low, -1 for high.
template <class T>
int64_t inward_bound(int64_t bound, int direction) {
  const int64_t value = bound + direction;
  const T rounded = static_cast<T>(value);
  // Out of int64: nothing is left above such a low; PyTorch keeps such a high.
  if (rounded >= static_cast<T>(0x1p63)) return direction > 0 ? std::numeric_limits<int64_t>::max() : bound;
  const int64_t reachable = static_cast<int64_t>(rounded);
  const bool outside = direction > 0 ? reachable < bound : reachable >= bound;
  if (!outside) return bound;
  int exponent = 0;
  for (uint64_t m = static_cast<uint64_t>(value < 0 ? -value : value); m >>= 1;) ++exponent;
  return reachable + direction * (int64_t{1} << (exponent - std::numeric_limits<T>::digits + 1));
}

template <class T>
void check_integers_fit(int64_t low, int64_t last) {
  constexpr bool is_bool = std::is_same_v<T, Bool>;
  constexpr int64_t min = is_bool ? 0 : static_cast<int64_t>(std::numeric_limits<T>::min());
  constexpr int64_t max = is_bool ? 1 : static_cast<int64_t>(std::numeric_limits<T>::max());
  if (low < min || last > max)
    fail(TALUS_INVALID_ARGUMENT,
         "random_: 'from' and 'to' - 1 must lie within the dtype's range [%lld, %lld], but got from=%lld and to - "
         "1=%lld",
         static_cast<long long>(min), static_cast<long long>(max), static_cast<long long>(low),
         static_cast<long long>(last));
}

inline void check_order(int64_t low, int64_t high, const char* casted) {
  if (low >= high)
    fail(TALUS_INVALID_ARGUMENT, "random_ expects 'from'%s to be less than 'to'%s, but got from=%lld >= to=%lld",
         casted, casted, static_cast<long long>(low), static_cast<long long>(high));
}

// Ranges from here on take 64 random bits a value, smaller ones 32.
constexpr uint64_t kWideRange = uint64_t{1} << 28;

// first, first + 1, ... Unsigned, because the range of int64 bounds may exceed int64; sums wrap to the right value.
struct IntegerRange {
  uint64_t first, count;
};

// What random_int draws from for [low, high).
template <class T>
IntegerRange integer_range(int64_t low, int64_t high) {
  check_order(low, high, "");
  int64_t first = low, end = high;
  if constexpr (std::is_floating_point_v<T>) {
    first = inward_bound<T>(low, 1);
    end = inward_bound<T>(high, -1);
    check_order(first, end, " casted to dtype");
  } else {
    check_integers_fit<T>(low, high - 1);
  }
  return {static_cast<uint64_t>(first), static_cast<uint64_t>(end) - static_cast<uint64_t>(first)};
}

}  // namespace talus
