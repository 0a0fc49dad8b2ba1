// Where idle threads of the pool are, and where they must not be.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>

namespace talus {

// A pool thread without work, and the core it was last seen on.
//
// Linux wakes a thread where it slept, and on small machines does not look for an idle core while the others are busy;
// a thread that spins stays where it is for tens of milliseconds. A helper that once shared its caller's core would
// take turns with it. So a caller that finds one on its own core bars that core from it until it has found work.
class Idler {
#if defined(__linux__)
 public:
  static int current_core() { return sched_getcpu(); }

  Idler() : thread_(pthread_self()) {}

  void note_core() { core_.store(current_core(), std::memory_order_relaxed); }

  void avoid(int busy) {
    if (busy != core_.load(std::memory_order_relaxed) || barred_) return;
    if (pthread_getaffinity_np(thread_, sizeof granted_, &granted_) != 0 || CPU_COUNT(&granted_) < 2) return;
    cpu_set_t others = granted_;
    CPU_CLR(busy, &others);
    barred_ = pthread_setaffinity_np(thread_, sizeof others, &others) == 0;
  }

  void unbar() {
    if (barred_) pthread_setaffinity_np(thread_, sizeof granted_, &granted_);
    barred_ = false;
  }

 private:
  pthread_t thread_;
  std::atomic<int> core_{-1};
  cpu_set_t granted_;
  bool barred_ = false;
#else
 public:
  static int current_core() { return -1; }
  void note_core() {}
  void avoid(int) {}
  void unbar() {}
#endif
};

}  // namespace talus
