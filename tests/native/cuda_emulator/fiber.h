// A thread of control with a stack of its own: each CUDA thread of the block that runs is one.
#pragma once

#include <cstddef>

namespace emulator {

class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next resume() calls body(argument). Whatever the fiber did before is forgotten.
  void prepare(void (*body)(void*), void* argument);
  // From the scheduler: runs the fiber until it calls suspend().
  void resume();
  // From the fiber: back to the scheduler.
  void suspend();
  // The last thing that a body does: back to the scheduler for good.
  void finish();

  bool owns(const void* address) const {
    return address >= stack_ && address < static_cast<const char*>(stack_) + kStackBytes;
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr size_t kStackBytes = size_t{256} << 10;
#else
  static constexpr size_t kStackBytes = size_t{64} << 10;
#endif
  static void enter();

  void* stack_ = nullptr;
  // Frames of a body that was never finished lie on the stack.
  bool abandoned_ = false;
  void* saved_ = nullptr;
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
};

}  // namespace emulator
