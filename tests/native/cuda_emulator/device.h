// What kernels see of CUDA: qualifiers, indices, barriers, warp operations, atomics and a few functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "grid.h"
#include "tensor_core.h"

#define TALUS_CUDA_EMULATED 1
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __restrict__ __restrict

using uint3 = emulator::Index3;
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
constexpr int warpSize = emulator::kWarp;

// A shared variable is one of the running block's; its key is the type of a lambda, one for each place and instance.
namespace emulator {
template <class T, class Place>
inline T& shared(Place) {
  static_assert(std::is_trivially_default_constructible<T>::value, "shared memory is never initialised");
  static char key;
  return *static_cast<T*>(shared_variable(&key, sizeof(T), alignof(T)));
}
}  // namespace emulator
// The type comes whole: CUDA_SHARED(float[32][33], tile).
#define CUDA_SHARED(type, name) auto& name = emulator::shared<type>([] {})
#define CUDA_DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(emulator::dynamic_shared())

// -------------------------------------------------------------------------------------------- vectors

#define EMULATOR_VECTOR2(type, name)      \
  struct alignas(2 * sizeof(type)) name { \
    type x, y;                            \
  };                                      \
  inline name make_##name(type x, type y) { return {x, y}; }
#define EMULATOR_VECTOR4(type, name) \
  struct alignas(16) name {          \
    type x, y, z, w;                 \
  };                                 \
  inline name make_##name(type x, type y, type z, type w) { return {x, y, z, w}; }
EMULATOR_VECTOR2(float, float2)
EMULATOR_VECTOR2(int, int2)
EMULATOR_VECTOR2(unsigned, uint2)
EMULATOR_VECTOR2(double, double2)
EMULATOR_VECTOR2(long long, longlong2)
EMULATOR_VECTOR4(float, float4)
EMULATOR_VECTOR4(int, int4)
EMULATOR_VECTOR4(unsigned, uint4)
#undef EMULATOR_VECTOR2
#undef EMULATOR_VECTOR4

// ------------------------------------------------------------------------------------- barriers, warps

inline void __syncthreads() { emulator::block_barrier(emulator::Barrier::Plain, 0); }
inline int __syncthreads_count(int predicate) { return emulator::block_barrier(emulator::Barrier::Count, predicate); }
inline int __syncthreads_and(int predicate) { return emulator::block_barrier(emulator::Barrier::And, predicate); }
inline int __syncthreads_or(int predicate) { return emulator::block_barrier(emulator::Barrier::Or, predicate); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

inline void __syncwarp(unsigned mask = ~0u) {
  emulator::warp_exchange(emulator::WarpOp::Sync, mask, 0, 0, emulator::kWarp);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return static_cast<unsigned>(
      emulator::warp_exchange(emulator::WarpOp::Ballot, mask, predicate != 0, 0, emulator::kWarp));
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate == 0) == 0; }

namespace emulator {
template <class T>
inline T exchange(WarpOp op, unsigned mask, T value, int argument, int width) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = warp_exchange(op, mask, bits, argument, width);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
}  // namespace emulator

template <class T>
T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize) {
  return emulator::exchange(emulator::WarpOp::Index, mask, value, lane, width);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = warpSize) {
  return emulator::exchange(emulator::WarpOp::Up, mask, value, static_cast<int>(by), width);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize) {
  return emulator::exchange(emulator::WarpOp::Down, mask, value, static_cast<int>(by), width);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with, int width = warpSize) {
  return emulator::exchange(emulator::WarpOp::Xor, mask, value, with, width);
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return static_cast<unsigned>(emulator::warp_exchange(emulator::WarpOp::Match, mask, bits, 0, emulator::kWarp));
}

// --------------------------------------------------------------------------------------------- atomics

#define EMULATOR_ATOMIC(name, type) type name(type* at, type value);
EMULATOR_ATOMIC(atomicAdd, int)
EMULATOR_ATOMIC(atomicAdd, unsigned)
EMULATOR_ATOMIC(atomicAdd, unsigned long long)
EMULATOR_ATOMIC(atomicAdd, float)
EMULATOR_ATOMIC(atomicAdd, double)
EMULATOR_ATOMIC(atomicMax, int)
EMULATOR_ATOMIC(atomicMax, unsigned)
EMULATOR_ATOMIC(atomicMax, long long)
EMULATOR_ATOMIC(atomicMax, unsigned long long)
EMULATOR_ATOMIC(atomicMin, int)
EMULATOR_ATOMIC(atomicMin, unsigned)
EMULATOR_ATOMIC(atomicMin, long long)
EMULATOR_ATOMIC(atomicMin, unsigned long long)
EMULATOR_ATOMIC(atomicOr, int)
EMULATOR_ATOMIC(atomicOr, unsigned)
EMULATOR_ATOMIC(atomicAnd, unsigned)
EMULATOR_ATOMIC(atomicExch, int)
EMULATOR_ATOMIC(atomicExch, unsigned)
EMULATOR_ATOMIC(atomicExch, unsigned long long)
EMULATOR_ATOMIC(atomicExch, float)
#undef EMULATOR_ATOMIC
int atomicCAS(int* at, int expected, int value);
unsigned atomicCAS(unsigned* at, unsigned expected, unsigned value);
unsigned long long atomicCAS(unsigned long long* at, unsigned long long expected, unsigned long long value);

// ------------------------------------------------------------------------------------------- functions

template <class T>
inline T __ldg(const T* at) {
  return *at;
}

#define EMULATOR_MINMAX(type)                               \
  inline type min(type x, type y) { return y < x ? y : x; } \
  inline type max(type x, type y) { return x < y ? y : x; }
EMULATOR_MINMAX(int)
EMULATOR_MINMAX(unsigned)
EMULATOR_MINMAX(long)
EMULATOR_MINMAX(unsigned long)
EMULATOR_MINMAX(long long)
EMULATOR_MINMAX(unsigned long long)
#undef EMULATOR_MINMAX

inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>((static_cast<uint64_t>(x) * static_cast<uint64_t>(y)) >> 32);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return std::fma(x, y, z); }
inline float __expf(float x) { return std::exp(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

// exp(x^2) erfc(x), for arguments from 0 on. Up to 100 long double holds both factors, beyond two terms are enough.
inline double erfcx(double x) {
  const long double wide = x, square = wide * wide;
  if (wide > 100) return static_cast<double>((1 - 0.5L / square) / (wide * 1.77245385090551602729816748334L));
  return static_cast<double>(std::exp(square) * std::erfc(wide));
}
inline float erfcxf(float x) { return static_cast<float>(erfcx(static_cast<double>(x))); }
