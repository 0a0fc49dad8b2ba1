#include "spans.h"

#include <sys/mman.h>

#include <mutex>

#include "size_classes.h"

namespace talus {
namespace {

// ------------------------------------------------------------------- the map from units of addresses to spans

// Two levels of 2^16 entries cover the 48 bits of a user address. A leaf covers 4 GiB; its pages appear when touched.
constexpr int kUnitBits = 16, kLevelBits = 16;
constexpr uintptr_t kLevelSize = uintptr_t{1} << kLevelBits;

struct Leaf {
  std::atomic<Span*> spans[kLevelSize];
};

std::atomic<Leaf*> root[kLevelSize];

void enter(const char* base, Span* span) {
  const uintptr_t unit = reinterpret_cast<uintptr_t>(base) >> kUnitBits;
  Leaf* leaf = root[unit >> kLevelBits].load(std::memory_order_acquire);
  leaf->spans[unit & (kLevelSize - 1)].store(span, std::memory_order_release);
}

void* map_pages(int64_t bytes) {
  void* pages = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

void unmap_pages(char* pages, int64_t bytes) {
  if (bytes > 0) munmap(pages, static_cast<size_t>(bytes));
}

// Makes the leaf of `base` exist. False when the system refuses or the address is out of range.
bool prepare_leaf(const char* base) {
  const uintptr_t top = reinterpret_cast<uintptr_t>(base) >> (kUnitBits + kLevelBits);
  if (top >= kLevelSize) return false;
  if (root[top].load(std::memory_order_acquire) != nullptr) return true;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (root[top].load(std::memory_order_acquire) != nullptr) return true;
  // Zeroed pages are null pointers.
  auto* leaf = static_cast<Leaf*>(map_pages(sizeof(Leaf)));
  root[top].store(leaf, std::memory_order_release);
  return leaf != nullptr;
}

// ----------------------------------------------------------------------------------------------- span objects

// Spans are made many at a time and kept for good. The map alone would not tell a leak checker that they are still in
// use: it does not look into pages that come straight from the system.
struct Batch {
  Batch* before;
  Span spans[32];
};

std::mutex unused_mutex;
Span* unused = nullptr;
Batch* batches = nullptr;

Span* new_span() {
  const std::lock_guard<std::mutex> lock(unused_mutex);
  if (unused == nullptr) {
    batches = new Batch{batches, {}};
    for (Span& span : batches->spans) {
      span.next_unused = unused;
      unused = &span;
    }
  }
  Span* span = unused;
  unused = span->next_unused;
  return span;
}

void recycle(Span* span) {
  const std::lock_guard<std::mutex> lock(unused_mutex);
  span->next_unused = unused;
  unused = span;
}

// Pages at a multiple of the unit; null when the system refuses.
char* map_units(int64_t bytes) {
  const auto misfit = [&](const char* p) { return static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) % kSpanUnit); };
  char* pages = static_cast<char*>(map_pages(bytes));
  if (pages == nullptr || misfit(pages) == 0) return pages;
  unmap_pages(pages, bytes);
  pages = static_cast<char*>(map_pages(bytes + kSpanUnit));
  if (pages == nullptr) return nullptr;
  const int64_t before = (kSpanUnit - misfit(pages)) % kSpanUnit;
  unmap_pages(pages, before);
  unmap_pages(pages + before + bytes, kSpanUnit - before);
  return pages + before;
}

}  // namespace

Span released_run;

int64_t Span::index_of(const void* address) const {
  const int64_t offset = static_cast<const char*>(address) - base;
  if (count == 1) return offset == 0 ? 0 : -1;
  // Spans of several blocks are one unit long: lines and their number are below 2^10, so the product is exact enough.
  const auto line = static_cast<uint32_t>(offset >> 6);
  const int64_t index = (line * reciprocal) >> 20;
  return index * block_bytes == offset && index < count ? index : -1;
}

Span* find_span(const void* address) {
  const uintptr_t unit = reinterpret_cast<uintptr_t>(address) >> kUnitBits;
  if (unit >> kLevelBits >= kLevelSize) return nullptr;
  const Leaf* leaf = root[unit >> kLevelBits].load(std::memory_order_acquire);
  return leaf == nullptr ? nullptr : leaf->spans[unit & (kLevelSize - 1)].load(std::memory_order_acquire);
}

int64_t span_bytes(int size_class) {
  const int64_t block = class_bytes(size_class);
  return block > kSpanUnit / 2 ? block : kSpanUnit / block * block;
}

Span* map_span(int size_class) {
  const int64_t block = class_bytes(size_class), bytes = span_bytes(size_class);
  // Whole units, so that later mappings tend to be aligned by themselves.
  const int64_t mapped = (bytes + kSpanUnit - 1) / kSpanUnit * kSpanUnit;
  char* base = map_units(mapped);
  if (base == nullptr) return nullptr;
  if (!prepare_leaf(base)) {
    unmap_pages(base, mapped);
    return nullptr;
  }
  Span* span = new_span();
  span->base = base;
  span->mapped_bytes = mapped;
  span->block_bytes = block;
  const int64_t lines = block / kBlockAlignment;
  span->reciprocal = static_cast<uint32_t>(((int64_t{1} << 20) + lines - 1) / lines);
  span->size_class = size_class;
  span->count = static_cast<int>(bytes / block);
  span->idle = 0;
  span->leaving = false;
  enter(base, span);
  return span;
}

void unmap_span(Span* span) {
  enter(span->base, nullptr);
  unmap_pages(span->base, span->mapped_bytes);
  recycle(span);
}

bool prepare_spans(const char* begin, int64_t bytes) {
  constexpr int64_t leaf_bytes = int64_t{1} << (kUnitBits + kLevelBits);
  for (int64_t offset = 0; offset < bytes; offset += leaf_bytes) {
    if (!prepare_leaf(begin + offset)) return false;
  }
  return prepare_leaf(begin + bytes - 1);
}

Span* enter_run(char* base, int64_t bytes) {
  Span* span = new_span();
  span->base = base;
  span->mapped_bytes = bytes;
  span->block_bytes = bytes;
  span->size_class = kRunClass;
  span->count = 1;
  enter(base, span);
  return span;
}

void leave_run(Span* span) {
  enter(span->base, &released_run);
  recycle(span);
}

void forget_runs(const char* begin, int64_t bytes) {
  for (int64_t offset = 0; offset < bytes; offset += kSpanUnit) enter(begin + offset, nullptr);
}

}  // namespace talus
