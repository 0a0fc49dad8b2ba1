// The allocator's counters, kept by each thread for itself so that counting costs next to nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include "size_classes.h"

namespace talus {

// What one thread allocated and released. Only that thread writes, so counting is a load and a store; others read.
class Tally {
 public:
  // Blocks up to this size are added up here, to as much, before they go to the counters that all threads share.
  static constexpr int64_t kUnsettled = 64 << 10;

  void allocated(int size_class, int64_t bytes, std::atomic<int64_t>& live, std::atomic<int64_t>& peak, int64_t epoch) {
    count(allocations_[size_class], 1);
    if (bytes > kUnsettled) {
      raise(peak, live.fetch_add(bytes, std::memory_order_relaxed) + bytes + pending());
      return;
    }
    const int64_t now = count(pending_, bytes);
    if (epoch_.load(std::memory_order_relaxed) != epoch) {
      epoch_.store(epoch, std::memory_order_relaxed);
      highest_.store(now, std::memory_order_relaxed);
    } else if (now > highest_.load(std::memory_order_relaxed)) {
      highest_.store(now, std::memory_order_relaxed);
    }
    if (now > kUnsettled) settle(live, peak, epoch);
  }

  void released(int size_class, int64_t bytes, std::atomic<int64_t>& live, std::atomic<int64_t>& peak, int64_t epoch) {
    count(releases_[size_class], 1);
    if (bytes > kUnsettled)
      live.fetch_sub(bytes, std::memory_order_relaxed);
    else if (count(pending_, -bytes) < -kUnsettled)
      settle(live, peak, epoch);
  }

  // Moves the pending bytes to `live`, and the highest sum there was since the last time to `peak`.
  void settle(std::atomic<int64_t>& live, std::atomic<int64_t>& peak, int64_t epoch) {
    const int64_t pending = pending_.load(std::memory_order_relaxed);
    const int64_t before = live.fetch_add(pending, std::memory_order_relaxed);
    if (epoch_.load(std::memory_order_relaxed) == epoch) raise(peak, before + highest_.load(std::memory_order_relaxed));
    pending_.store(0, std::memory_order_relaxed);
    highest_.store(0, std::memory_order_relaxed);
  }

  // Adds another thread's counts; pending bytes were settled.
  void absorb(const Tally& other) {
    for (int c = 0; c < kCounted; ++c) {
      count(allocations_[c], other.allocations_[c].load(std::memory_order_relaxed));
      count(releases_[c], other.releases_[c].load(std::memory_order_relaxed));
    }
  }

  int64_t allocations(int size_class) const { return allocations_[size_class].load(std::memory_order_relaxed); }
  int64_t releases(int size_class) const { return releases_[size_class].load(std::memory_order_relaxed); }
  int64_t pending() const { return pending_.load(std::memory_order_relaxed); }
  // Pending bytes at their highest since the peak was reset.
  int64_t highest(int64_t epoch) const {
    return epoch_.load(std::memory_order_relaxed) == epoch ? highest_.load(std::memory_order_relaxed) : pending();
  }

 private:
  static constexpr int kCounted = kSizeClasses + 1;

  static int64_t count(std::atomic<int64_t>& counter, int64_t by) {
    const int64_t sum = counter.load(std::memory_order_relaxed) + by;
    counter.store(sum, std::memory_order_relaxed);
    return sum;
  }

  static void raise(std::atomic<int64_t>& peak, int64_t to) {
    int64_t known = peak.load(std::memory_order_relaxed);
    while (to > known && !peak.compare_exchange_weak(known, to, std::memory_order_relaxed)) {
    }
  }

  std::atomic<int64_t> pending_{0}, highest_{0}, epoch_{0};
  std::atomic<int64_t> allocations_[kCounted] = {}, releases_[kCounted] = {};
};

}  // namespace talus
