// Threads run one at a time, so plain arithmetic is atomic; it lives apart from kernels, whose own accesses are checked
// as plain ones.
#include "device.h"
#include "shadow.h"

namespace {

template <class T, class F>
T update(T* at, const void* from, F&& f) {
  if (emulator::shadow_enabled()) emulator::shadow_access(at, sizeof(T), emulator::AccessKind::Atomic, from);
  const T before = *at;
  *at = f(before);
  return before;
}

// Wraps as the device does.
template <class T>
T sum(T x, T y) {
  if constexpr (std::is_integral<T>::value)
    return static_cast<T>(static_cast<unsigned long long>(x) + static_cast<unsigned long long>(y));
  else
    return x + y;
}

}  // namespace

#define EMULATOR_ATOMIC(name, type, expression)                                                   \
  type name(type* at, type value) {                                                               \
    return update(at, __builtin_return_address(0), [&](type old) -> type { return expression; }); \
  }
EMULATOR_ATOMIC(atomicAdd, int, sum(old, value))
EMULATOR_ATOMIC(atomicAdd, unsigned, sum(old, value))
EMULATOR_ATOMIC(atomicAdd, unsigned long long, sum(old, value))
EMULATOR_ATOMIC(atomicAdd, float, sum(old, value))
EMULATOR_ATOMIC(atomicAdd, double, sum(old, value))
EMULATOR_ATOMIC(atomicMax, int, value > old ? value : old)
EMULATOR_ATOMIC(atomicMax, unsigned, value > old ? value : old)
EMULATOR_ATOMIC(atomicMax, long long, value > old ? value : old)
EMULATOR_ATOMIC(atomicMax, unsigned long long, value > old ? value : old)
EMULATOR_ATOMIC(atomicMin, int, value < old ? value : old)
EMULATOR_ATOMIC(atomicMin, unsigned, value < old ? value : old)
EMULATOR_ATOMIC(atomicMin, long long, value < old ? value : old)
EMULATOR_ATOMIC(atomicMin, unsigned long long, value < old ? value : old)
EMULATOR_ATOMIC(atomicOr, int, old | value)
EMULATOR_ATOMIC(atomicOr, unsigned, old | value)
EMULATOR_ATOMIC(atomicAnd, unsigned, old& value)
EMULATOR_ATOMIC(atomicExch, int, (static_cast<void>(old), value))
EMULATOR_ATOMIC(atomicExch, unsigned, (static_cast<void>(old), value))
EMULATOR_ATOMIC(atomicExch, unsigned long long, (static_cast<void>(old), value))
EMULATOR_ATOMIC(atomicExch, float, (static_cast<void>(old), value))
#undef EMULATOR_ATOMIC

#define EMULATOR_CAS(type)                                                                                   \
  type atomicCAS(type* at, type expected, type value) {                                                      \
    return update(at, __builtin_return_address(0), [&](type old) { return old == expected ? value : old; }); \
  }
EMULATOR_CAS(int)
EMULATOR_CAS(unsigned)
EMULATOR_CAS(unsigned long long)
#undef EMULATOR_CAS
