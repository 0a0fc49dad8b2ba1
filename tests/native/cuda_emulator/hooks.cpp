// What the compiler calls before every access of code that was compiled with -fsanitize=thread. ThreadSanitizer's
// runtime is not linked: these are its entry points, and they check kernels instead. Linked only into programs whose
// kernels are instrumented; host code of the same files passes straight through.
#include <cstddef>
#include <cstdint>

#include "grid.h"
#include "shadow.h"

namespace {

const bool enabled = (emulator::shadow_enable(), true);

inline void access(const void* at, size_t bytes, emulator::AccessKind kind, const void* from) {
  if (emulator::running.in_kernel) emulator::shadow_access(at, bytes, kind, from);
}

}  // namespace

#define HOOK extern "C" __attribute__((visibility("default"))) void
#define FROM __builtin_return_address(0)
#define ACCESSES(bytes)                                                                               \
  HOOK __tsan_read##bytes(void* at) { access(at, bytes, emulator::AccessKind::Read, FROM); }          \
  HOOK __tsan_write##bytes(void* at) { access(at, bytes, emulator::AccessKind::Write, FROM); }        \
  HOOK __tsan_volatile_read##bytes(void* at) { access(at, bytes, emulator::AccessKind::Read, FROM); } \
  HOOK __tsan_volatile_write##bytes(void* at) { access(at, bytes, emulator::AccessKind::Write, FROM); }
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
#undef ACCESSES

// Accesses that need not be aligned are made of bytes.
static void unaligned(const void* at, size_t bytes, emulator::AccessKind kind, const void* from) {
  for (size_t i = 0; i < bytes; ++i) access(static_cast<const char*>(at) + i, 1, kind, from);
}

#define ACCESSES(bytes)                                                                                   \
  HOOK __tsan_unaligned_read##bytes(void* at) { unaligned(at, bytes, emulator::AccessKind::Read, FROM); } \
  HOOK __tsan_unaligned_write##bytes(void* at) { unaligned(at, bytes, emulator::AccessKind::Write, FROM); }
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
#undef ACCESSES

HOOK __tsan_read_range(void* at, unsigned long bytes) { unaligned(at, bytes, emulator::AccessKind::Read, FROM); }
HOOK __tsan_write_range(void* at, unsigned long bytes) { unaligned(at, bytes, emulator::AccessKind::Write, FROM); }
HOOK __tsan_vptr_update(void**, void*) {}
HOOK __tsan_vptr_read(void**) {}
HOOK __tsan_func_entry(void*) {}
HOOK __tsan_func_exit() {}
HOOK __tsan_init() {}

// The guards of static variables.
extern "C" __attribute__((visibility("default"))) uint8_t __tsan_atomic8_load(const volatile uint8_t* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
// Atomic variables of the host; those of kernels are calls of the emulator.
HOOK __tsan_atomic8_store(volatile uint8_t* at, uint8_t value, int) { __atomic_store_n(at, value, __ATOMIC_SEQ_CST); }
extern "C" __attribute__((visibility("default"))) uint64_t __tsan_atomic64_load(const volatile uint64_t* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}
HOOK __tsan_atomic64_store(volatile uint64_t* at, uint64_t value, int) {
  __atomic_store_n(at, value, __ATOMIC_SEQ_CST);
}
HOOK __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
