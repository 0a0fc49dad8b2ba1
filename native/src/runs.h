// Where blocks come from that are larger than any size class: runs of pages, cut from the shortest idle one that they
// fit in and joined with their neighbours afterwards, so that blocks of all sizes share the memory that is idle.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "spans.h"

namespace talus {

// More than a process can address.
constexpr int64_t kMaxBlockBytes = int64_t{1} << 47;

// Runs of units of pages that no block lies in. Those that touch are one.
class FreeRuns {
 public:
  using ByAddress = std::map<char*, int64_t>;

  void add(char* begin, int64_t bytes);
  // Removes the first bytes of the run that begins at `begin`, or all of them.
  void remove_front(char* begin, int64_t bytes);
  void remove_back(char* begin, int64_t bytes);
  // The shortest run of at least `bytes`, the one at the lowest address among equals; null if there is none.
  char* shortest(int64_t bytes) const;
  // The longest one; of no bytes if there is none.
  std::pair<char*, int64_t> longest() const;
  // How long the run is that ends, or begins, at an address.
  int64_t ending_at(const char* end) const;
  int64_t beginning_at(char* begin) const;
  const ByAddress& by_address() const { return by_address_; }

 private:
  void erase(ByAddress::iterator run);
  void resize(ByAddress::iterator run, char* begin, int64_t bytes);

  ByAddress by_address_;
  std::set<std::pair<int64_t, char*>> by_length_;
};

// All functions may be called from any thread. Bytes are multiples of kSpanUnit.
class Runs {
 public:
  // A block from idle pages, or null.
  Span* take(int64_t bytes);
  // As `take`, but maps pages where the fewest are missing. `mapped` becomes how many bytes that takes; null if they
  // are more than `most`, or if the system refuses.
  Span* grow(int64_t bytes, int64_t most, int64_t& mapped);
  void put(Span* block);
  // Gives idle pages back to the system, about `bytes` of them, those of long runs first. Returns how many bytes.
  int64_t shrink(int64_t bytes);
  // Appends the sizes of live blocks, and how many there are of each.
  void append_live(std::vector<std::array<int64_t, 2>>& sizes);

 private:
  Span* cut(int64_t bytes);
  // Where to map how many bytes so that there is an idle run of `bytes`; null if there are not as many addresses.
  std::pair<char*, int64_t> cheapest_growth(int64_t bytes) const;

  std::mutex mutex_;
  // Pages that are mapped, and reserved addresses without pages.
  FreeRuns idle_, unmapped_;
  // How many live blocks there are of each size.
  std::map<int64_t, int64_t> live_;
};

}  // namespace talus
