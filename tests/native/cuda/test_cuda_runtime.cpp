// What surrounds CUDA's kernels: devices, memory, transfers, streams, events, graphs, and what fails how.
#include <memory>
#include <thread>

#include "check.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "kernels.h"
#include "random.h"

namespace {

using namespace talus;

// Values on the device.
struct Array {
  explicit Array(int64_t count) : n(count), at(static_cast<float*>(cuda::allocate(n * 4))) {}
  explicit Array(const std::vector<float>& values) : Array(static_cast<int64_t>(values.size())) {
    cuda::put(at, values.data(), n * 4);
  }
  ~Array() { cuda::release(at); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::vector<float> values() const {
    std::vector<float> host(static_cast<size_t>(n));
    cuda::get(host.data(), at, n * 4);
    return host;
  }

  int64_t n;
  float* at;
};

void add(Array& x, double value) {
  cuda::unary(TALUS_ADD_SCALAR, TALUS_FLOAT32, Geometry<2>(x.n, 0, nullptr), x.at, value, 0, x.at);
}
void multiply(Array& x, double value) {
  cuda::unary(TALUS_MUL_SCALAR, TALUS_FLOAT32, Geometry<2>(x.n, 0, nullptr), x.at, value, 0, x.at);
}

int64_t stat(int which) {
  int64_t stats[TALUS_MEM_STATS] = {};
  cuda::memory_stats(stats);
  return stats[which];
}

// Takes blocks of the smallest sizes, writes there and frees them.
void scribble() {
  for (const int64_t n : {4, 16, 32, 64}) {
    const Array x(n);
    cuda::fill(TALUS_FLOAT32, Geometry<1>(n, 0, nullptr), -7, 0, x.at);
  }
}

bool all_are(const std::vector<float>& values, float expected) {
  for (const float value : values)
    if (value != expected) return false;
  return true;
}

}  // namespace

TEST(devices_describe_themselves) {
  CHECK(cuda::device_count() >= 1);
  cuda::use_device(0);
  const cuda::DeviceProperties& p = cuda::properties(0);
  CHECK(!p.name.empty() && p.major >= 7 && p.multiprocessors > 0 && p.memory_bytes > 0);
  CHECK_FAILS(cuda::use_device(cuda::device_count()), "does not exist");
  CHECK_FAILS(cuda::properties(-1), "CUDA device -1 does not exist");
}

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
    for (const int64_t n : {0, 1, 1000, 262144, 262145, 700001}) {
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

TEST(graphs_keep_their_memory) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const int64_t live = stat(TALUS_MEM_LIVE_BLOCKS);
    {
      const Geometry<3> g(1000, 0, nullptr);
      Array x(std::vector<float>(1000, 1)), out(std::vector<float>(1000, 0));
      cuda::graph_begin();
      {
        Array twice(1000);
        cuda::binary(TALUS_ADD, TALUS_FLOAT32, g, x.at, x.at, 1, twice.at);
        cuda::binary(TALUS_MUL, TALUS_FLOAT32, g, twice.at, x.at, 0, out.at);
      }
      cuda::Graph* const graph = cuda::graph_end();
      // Would lie where `twice` was if the graph did not keep it.
      Array other(std::vector<float>(1000, 7));
      CHECK(all_are(out.values(), 0));
      for (const float value : {1.0f, 3.0f}) {
        const std::vector<float> host(1000, value);
        cuda::put(x.at, host.data(), 4000);
        cuda::graph_launch(graph);
        CHECK(all_are(out.values(), 2 * value * value));
      }
      CHECK(all_are(other.values(), 7));
      cuda::graph_free(graph);
    }
    CHECK_FAILS(cuda::graph_end(), "no graph was begun");
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == live);
  });
}

TEST(a_capture_refuses_what_the_host_waits_for) {
  cuda::use_device(0);
  Array x(std::vector<float>(100, 1));
  cuda::Stream* const stream = cuda::stream_create();
  cuda::Event *const before = cuda::event_create(), *const inside = cuda::event_create();
  cuda::event_record(before);
  Generator* const generator = generator_create(1);
  std::vector<float> host(100);
  int64_t order[3];
  cuda::stream_use(stream);
  cuda::graph_begin();
  add(x, 1);
  cuda::event_record(inside);
  const char* const here = "a graph is being captured on this stream";
  CHECK_FAILS(cuda::get(host.data(), x.at, 400), here);
  CHECK_FAILS(cuda::put(x.at, host.data(), 400), here);
  CHECK_FAILS(cuda::stream_synchronize(stream), here);
  CHECK_FAILS(cuda::stream_query(stream), here);
  CHECK_FAILS(cuda::stream_free(stream), here);
  CHECK_FAILS(cuda::random_permutation(*generator, 3, order), here);
  CHECK_FAILS(cuda::graph_begin(), here);
  CHECK_FAILS(cuda::synchronize(), "a graph is being captured on CUDA device 0");
  CHECK_FAILS(cuda::memory_trim(), "memory_trim: a graph is being captured");
  CHECK_FAILS(cuda::event_wait(before), "recorded outside of it");
  CHECK_FAILS(cuda::event_synchronize(inside), "event_synchronize: the event was last recorded while a graph");
  CHECK_FAILS(cuda::event_query(inside), "record it again outside");
  std::thread([] {
    cuda::use_device(0);
    CHECK_FAILS(cuda::synchronize(), "a graph is being captured on CUDA device 0");
    // The other streams go on.
    Array y(std::vector<float>(10, 2));
    add(y, 1);
    CHECK(all_are(y.values(), 3));
  }).join();
  cuda::Graph* const graph = cuda::graph_end();
  CHECK_FAILS(cuda::event_wait(inside), "event_wait: the event was last recorded while a graph");
  CHECK(all_are(x.values(), 1));
  cuda::graph_launch(graph);
  CHECK(all_are(x.values(), 2));
  cuda::stream_use(nullptr);
  CHECK(cuda::event_query(before) && cuda::stream_query(nullptr) && cuda::stream_query(stream));
  cuda::graph_free(graph);
  cuda::event_free(before);
  cuda::event_free(inside);
  cuda::stream_free(stream);
  generator_free(generator);
}

// Streams that wait for a captured one belong to the graph, with their memory.
TEST(a_capture_takes_streams_that_join) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const int64_t live = stat(TALUS_MEM_LIVE_BLOCKS);
    cuda::Stream *const first = cuda::stream_create(), *const second = cuda::stream_create();
    cuda::Event *const fork = cuda::event_create(), *const join = cuda::event_create();
    {
      const Geometry<3> g(1000, 0, nullptr);
      Array x(std::vector<float>(1000, 1)), out(std::vector<float>(1000, 0));
      cuda::synchronize();
      cuda::stream_use(first);
      cuda::graph_begin();
      cuda::event_record(fork);
      {
        Array here(1000);
        cuda::binary(TALUS_ADD, TALUS_FLOAT32, g, x.at, x.at, 1, here.at);
        cuda::stream_use(second);
        cuda::event_wait(fork);
        {
          Array there(1000);
          cuda::binary(TALUS_MUL, TALUS_FLOAT32, g, x.at, x.at, 0, there.at);
          CHECK_FAILS(cuda::graph_end(), "end it there");
          cuda::event_record(join);
          cuda::stream_use(first);
          cuda::event_wait(join);
          cuda::binary(TALUS_ADD, TALUS_FLOAT32, g, here.at, there.at, 1, out.at);
        }
      }
      cuda::Graph* const graph = cuda::graph_end();
      const Array other(std::vector<float>(1000, 7)), another(std::vector<float>(1000, 7));
      for (const float value : {2.0f, 3.0f}) {
        const std::vector<float> host(1000, value);
        cuda::put(x.at, host.data(), 4000);
        cuda::graph_launch(graph);
        CHECK(all_are(out.values(), 2 * value + value * value));
      }
      CHECK(all_are(other.values(), 7) && all_are(another.values(), 7));
      cuda::stream_use(nullptr);
      cuda::graph_free(graph);
    }
    cuda::event_free(fork);
    cuda::event_free(join);
    cuda::stream_free(first);
    cuda::stream_free(second);
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == live);
  });
}

// A block that a capture frees is written by each replay.
TEST(what_a_capture_frees_stays_the_graphs) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    auto x = std::make_unique<Array>(std::vector<float>(3000, 1));
    void* const at = x->at;
    cuda::graph_begin();
    add(*x, 1);
    x.reset();
    cuda::Graph* const graph = cuda::graph_end();
    {
      const Array y(std::vector<float>(3000, 5));
      CHECK(y.at != at);
      cuda::graph_launch(graph);
      CHECK(all_are(y.values(), 5));
    }
    cuda::graph_free(graph);
  });
}

// A graph takes what was freed on any stream before its capture, and no more memory than its steps do.
TEST(captures_use_memory_that_is_cached) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    Array x(std::vector<float>(1 << 20, 1));
    const auto work = [&] {
      Array y(x.n);
      cuda::binary(TALUS_ADD, TALUS_FLOAT32, Geometry<3>(x.n, 0, nullptr), x.at, x.at, 1, y.at);
      cuda::binary(TALUS_ADD, TALUS_FLOAT32, Geometry<3>(x.n, 0, nullptr), x.at, y.at, 1, x.at);
    };
    work();
    const int64_t from_driver = stat(TALUS_MEM_SYSTEM_ALLOCATIONS);
    cuda::Stream* const stream = cuda::stream_create();
    cuda::stream_use(stream);
    cuda::graph_begin();
    work();
    cuda::Graph* const graph = cuda::graph_end();
    CHECK(stat(TALUS_MEM_SYSTEM_ALLOCATIONS) == from_driver);
    cuda::graph_launch(graph);
    CHECK(all_are(x.values(), 9));
    // Without it the same would be missing memory, which a capture says as any other work does.
    cuda::memory_set_limit(stat(TALUS_MEM_LIVE_BYTES) + (1 << 20));
    cuda::graph_begin();
    CHECK_FAILS(Array(int64_t{1} << 22), "out of memory on CUDA device 0 (the limit is reached)");
    cuda::graph_free(cuda::graph_end());
    cuda::memory_set_limit(INT64_MAX);
    cuda::stream_use(nullptr);
    cuda::graph_free(graph);
    cuda::stream_free(stream);
  });
}

TEST(random_numbers_go_on_with_each_launch) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const int64_t live = stat(TALUS_MEM_LIVE_BLOCKS);
    {
      Generator *const one = generator_create(3), *const other = generator_create(4);
      Array a(37), b(10);
      const auto draw_all = [&] {
        scribble();
        cuda::random_uniform(*one, TALUS_FLOAT32, 37, 0, 1, a.at);
        cuda::random_normal(*other, TALUS_FLOAT32, 10, 0, 1, b.at);
        // Over the first ten.
        cuda::random_normal(*one, TALUS_FLOAT32, 10, 0, 1, a.at);
      };
      std::vector<std::vector<float>> expected;
      for (int i = 0; i < 3; ++i) {
        draw_all();
        expected.push_back(a.values());
        expected.push_back(b.values());
      }
      CHECK(expected[0] != expected[2] && expected[1] != expected[3]);
      generator_seed(*one, 3);
      generator_seed(*other, 4);
      cuda::graph_begin();
      draw_all();
      cuda::Graph* const graph = cuda::graph_end();
      // Eager and replayed draws mix.
      for (size_t i = 0; i < 3; ++i) {
        if (i == 1)
          draw_all();
        else
          cuda::graph_launch(graph);
        CHECK(a.values() == expected[2 * i] && b.values() == expected[2 * i + 1]);
      }
      cuda::graph_free(graph);
      generator_free(one);
      generator_free(other);
    }
    CHECK(stat(TALUS_MEM_LIVE_BLOCKS) == live);
  });
}

TEST(optimizer_steps_are_renewed_for_each_launch) {
  cuda::use_device(0);
  for_each_isa([](const char*) {
    const std::vector<float> ones(50, 1), zeros(50, 0);
    const Array gradient(random_values<float>(50, 5));
    const int64_t n = 50, g = reinterpret_cast<int64_t>(gradient.at);
    struct Trained {
      Array x{std::vector<float>(50, 1)}, average{std::vector<float>(50, 0)}, square{std::vector<float>(50, 0)};
    } eager, replayed;
    const auto step = [&](const Trained& t, int64_t count) {
      const int64_t x = reinterpret_cast<int64_t>(t.x.at), average = reinterpret_cast<int64_t>(t.average.at),
                    square = reinterpret_cast<int64_t>(t.square.at);
      cuda::adam_step(TALUS_FLOAT32, 1, &n, &x, &g, &average, &square, nullptr, 0.1 / static_cast<double>(count), 0.9,
                      0.999, 1e-8, 0, false, false, count);
      cuda::sgd_step(TALUS_FLOAT32, 1, &n, &x, &g, nullptr, 0.01 * static_cast<double>(count), 0, 0, 0, false, false,
                     false);
    };
    cuda::graph_begin();
    scribble();
    step(replayed, 1);
    cuda::Graph* const graph = cuda::graph_end();
    CHECK_FAILS(cuda::graph_launch(graph), "2 optimizer steps, and 0 of them were renewed");
    for (int64_t i = 1; i <= 4; ++i) {
      step(eager, i);
      cuda::graph_renew(graph);
      step(replayed, i);
      CHECK_FAILS(step(replayed, i), "captured with another optimizer step");
      cuda::graph_renew(nullptr);
      cuda::graph_launch(graph);
      CHECK(replayed.x.values() == eager.x.values() && replayed.square.values() == eager.square.values());
    }
    cuda::graph_free(graph);
  });
}

// Whoever waits gets an index error, and the next one does not; a graph reports whenever it runs.
TEST(index_errors_are_thrown_once_by_all_that_wait) {
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

#if defined(TALUS_TEST_EMULATED)
TEST(a_machine_without_devices) {
  std::thread([] {
    emulator::set_device_count(0);
    CHECK(cuda::device_count() == 0);
    CHECK_FAILS(cuda::use_device(0), "the NVIDIA driver finds no GPU; see what nvidia-smi lists");
    emulator::set_driver_version(11080);
    CHECK(cuda::device_count() == 0);
    CHECK_FAILS(cuda::use_device(0), "the NVIDIA driver is for CUDA 11.8 and this build for CUDA 13.0; update the");
    emulator::set_driver_version(0);
    CHECK_FAILS(cuda::use_device(0),
                "no NVIDIA driver is installed (libcuda cannot be loaded); install it, or use the");
    emulator::set_driver_version(13000);
    emulator::set_device_count(1);
  }).join();
}

TEST(devices_keep_apart) {
  emulator::set_device_count(2);
  cuda::use_device(1);
  {
    Array x(std::vector<float>(100, 1));
    add(x, 1);
    CHECK(all_are(x.values(), 2));
    void* const here = cuda::allocate(10);
    cuda::use_device(0);
    CHECK_FAILS(cuda::release(here), "not the begin of a block of CUDA device 0");
    cuda::use_device(1);
    cuda::release(here);
  }
  cuda::memory_trim();
  cuda::use_device(0);
  emulator::set_device_count(1);
}

// A copy waits for what made its source, and what comes after on either side waits for the copy.
TEST(devices_copy_to_each_other_in_order) {
  emulator::set_device_count(2);
  for_each_isa([](const char*) {
    cuda::use_device(0);
    cuda::Stream* const stream = cuda::stream_create();
    {
      Array x(std::vector<float>(3000, 1));
      cuda::synchronize();
      cuda::stream_use(stream);
      {
        cuda::use_device(1);
        Array y(std::vector<float>(3000, 0));
        for (int i = 1; i <= 4; ++i) {
          add(y, 100);
          cuda::use_device(0);
          add(x, 1);
          cuda::transfer(0, x.at, 1, y.at, 12000);
          cuda::use_device(0);
          multiply(x, 2);
          cuda::use_device(1);
          multiply(y, 10);
          // x was 2, 5, 11, 23.
          CHECK(all_are(y.values(), static_cast<float>((3 << i) - 2) * 5));
        }
        cuda::transfer(1, y.at, 0, x.at, 12000);
        cuda::use_device(0);
        CHECK(all_are(x.values(), 230));
        cuda::graph_begin();
        CHECK_FAILS(cuda::transfer(1, y.at, 0, x.at, 12000), "transfer: a graph is being captured");
        CHECK_FAILS(cuda::transfer(0, x.at, 1, y.at, 12000), "transfer: a graph is being captured");
        cuda::use_device(0);
        cuda::graph_free(cuda::graph_end());
        CHECK_FAILS(cuda::transfer(0, y.at, 1, y.at, 12000), "cudaMemcpyPeerAsync");
        cuda::use_device(1);
      }
      cuda::use_device(0);
      cuda::stream_use(nullptr);
    }
    cuda::stream_free(stream);
  });
  for (const int device : {1, 0}) {
    cuda::use_device(device);
    cuda::memory_trim();
  }
  emulator::set_device_count(1);
}

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
