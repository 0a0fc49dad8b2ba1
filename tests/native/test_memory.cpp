#include "memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "check.h"
#include "error.h"
#include "size_classes.h"
#include "spans.h"

namespace {

int64_t stat(int which) {
  int64_t stats[TALUS_MEM_STATS];
  talus::memory_stats(stats);
  return stats[which];
}

void release_all(std::vector<void*>& blocks) {
  for (void* block : blocks) talus::release(block);
  blocks.clear();
}

// Lifts the limit again however a test ends.
struct Limit {
  explicit Limit(int64_t bytes) { talus::memory_set_limit(bytes); }
  ~Limit() { talus::memory_set_limit(INT64_MAX); }
};

TEST(size_classes_hold_their_sizes_with_little_waste) {
  for (int c = 0; c < talus::kSizeClasses; ++c) {
    const int64_t bytes = talus::class_bytes(c);
    CHECK(bytes % 64 == 0);
    CHECK(c == 0 || bytes > talus::class_bytes(c - 1));
    CHECK(talus::size_class_of(bytes) == c);
    CHECK(c == 0 || talus::size_class_of(talus::class_bytes(c - 1) + 1) == c);
  }
  for (int64_t bytes = 513; bytes <= talus::kMaxClassBytes; bytes += 97)
    CHECK(8 * (talus::class_bytes(talus::size_class_of(bytes)) - bytes) < bytes);
  CHECK(talus::size_class_of(0) == 0);
}

TEST(blocks_are_aligned_disjoint_and_writable) {
  std::vector<void*> blocks;
  std::vector<std::pair<char*, int64_t>> ranges;
  for (int64_t bytes = 0; bytes < 3000000; bytes = bytes * 5 / 4 + 13) {
    for (int i = 0; i < 3; ++i) {
      blocks.push_back(talus::allocate(bytes));
      CHECK(reinterpret_cast<uintptr_t>(blocks.back()) % 64 == 0);
      std::memset(blocks.back(), static_cast<int>(blocks.size()), static_cast<size_t>(bytes));
      ranges.push_back({static_cast<char*>(blocks.back()), std::max<int64_t>(bytes, 1)});
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto* bytes = static_cast<const unsigned char*>(blocks[i]);
    const int64_t n = ranges[i].second - (i < 3 ? 1 : 0);
    CHECK(std::all_of(bytes, bytes + n, [&](unsigned char b) { return b == static_cast<unsigned char>(i + 1); }));
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) CHECK(ranges[i - 1].first + ranges[i - 1].second <= ranges[i].first);
  release_all(blocks);
}

TEST(no_bytes_are_a_block_too) {
  const int64_t before = stat(TALUS_MEM_LIVE_BLOCKS);
  void* a = talus::allocate(0);
  void* b = talus::allocate(0);
  CHECK(a != nullptr);
  CHECK(a != b);
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == before + 2);
  talus::release(a);
  talus::release(b);
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == before);
}

TEST(a_steady_loop_makes_no_system_allocation) {
  const std::vector<int64_t> sizes = {4, 100, 3000, 40000, 500000, 9000000};
  int64_t warm = 0;
  for (int step = 0; step < 20; ++step) {
    if (step == 1) warm = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
    std::vector<void*> blocks;
    for (const int64_t bytes : sizes) blocks.push_back(talus::allocate(bytes));
    release_all(blocks);
  }
  CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == warm);
}

TEST(counters_follow_the_blocks) {
  talus::memory_trim();
  const int64_t live = stat(TALUS_MEM_LIVE_BYTES), blocks = stat(TALUS_MEM_LIVE_BLOCKS);
  const int64_t calls = stat(TALUS_MEM_ALLOCATIONS);
  talus::memory_reset_peak();
  CHECK(stat(TALUS_MEM_PEAK_BYTES) == live);
  void* a = talus::allocate(1 << 20);
  void* b = talus::allocate(3 << 20);
  CHECK(stat(TALUS_MEM_LIVE_BYTES) == live + (4 << 20));
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == blocks + 2);
  CHECK(stat(TALUS_MEM_ALLOCATIONS) == calls + 2);
  const int64_t cached = stat(TALUS_MEM_CACHED_BYTES);
  talus::release(b);
  CHECK(stat(TALUS_MEM_LIVE_BYTES) == live + (1 << 20));
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == cached + (3 << 20));
  CHECK(stat(TALUS_MEM_PEAK_BYTES) == live + (4 << 20));
  talus::release(a);
  talus::memory_reset_peak();
  CHECK(stat(TALUS_MEM_PEAK_BYTES) == live);
}

TEST(trim_returns_everything_idle) {
  std::vector<void*> blocks;
  for (int i = 0; i < 500; ++i) blocks.push_back(talus::allocate(i * 100));
  release_all(blocks);
  CHECK(stat(TALUS_MEM_CACHED_BYTES) > 0);
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == 0);
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
}

TEST(trim_keeps_spans_with_live_blocks) {
  std::vector<void*> blocks;
  for (int i = 0; i < 3000; ++i) blocks.push_back(talus::allocate(64));
  char* kept = static_cast<char*>(blocks[1500]);
  std::memset(kept, 7, 64);
  blocks.erase(blocks.begin() + 1500);
  release_all(blocks);
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_LIVE_BYTES) == 64);
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == talus::kSpanUnit - 64);
  CHECK(std::all_of(kept, kept + 64, [](char c) { return c == 7; }));
  talus::release(kept);
}

TEST(trim_empties_the_caches_of_other_threads) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    talus::release(talus::allocate(200));
    stage = 1;
    while (stage != 2) std::this_thread::yield();
    talus::release(talus::allocate(200));
  });
  while (stage != 1) std::this_thread::yield();
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
  stage = 2;
  other.join();
}

TEST(a_threads_end_returns_its_cache) {
  talus::memory_trim();
  const int64_t before = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
  for (int i = 0; i < 50; ++i) std::thread([] { talus::release(talus::allocate(20000)); }).join();
  // One span serves all threads, one after the other.
  CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == before + 1);
}

struct ReleasesAtTheEnd {
  void* block = nullptr;
  ~ReleasesAtTheEnd() {
    if (block != nullptr) talus::release(block);
  }
};

TEST(blocks_may_be_released_after_the_threads_cache_is_gone) {
  const int64_t before = stat(TALUS_MEM_LIVE_BLOCKS);
  std::thread([] {
    // Made before the thread's cache, so destroyed after it.
    thread_local ReleasesAtTheEnd last;
    last.block = nullptr;
    last.block = talus::allocate(300);
  }).join();
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == before);
}

// ------------------------------------------------------------------------------- blocks cut from runs of pages

constexpr int64_t kMib = 1 << 20;

int64_t system_bytes() { return stat(TALUS_MEM_LIVE_BYTES) + stat(TALUS_MEM_CACHED_BYTES); }

char* filled(int64_t bytes, int value) {
  char* block = static_cast<char*>(talus::allocate(bytes));
  std::memset(block, value, static_cast<size_t>(bytes));
  return block;
}

bool holds(const char* block, int64_t bytes, int value) {
  return std::all_of(block, block + bytes, [=](char c) { return c == static_cast<char>(value); });
}

TEST(large_blocks_are_rounded_to_pages_only) {
  const int64_t before = stat(TALUS_MEM_LIVE_BYTES);
  for (const int64_t bytes : {talus::kMaxClassBytes + 1, 10 * kMib + 1, 100 * kMib}) {
    void* block = talus::allocate(bytes);
    const int64_t live = stat(TALUS_MEM_LIVE_BYTES) - before;
    CHECK(live >= bytes);
    CHECK(live < bytes + talus::kSpanUnit);
    talus::release(block);
    CHECK(stat(TALUS_MEM_LIVE_BYTES) == before);
  }
}

TEST(blocks_of_different_sizes_share_idle_memory) {
  talus::memory_trim();
  const int64_t before = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
  talus::release(talus::allocate(40 * kMib));
  CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == before + 1);
  std::vector<void*> blocks;
  for (const int64_t mib : {5, 20, 1, 14}) blocks.push_back(filled(mib * kMib, static_cast<int>(mib)));
  CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == before + 1);
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
  release_all(blocks);
}

TEST(neighbours_join_whatever_the_order) {
  std::vector<int> order = {0, 1, 2, 3, 4};
  do {
    talus::memory_trim();
    std::vector<char*> blocks;
    for (size_t i = 0; i < order.size(); ++i) blocks.push_back(filled(kMib, static_cast<int>(i)));
    const int64_t mapped = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
    for (const int i : order) {
      CHECK(holds(blocks[i], kMib, i));
      talus::release(blocks[i]);
    }
    talus::release(talus::allocate(5 * kMib));
    CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == mapped);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(the_shortest_idle_run_is_cut) {
  talus::memory_trim();
  std::vector<char*> blocks;
  for (const int64_t mib : {8, 1, 3, 1, 5, 1}) blocks.push_back(static_cast<char*>(talus::allocate(mib * kMib)));
  for (const int i : {0, 2, 4}) talus::release(blocks[i]);
  char* two = static_cast<char*>(talus::allocate(2 * kMib));
  char* four = static_cast<char*>(talus::allocate(4 * kMib));
  CHECK(two == blocks[2]);
  CHECK(four == blocks[4]);
  CHECK(talus::allocate(8 * kMib) == blocks[0]);
  for (void* block : {two, four, blocks[0], blocks[1], blocks[3], blocks[5]}) talus::release(block);
}

TEST(memory_grows_by_what_an_idle_run_lacks) {
  talus::memory_trim();
  const int64_t before = system_bytes();
  talus::release(talus::allocate(6 * kMib));
  char* block = filled(8 * kMib, 3);
  CHECK(system_bytes() == before + 8 * kMib);
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
  talus::release(block);
}

TEST(trimmed_holes_are_mapped_again) {
  talus::memory_trim();
  std::vector<char*> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(filled(3 * kMib, i));
  for (const int i : {1, 3, 4}) talus::release(blocks[i]);
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
  CHECK_FAILS(talus::release(blocks[1]), "not the begin of a block");
  for (const int i : {0, 2, 5}) CHECK(holds(blocks[i], 3 * kMib, i));
  const int64_t mapped = system_bytes();
  // In the hole of two, whose rest then serves as much again.
  char* a = filled(4 * kMib, 7);
  CHECK(a == blocks[1] || a == blocks[3]);
  CHECK(system_bytes() == mapped + 4 * kMib);
  for (const int i : {0, 2, 5}) CHECK(holds(blocks[i], 3 * kMib, i));
  CHECK(holds(a, 4 * kMib, 7));
  for (void* block : {a, blocks[0], blocks[2], blocks[5]}) talus::release(block);
}

TEST(a_limit_takes_from_idle_runs_what_is_missing) {
  talus::memory_trim();
  char* low = static_cast<char*>(talus::allocate(8 * kMib));
  char* wall = filled(kMib, 5);
  talus::release(low);
  const Limit limit(system_bytes() + 2 * kMib);
  // 9 MiB fit in no run, and of the 11 MiB only 2 are left: the idle 8 shrink to 1.
  char* high = filled(9 * kMib, 6);
  CHECK(system_bytes() == stat(TALUS_MEM_LIMIT_BYTES));
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == kMib);
  CHECK(holds(wall, kMib, 5));
  CHECK_FAILS(talus::allocate(2 * kMib), "the limit is reached");
  talus::release(wall);
  talus::release(high);
}

// Any order of sizes and releases: contents survive, counters agree, and all of it can be given back.
TEST(random_large_blocks_stay_apart) {
  struct Block {
    char* begin;
    int64_t bytes;

    char mark() const { return static_cast<char>(bytes % 101); }
    int64_t pages() const { return (bytes + talus::kSpanUnit - 1) / talus::kSpanUnit * talus::kSpanUnit; }
  };
  talus::memory_trim();
  const int64_t before = stat(TALUS_MEM_LIVE_BYTES);
  std::mt19937 random(1);
  std::vector<Block> live;
  int64_t live_bytes = 0, most = 0;
  for (int i = 0; i < 4000; ++i) {
    if (live.size() < 40 && random() % 2 == 0) {
      const int64_t bytes = (int64_t{600} << 10) + static_cast<int64_t>(random() % (6 * kMib));
      const Block block{static_cast<char*>(talus::allocate(bytes)), bytes};
      block.begin[0] = block.begin[bytes - 1] = block.mark();
      live.push_back(block);
      live_bytes += block.pages();
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      const Block block = live.back();
      CHECK(block.begin[0] == block.mark());
      CHECK(block.begin[block.bytes - 1] == block.mark());
      talus::release(block.begin);
      live.pop_back();
      live_bytes -= block.pages();
    }
    most = std::max(most, live_bytes);
    CHECK(stat(TALUS_MEM_LIVE_BYTES) == before + live_bytes);
  }
  // Fragments stay below a third of what was live at most.
  CHECK(system_bytes() - before < most + most / 3);
  for (const Block& block : live) talus::release(block.begin);
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
}

TEST(the_limit_holds_and_says_why) {
  talus::memory_trim();
  const int64_t mib = 1 << 20;
  void* live = talus::allocate(2 * mib);
  const Limit limit(stat(TALUS_MEM_LIVE_BYTES) + stat(TALUS_MEM_CACHED_BYTES) + 4 * mib);
  CHECK(stat(TALUS_MEM_LIMIT_BYTES) == stat(TALUS_MEM_LIVE_BYTES) + 4 * mib);
  CHECK_FAILS(talus::allocate(5 * mib),
              "5242880 bytes requested; 2097152 bytes live in 1 blocks, 0 bytes cached, "
              "limit 6291456");
  void* fits = talus::allocate(4 * mib);
  CHECK_FAILS(talus::allocate(100), "100 bytes requested");
  talus::release(fits);
  // Only by giving the cached 4 MiB back is there room for these.
  void* a = talus::allocate(3 * mib);
  void* b = talus::allocate(mib / 2);
  CHECK(stat(TALUS_MEM_LIVE_BYTES) + stat(TALUS_MEM_CACHED_BYTES) <= stat(TALUS_MEM_LIMIT_BYTES));
  talus::release(a);
  talus::release(b);
  talus::release(live);
  try {
    talus::allocate(int64_t{1} << 40);
    CHECK(false);
  } catch (const talus::Error& e) {
    CHECK(e.status() == TALUS_OUT_OF_MEMORY);
  }
}

TEST(impossible_sizes_are_refused) {
  CHECK_FAILS(talus::allocate(-1), "-1 bytes, expected 0 or more");
  CHECK_FAILS(talus::allocate(INT64_MAX), "9223372036854775807 bytes requested");
  CHECK_FAILS(talus::allocate(int64_t{1} << 47), "the operating system has no more");
  CHECK_FAILS(talus::memory_set_limit(-5), "-5 bytes");
}

TEST(wrong_addresses_are_refused) {
  char* small = static_cast<char*>(talus::allocate(1000));
  char* large = static_cast<char*>(talus::allocate(1000000));
  int on_stack = 0;
  CHECK_FAILS(talus::release(nullptr), "not the begin of a block");
  CHECK_FAILS(talus::release(&on_stack), "not the begin of a block");
  CHECK_FAILS(talus::release(small + 64), "not the begin of a block");
  CHECK_FAILS(talus::release(large + 64), "not the begin of a block");
  CHECK_FAILS(talus::release(large + 2 * talus::kSpanUnit), "not the begin of a block");
  CHECK_FAILS(talus::release(reinterpret_cast<void*>(uintptr_t{12345})), "not the begin of a block");
  CHECK_FAILS(talus::release(reinterpret_cast<void*>(~uintptr_t{0})), "not the begin of a block");
  talus::release(small);
  talus::release(large);
  CHECK_FAILS(talus::release(small), "released before");
  CHECK_FAILS(talus::release(large), "released before");
  talus::memory_trim();
  CHECK_FAILS(talus::release(large), "not the begin of a block");
}

TEST(holders_are_sorted_by_bytes) {
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(talus::allocate(1024));
  for (int i = 0; i < 2; ++i) blocks.push_back(talus::allocate(1 << 20));
  int64_t pairs[6] = {};
  CHECK(talus::memory_holders(0, nullptr) == 0);
  CHECK(talus::memory_holders(1, pairs) == 1);
  CHECK(talus::memory_holders(3, pairs) == 2);
  CHECK(pairs[0] == 1 << 20);
  CHECK(pairs[1] == 2);
  CHECK(pairs[2] == 1024);
  CHECK(pairs[3] == 10);
  release_all(blocks);
  CHECK(talus::memory_holders(3, pairs) == 0);
}

TEST(threads_hand_blocks_to_each_other) {
  constexpr int kThreads = 4, kSlots = 64;
  const int64_t before = stat(TALUS_MEM_LIVE_BYTES);
  std::atomic<char*> slots[kSlots] = {};
  std::atomic<int> wrong{0};
  const auto give_back = [&](char* block) {
    if (block == nullptr) return;
    // Written by whoever allocated it: size class in the first byte, the same in the last.
    int64_t bytes;
    std::memcpy(&bytes, block, sizeof bytes);
    if (block[bytes - 1] != 'x') ++wrong;
    talus::release(block);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<uint32_t>(t));
      for (int i = 0; i < 5000; ++i) {
        const int64_t bytes = 9 + static_cast<int64_t>(random() % (i % 50 == 0 ? 2000000 : 5000));
        char* block = static_cast<char*>(talus::allocate(bytes));
        std::memcpy(block, &bytes, sizeof bytes);
        block[bytes - 1] = 'x';
        give_back(slots[random() % kSlots].exchange(block));
        if (i % 1000 == 0) talus::memory_trim();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (auto& slot : slots) give_back(slot);
  CHECK(wrong == 0);
  CHECK(stat(TALUS_MEM_LIVE_BYTES) == before);
  talus::memory_trim();
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
}

TEST(scratch_is_released_at_the_end_of_its_scope) {
  const int64_t before = stat(TALUS_MEM_LIVE_BLOCKS);
  {
    const talus::Scratch<double> scratch(100);
    scratch[99] = 1.5;
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == before + 1);
  }
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == before);
}

}  // namespace
