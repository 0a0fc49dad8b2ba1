// The functions that scalar_ops.h is made of, on the device: CUDA's own where they are exact enough, which is 2 ulp for
// most. Only what tails and cancellation would spoil is composed here, as in cpu/isa/vec_math.h and gelu_math.h.
#pragma once

#include "cuda/device.cuh"

namespace talus::cuda::math {

#define TALUS_DEVICE_FUNCTION(name, function)                                        \
  __device__ __forceinline__ static float name(float x) { return ::function##f(x); } \
  __device__ __forceinline__ static double name(double x) { return ::function(x); }

TALUS_DEVICE_FUNCTION(sqrt, sqrt)
TALUS_DEVICE_FUNCTION(floor, floor)
TALUS_DEVICE_FUNCTION(ceil, ceil)
TALUS_DEVICE_FUNCTION(round_even, rint)
TALUS_DEVICE_FUNCTION(sin, sin)
TALUS_DEVICE_FUNCTION(cos, cos)
TALUS_DEVICE_FUNCTION(log1p, log1p)
TALUS_DEVICE_FUNCTION(exp_of, exp)
TALUS_DEVICE_FUNCTION(expm1_of, expm1)
TALUS_DEVICE_FUNCTION(log_of, log)
TALUS_DEVICE_FUNCTION(tanh_of, tanh)
TALUS_DEVICE_FUNCTION(erfcx_of, erfcx)
TALUS_DEVICE_FUNCTION(magnitude, fabs)
#undef TALUS_DEVICE_FUNCTION

#define TALUS_DEVICE_FUNCTION(name)                                                          \
  __device__ __forceinline__ static float name(float x, float y) { return ::name##f(x, y); } \
  __device__ __forceinline__ static double name(double x, double y) { return ::name(x, y); }

TALUS_DEVICE_FUNCTION(pow)
TALUS_DEVICE_FUNCTION(fmod)
TALUS_DEVICE_FUNCTION(copysign)
#undef TALUS_DEVICE_FUNCTION

__device__ __forceinline__ static float fused(float x, float y, float z) { return ::fmaf(x, y, z); }
__device__ __forceinline__ static double fused(double x, double y, double z) { return ::fma(x, y, z); }

template <class T>
__device__ __forceinline__ static T exp(T x) {
  return exp_of(x);
}

template <class T>
__device__ __forceinline__ static T log(T x) {
  return log_of(x);
}

template <class T>
__device__ __forceinline__ static T tanh(T x) {
  return tanh_of(x);
}

template <class T>
__device__ __forceinline__ static T sigmoid(T x) {
  // Of -|x|, because exp(-x) overflows long before the result vanishes.
  const T e = exp_of(-magnitude(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

template <class T>
__device__ __forceinline__ static T expm1_negative(T x) {
  return expm1_of(x);
}

// log(1 + exp(x)) without overflow.
template <class T>
__device__ __forceinline__ static T softplus(T x) {
  const T positive = x > T(0) ? x : T(0);
  return x != x ? x : positive + log1p(exp_of(x > T(0) ? -x : x));
}

// The normal distribution function; e is exp(-x^2/2). The lower tail is e times a function without one, and what
// rounding takes off the square is put back: gelu keeps its digits where it is small.
template <class T>
__device__ __forceinline__ static T normal_cdf(T x, T& e) {
  const T a = magnitude(x), square = a * a;
  // Where the square is infinite, what was lost of it is not a number.
  const T lost = square < T(4096) ? fused(a, a, -square) : T(0);
  e = exp_of(T(-0.5) * square) * (T(1) - T(0.5) * lost);
  const T tail = e * (T(0.5) * erfcx_of(a * T(0.70710678118654752440)));
  return x < T(0) ? tail : T(1) - tail;
}

// x times the distribution function.
template <class T>
__device__ __forceinline__ static T gelu(T x) {
  T e;
  return x * normal_cdf<T>(x, e);
}

// The sigmoid in gelu's approximation by tanh: (1 + tanh(u)) / 2 = sigmoid(2u).
template <class T>
__device__ __forceinline__ static T gelu_sigmoid(T x) {
  constexpr T kScale = T(-1.59576912160573071176);  // -2 sqrt(2 / pi)
  return T(1) / (T(1) + exp_of(x * (x * x * (kScale * T(0.044715)) + kScale)));
}

// The derivative of 2u; it only counts where the sigmoid is neither 0 nor 1.
template <class T>
__device__ __forceinline__ static T gelu_slope(T x) {
  constexpr T kScale = T(1.59576912160573071176), kLimit = T(1e9);
  const T a = x > kLimit ? kLimit : x < -kLimit ? -kLimit : x;
  return a * a * (kScale * T(3 * 0.044715)) + kScale;
}

}  // namespace talus::cuda::math
