#include "memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cinttypes>
#include <limits>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "error.h"
#include "runs.h"
#include "size_classes.h"
#include "spans.h"
#include "tally.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace talus {
namespace {

// Under AddressSanitizer idle blocks, and the bytes beyond what was asked for, must not be touched.
void forbid([[maybe_unused]] void* block, [[maybe_unused]] int64_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(block, static_cast<size_t>(bytes));
#endif
}

void permit([[maybe_unused]] void* block, [[maybe_unused]] int64_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(block, static_cast<size_t>(bytes));
#endif
}

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// ------------------------------------------------------------------------------------------- central bins

// Idle blocks of one size class that no thread's cache holds.
struct alignas(64) Bin {
  std::mutex mutex;
  std::vector<char*> blocks;

  // Moves up to `wanted` blocks into `to`; returns how many.
  int take(char** to, int wanted) {
    const std::lock_guard<std::mutex> lock(mutex);
    int taken = 0;
    for (; taken < wanted && !blocks.empty(); ++taken) {
      to[taken] = blocks.back();
      blocks.pop_back();
      --find_span(to[taken])->idle;
    }
    return taken;
  }

  void put(char* const* from, int count) {
    const std::lock_guard<std::mutex> lock(mutex);
    for (int i = 0; i < count; ++i) {
      blocks.push_back(from[i]);
      ++find_span(from[i])->idle;
    }
  }

  // Removes spans that are wholly idle, oldest blocks first, until they amount to `bytes`; returns the spans.
  std::vector<Span*> detach(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    std::vector<Span*> leaving;
    for (char* block : blocks) {
      Span* span = find_span(block);
      if (bytes <= 0) break;
      if (span->leaving || span->idle < span->count) continue;
      span->leaving = true;
      leaving.push_back(span);
      bytes -= span->bytes();
    }
    if (!leaving.empty()) {
      const auto leaves = [](const char* block) { return find_span(block)->leaving; };
      blocks.erase(std::remove_if(blocks.begin(), blocks.end(), leaves), blocks.end());
    }
    return leaving;
  }
};

// ------------------------------------------------------------------------------------------- thread caches

// Classes up to half a span's unit are cached by each thread, a handful of blocks of each.
constexpr int kCachedClasses = 56;
static_assert(class_bytes(kCachedClasses - 1) == kSpanUnit / 2);
constexpr int kMaxCachedBlocks = 32;

constexpr int cached_blocks(int size_class) {
  const int64_t fitting = kSpanUnit / class_bytes(size_class);
  return fitting < kMaxCachedBlocks ? static_cast<int>(fitting) : kMaxCachedBlocks;
}

// Held for a few instructions, and contended only while another thread empties this cache.
class SpinLock {
 public:
  void lock() {
    while (held_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

class ThreadCache {
 public:
  ThreadCache();
  ~ThreadCache();

  char* take(int size_class) {
    const std::lock_guard<SpinLock> lock(lock_);
    int& count = counts_[size_class];
    return count > 0 ? rows_[size_class][--count] : nullptr;
  }

  // Keeps the blocks there is room for, returns how many.
  int keep(int size_class, char* const* blocks, int count) {
    const std::lock_guard<SpinLock> lock(lock_);
    int& held = counts_[size_class];
    const int kept = std::min(count, cached_blocks(size_class) - held);
    std::copy(blocks, blocks + kept, rows_[size_class] + held);
    held += kept;
    return kept;
  }

  // Moves out the older half, or all, of one class into `to`; returns how many.
  int give_up(int size_class, bool all, char** to) {
    const std::lock_guard<SpinLock> lock(lock_);
    int& held = counts_[size_class];
    const int given = all ? held : (held + 1) / 2;
    char** row = rows_[size_class];
    std::copy(row, row + given, to);
    std::copy(row + given, row + held, row);
    held -= given;
    return given;
  }

  Tally tally;

 private:
  SpinLock lock_;
  int counts_[kCachedClasses] = {};
  char* rows_[kCachedClasses][kMaxCachedBlocks];
};

// ---------------------------------------------------------------------------------------------- allocator

// Everything above, and the limit. Never destroyed: other threads may still release blocks while the process exits.
struct Allocator {
  // Bytes in live blocks that threads have settled, and their highest sum since `epoch` began.
  alignas(64) std::atomic<int64_t> settled_bytes{0};
  std::atomic<int64_t> peak_bytes{0};
  alignas(64) std::atomic<int64_t> epoch{0};
  std::atomic<int64_t> system_bytes{0};
  std::atomic<int64_t> system_allocations{0};
  std::atomic<int64_t> limit{kNoLimit};
  std::array<Bin, kSizeClasses> bins;
  Runs runs;
  // Guards growing and shrinking, so that the limit holds.
  std::mutex system_mutex;
  // Guards the list, and the tally of threads that have ended.
  std::mutex caches_mutex;
  std::vector<ThreadCache*> caches;
  Tally ended;

  static Allocator& instance() {
    static Allocator& allocator = *new Allocator;
    return allocator;
  }

  void count_allocated(ThreadCache* own, int size_class, int64_t bytes) {
    count(own, &Tally::allocated, size_class, bytes);
  }
  void count_released(ThreadCache* own, int size_class, int64_t bytes) {
    count(own, &Tally::released, size_class, bytes);
  }

  // What f gives for each thread's tally, summed.
  template <class F>
  int64_t sum(F f) {
    const std::lock_guard<std::mutex> lock(caches_mutex);
    int64_t total = f(ended);
    for (const ThreadCache* cache : caches) total += f(cache->tally);
    return total;
  }
  int64_t allocations(int c) {
    return sum([c](const Tally& tally) { return tally.allocations(c); });
  }
  int64_t live_blocks(int c) {
    return sum([c](const Tally& tally) { return tally.allocations(c) - tally.releases(c); });
  }
  int64_t live_blocks() {
    return sum([](const Tally& tally) {
      int64_t blocks = 0;
      for (int c = 0; c <= kRunClass; ++c) blocks += tally.allocations(c) - tally.releases(c);
      return blocks;
    });
  }
  int64_t live_bytes() {
    return settled_bytes + sum([](const Tally& tally) { return tally.pending(); });
  }
  int64_t cached_bytes() { return std::max<int64_t>(0, system_bytes - live_bytes()); }

  // Exact while one thread allocates; other threads' small blocks may add or lack Tally::kUnsettled each.
  int64_t peak() {
    const int64_t live = live_bytes();
    int64_t highest = std::max(peak_bytes.load(), live);
    const std::lock_guard<std::mutex> lock(caches_mutex);
    for (const ThreadCache* cache : caches)
      highest = std::max(highest, live - cache->tally.pending() + cache->tally.highest(epoch));
    return highest;
  }
  void reset_peak() {
    ++epoch;
    peak_bytes = live_bytes();
  }

 private:
  using Change = void (Tally::*)(int, int64_t, std::atomic<int64_t>&, std::atomic<int64_t>&, int64_t);

  void count(ThreadCache* own, Change change, int size_class, int64_t bytes) {
    const int64_t now = epoch.load(std::memory_order_relaxed);
    if (own != nullptr) return (own->tally.*change)(size_class, bytes, settled_bytes, peak_bytes, now);
    const std::lock_guard<std::mutex> lock(caches_mutex);
    (ended.*change)(size_class, bytes, settled_bytes, peak_bytes, now);
  }

 public:
  void empty(ThreadCache& cache) {
    char* blocks[kMaxCachedBlocks];
    for (int c = 0; c < kCachedClasses; ++c) bins[c].put(blocks, cache.give_up(c, true, blocks));
  }

  // Returns at least `bytes` of idle memory to the system if there is as much, large blocks first.
  void shrink(int64_t bytes) {
    const int64_t before = system_bytes;
    system_bytes -= runs.shrink(bytes);
    for (const bool thread_caches_too : {false, true}) {
      if (thread_caches_too) {
        const std::lock_guard<std::mutex> lock(caches_mutex);
        for (ThreadCache* cache : caches) empty(*cache);
      }
      for (int c = kSizeClasses - 1; c >= 0; --c) {
        const int64_t missing = bytes - (before - system_bytes);
        if (missing <= 0) return;
        for (Span* span : bins[c].detach(missing)) {
          system_bytes -= span->bytes();
          permit(span->base, span->mapped_bytes);
          unmap_span(span);
        }
      }
    }
  }

  [[noreturn]] void fail_out_of_memory(int64_t requested, const char* reason) {
    const int64_t bound = limit;
    char limit_text[32] = "none";
    if (bound != kNoLimit) std::snprintf(limit_text, sizeof limit_text, "%" PRId64, bound);
    fail(TALUS_OUT_OF_MEMORY,
         "out of memory (%s): %" PRId64 " bytes requested; %" PRId64 " bytes live in %" PRId64 " blocks, %" PRId64
         " bytes cached, limit %s; close tensors that are not needed, use smaller batches or raise the limit",
         reason, requested, live_bytes(), live_blocks(), cached_bytes(), limit_text);
  }

  // A block of a new span; the span's other blocks go to the bin.
  char* grow(int size_class, int64_t requested) {
    const std::lock_guard<std::mutex> lock(system_mutex);
    const int64_t bytes = span_bytes(size_class), bound = limit;
    // How many bytes too many there would be; written so that nothing overflows.
    const auto excess = [&] { return system_bytes - (bound - bytes); };
    if (bound < bytes || excess() > 0) {
      if (bound >= bytes) shrink(excess());
      if (bound < bytes || excess() > 0) fail_out_of_memory(requested, "the limit is reached");
    }
    Span* span = map_span(size_class);
    if (span == nullptr) {
      shrink(kNoLimit);
      span = map_span(size_class);
      if (span == nullptr) fail_out_of_memory(requested, "the operating system has no more");
    }
    system_bytes += bytes;
    ++system_allocations;
    forbid(span->base, span->mapped_bytes);
    std::vector<char*> others;
    for (int i = span->count - 1; i > 0; --i) others.push_back(span->block(i));
    bins[size_class].put(others.data(), static_cast<int>(others.size()));
    return span->base;
  }

  // A block for which no idle run was long enough.
  Span* grow_run(int64_t bytes, int64_t requested) {
    const std::lock_guard<std::mutex> lock(system_mutex);
    for (;;) {
      const int64_t before = system_bytes, bound = limit, room = bound - before;
      if (bytes > bound) fail_out_of_memory(requested, "the limit is reached");
      int64_t missing = 0;
      if (Span* span = runs.grow(bytes, room, missing)) {
        system_bytes += missing;
        if (missing > 0) ++system_allocations;
        forbid(span->base, bytes);
        return span;
      }
      const bool limited = missing > room;
      shrink(limited ? missing - room : kNoLimit);
      if (system_bytes == before)
        fail_out_of_memory(requested, limited ? "the limit is reached" : "the operating system has no more");
    }
  }
};

ThreadCache::ThreadCache() {
  Allocator& allocator = Allocator::instance();
  const std::lock_guard<std::mutex> lock(allocator.caches_mutex);
  allocator.caches.push_back(this);
}

// Null before a thread's first allocation and after its end has begun. Not in static thread data: that is one decision
// for the whole library, whose caches are larger than what the loader keeps free for libraries opened at run time.
thread_local ThreadCache* this_threads_cache = nullptr;
thread_local bool thread_ends = false;

ThreadCache::~ThreadCache() {
  this_threads_cache = nullptr;
  thread_ends = true;
  Allocator& allocator = Allocator::instance();
  {
    const std::lock_guard<std::mutex> lock(allocator.caches_mutex);
    allocator.caches.erase(std::find(allocator.caches.begin(), allocator.caches.end(), this));
    tally.settle(allocator.settled_bytes, allocator.peak_bytes, allocator.epoch);
    allocator.ended.absorb(tally);
  }
  allocator.empty(*this);
}

__attribute__((noinline)) ThreadCache* make_cache() {
  if (thread_ends) return nullptr;
  thread_local ThreadCache cache;
  return this_threads_cache = &cache;
}

// This thread's cache, or null while the thread ends.
ThreadCache* own_cache() {
  ThreadCache* own = this_threads_cache;
  return own != nullptr ? own : make_cache();
}

char* find_block(Allocator& allocator, ThreadCache* own, int size_class, int64_t requested) {
  ThreadCache* cache = size_class < kCachedClasses ? own : nullptr;
  if (cache != nullptr) {
    if (char* block = cache->take(size_class)) return block;
  }
  char* blocks[kMaxCachedBlocks];
  const int wanted = cache == nullptr ? 1 : cached_blocks(size_class) / 2;
  const int taken = allocator.bins[size_class].take(blocks, wanted);
  if (taken == 0) return allocator.grow(size_class, requested);
  if (cache != nullptr) {
    const int kept = cache->keep(size_class, blocks + 1, taken - 1);
    allocator.bins[size_class].put(blocks + 1 + kept, taken - 1 - kept);
  }
  return blocks[0];
}

void return_block(Allocator& allocator, ThreadCache* own, int size_class, char* block) {
  ThreadCache* cache = size_class < kCachedClasses ? own : nullptr;
  if (cache != nullptr) {
    if (cache->keep(size_class, &block, 1) == 1) return;
    char* older[kMaxCachedBlocks];
    allocator.bins[size_class].put(older, cache->give_up(size_class, false, older));
    if (cache->keep(size_class, &block, 1) == 1) return;
  }
  allocator.bins[size_class].put(&block, 1);
}

// Apart from `allocate`, so that small blocks do not pay for what large ones need.
__attribute__((noinline)) void* allocate_run(Allocator& allocator, int64_t requested) {
  if (requested > kMaxBlockBytes) allocator.fail_out_of_memory(requested, "more than an address space holds");
  const int64_t bytes = (requested + kSpanUnit - 1) / kSpanUnit * kSpanUnit;
  Span* span = allocator.runs.take(bytes);
  if (span == nullptr) span = allocator.grow_run(bytes, requested);
  span->mark_live(0);
  allocator.count_allocated(own_cache(), kRunClass, bytes);
  permit(span->base, requested);
  return span->base;
}

}  // namespace

void* allocate(int64_t bytes) {
  if (bytes < 0) fail(TALUS_INVALID_ARGUMENT, "allocate: %" PRId64 " bytes, expected 0 or more", bytes);
  Allocator& allocator = Allocator::instance();
  if (bytes > kMaxClassBytes) return allocate_run(allocator, bytes);
  const int size_class = size_class_of(bytes);
  ThreadCache* own = own_cache();
  char* block = find_block(allocator, own, size_class, bytes);
  Span* span = find_span(block);
  span->mark_live(span->index_of(block));
  allocator.count_allocated(own, size_class, class_bytes(size_class));
  permit(block, bytes);
  return block;
}

void release(void* address) {
  Span* span = find_span(address);
  const int64_t index = span == nullptr ? -1 : span->index_of(address);
  if (index < 0 && span != &released_run)
    fail(TALUS_INVALID_ARGUMENT, "release: address %p is not the begin of a block of this allocator", address);
  if (index < 0 || !span->mark_idle(index))
    fail(TALUS_INVALID_ARGUMENT, "release: the block at %p is not live, it was released before", address);
  Allocator& allocator = Allocator::instance();
  ThreadCache* own = own_cache();
  const int size_class = span->size_class;
  allocator.count_released(own, size_class, span->block_bytes);
  forbid(address, span->block_bytes);
  if (size_class == kRunClass) return allocator.runs.put(span);
  return_block(allocator, own, size_class, static_cast<char*>(address));
}

void memory_stats(int64_t* stats) {
  Allocator& allocator = Allocator::instance();
  int64_t allocations = 0;
  for (int c = 0; c <= kRunClass; ++c) allocations += allocator.allocations(c);
  stats[TALUS_MEM_LIVE_BYTES] = allocator.live_bytes();
  stats[TALUS_MEM_LIVE_BLOCKS] = allocator.live_blocks();
  stats[TALUS_MEM_CACHED_BYTES] = allocator.cached_bytes();
  stats[TALUS_MEM_PEAK_BYTES] = allocator.peak();
  stats[TALUS_MEM_LIMIT_BYTES] = allocator.limit;
  stats[TALUS_MEM_ALLOCATIONS] = allocations;
  stats[TALUS_MEM_SYSTEM_ALLOCATIONS] = allocator.system_allocations;
}

void memory_reset_peak() { Allocator::instance().reset_peak(); }

void memory_set_limit(int64_t bytes) {
  if (bytes < 0) fail(TALUS_INVALID_ARGUMENT, "memory limit: %" PRId64 " bytes, expected 0 or more", bytes);
  Allocator::instance().limit = bytes;
}

void memory_trim() {
  Allocator& allocator = Allocator::instance();
  const std::lock_guard<std::mutex> lock(allocator.system_mutex);
  allocator.shrink(kNoLimit);
}

int memory_holders(int rows, int64_t* pairs) {
  Allocator& allocator = Allocator::instance();
  std::vector<std::array<int64_t, 2>> holders;
  for (int c = 0; c < kSizeClasses; ++c) {
    const int64_t live = allocator.live_blocks(c);
    if (live > 0) holders.push_back({class_bytes(c), live});
  }
  allocator.runs.append_live(holders);
  const auto more = [](const auto& a, const auto& b) { return a[0] * a[1] > b[0] * b[1]; };
  std::sort(holders.begin(), holders.end(), more);
  const int filled = std::min(std::max(rows, 0), static_cast<int>(holders.size()));
  for (int i = 0; i < filled; ++i) {
    pairs[2 * i] = holders[i][0];
    pairs[2 * i + 1] = holders[i][1];
  }
  return filled;
}

}  // namespace talus
