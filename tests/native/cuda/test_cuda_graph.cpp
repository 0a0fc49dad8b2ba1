// Graphs: what a capture keeps and refuses, whose memory it takes, and what changes from one replay to the next.
#include <memory>
#include <thread>

#include "cuda/device_array.h"
#include "random.h"

using namespace talus;

namespace {

// Takes blocks of the smallest sizes, writes there and frees them.
void scribble() {
  for (const int64_t n : {4, 16, 32, 64}) {
    const Array x(n);
    cuda::fill(TALUS_FLOAT32, Geometry<1>(n, 0, nullptr), -7, 0, x.at);
  }
}

}  // namespace

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
