#include "tensor_core.h"

#include <cstring>
#include <string>
#include <vector>

#include "grid.h"
#include "runtime.h"
#include "shadow.h"

namespace emulator {

namespace {

// Lower bits of a mantissa, which TF32 has not.
constexpr uint32_t kBeyond = 0x1fff;

struct Fragments {
  float* sums;
  const uint32_t *a, *b;
};

struct Copy {
  char* to;
  const char* from;
  size_t bytes, given;
  const void* place;
};

struct Copies {
  std::vector<Copy> waiting;
  // How many of them each group has; those after the groups are of none yet.
  std::vector<size_t> groups;
};

// Never destroyed, as other threads' kernels may outlive main.
std::vector<Copies>& all_copies = *new std::vector<Copies>(kMaxThreads);

void require_tensor_cores(const char* what) {
  if (compute_capability(running.device) >= 80) return;
  std::string text = std::string(what) + " needs compute capability 8.0";
  stop_kernel(std::move(text));
}

double value_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return static_cast<double>(value);
}

// Only where single accesses are watched: `arrived` or not, nothing is known of who reads and writes otherwise.
void watch(const Copy& copy, bool arrived) {
  if (!shadow_enabled()) return;
  if (arrived) shadow_state(copy.to, copy.bytes, ByteState::Written);
  if (copy.given > 0) shadow_access(copy.from, copy.given, AccessKind::Read, copy.place);
  shadow_access(copy.to, copy.bytes, AccessKind::Write, copy.place);
  if (!arrived) shadow_state(copy.to, copy.bytes, ByteState::Arriving);
}

}  // namespace

uint32_t round_to_tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (x != x) return 0x7fffe000u;
  // Of infinity the mantissa is 0 and stays it; beyond the largest number lies infinity.
  return (bits + (kBeyond + 1) / 2) & ~kBeyond;
}

void multiply_in_warp(float* sums, const uint32_t* a, const uint32_t* b) {
  require_tensor_cores("mma");
  const Fragments fragments = {sums, a, b};
  warp_exchange(WarpOp::Product, ~0u, reinterpret_cast<uint64_t>(&fragments), 0, kWarp);
}

void finish_product(const uint64_t* lanes) {
  const Fragments* of[kWarp];
  for (int lane = 0; lane < kWarp; ++lane) {
    of[lane] = reinterpret_cast<const Fragments*>(lanes[lane]);
    bool rounded = true;
    for (int i = 0; i < 4; ++i) rounded = rounded && (of[lane]->a[i] & kBeyond) == 0;
    for (int i = 0; i < 2; ++i) rounded = rounded && (of[lane]->b[i] & kBeyond) == 0;
    if (!rounded) {
      std::string what = "lane " + std::to_string(lane) + " multiplies numbers that were not rounded to TF32";
      stop_kernel(std::move(what));
    }
  }
  // A is 16x8, B 8x8. Lane 4g + t has of A rows g, g + 8 in columns t, t + 4, of B column g in rows t, t + 4, and of
  // the sums rows g, g + 8 in columns 2t, 2t + 1.
  for (int row = 0; row < 16; ++row)
    for (int col = 0; col < 8; ++col) {
      double sum = 0;
      for (int k = 0; k < 8; ++k)
        sum += value_of(of[row % 8 * 4 + k % 4]->a[row / 8 + k / 4 * 2]) * value_of(of[col * 4 + k % 4]->b[k / 4]);
      float& to = of[row % 8 * 4 + col / 2]->sums[row / 8 * 2 + col % 2];
      to = static_cast<float>(static_cast<double>(to) + sum);
    }
}

void copy_async(void* to, const void* from, int bytes, int given) {
  require_tensor_cores("cp.async");
  const Copy copy = {static_cast<char*>(to), static_cast<const char*>(from), static_cast<size_t>(bytes),
                     static_cast<size_t>(given), __builtin_return_address(0)};
  const uintptr_t misplaced = (reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from)) % copy.bytes;
  if (misplaced != 0) stop_kernel("misaligned: cp.async of addresses that are no multiple of its bytes");
  if (given < 0 || given > bytes) stop_kernel("cp.async copies more bytes than it writes");
  if (static_cast<size_t>(copy.to - shared_memory()) >= kSharedBytes * 2)
    stop_kernel("cp.async copies to shared memory only");
  watch(copy, false);
  all_copies[running.thread].waiting.push_back(copy);
}

void commit_copies() {
  Copies& mine = all_copies[running.thread];
  size_t grouped = 0;
  for (const size_t group : mine.groups) grouped += group;
  mine.groups.push_back(mine.waiting.size() - grouped);
}

void wait_for_copies(int groups) {
  Copies& mine = all_copies[running.thread];
  while (mine.groups.size() > static_cast<size_t>(groups)) {
    const auto end = mine.waiting.begin() + static_cast<std::ptrdiff_t>(mine.groups.front());
    for (auto copy = mine.waiting.begin(); copy != end; ++copy) {
      watch(*copy, true);
      std::memcpy(copy->to, copy->from, copy->given);
      std::memset(copy->to + copy->given, 0, copy->bytes - copy->given);
    }
    mine.waiting.erase(mine.waiting.begin(), end);
    mine.groups.erase(mine.groups.begin());
  }
}

void forget_copies() {
  for (Copies& copies : all_copies) {
    copies.waiting.clear();
    copies.groups.clear();
  }
}

}  // namespace emulator
