#include "cuda/memory.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda/device.cuh"
#include "cuda/graph.h"
#include "error.h"
#include "size_classes.h"

#if defined(TALUS_CUDA_EMULATED)
#include "emulator.h"
#endif

namespace talus::cuda {

namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
// cudaMalloc takes long and rounds up to 2 MB: blocks of up to a quarter of this share one allocation.
constexpr int64_t kSpanBytes = int64_t{2} << 20;
constexpr int kGeneralPool = 0;
// The CPU's classes go on here, to 2^47 bytes: large blocks are not cut from each other.
constexpr int kClasses = kStepsPerDoubling * 39;
constexpr int64_t kMostBytes = class_bytes(kClasses - 1);

// In emulated builds kernels may touch live blocks only, up to the bytes that were asked for.
void permit([[maybe_unused]] void* block, [[maybe_unused]] int64_t bytes) {
#if defined(TALUS_CUDA_EMULATED)
  emulator::permit(block, bytes);
#endif
}
void forbid([[maybe_unused]] void* block, [[maybe_unused]] int64_t bytes) {
#if defined(TALUS_CUDA_EMULATED)
  emulator::forbid(block, bytes);
#endif
}

struct Span {
  char* base = nullptr;
  int size_class = 0, count = 0, idle = 0;
  int64_t bytes() const { return count * class_bytes(size_class); }
};

struct Block {
  Span* span = nullptr;
  bool live = false;
  int pool = kGeneralPool;
  // Where it was handed out and where it was freed, by another thread perhaps: work on it may still be queued on both.
  // Null: on none.
  CUstream_st *home = nullptr, *freed_on = nullptr;
  // Others that were said to use it; most blocks have none.
  std::vector<CUstream_st*> used_on;

  // Whether this holds for every stream that work on the block may be queued on.
  template <class F>
  bool streams_are(F&& f) const {
    return (home == nullptr || f(home)) && (freed_on == nullptr || f(freed_on)) &&
           std::all_of(used_on.begin(), used_on.end(), f);
  }
  bool waits_on_none_but(const CUstream_st* stream) const {
    return streams_are([&](const CUstream_st* other) { return other == stream; });
  }
  void wait_for_none() {
    home = freed_on = nullptr;
    used_on.clear();
  }
  void forget(const CUstream_st* stream) {
    if (home == stream) home = nullptr;
    if (freed_on == stream) freed_on = nullptr;
    used_on.erase(std::remove(used_on.begin(), used_on.end(), stream), used_on.end());
  }
};

// Blocks that nobody uses, by size class.
using Bins = std::array<std::vector<char*>, kClasses>;

class Allocator {
 public:
  explicit Allocator(int device) : device_(device) {}

  // The allocator of a device, which is the current one.
  static Allocator& of(int device);

  void* allocate(int64_t bytes) {
    if (bytes < 0) fail(TALUS_INVALID_ARGUMENT, "allocate: %" PRId64 " bytes, expected 0 or more", bytes);
    CUstream_st* const stream = current_stream();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (bytes > kMostBytes) fail_out_of_memory(bytes, "more than any device holds");
    const int size_class = size_class_of(bytes);
    const int pool = pool_of(stream);
    char* address = take(pools_[pool][size_class], stream);
    // Of those that were freed elsewhere the graph's first use could not wait.
    if (address == nullptr && pool != kGeneralPool) address = take_idle_on(pools_[kGeneralPool][size_class], stream);
    return hand_out(address, bytes, pool, stream);
  }

  void* allocate_lasting(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return hand_out(take_idle_on(pools_[kGeneralPool][size_class_of(bytes)], nullptr), bytes, kGeneralPool, nullptr);
  }

  // False if it is none of this device's.
  bool release(void* address, CUstream_st* stream) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = blocks_.find(static_cast<char*>(address));
    if (found == blocks_.end()) return false;
    Block& block = found->second;
    if (!block.live)
      fail(TALUS_INVALID_ARGUMENT, "release: the block at %p is not live, it was released before", address);
    const int size_class = block.span->size_class;
    block.live = false;
    block.freed_on = stream;
    const int pool = pool_of(stream);
    if (pool != kGeneralPool) {
      // The graph being captured uses it at each replay, up to here.
      if (block.pool == kGeneralPool) block.pool = pool;
      // It cannot wait for what a stream outside was given, so it may have the block only where that is done.
      const std::vector<CUstream_st*> used_on = block.used_on;
      for (CUstream_st* const other : used_on)
        if (is_done_outside(other)) block.forget(other);
      if (is_done_outside(block.home)) block.home = nullptr;
    }
    ++block.span->idle;
    pools_[block.pool][size_class].push_back(found->first);
    --live_blocks_[static_cast<size_t>(size_class)];
    live_bytes_ -= class_bytes(size_class);
    return true;
  }

  // False if it is no live block of this device's.
  bool use_on(void* address, CUstream_st* stream) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = blocks_.find(static_cast<char*>(address));
    if (found == blocks_.end() || !found->second.live) return false;
    Block& block = found->second;
    if (std::find(block.used_on.begin(), block.used_on.end(), stream) == block.used_on.end() && block.home != stream)
      block.used_on.push_back(stream);
    return true;
  }

  void stats(int64_t* stats) {
    const std::lock_guard<std::mutex> lock(mutex_);
    stats[TALUS_MEM_LIVE_BYTES] = live_bytes_;
    stats[TALUS_MEM_LIVE_BLOCKS] = live_blocks();
    stats[TALUS_MEM_CACHED_BYTES] = system_bytes_ - live_bytes_;
    stats[TALUS_MEM_PEAK_BYTES] = peak_bytes_;
    stats[TALUS_MEM_LIMIT_BYTES] = limit_;
    stats[TALUS_MEM_ALLOCATIONS] = allocations_;
    stats[TALUS_MEM_SYSTEM_ALLOCATIONS] = system_allocations_;
  }

  void reset_peak() {
    const std::lock_guard<std::mutex> lock(mutex_);
    peak_bytes_ = live_bytes_;
  }

  void set_limit(int64_t bytes) {
    if (bytes < 0) fail(TALUS_INVALID_ARGUMENT, "memory limit: %" PRId64 " bytes, expected 0 or more", bytes);
    const std::lock_guard<std::mutex> lock(mutex_);
    limit_ = bytes;
  }

  void trim() {
    refuse_beside_capture("memory_trim");
    const std::lock_guard<std::mutex> lock(mutex_);
    shrink(kNoLimit);
  }

  int holders(int rows, int64_t* pairs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::array<int64_t, 2>> all;
    for (int c = 0; c < kClasses; ++c)
      if (live_blocks_[static_cast<size_t>(c)] > 0)
        all.push_back({class_bytes(c), live_blocks_[static_cast<size_t>(c)]});
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a[0] * a[1] > b[0] * b[1]; });
    const int filled = std::min(std::max(rows, 0), static_cast<int>(all.size()));
    for (int i = 0; i < filled; ++i) {
      pairs[2 * i] = all[static_cast<size_t>(i)][0];
      pairs[2 * i + 1] = all[static_cast<size_t>(i)][1];
    }
    return filled;
  }

  void forget_stream(CUstream_st* stream) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Live blocks, too: they are freed some time.
    for (auto& entry : blocks_) entry.second.forget(stream);
  }

  int begin_pool(CUstream_st* stream) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // Replays may be on other streams than this one, and the capture may take what was freed on any of them.
    if (captures_.empty()) {
      TALUS_CHECK_CUDA(cudaDeviceSynchronize());
      for (auto& entry : blocks_)
        if (!entry.second.live) entry.second.wait_for_none();
    } else {
      TALUS_CHECK_CUDA(cudaStreamSynchronize(stream));
    }
    captures_[stream] = ++last_pool_;
    return last_pool_;
  }

  void join_pool(CUstream_st* stream, int pool) {
    const std::lock_guard<std::mutex> lock(mutex_);
    // What was freed there is the capture's to take, and a replay does not wait for what it was given before.
    TALUS_CHECK_CUDA(cudaStreamSynchronize(stream));
    captures_[stream] = pool;
  }

  void end_pool(int pool) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto at = captures_.begin(); at != captures_.end();)
      at = at->second == pool ? captures_.erase(at) : std::next(at);
  }

  void release_pool(int pool) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto& entry : blocks_)
      if (entry.second.pool == pool) entry.second.pool = kGeneralPool;
    for (int c = 0; c < kClasses; ++c) {
      const std::vector<char*>& from = pools_[pool][c];
      std::vector<char*>& to = pools_[kGeneralPool][c];
      to.insert(to.end(), from.begin(), from.end());
    }
    pools_.erase(pool);
  }

 private:
  // A block that no other stream than this one has work on; the youngest, as it may still be in the cache.
  char* take_idle_on(std::vector<char*>& bin, CUstream_st* stream) {
    for (size_t i = bin.size(); i-- > 0;)
      if (blocks_[bin[i]].waits_on_none_but(stream)) return remove(bin, i);
    return nullptr;
  }

  // If need be one that other streams may still work on: this one then waits until they have done what they have now.
  // That is possible between streams of one capture, and between streams that have no part in any. Its own come first,
  // so that streams that hand blocks to each other do not wait in turn.
  char* take(std::vector<char*>& bin, CUstream_st* stream) {
    if (char* address = take_idle_on(bin, stream)) return address;
    const int pool = pool_of(stream);
    const auto in_reach = [&](CUstream_st* other) { return pool_of(other) == pool; };
    size_t chosen = bin.size();
    for (size_t i = 0; i < bin.size(); ++i) {
      const Block& block = blocks_[bin[i]];
      if (!block.streams_are(in_reach)) continue;
      if (chosen == bin.size() || block.home == stream) chosen = i;
      if (block.home == stream) break;
    }
    if (chosen == bin.size()) return nullptr;
    const Block& block = blocks_[bin[chosen]];
    wait_for(stream, block.home);
    if (block.freed_on != block.home) wait_for(stream, block.freed_on);
    for (CUstream_st* const other : block.used_on)
      if (other != block.home && other != block.freed_on) wait_for(stream, other);
    return remove(bin, chosen);
  }

  void wait_for(CUstream_st* stream, CUstream_st* other) {
    if (other == nullptr || other == stream) return;
    if (order_ == nullptr) TALUS_CHECK_CUDA(cudaEventCreateWithFlags(&order_, cudaEventDisableTiming));
    TALUS_CHECK_CUDA(cudaEventRecord(order_, other));
    TALUS_CHECK_CUDA(cudaStreamWaitEvent(stream, order_, 0));
  }

  // Whether a stream that is not captured has nothing left to do. An error counts as work left: whoever waits gets it.
  bool is_done_outside(CUstream_st* stream) const {
    if (stream == nullptr || pool_of(stream) != kGeneralPool) return false;
    if (cudaStreamQuery(stream) == cudaSuccess) return true;
    static_cast<void>(cudaGetLastError());
    return false;
  }

  // A block, or a new one where there is none, to whoever asked for these bytes.
  void* hand_out(char* address, int64_t bytes, int pool, CUstream_st* stream) {
    const int size_class = size_class_of(bytes);
    if (address == nullptr) address = grow(size_class, bytes, pool);
    Block& block = blocks_[address];
    block.live = true;
    block.pool = pool;
    block.wait_for_none();
    block.home = stream;
    ++allocations_;
    ++live_blocks_[static_cast<size_t>(size_class)];
    live_bytes_ += class_bytes(size_class);
    peak_bytes_ = std::max(peak_bytes_, live_bytes_);
    permit(address, bytes);
    return address;
  }

  // The pool of the capture that the stream has a part in, or the general one.
  int pool_of(CUstream_st* stream) const {
    const auto capture = captures_.find(stream);
    return capture == captures_.end() ? kGeneralPool : capture->second;
  }

  char* remove(std::vector<char*>& bin, size_t i) {
    char* const address = bin[i];
    bin.erase(bin.begin() + static_cast<std::ptrdiff_t>(i));
    --blocks_[address].span->idle;
    return address;
  }

  int64_t live_blocks() const {
    int64_t sum = 0;
    for (const int64_t count : live_blocks_) sum += count;
    return sum;
  }

  [[noreturn]] void fail_out_of_memory(int64_t requested, const char* reason) {
    char limit_text[32] = "none";
    if (limit_ != kNoLimit) std::snprintf(limit_text, sizeof limit_text, "%" PRId64, limit_);
    fail(TALUS_OUT_OF_MEMORY,
         "out of memory on CUDA device %d (%s): %" PRId64 " bytes requested; %" PRId64 " bytes live in %" PRId64
         " blocks, %" PRId64
         " bytes cached, limit %s; close tensors that are not needed, use smaller batches or raise the limit",
         device_, reason, requested, live_bytes_, live_blocks(), system_bytes_ - live_bytes_, limit_text);
  }

  // Returns at least `bytes` of idle memory to the driver if there is as much, large blocks first.
  void shrink(int64_t bytes) {
    // Returning memory waits for the device.
    if (!captures_.empty()) return;
    for (int c = kClasses - 1; c >= 0 && bytes > 0; --c) {
      std::vector<char*>& bin = pools_[kGeneralPool][c];
      std::vector<Span*> leaving;
      for (char* address : bin) {
        Span* span = blocks_[address].span;
        if (bytes <= 0 || span->idle < span->count || address != span->base) continue;
        if (!in_bin(bin, *span)) continue;
        leaving.push_back(span);
        bytes -= span->bytes();
      }
      for (Span* span : leaving) unmap(bin, span);
    }
  }

  // Whether all blocks of an idle span are in this bin: a graph's pool may hold some.
  bool in_bin(const std::vector<char*>& bin, const Span& span) const {
    const auto inside = [&](char* at) { return at >= span.base && at < span.base + span.bytes(); };
    return std::count_if(bin.begin(), bin.end(), inside) == span.count;
  }

  void unmap(std::vector<char*>& bin, Span* span) {
    const auto inside = [&](char* at) { return at >= span->base && at < span->base + span->bytes(); };
    bin.erase(std::remove_if(bin.begin(), bin.end(), inside), bin.end());
    for (int i = 0; i < span->count; ++i) blocks_.erase(span->base + i * class_bytes(span->size_class));
    system_bytes_ -= span->bytes();
    // Waits for queued work that uses it.
    TALUS_CHECK_CUDA(cudaFree(span->base));
    spans_.erase(span->base);
  }

  // A block of a new span; the others go to the pool.
  char* grow(int size_class, int64_t requested, int pool) {
    const int64_t block = class_bytes(size_class);
    auto span = std::make_unique<Span>();
    span->size_class = size_class;
    span->count = block <= kSpanBytes / 4 ? static_cast<int>(kSpanBytes / block) : 1;
    // A small limit need not hold a span of many blocks.
    if (span->bytes() > limit_ - system_bytes_) span->count = 1;
    const auto excess = [&] { return system_bytes_ - (limit_ - span->bytes()); };
    if (limit_ < span->bytes() || excess() > 0) {
      if (limit_ >= span->bytes()) shrink(excess());
      if (limit_ < span->bytes() || excess() > 0) fail_out_of_memory(requested, "the limit is reached");
    }
    void* base = nullptr;
    cudaError_t error = cudaMalloc(&base, static_cast<size_t>(span->bytes()));
    if (error == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      shrink(kNoLimit);
      span->count = 1;
      error = cudaMalloc(&base, static_cast<size_t>(span->bytes()));
    }
    if (error == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      fail_out_of_memory(requested, "the device has no more");
    }
    check(error, "cudaMalloc");
    span->base = static_cast<char*>(base);
    system_bytes_ += span->bytes();
    ++system_allocations_;
    forbid(span->base, span->bytes());
    for (int i = 0; i < span->count; ++i) {
      char* const address = span->base + i * block;
      Block& cut = blocks_[address];
      cut.span = span.get();
      cut.pool = pool;
      if (i > 0) pools_[pool][size_class].push_back(address);
    }
    span->idle = span->count - 1;
    char* const first = span->base;
    spans_[first] = std::move(span);
    return first;
  }

  const int device_;
  std::mutex mutex_;
  std::unordered_map<char*, Block> blocks_;
  std::unordered_map<char*, std::unique_ptr<Span>> spans_;
  std::unordered_map<int, Bins> pools_;
  std::unordered_map<CUstream_st*, int> captures_;
  int last_pool_ = kGeneralPool;
  cudaEvent_t order_ = nullptr;
  std::array<int64_t, kClasses> live_blocks_ = {};
  int64_t live_bytes_ = 0, peak_bytes_ = 0, system_bytes_ = 0, limit_ = kNoLimit;
  int64_t allocations_ = 0, system_allocations_ = 0;
};

// Never destroyed: the driver may be gone before static objects are.
struct Allocators {
  std::mutex mutex;
  std::vector<std::unique_ptr<Allocator>> all;
};

Allocators& allocators() {
  static Allocators& instance = *new Allocators;
  return instance;
}

Allocator& Allocator::of(int device) {
  Allocators& a = allocators();
  const std::lock_guard<std::mutex> lock(a.mutex);
  while (a.all.size() <= static_cast<size_t>(device))
    a.all.push_back(std::make_unique<Allocator>(static_cast<int>(a.all.size())));
  return *a.all[static_cast<size_t>(device)];
}

Allocator& current() { return Allocator::of(current_device()); }

}  // namespace

void* allocate(int64_t bytes) { return current().allocate(bytes); }
void* allocate_lasting(int64_t bytes) { return current().allocate_lasting(bytes); }

void release(void* block) {
  if (current().release(block, current_stream())) return;
  fail(TALUS_INVALID_ARGUMENT, "release: address %p is not the begin of a block of CUDA device %d", block,
       current_device());
}

void use_block(void* block) {
  if (current().use_on(block, current_stream())) return;
  fail(TALUS_INVALID_ARGUMENT,
       "record_stream: address %p is not the begin of a live block of CUDA device %d; pass what allocate returned, "
       "before its release",
       block, current_device());
}

void memory_stats(int64_t* stats) { current().stats(stats); }
void memory_reset_peak() { current().reset_peak(); }
void memory_set_limit(int64_t bytes) { current().set_limit(bytes); }
void memory_trim() { current().trim(); }
int memory_holders(int rows, int64_t* pairs) { return current().holders(rows, pairs); }

void forget_stream(int device, CUstream_st* stream) { Allocator::of(device).forget_stream(stream); }
int begin_pool(int device, CUstream_st* stream) { return Allocator::of(device).begin_pool(stream); }
void join_pool(int device, CUstream_st* stream, int pool) { Allocator::of(device).join_pool(stream, pool); }
void end_pool(int device, int pool) { Allocator::of(device).end_pool(pool); }
void release_pool(int device, int pool) { Allocator::of(device).release_pool(pool); }

}  // namespace talus::cuda
