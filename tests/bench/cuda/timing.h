// Time on the device, by events.
#pragma once

#include <functional>

#include "cases.h"

namespace bench {

// Clears the second-level cache by writing much more than it holds.
class CacheFlush {
 public:
  explicit CacheFlush(bool small);
  ~CacheFlush();
  CacheFlush(const CacheFlush&) = delete;
  CacheFlush& operator=(const CacheFlush&) = delete;

  // Queues it on the current stream.
  void queue() const;
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_;
  void* block_;
};

// The median of the rounds' times of one run, in seconds. With cleared caches a round is one run, and the flush before
// it keeps the device busy while the host queues the run; with warm ones it is many runs.
double median_seconds(const std::function<void()>& run, const CacheFlush& flush, Caches caches, bool small);

}  // namespace bench
