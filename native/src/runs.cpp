#include "runs.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

namespace talus {

// ------------------------------------------------------------------------------------------------- free runs

void FreeRuns::erase(ByAddress::iterator run) {
  by_length_.erase({run->second, run->first});
  by_address_.erase(run);
}

void FreeRuns::resize(ByAddress::iterator run, char* begin, int64_t bytes) {
  by_length_.erase({run->second, run->first});
  by_length_.emplace(bytes, begin);
  const auto next = by_address_.erase(run);
  by_address_.emplace_hint(next, begin, bytes);
}

void FreeRuns::add(char* begin, int64_t bytes) {
  const auto next = by_address_.lower_bound(begin);
  const auto before = next == by_address_.begin() ? by_address_.end() : std::prev(next);
  const bool joins_before = before != by_address_.end() && before->first + before->second == begin;
  const bool joins_next = next != by_address_.end() && next->first == begin + bytes;
  if (joins_next) bytes += next->second;
  if (joins_before) {
    if (joins_next) erase(next);
    resize(before, before->first, before->second + bytes);
  } else if (joins_next) {
    resize(next, begin, bytes);
  } else {
    by_address_.emplace_hint(next, begin, bytes);
    by_length_.emplace(bytes, begin);
  }
}

void FreeRuns::remove_front(char* begin, int64_t bytes) {
  const auto run = by_address_.find(begin);
  if (run->second == bytes)
    erase(run);
  else
    resize(run, begin + bytes, run->second - bytes);
}

void FreeRuns::remove_back(char* begin, int64_t bytes) {
  const auto run = by_address_.find(begin);
  if (run->second == bytes)
    erase(run);
  else
    resize(run, begin, run->second - bytes);
}

char* FreeRuns::shortest(int64_t bytes) const {
  const auto run = by_length_.lower_bound({bytes, nullptr});
  return run == by_length_.end() ? nullptr : run->second;
}

std::pair<char*, int64_t> FreeRuns::longest() const {
  if (by_length_.empty()) return {nullptr, 0};
  const auto& run = *by_length_.rbegin();
  return {run.second, run.first};
}

int64_t FreeRuns::ending_at(const char* end) const {
  auto run = by_address_.lower_bound(const_cast<char*>(end));
  if (run == by_address_.begin()) return 0;
  --run;
  return run->first + run->second == end ? run->second : 0;
}

int64_t FreeRuns::beginning_at(char* begin) const {
  const auto run = by_address_.find(begin);
  return run == by_address_.end() ? 0 : run->second;
}

// ---------------------------------------------------------------------------------------------------- pages

namespace {

// Addresses are reserved this many at a time: they cost nothing, and runs can only grow and join within them.
constexpr int64_t kReserve = int64_t{64} << 30;
// Huge pages save most page faults of a large block.
constexpr int64_t kHugePage = int64_t{2} << 20;

char* round_up(char* address, int64_t to) {
  const auto misfit = static_cast<int64_t>(reinterpret_cast<uintptr_t>(address) % static_cast<uintptr_t>(to));
  return misfit == 0 ? address : address + (to - misfit);
}

char* reserve(int64_t bytes) {
  void* pages = mmap(nullptr, static_cast<size_t>(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : static_cast<char*>(pages);
}

// Makes reserved addresses usable, to the end of the last huge page, so that the system can use one there. What lies
// beyond stays untouched until it is mapped in its turn.
bool map_reserved(char* begin, int64_t bytes) {
  const auto length = static_cast<size_t>(round_up(begin + bytes, kHugePage) - begin);
  if (!prepare_spans(begin, bytes) || mprotect(begin, length, PROT_READ | PROT_WRITE) != 0) return false;
#if defined(MADV_HUGEPAGE)
  // Advice only: refusing it changes nothing but speed.
  madvise(begin, length, MADV_HUGEPAGE);
#endif
  return true;
}

// The addresses stay reserved.
bool unmap_reserved(char* begin, int64_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return mmap(begin, static_cast<size_t>(bytes), PROT_NONE, flags, -1, 0) != MAP_FAILED;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------ runs

Span* Runs::cut(int64_t bytes) {
  char* begin = idle_.shortest(bytes);
  if (begin == nullptr) return nullptr;
  idle_.remove_front(begin, bytes);
  ++live_[bytes];
  return enter_run(begin, bytes);
}

Span* Runs::take(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cut(bytes);
}

std::pair<char*, int64_t> Runs::cheapest_growth(int64_t bytes) const {
  std::pair<char*, int64_t> cheapest{nullptr, 0};
  for (const auto& [begin, length] : unmapped_.by_address()) {
    const int64_t missing = std::min(length, bytes - idle_.ending_at(begin));
    const int64_t after = missing == length ? idle_.beginning_at(begin + length) : 0;
    if (idle_.ending_at(begin) + missing + after < bytes) continue;
    if (cheapest.first == nullptr || missing < cheapest.second) cheapest = {begin, missing};
  }
  return cheapest;
}

Span* Runs::grow(int64_t bytes, int64_t most, int64_t& mapped) {
  const std::lock_guard<std::mutex> lock(mutex_);
  mapped = 0;
  if (Span* block = cut(bytes)) return block;
  auto [begin, missing] = cheapest_growth(bytes);
  mapped = begin == nullptr ? bytes : missing;
  if (mapped > most) return nullptr;
  if (begin == nullptr) {
    for (int64_t addresses : {std::max(kReserve, bytes), bytes}) {
      addresses = (addresses + kHugePage - 1) / kHugePage * kHugePage;
      char* reserved = reserve(addresses + kHugePage);
      if (reserved == nullptr) continue;
      begin = round_up(reserved, kHugePage);
      unmapped_.add(begin, addresses);
      break;
    }
    if (begin == nullptr) return nullptr;
  }
  if (!map_reserved(begin, mapped)) return nullptr;
  unmapped_.remove_front(begin, mapped);
  idle_.add(begin, mapped);
  // No other run is long enough.
  return cut(bytes);
}

void Runs::put(Span* block) {
  const std::lock_guard<std::mutex> lock(mutex_);
  --live_[block->block_bytes];
  idle_.add(block->base, block->block_bytes);
  leave_run(block);
}

int64_t Runs::shrink(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  int64_t given = 0;
  while (given < bytes) {
    const auto [begin, length] = idle_.longest();
    const int64_t missing = bytes - given;
    const int64_t giving = missing < length ? (missing + kSpanUnit - 1) / kSpanUnit * kSpanUnit : length;
    char* from = begin + length - giving;
    if (length == 0 || !unmap_reserved(from, giving)) break;
    forget_runs(from, giving);
    idle_.remove_back(begin, giving);
    unmapped_.add(from, giving);
    given += giving;
  }
  return given;
}

void Runs::append_live(std::vector<std::array<int64_t, 2>>& sizes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [bytes, blocks] : live_) {
    if (blocks > 0) sizes.push_back({bytes, blocks});
  }
}

}  // namespace talus
