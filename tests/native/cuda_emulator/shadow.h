// For every byte of device and shared memory: whether kernels may touch it, and who did last. Only programs whose
// kernels are instrumented (hooks.cpp) keep it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emulator {

// Arriving: an asynchronous copy to it is on its way.
enum class ByteState : uint8_t { Forbidden = 0, Allocated = 1, Written = 2, Arriving = 3 };
enum class AccessKind { Read, Write, Atomic };

// Called once by hooks.cpp.
void shadow_enable();
bool shadow_enabled();

// Where device memory lies. Called once.
void shadow_arena(void* base, size_t bytes);
// Changes the state of device or shared memory; forgets who touched it.
void shadow_state(void* at, size_t bytes, ByteState state);
// As shadow_state(to, bytes, ...) with the states of `from`, for copies between device addresses.
void shadow_copy(void* to, const void* from, size_t bytes);

// A kernel begins, or one of its blocks: nothing before is a race with what follows, or no more in other blocks.
void shadow_begin_launch(int device);
// Checks an access of the running thread; does not return if there is something wrong with it.
void shadow_access(const void* at, size_t bytes, AccessKind kind, const void* program_counter);

}  // namespace emulator
