// The last step of the epilogue of a matrix product or a convolution: nothing, ReLU or ReLU6.
#pragma once

#include <limits>

namespace talus {

// What becomes of a finished sum. One number tells ReLU and ReLU6 apart, so that a kernel has one branch for both. The
// lower bound is a number in memory, too: beside a zero that it knows, the compiler compares and masks instead of
// taking a maximum.
struct Activation {
  bool clamps = false;  // to [least, most]
  float least = 0, most = 0;
};

inline constexpr Activation kNoActivation{};
inline constexpr Activation kRelu{true, 0, std::numeric_limits<float>::infinity()};
inline constexpr Activation kRelu6{true, 0, 6};

// v, a number or a register of them, between least and most; NaN stays NaN. Like all that is compiled for several
// instruction sets, no ordinary inline function.
template <class V>
static constexpr V clamped(V v, V least, V most) {
  v = v < least ? least : v;
  return most < v ? most : v;
}

// One sum, where it is not worth telling the activations apart before.
template <class T>
static constexpr T activated(const Activation& a, T sum) {
  return a.clamps ? clamped(sum, static_cast<T>(a.least), static_cast<T>(a.most)) : sum;
}

}  // namespace talus
