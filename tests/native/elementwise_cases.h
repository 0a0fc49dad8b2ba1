// Operands of odd shapes and layouts for the tests of element-wise kernels, copies and reductions.
#pragma once

#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "check.h"
#include "geometry.h"

enum class Layout { Contiguous, Transposed, Padded, EverySecond, BroadcastLast, BroadcastFirst, Scalar };

inline const char* layout_name(Layout layout) {
  const char* const names[] = {"contiguous",     "transposed",      "padded", "every second",
                               "broadcast last", "broadcast first", "scalar"};
  return names[static_cast<int>(layout)];
}

using Sizes = std::vector<int64_t>;

inline std::vector<Sizes> odd_sizes() {
  return {{},       {0},     {1},       {7},        {600},        {3, 0},      {3, 5},
          {33, 40}, {40, 3}, {2, 3, 4}, {4, 1, 70}, {5, 4, 3, 2}, {3, 37, 41}, {300, 5}};
}

inline Sizes strides_of(const Sizes& sizes, Layout layout) {
  const int ndim = static_cast<int>(sizes.size());
  Sizes strides(sizes.size(), 0);
  if (layout == Layout::Scalar) return strides;
  int64_t step = layout == Layout::EverySecond ? 2 : 1;
  for (int i = 0; i < ndim; ++i) {
    const int d = layout == Layout::Transposed ? i : ndim - 1 - i;
    if (layout == Layout::BroadcastLast && d == ndim - 1) continue;
    if (layout == Layout::BroadcastFirst && d == 0) continue;
    strides[static_cast<size_t>(d)] = step;
    const int64_t extent = sizes[static_cast<size_t>(d)];
    step *= (extent == 0 ? 1 : extent) + (layout == Layout::Padded && d == ndim - 1 ? 3 : 0);
  }
  return strides;
}

// How many elements of memory an operand spans.
inline int64_t span_of(const Sizes& sizes, const Sizes& strides) {
  int64_t last = 0;
  for (size_t d = 0; d < sizes.size(); ++d) last += sizes[d] > 0 ? (sizes[d] - 1) * strides[d] : 0;
  return last + 1;
}

inline int64_t numel_of(const Sizes& sizes) {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return n;
}

// The border's raw array: sizes, then the strides of every operand.
inline Sizes raw_geometry(const Sizes& sizes, const std::vector<Sizes>& strides) {
  Sizes raw = sizes;
  for (const Sizes& s : strides) raw.insert(raw.end(), s.begin(), s.end());
  return raw;
}

template <int N>
talus::Geometry<N> geometry_of(const Sizes& sizes, const std::vector<Sizes>& strides) {
  const Sizes raw = raw_geometry(sizes, strides);
  static const int64_t none = 0;
  return talus::Geometry<N>(numel_of(sizes), static_cast<int>(sizes.size()), raw.empty() ? &none : raw.data());
}

inline std::string describe(const Sizes& sizes, const std::vector<Layout>& layouts) {
  std::string text = "sizes [";
  for (const int64_t size : sizes) text += std::to_string(size) + " ";
  text += "] layouts";
  for (const Layout layout : layouts) text += std::string(" ") + layout_name(layout);
  return text;
}

// Values that look like a dtype's everyday and edge cases; bool as 0 and 1.
template <class T>
std::vector<T> edge_values(int64_t n, uint32_t seed) {
  std::vector<T> values(static_cast<size_t>(n));
  const std::vector<double> random = random_values<double>(n, seed);
  for (size_t i = 0; i < values.size(); ++i) {
    if constexpr (std::is_floating_point<T>::value)
      values[i] = static_cast<T>(random[i] * 8);
    else if constexpr (std::is_same<T, talus::Bool>::value)
      values[i] = random[i] > 0 ? talus::Bool::True : talus::Bool::False;
    else if constexpr (std::is_same<T, uint8_t>::value)
      values[i] = static_cast<uint8_t>(static_cast<int>(random[i] * 100) + 100);
    else
      values[i] = static_cast<T>(random[i] * 40);
  }
  if constexpr (std::is_floating_point<T>::value) {
    using Limits = std::numeric_limits<T>;
    const T special[] = {Limits::quiet_NaN(),
                         Limits::infinity(),
                         -Limits::infinity(),
                         T(0),
                         -T(0),
                         Limits::denorm_min(),
                         Limits::max(),
                         Limits::lowest(),
                         T(0.5),
                         T(1.5),
                         T(2.5),
                         T(-0.5),
                         T(3e9),
                         T(-3e9),
                         T(300),
                         T(-1)};
    for (size_t i = 0; i < std::size(special) && 3 * i + 2 < values.size(); ++i)
      values[3 * i + 2 - seed % 2] = special[i];
  } else if constexpr (!std::is_same<T, talus::Bool>::value) {
    using Limits = std::numeric_limits<T>;
    const T special[] = {Limits::max(), Limits::min(), T(0), T(-1), T(1), T(Limits::max() - 1)};
    for (size_t i = 0; i < std::size(special) && 3 * i + 2 < values.size(); ++i)
      values[3 * i + 2 - seed % 2] = special[i];
  }
  return values;
}

// Equal bytes for integers; for floating values close, NaN with NaN, and untouched memory untouched.
template <class T>
void check_same(const Guarded<T>& actual, const Guarded<T>& expected, double rtol, double atol, const char* what) {
  CHECK(actual.intact());
  if constexpr (std::is_floating_point<T>::value) {
    CHECK_ALL_CLOSE(actual.data(), expected.data(), actual.size(), rtol, atol, what);
  } else {
    CHECK(std::memcmp(actual.data(), expected.data(), static_cast<size_t>(actual.size()) * sizeof(T)) == 0);
  }
}

// Results may not depend on the number of threads in any bit.
template <class T>
void check_identical(const Guarded<T>& actual, const Guarded<T>& expected) {
  CHECK(std::memcmp(actual.data(), expected.data(), static_cast<size_t>(actual.size()) * sizeof(T)) == 0);
}
