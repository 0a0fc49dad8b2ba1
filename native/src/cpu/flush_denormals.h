// Arithmetic without denormal numbers.
#pragma once

#include <cstdint>

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace talus::cpu {

// While one lives, the thread's arithmetic takes numbers below the smallest normal one for zero, and gives zero instead
// of them. The moving averages of weights whose gradient stays zero shrink until they are such numbers, and rounding
// then keeps them there. On Intel's processors each register that holds one takes a hundred cycles and more.
class FlushDenormals {
 public:
#if defined(__SSE__) || defined(_M_X64)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kResultsAndOperands); }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr uint32_t kResultsAndOperands = 0x8000 | 0x0040;
  uint32_t before_;

#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
  FlushDenormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
    set(before_ | kResultsAndOperands);
  }
  ~FlushDenormals() { set(before_); }

 private:
  static constexpr uint64_t kResultsAndOperands = uint64_t{1} << 24;
  static void set(uint64_t control) { __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
  uint64_t before_;

#else
  // Other processors compute with denormal numbers, as they are.
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif

 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace talus::cpu
