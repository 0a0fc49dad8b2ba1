// What each reduction keeps while it runs, how an element and another state are added, and what comes out. Floating
// sums are double. States are merged in a fixed order, so the same shape gives the same digits.
#pragma once

#include "cuda/math.cuh"

namespace talus::cuda {

template <class T>
constexpr bool kReal = std::is_floating_point<T>::value;

// Sums and products of integers wrap in 64 bits.
template <class T>
using Wide = std::conditional_t<kReal<T>, double, uint64_t>;
template <class T>
using WideOut = std::conditional_t<kReal<T>, T, int64_t>;

template <class T>
struct SumOp {
  static constexpr bool kHasIndex = false;
  using State = Wide<T>;
  using Out = WideOut<T>;
  __device__ static State start() { return 0; }
  __device__ static void add(State& s, T x, int64_t) { s += State(x); }
  __device__ static void merge(State& s, const State& other) { s += other; }
  __device__ static Out finish(const State& s, double, double) { return Out(s); }
};

template <class T>
struct MeanOp : SumOp<T> {
  __device__ static T finish(double s, double count, double) { return T(s / count); }
};

// Of integers.
template <class T>
struct ProductOp {
  static constexpr bool kHasIndex = false;
  using State = uint64_t;
  using Out = int64_t;
  __device__ static State start() { return 1; }
  __device__ static void add(State& s, T x, int64_t) { s *= State(x); }
  __device__ static void merge(State& s, const State& other) { s *= other; }
  __device__ static Out finish(const State& s, double, double) { return Out(s); }
};

// With what rounding took off so far: threads that multiply alike values lose alike, and their losses would add up.
template <class T>
struct FloatProductOp {
  static constexpr bool kHasIndex = false;
  struct State {
    double value, lost;
  };
  using Out = T;
  __device__ static State start() { return {1, 0}; }
  __device__ static void merge(State& s, const State& other) {
    const double product = s.value * other.value;
    s.lost = math::fused(s.value, other.value, -product) + (s.value * other.lost + s.lost * other.value);
    s.value = product;
  }
  __device__ static void add(State& s, T x, int64_t) { merge(s, {double(x), 0}); }
  __device__ static Out finish(const State& s, double, double) {
    // Nothing was lost of an infinite product, and the difference is not a number.
    return T(s.lost - s.lost == 0 ? s.value + s.lost : s.value);
  }
};

template <class T>
struct Norm2Op : SumOp<T> {
  __device__ static void add(double& s, T x, int64_t) { s += double(x) * double(x); }
  __device__ static T finish(double s, double, double) { return T(math::sqrt(s)); }
};

template <class T, bool All>
struct TruthOp {
  static constexpr bool kHasIndex = false;
  using State = int;
  using Out = uint8_t;
  __device__ static State start() { return All; }
  __device__ static void add(State& s, T x, int64_t) { s = All ? s & (x != T(0)) : s | (x != T(0)); }
  __device__ static void merge(State& s, const State& other) { s = All ? s & other : s | other; }
  __device__ static Out finish(const State& s, double, double) { return uint8_t(s); }
};

// The first of several equal ones counts, and NaN before all numbers; index -1 is no element at all.
template <class T, bool Maximum>
struct ExtremeOp {
  static constexpr bool kHasIndex = true;
  struct State {
    T value;
    int64_t index;
  };
  using Out = T;
  __device__ static State start() { return {T(0), -1}; }
  __device__ static bool better(const State& a, const State& than) {
    const bool a_nan = a.value != a.value, than_nan = than.value != than.value;
    if (a_nan != than_nan) return a_nan;
    if (!a_nan && a.value != than.value) return Maximum ? a.value > than.value : a.value < than.value;
    return a.index < than.index;
  }
  __device__ static void merge(State& s, const State& other) {
    if (other.index >= 0 && (s.index < 0 || better(other, s))) s = other;
  }
  __device__ static void add(State& s, T x, int64_t index) { merge(s, {x, index}); }
  __device__ static Out finish(const State& s, double, double) { return s.value; }
};

// Welford's running mean and squared deviations, merged as Chan, Golub and LeVeque do.
template <class T>
struct VarianceOp {
  static constexpr bool kHasIndex = false;
  struct State {
    double mean, squares, count;
  };
  using Out = T;
  __device__ static State start() { return {0, 0, 0}; }
  __device__ static void add(State& s, T x, int64_t) {
    s.count += 1;
    const double difference = double(x) - s.mean;
    s.mean += difference / s.count;
    s.squares += difference * (double(x) - s.mean);
  }
  __device__ static void merge(State& s, const State& other) {
    if (other.count == 0) return;
    const double count = s.count + other.count, difference = other.mean - s.mean;
    s.mean += difference * (other.count / count);
    s.squares += other.squares + difference * difference * (s.count * other.count / count);
    s.count = count;
  }
  __device__ static Out finish(const State& s, double count, double correction) {
    const double divisor = count - correction;
    return count == 0 ? T(NAN) : T(s.squares / (divisor > 0 ? divisor : 0));
  }
};

// The greatest value so far and the sum of exp(x - greatest).
template <class T>
struct LogSumExpOp {
  static constexpr bool kHasIndex = false;
  struct State {
    T greatest;
    double sum;
  };
  using Out = T;
  __device__ static State start() { return {T(-INFINITY), 0}; }
  // exp(x - y) for x <= y, where equal infinities differ by nothing.
  __device__ static double factor(T x, T y) { return x == y ? 1 : double(math::exp<T>(x - y)); }
  __device__ static void merge(State& s, const State& other) {
    if (other.sum == 0) return;
    if (other.greatest > s.greatest) {
      s.sum = (s.sum == 0 ? 0 : s.sum * factor(s.greatest, other.greatest)) + other.sum;
      s.greatest = other.greatest;
    } else {
      s.sum += other.sum * factor(other.greatest, s.greatest);
    }
  }
  __device__ static void add(State& s, T x, int64_t) {
    if (x > s.greatest)
      merge(s, {x, 1});
    else if (x != T(-INFINITY))
      s.sum += factor(x, s.greatest);
  }
  __device__ static Out finish(const State& s, double, double) { return T(double(s.greatest) + math::log_of(s.sum)); }
};

}  // namespace talus::cuda
