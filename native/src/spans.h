// What the allocator's blocks lie in: spans of pages mapped from the operating system, and the map that finds the span
// of an address.
#pragma once

#include <atomic>
#include <cstdint>

namespace talus {

// Spans begin at multiples of this size; the blocks of a small size class share one span of it.
constexpr int64_t kSpanUnit = int64_t{64} << 10;
constexpr int64_t kMaxBlocksPerSpan = kSpanUnit / 64;

// Blocks of one size class side by side, or a block by itself that is cut from a run of pages. Span objects are
// recycled but never freed, so that looking up an address that is no block stays safe while spans come and go.
struct Span {
  char* base = nullptr;
  int64_t mapped_bytes = 0;
  int64_t block_bytes = 0;
  int size_class = 0;
  int count = 0;
  // Blocks of it in the central bin, and whether it is on its way back to the system; guarded by the bin's mutex.
  int idle = 0;
  bool leaving = false;
  // ceil(2^20 / (block_bytes / 64)): divides offsets in a span of several blocks without a division.
  uint32_t reciprocal = 0;
  // For each block whether it is live. A byte each, so that marking one is a plain store.
  std::atomic<bool> live[kMaxBlocksPerSpan] = {};
  Span* next_unused = nullptr;

  char* block(int64_t i) const { return base + i * block_bytes; }
  int64_t bytes() const { return count * block_bytes; }
  // The block that begins at `address`, or -1.
  int64_t index_of(const void* address) const;
  // The block belongs to the caller, who alone may mark it live.
  void mark_live(int64_t i) { live[i].store(true, std::memory_order_relaxed); }
  // False if it was idle already.
  bool mark_idle(int64_t i) { return live[i].exchange(false, std::memory_order_acq_rel); }
};

// The span at whose unit `address` lies, or null. Any address may be asked for.
Span* find_span(const void* address);
// How many bytes a span of this class holds in blocks.
int64_t span_bytes(int size_class);
// Maps a new span and enters it into the map; null when the system refuses.
Span* map_span(int size_class);
void unmap_span(Span* span);

// What `find_span` finds where a block began that was cut from a run and is released.
extern Span released_run;
// Lets spans begin within these bytes; false when the system refuses.
bool prepare_spans(const char* begin, int64_t bytes);
// A span of one block, of the class kRunClass, in bytes that were prepared.
Span* enter_run(char* base, int64_t bytes);
void leave_run(Span* span);
// Ends the memory of released blocks that began within these bytes.
void forget_runs(const char* begin, int64_t bytes);

}  // namespace talus
