// Whose work a freed block waits for: of the stream it was handed out on, of the one it was freed on, and of those that
// were said to use it, whoever frees it and while whatever is captured.
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "cuda/device_array.h"

using namespace talus;

namespace {

// Too large to share a span, so that no block is idle that nobody used before.
constexpr int64_t kCount = 140'000;

using Block = std::unique_ptr<Array>;

// Where accesses are watched, a block counts as unwritten from the moment it is handed out, though work of before is
// queued, and other threads' accesses as the kernel's: what comes of that is no error.
bool watched() {
#if defined(TALUS_TEST_EMULATED)
  return emulator::checking();
#else
  return false;
#endif
}

void copy(const Array& from, Array& to) {
  cuda::copy(TALUS_FLOAT32, TALUS_FLOAT32, Geometry<2>(from.n, 0, nullptr), from.at, to.at);
}

// As a cleaner does: on a thread that never chose a stream.
void free_elsewhere(Block& block) {
  std::thread([&] {
    cuda::use_device(0);
    block.reset();
  }).join();
}

// Ones that are there, then work on them that may still be queued: reading them and writing them.
Block queue_work_on_ones(cuda::Stream* stream, Array& result) {
  cuda::stream_use(stream);
  auto x = std::make_unique<Array>(std::vector<float>(kCount, 1));
  cuda::stream_synchronize(stream);
  copy(*x, result);
  add(*x, 1);
  return x;
}

}  // namespace

TEST(a_block_that_another_thread_frees_waits_for_its_stream) {
  if (watched()) return;
  cuda::use_device(0);
  // The device's own stream is there first, and is therefore the one that runs first where no chance chooses.
  cuda::stream_synchronize(nullptr);
  for_each_isa([](const char*) {
    cuda::memory_trim();
    cuda::Stream *const side = cuda::stream_create(), *const third = cuda::stream_create();
    // Taken next by the stream that frees it, and by one that has had nothing to do with it.
    for (cuda::Stream* const taker : {static_cast<cuda::Stream*>(nullptr), third}) {
      for (int i = 0; i < 2; ++i) {
        Array result(std::vector<float>(kCount, 0));
        cuda::synchronize();
        Block x = queue_work_on_ones(side, result);
        const float* const at = x->at;
        free_elsewhere(x);
        cuda::stream_use(taker);
        {
          Array y(kCount);
          CHECK(y.at == at);
          cuda::fill(TALUS_FLOAT32, Geometry<1>(kCount, 0, nullptr), 5, 0, y.at);
          CHECK(all_are(y.values(), 5));
          cuda::stream_synchronize(side);
          CHECK(all_are(y.values(), 5));
        }
        cuda::stream_use(nullptr);
        CHECK(all_are(result.values(), 1));
        cuda::synchronize();
        // So that the next one is x's again.
        cuda::memory_trim();
      }
    }
    cuda::stream_free(side);
    cuda::stream_free(third);
  });
}

// The stream that a live block was handed out on may be gone when it is freed.
TEST(a_block_outlives_its_stream) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    cuda::memory_trim();
    cuda::Stream* const side = cuda::stream_create();
    Array result(kCount);
    Block x = queue_work_on_ones(side, result);
    const float* const at = x->at;
    cuda::stream_free(side);
    x.reset();
    const Array y(std::vector<float>(kCount, 3));
    CHECK(y.at == at);
    CHECK(all_are(y.values(), 3) && all_are(result.values(), 1));
  });
}

// Of any number of streams that have no part in making or freeing it.
TEST(a_block_waits_for_streams_that_were_said_to_use_it) {
  if (watched()) return;
  cuda::use_device(0);
  cuda::stream_synchronize(nullptr);
  for_each_isa([](const char*) {
    cuda::memory_trim();
    cuda::Stream *const maker = cuda::stream_create(), *const sides[] = {cuda::stream_create(), cuda::stream_create()};
    // By the stream that made and freed it, and by another one.
    for (cuda::Stream* const taker : {static_cast<cuda::Stream*>(nullptr), maker}) {
      Array first(std::vector<float>(kCount, 0)), second(std::vector<float>(kCount, 0));
      auto x = std::make_unique<Array>(std::vector<float>(kCount, 1));
      cuda::synchronize();
      const float* const at = x->at;
      for (int i = 0; i < 2; ++i) {
        cuda::stream_use(sides[i]);
        cuda::use_block(x->at);
        cuda::use_block(x->at);  // once more changes nothing
        Array& result = i == 0 ? first : second;
        copy(*x, result);
      }
      cuda::stream_use(nullptr);
      x.reset();
      cuda::stream_use(taker);
      {
        Array y(kCount);
        CHECK(y.at == at);
        cuda::fill(TALUS_FLOAT32, Geometry<1>(kCount, 0, nullptr), 5, 0, y.at);
        CHECK(all_are(y.values(), 5));
      }
      cuda::stream_use(nullptr);
      for (cuda::Stream* const side : sides) cuda::stream_synchronize(side);
      CHECK(all_are(first.values(), 1) && all_are(second.values(), 1));
      cuda::synchronize();
      cuda::memory_trim();
    }
    // It may outlive them, too.
    Block x = std::make_unique<Array>(kCount);
    const float* const at = x->at;
    cuda::stream_use(sides[0]);
    cuda::use_block(x->at);
    for (cuda::Stream* const stream : {maker, sides[0], sides[1]}) cuda::stream_free(stream);
    x.reset();
    const Array y(kCount);
    CHECK(y.at == at);
  });
}

TEST(only_live_blocks_are_used) {
  cuda::use_device(0);
  float* at = nullptr;
  {
    Array x(kCount);
    at = x.at;
    CHECK_FAILS(cuda::use_block(at + 1), "is not the begin of a live block of CUDA device 0");
  }
  CHECK_FAILS(cuda::use_block(at), "record_stream: address ");
  CHECK_FAILS(cuda::use_block(nullptr), "pass what allocate returned, before its release");
}

// A worker's stream fills blocks and another one frees them: each gets its own back, and waits no more than it has to.
TEST(streams_get_their_own_blocks_back) {
  cuda::use_device(0);
  cuda::synchronize();
  cuda::memory_trim();
  cuda::Stream* const side = cuda::stream_create();
  Block ours = std::make_unique<Array>(kCount);
  cuda::stream_use(side);
  Block theirs = std::make_unique<Array>(kCount);
  const float *const our_block = ours->at, *const their_block = theirs->at;
  cuda::stream_use(nullptr);
  ours.reset();
  theirs.reset();
  cuda::stream_use(side);
  theirs = std::make_unique<Array>(kCount);
  cuda::stream_use(nullptr);
  ours = std::make_unique<Array>(kCount);
  CHECK(theirs->at == their_block && ours->at == our_block);
  ours.reset();
  theirs.reset();
  cuda::stream_free(side);
}

// A graph cannot wait for what other streams are given, so it does not take a block that they may still work on.
TEST(a_capture_frees_what_another_stream_works_on) {
  if (watched()) return;
  cuda::use_device(0);
  for_each_isa([](const char*) {
    cuda::memory_trim();
    const int64_t live = stat(TALUS_MEM_LIVE_BLOCKS);
    cuda::Stream *const side = cuda::stream_create(), *const captured = cuda::stream_create();
    cuda::Stream* const done = cuda::stream_create();
    // It made the block, or uses another one's.
    for (const bool made : {true, false}) {
      Array result(std::vector<float>(kCount, 0));
      Block idle = std::make_unique<Array>(std::vector<float>(kCount, 1));
      const float* const idle_at = idle->at;
      cuda::stream_use(done);
      cuda::use_block(idle->at);
      cuda::stream_use(made ? side : captured);
      Block x = std::make_unique<Array>(std::vector<float>(kCount, 1));
      cuda::stream_use(captured);
      cuda::graph_begin();
      cuda::stream_use(side);
      if (!made) cuda::use_block(x->at);
      copy(*x, result);
      for (int i = 0; i < 4; ++i) add(*x, 1);
      cuda::stream_use(captured);
      x.reset();
      {
        Array y(kCount);
        cuda::fill(TALUS_FLOAT32, Geometry<1>(kCount, 0, nullptr), 5, 0, y.at);
        // What nobody works on any more is the graph's to use.
        idle.reset();
        const Array z(kCount);
        CHECK(z.at == idle_at);
      }
      cuda::Graph* const graph = cuda::graph_end();
      cuda::stream_use(nullptr);
      cuda::graph_launch(graph);
      cuda::stream_synchronize(nullptr);
      cuda::graph_free(graph);
      // Nor does who takes it after the graph.
      std::vector<Block> others;
      for (int i = 0; i < 3; ++i) {
        others.push_back(std::make_unique<Array>(kCount));
        cuda::fill(TALUS_FLOAT32, Geometry<1>(kCount, 0, nullptr), 7, 0, others.back()->at);
      }
      cuda::stream_synchronize(nullptr);
      cuda::stream_synchronize(side);
      CHECK(all_are(result.values(), 1));
      for (const Block& other : others) CHECK(all_are(other->values(), 7));
    }
    for (cuda::Stream* const stream : {side, captured, done}) cuda::stream_free(stream);
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == live);
  });
}

// What a stream was given before it joined a capture is done when the graph runs.
TEST(a_capture_takes_memory_of_streams_that_join) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    cuda::memory_trim();
    cuda::Stream *const side = cuda::stream_create(), *const captured = cuda::stream_create();
    cuda::Event *const fork = cuda::event_create(), *const join = cuda::event_create();
    {
      Array result(std::vector<float>(kCount, 0));
      cuda::stream_use(captured);
      cuda::graph_begin();
      Block x = queue_work_on_ones(side, result);
      const float* const at = x->at;
      x.reset();
      cuda::stream_use(captured);
      cuda::event_record(fork);
      cuda::stream_use(side);
      cuda::event_wait(fork);
      {
        const Array y(kCount);
        CHECK(y.at == at);
        cuda::fill(TALUS_FLOAT32, Geometry<1>(kCount, 0, nullptr), 5, 0, y.at);
      }
      cuda::event_record(join);
      cuda::stream_use(captured);
      cuda::event_wait(join);
      cuda::Graph* const graph = cuda::graph_end();
      cuda::stream_use(nullptr);
      cuda::graph_launch(graph);
      cuda::synchronize();
      CHECK(all_are(result.values(), 1));
      cuda::graph_free(graph);
    }
    for (cuda::Event* const event : {fork, join}) cuda::event_free(event);
    for (cuda::Stream* const stream : {side, captured}) cuda::stream_free(stream);
  });
}

// Blocks go from hand to hand, each thread frees what another one still works on.
TEST(threads_hand_blocks_on) {
  if (watched()) return;
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const int64_t blocks = stat(TALUS_MEM_LIVE_BLOCKS), bytes = stat(TALUS_MEM_LIVE_BYTES);
    // Too little for spans of many blocks, so that threads get what others freed.
    cuda::memory_trim();
    cuda::memory_set_limit(stat(TALUS_MEM_LIVE_BYTES) + stat(TALUS_MEM_CACHED_BYTES) + (1 << 16));
    std::mutex mutex;
    std::atomic<int> waiting{4};
    std::array<Block, 3> shelf;
    const auto exchange = [&](Block block, int i) {
      const std::lock_guard<std::mutex> lock(mutex);
      std::swap(block, shelf[static_cast<size_t>(i) % shelf.size()]);
      return block;
    };
    const auto work = [&](int number) {
      cuda::use_device(0);
      // One of them stays on the device's own stream.
      cuda::Stream* const own = number == 0 ? nullptr : cuda::stream_create();
      cuda::stream_use(own);
      bool right = true;
      {
        Array result(200);
        for (--waiting; waiting > 0;) std::this_thread::yield();
        for (int i = 0; i < 150; ++i) {
          const auto value = static_cast<float>(100 * number + i);
          auto x = std::make_unique<Array>(i % 4 == 0 ? 300 : 200);
          cuda::fill(TALUS_FLOAT32, Geometry<1>(x->n, 0, nullptr), value, 0, x->at);
          cuda::copy(TALUS_FLOAT32, TALUS_FLOAT32, Geometry<2>(200, 0, nullptr), x->at, result.at);
          add(*x, 1);
          // Freed here, outside of the lock.
          exchange(std::move(x), i).reset();
          if (i % 3 == 0) right = right && all_are(result.values(), value);
          if (number == 1 && i % 10 == 0) cuda::memory_trim();
        }
      }
      cuda::stream_use(nullptr);
      if (own != nullptr) cuda::stream_free(own);
      return right;
    };
    std::array<bool, 4> right = {};
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number)
      threads.emplace_back([&, number] { right[static_cast<size_t>(number)] = work(number); });
    for (std::thread& thread : threads) thread.join();
    for (const bool all : right) CHECK(all);
    for (Block& block : shelf) block.reset();
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == blocks && stat(TALUS_MEM_LIVE_BYTES) == bytes);
    cuda::memory_set_limit(INT64_MAX);
  });
}
