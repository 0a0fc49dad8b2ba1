// The process-wide thread pool. Results never depend on the number of threads: the ranges that work is cut into depend
// on the problem only, and pieces that add up are combined in order.
#pragma once

#include <cstdint>
#include <type_traits>

namespace talus {

// Threads parallel_for may use, the caller included. The default is the number of cores granted to this process. Safe
// at any time; running work is finished by the threads that began it.
void set_num_threads(int threads);
int num_threads();
// How many calls of parallel_for were offered to other threads so far, for tests and benchmarks; all others ran inline.
int64_t shared_jobs();

namespace detail {
// Runs body(context, begin, end) over [0, n) in chunks; returns when all are done. An exception is rethrown in the
// caller after the chunks already begun have finished; of several, the one of the lowest range.
void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context);
}  // namespace detail

// Calls f(begin, end) for disjoint ranges that cover [0, n), each of at least `grain` items (but for the last one), at
// most 128 of them, the same ones with any number of threads. All run in the calling thread, in order, when there is
// one range or one thread, and inside another parallel_for. Choose `grain` by cost: about 30 microseconds of work, so
// that waking a thread pays.
template <class F>
void parallel_for(int64_t n, int64_t grain, F&& f) {
  using Body = std::remove_reference_t<F>;
  detail::parallel_for(
      n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<Body*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace talus
