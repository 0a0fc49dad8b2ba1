// What surrounds CUDA's kernels on one device: memory, transfers, streams, events, and what fails how.
#include <thread>

#include "cuda/device_array.h"

using namespace talus;

TEST(blocks_are_counted_and_reused) {
  cuda::use_device(0);
  cuda::memory_trim();
  const int64_t blocks = stat(TALUS_MEM_LIVE_BLOCKS), bytes = stat(TALUS_MEM_LIVE_BYTES);
  void* const first = cuda::allocate(100);
  void* const large = cuda::allocate(5 << 20);
  CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
  CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == blocks + 2 && stat(TALUS_MEM_LIVE_BYTES) == bytes + 128 + (5 << 20));
  int64_t pairs[4] = {};
  CHECK(cuda::memory_holders(2, pairs) == 2 && pairs[0] == 5 << 20 && pairs[1] == 1);
  const int64_t from_driver = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
  cuda::release(large);
  cuda::release(first);
  CHECK_FAILS(cuda::release(first), "released before");
  int on_host = 0;
  CHECK_FAILS(cuda::release(&on_host), "not the begin of a block");
  CHECK_FAILS(cuda::allocate(-1), "-1 bytes");
  for (int i = 0; i < 3; ++i) {
    void* const again = cuda::allocate(5 << 20);
    CHECK(again == large);
    cuda::release(again);
  }
  CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == from_driver);
  cuda::memory_reset_peak();
  CHECK(stat(TALUS_MEM_PEAK_BYTES) == bytes);
  cuda::memory_trim();
  CHECK(stat(TALUS_MEM_CACHED_BYTES) == 0);
}

TEST(the_limit_holds) {
  cuda::use_device(0);
  cuda::memory_trim();
  const int64_t live = stat(TALUS_MEM_LIVE_BYTES);
  cuda::memory_set_limit(live + (4 << 20));
  void* const block = cuda::allocate(3 << 20);
  CHECK_FAILS(cuda::allocate(2 << 20),
              "out of memory on CUDA device 0 (the limit is reached): 2097152 bytes requested");
  cuda::release(block);
  // Idle blocks make room.
  cuda::release(cuda::allocate(2 << 20));
  cuda::memory_set_limit(INT64_MAX);
  CHECK_FAILS(cuda::memory_set_limit(-1), "-1 bytes");
#if defined(TALUS_TEST_EMULATED)
  cuda::memory_trim();
  emulator::set_device_memory(8 << 20);
  void* const most = cuda::allocate(5 << 20);
  CHECK_FAILS(cuda::allocate(6 << 20), "the device has no more");
  cuda::release(most);
  cuda::release(cuda::allocate(6 << 20));
  emulator::set_device_memory(0);
#endif
}

TEST(transfers_of_all_sizes) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    for (const int64_t n : {0, 1, 1000, 262144, 262145, 700001, 1400001}) {
      std::vector<float> host = random_values<float>(n, 3);
      const std::vector<float> before = host;
      const Array x(host);
      // The array is the caller's again.
      for (float& value : host) value = 0;
      CHECK(x.values() == before);
    }
  });
}

TEST(a_block_moves_between_streams_in_order) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    cuda::Stream* const stream = cuda::stream_create();
    const std::vector<float> ones(2000, 1);
    for (int i = 0; i < 4; ++i) {
      Array result(ones);
      {
        Array x(ones);
        add(x, 1);
        cuda::copy(TALUS_FLOAT32, TALUS_FLOAT32, Geometry<2>(2000, 0, nullptr), x.at, result.at);
      }
      // Likely x's memory, while the work on x may still be queued.
      cuda::stream_use(stream);
      {
        Array y(ones);
        multiply(y, 5);
        CHECK(all_are(y.values(), 5));
      }
      cuda::stream_use(nullptr);
      CHECK(all_are(result.values(), 2));
    }
    cuda::stream_free(stream);
  });
}

TEST(events_order_streams) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    cuda::Stream* const stream = cuda::stream_create();
    cuda::Event *const begin = cuda::event_create(), *const end = cuda::event_create();
    Array x(std::vector<float>(5000, 1));
    cuda::event_record(begin);
    add(x, 1);
    cuda::event_record(end);
    cuda::stream_use(stream);
    cuda::event_wait(end);
    multiply(x, 3);
    cuda::stream_synchronize(stream);
    cuda::stream_use(nullptr);
    CHECK(all_are(x.values(), 6));
    CHECK(cuda::event_milliseconds(begin, end) >= 0);
    cuda::event_synchronize(end);
    cuda::stream_synchronize(nullptr);
    cuda::event_free(begin);
    cuda::event_free(end);
    cuda::stream_free(stream);
  });
}

TEST(threads_share_the_devices_stream) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    Array x(std::vector<float>(3000, 1));
    add(x, 1);
    std::thread([&] {
      cuda::use_device(0);
      multiply(x, 2);
    }).join();
    add(x, 1);
    CHECK(all_are(x.values(), 5));
  });
}

// Whoever waits gets what a kernel reported, and the next one does not; a graph reports whenever it runs.
TEST(errors_of_kernels_are_thrown_once_by_all_that_wait) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const Array x(std::vector<float>{1, 2, 3, 4}), out(2);
    auto* const index = static_cast<int64_t*>(cuda::allocate(16));
    const int64_t host[] = {0, -3};
    cuda::put(index, host, sizeof host);
    cuda::Stream* const stream = cuda::stream_create();
    cuda::Event* const event = cuda::event_create();
    cuda::synchronize();
    const char* const message = "gather: index -3 at position 1 is out of range for a dimension of size 4";
    const auto gather = [&] { cuda::gather(TALUS_FLOAT32, 1, 4, 1, 2, x.at, index, out.at); };
    const std::function<void()> waits[] = {
        [&] { cuda::synchronize(); },
        [&] { cuda::stream_synchronize(nullptr); },
        [&] { cuda::event_synchronize(event); },
        [&] {
          CHECK(out.values() == (std::vector<float>{1, 0}));
        },
    };
    for (const auto& wait : waits) {
      gather();
      cuda::event_record(event);
      CHECK_FAILS(wait(), message);
      wait();
    }
    cuda::stream_use(stream);
    gather();
    cuda::stream_use(nullptr);
    CHECK_FAILS(cuda::stream_synchronize(stream), message);
    cuda::graph_begin();
    gather();
    cuda::Graph* const graph = cuda::graph_end();
    cuda::synchronize();
    for (int i = 0; i < 2; ++i) {
      cuda::graph_launch(graph);
      CHECK_FAILS(cuda::synchronize(), message);
    }
    cuda::graph_launch(graph);
    // Waits, too, but only to free.
    cuda::graph_free(graph);
    CHECK_FAILS(cuda::synchronize(), message);
    cuda::event_free(event);
    cuda::stream_free(stream);
    cuda::release(index);
  });
}

// Integers that are divided by zero: nothing waits, so a capture holds it, too, and the first error counts.
TEST(divisions_by_zero_are_thrown_by_who_waits) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const int64_t host[] = {7, -7, 9, 2, 0, -4};
    auto* const x = static_cast<int64_t*>(cuda::allocate(sizeof host));
    int64_t* const out = static_cast<int64_t*>(cuda::allocate(24));
    cuda::put(x, host, sizeof host);
    const auto divide = [&](int op) { cuda::binary(op, TALUS_INT64, Geometry<3>(3, 0, nullptr), x, x + 3, 0, out); };
    const auto results = [&] {
      std::vector<int64_t> values(3);
      cuda::get(values.data(), out, 24);
      return values;
    };
    const char* const message = "ZeroDivisionError: an integer tensor is divided by zero";
    divide(TALUS_FLOOR_DIVIDE);
    CHECK_FAILS(results(), message);
    CHECK(results() == (std::vector<int64_t>{3, 0, -3}));
    cuda::Stream* const stream = cuda::stream_create();
    cuda::stream_use(stream);
    cuda::graph_begin();
    divide(TALUS_REMAINDER);
    cuda::Graph* const graph = cuda::graph_end();
    for (int i = 0; i < 2; ++i) {
      cuda::graph_launch(graph);
      CHECK_FAILS(cuda::stream_synchronize(stream), message);
    }
    CHECK(results() == (std::vector<int64_t>{1, 0, -3}));
    const int64_t one = 1;
    cuda::put(x + 4, &one, sizeof one);
    cuda::graph_launch(graph);
    CHECK(results() == (std::vector<int64_t>{1, 0, -3}));
    cuda::stream_use(nullptr);
    cuda::graph_free(graph);
    cuda::stream_free(stream);
    for (int64_t* const block : {x, out}) cuda::release(block);
  });
}

#if defined(TALUS_TEST_EMULATED)
// A kernel that reads past the bytes that were asked for, within the block of its size class.
TEST(failures_name_call_and_kernel) {
  cuda::use_device(0);
  if (!emulator::checking()) return;
  // Blocks that others had before are permitted as far as they used them.
  cuda::memory_trim();
  Array x(std::vector<float>(25, 1)), out(32);
  cuda::unary(TALUS_NEG, TALUS_FLOAT32, Geometry<2>(26, 0, nullptr), x.at, 0, 0, out.at);
  CHECK_FAILS(cuda::synchronize(), "cudaDeviceSynchronize(): the kernel failed: out of bounds: read");
}
#endif
