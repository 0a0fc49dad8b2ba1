// A SIMD register of the instruction set being compiled, on the compilers' vector extensions: +, -, *, / and
// comparisons work lane by lane, and a*b + c contracts to one fused multiply-add where the set has it.
#pragma once

#include <cstdint>
#include <cstring>

#ifndef TALUS_ISA_NS
#error "vec.h belongs to files that are compiled per instruction set"
#endif

namespace talus::TALUS_ISA_NS {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VecOf {
  typedef T type __attribute__((vector_size(kVectorBytes)));
};

template <class T>
using Vec = typename VecOf<T>::type;

template <class T>
constexpr int kLanes = kVectorBytes / int{sizeof(T)};

// Unaligned.
template <class T>
static inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
static inline void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

template <class T>
static inline Vec<T> broadcast(T x) {
  return x - Vec<T>{};  // keeps -0, which adding to zero would not
}

}  // namespace talus::TALUS_ISA_NS
