// Host arrays of a test and their copies on the device.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "dtype.h"
#include "geometry.h"

// Arguments are declared by what a kernel reads and writes; the first look at one copies all to the device. finish()
// copies back what was written. Arrays that overlap share their copy.
class Mirror {
 public:
  Mirror() { talus::cuda::use_device(0); }
  ~Mirror() {
    for (const Range& range : ranges_)
      if (range.device != nullptr) talus::cuda::release(range.device);
  }
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  Mirror& reads(const void* host, int64_t bytes) { return add(host, bytes, false); }
  Mirror& writes(void* host, int64_t bytes) { return add(host, bytes, true); }

  // The first operand is written, the others are read.
  template <int N>
  Mirror& operands(const talus::Geometry<N>& g, const std::vector<std::pair<const void*, int64_t>>& items) {
    for (int o = 0; o < N; ++o) {
      int64_t last = 0;
      for (int d = 0; d < g.ndim; ++d) last += (g.size[d] - 1) * g.stride[o][d];
      const auto& [host, item] = items[static_cast<size_t>(o)];
      add(host, g.n == 0 ? 0 : (last + 1) * item, o == 0);
    }
    return *this;
  }

  // Where this host address lies on the device; 0 stays 0.
  template <class T>
  T* operator()(T* host) {
    if (host == nullptr) return nullptr;
    const char* const at = static_cast<const char*>(static_cast<const void*>(host));
    for (Range& range : ranges_) {
      if (at < range.host || at >= range.host + (range.bytes > 0 ? range.bytes : 1)) continue;
      if (range.device == nullptr) upload(range);
      return reinterpret_cast<T*>(range.device + (at - range.host));
    }
    talus::fail(TALUS_INTERNAL_ERROR, "the test did not declare one of a kernel's arguments");
  }

  void finish() {
    for (const Range& range : ranges_)
      if (range.written && range.device != nullptr)
        talus::cuda::get(const_cast<char*>(range.host), range.device, range.bytes);
    talus::cuda::synchronize();
  }

 private:
  struct Range {
    const char* host;
    int64_t bytes;
    bool written;
    char* device;
  };

  Mirror& add(const void* host, int64_t bytes, bool written) {
    if (host == nullptr) return *this;
    Range added = {static_cast<const char*>(host), bytes, written, nullptr};
    for (size_t i = ranges_.size(); i-- > 0;) {
      const Range& range = ranges_[i];
      if (added.host >= range.host + range.bytes || range.host >= added.host + added.bytes) continue;
      const char* const begin = range.host < added.host ? range.host : added.host;
      const char* const end = std::max(range.host + range.bytes, added.host + added.bytes);
      added = {begin, end - begin, added.written || range.written, nullptr};
      ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    ranges_.push_back(added);
    return *this;
  }

  static void upload(Range& range) {
    range.device = static_cast<char*>(talus::cuda::allocate(range.bytes));
    talus::cuda::put(range.device, range.host, range.bytes);
  }

  std::vector<Range> ranges_;
};
