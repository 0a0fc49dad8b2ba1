// The border as its users see it: through the shared library, statuses and messages only.
#include <cstdlib>
#include <thread>

#include "check.h"

namespace {

std::string error() { return talus_last_error(); }

bool error_has(const char* part) { return error().find(part) != std::string::npos; }

// What a function that returns no status failed with.
bool failed_with(int status, const char* part) { return talus_last_status() == status && error_has(part); }

int64_t live_blocks() {
  int64_t stats[TALUS_MEM_STATS] = {};
  CHECK(talus_memory_stats(TALUS_DEVICE_CPU, stats) == TALUS_OK);
  return stats[TALUS_MEM_LIVE_BLOCKS];
}

// A block with these values, freed at the end.
struct Array {
  explicit Array(const std::vector<float>& values) : n(static_cast<int64_t>(values.size())) {
    at = talus_alloc(TALUS_DEVICE_CPU, n * int64_t{sizeof(float)});
    CHECK(talus_put_f32(TALUS_DEVICE_CPU, at, values.data(), n) == TALUS_OK);
  }
  ~Array() { CHECK(talus_free(TALUS_DEVICE_CPU, at) == TALUS_OK); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::vector<float> values() const {
    std::vector<float> host(static_cast<size_t>(n));
    CHECK(talus_get_f32(TALUS_DEVICE_CPU, at, host.data(), n) == TALUS_OK);
    return host;
  }

  int64_t n;
  talus_ptr at;
};

TEST(the_library_describes_itself) {
  CHECK(std::strlen(talus_version()) > 0);
  CHECK(std::string(talus_available_isas()).find(talus_isa()) != std::string::npos);
  CHECK(talus_num_threads() >= 1);
  CHECK(talus_set_num_threads(2) == TALUS_OK);
  CHECK(talus_num_threads() == 2);
  CHECK(talus_set_num_threads(0) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("0 threads, expected 1"));
  CHECK(talus_float32_matmul_precision() == TALUS_PRECISION_HIGHEST);
  CHECK(talus_set_float32_matmul_precision(TALUS_PRECISION_HIGH) == TALUS_OK);
  CHECK(talus_float32_matmul_precision() == TALUS_PRECISION_HIGH);
  CHECK(talus_set_float32_matmul_precision(2) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("2, expected 0 (highest) or 1 (high)"));
  CHECK(talus_set_float32_matmul_precision(TALUS_PRECISION_HIGHEST) == TALUS_OK);
  CHECK(talus_conv_fp32_precision() == TALUS_PRECISION_HIGHEST);
  CHECK(talus_set_conv_fp32_precision(TALUS_PRECISION_HIGH) == TALUS_OK);
  CHECK(talus_conv_fp32_precision() == TALUS_PRECISION_HIGH);
  CHECK(talus_float32_matmul_precision() == TALUS_PRECISION_HIGHEST);
  CHECK(talus_set_conv_fp32_precision(-1) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("set_conv_fp32_precision: -1, expected 0 (highest) or 1 (high)"));
  CHECK(talus_set_conv_fp32_precision(TALUS_PRECISION_HIGHEST) == TALUS_OK);
  CHECK(talus_set_isa("mmx") == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("'mmx' is not available"));
  CHECK(talus_set_isa(nullptr) == TALUS_INVALID_ARGUMENT);
}

TEST(blocks_and_counters) {
  const int64_t before = live_blocks();
  talus_ptr block = talus_alloc(TALUS_DEVICE_CPU, 100);
  CHECK(block != nullptr);
  CHECK(live_blocks() == before + 1);
  int64_t pairs[2] = {};
  CHECK(talus_memory_holders(TALUS_DEVICE_CPU, 1, pairs) == 1);
  CHECK(pairs[0] == 128 && pairs[1] == 1);
  CHECK(talus_free(TALUS_DEVICE_CPU, block) == TALUS_OK);
  CHECK(talus_free(TALUS_DEVICE_CPU, block) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("released before"));
  CHECK(live_blocks() == before);
  CHECK(talus_alloc(TALUS_DEVICE_CPU, -1) == nullptr);
  CHECK(failed_with(TALUS_INVALID_ARGUMENT, "-1 bytes"));
  CHECK(talus_memory_set_limit(TALUS_DEVICE_CPU, 1 << 20) == TALUS_OK);
  CHECK(talus_alloc(TALUS_DEVICE_CPU, 1 << 22) == nullptr);
  CHECK(failed_with(TALUS_OUT_OF_MEMORY, "4194304 bytes requested") && error_has("limit 1048576"));
  CHECK(talus_memory_set_limit(TALUS_DEVICE_CPU, INT64_MAX) == TALUS_OK);
  CHECK(talus_memory_trim(TALUS_DEVICE_CPU) == TALUS_OK);
  CHECK(talus_memory_reset_peak(TALUS_DEVICE_CPU) == TALUS_OK);
  CHECK(talus_memory_stats(TALUS_DEVICE_CPU, nullptr) == TALUS_INVALID_ARGUMENT);
}

TEST(a_missing_device_is_named) {
  const int missing = TALUS_DEVICE_CUDA + talus_cuda_device_count();
#if defined(TALUS_HAS_CUDA)
  const bool built = true;
#else
  const bool built = false;
#endif
  const char* const why = built ? "CUDA device" : "no CUDA support";
  const int status = built ? TALUS_INVALID_ARGUMENT : TALUS_UNSUPPORTED;
  CHECK(talus_alloc(missing, 100) == nullptr && failed_with(status, why));
  CHECK(talus_stream_create(missing) == nullptr && failed_with(status, why));
  CHECK(talus_event_create(missing) == nullptr && failed_with(status, why));
  CHECK(talus_graph_end(missing) == nullptr && failed_with(status, why));
  CHECK(talus_arange(missing, TALUS_FLOAT32, 0, 0, 1, nullptr) == status);
  CHECK(talus_softmax(missing, 0, TALUS_FLOAT32, 0, 0, nullptr, nullptr) == status);
  CHECK(talus_put_i32(missing, nullptr, nullptr, 0) == status);
  CHECK(talus_synchronize(missing) == status && error_has(why));
  CHECK(talus_arange(-4, TALUS_FLOAT32, 0, 0, 1, nullptr) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("device -4"));
  CHECK(talus_memory_holders(missing, 0, nullptr) == -1);
  CHECK(talus_device_name(missing) == nullptr && std::string(talus_device_name(TALUS_DEVICE_CPU)) == "CPU");
  CHECK(talus_synchronize(TALUS_DEVICE_CPU) == TALUS_OK);
  CHECK(talus_stream_create(TALUS_DEVICE_CPU) == nullptr);
  CHECK(failed_with(TALUS_INVALID_ARGUMENT, "device 0 is the CPU"));
  CHECK(talus_record_stream(TALUS_DEVICE_CPU, nullptr) == TALUS_INVALID_ARGUMENT && error_has("device 0 is the CPU"));
}

// Along all devices and back to the host.
void check_transfers(int devices) {
  const int64_t n = 300001;  // more than a piece, and not a whole number of them
  std::vector<float> host = random_values<float>(n, 3);
  const auto bytes = n * int64_t{sizeof(float)};
  std::vector<talus_ptr> blocks;
  for (int device = 0; device < devices; ++device) {
    blocks.push_back(talus_alloc(device, bytes));
    if (device == 0)
      CHECK(talus_put_f32(0, blocks[0], host.data(), n) == TALUS_OK);
    else
      CHECK(talus_transfer(device - 1, blocks[static_cast<size_t>(device) - 1], device, blocks.back(), bytes) ==
            TALUS_OK);
  }
  const Array back(std::vector<float>(static_cast<size_t>(n), 0.0f));
  CHECK(talus_transfer(devices - 1, blocks.back(), 0, back.at, bytes) == TALUS_OK);
  CHECK(back.values() == host);
  CHECK(talus_transfer(0, back.at, devices - 1, blocks.back(), -1) == TALUS_INVALID_ARGUMENT);
  CHECK(talus_transfer(0, nullptr, 0, back.at, 4) == TALUS_INVALID_ARGUMENT && error_has("the source is missing"));
  CHECK(talus_transfer(0, back.at, TALUS_DEVICE_CUDA + talus_cuda_device_count(), back.at, 4) != TALUS_OK);
  for (int device = 0; device < devices; ++device)
    CHECK(talus_free(device, blocks[static_cast<size_t>(device)]) == TALUS_OK);
}

TEST(bytes_move_between_devices) {
#if defined(TALUS_TEST_EMULATED)
  emulator::set_device_count(2);
  check_transfers(3);
  emulator::set_device_count(1);
#endif
  check_transfers(1 + talus_cuda_device_count());
}

#if defined(TALUS_TEST_CUDA)
TEST(a_cuda_device_computes) {
  const int gpu = TALUS_DEVICE_CUDA;
  CHECK(std::strlen(talus_device_name(gpu)) > 0);
  const float host[] = {1, 2, 3, 4};
  float got[4] = {};
  talus_ptr x = talus_alloc(gpu, sizeof host), y = talus_alloc(gpu, sizeof host);
  talus_ptr stream = talus_stream_create(gpu), begin = talus_event_create(gpu), end = talus_event_create(gpu);
  CHECK(talus_put_f32(gpu, x, host, 4) == TALUS_OK && talus_event_record(gpu, begin) == TALUS_OK);
  CHECK(talus_stream_use(gpu, stream) == TALUS_OK && talus_event_wait(gpu, begin) == TALUS_OK);
  CHECK(talus_record_stream(gpu, x) == TALUS_OK && talus_record_stream(gpu, y) == TALUS_OK);
  CHECK(talus_graph_begin(gpu) == TALUS_OK);
  CHECK(talus_binary(gpu, TALUS_MUL, TALUS_FLOAT32, 4, 0, nullptr, x, x, 0, y) == TALUS_OK);
  talus_ptr graph = talus_graph_end(gpu);
  CHECK(graph != nullptr && talus_graph_launch(gpu, graph) == TALUS_OK);
  CHECK(talus_event_record(gpu, end) == TALUS_OK && talus_event_synchronize(gpu, end) == TALUS_OK);
  CHECK(talus_get_f32(gpu, y, got, 4) == TALUS_OK && got[0] == 1 && got[3] == 16);
  double milliseconds = -1;
  CHECK(talus_event_milliseconds(gpu, begin, end, &milliseconds) == TALUS_OK && milliseconds >= 0);
  CHECK(talus_stream_synchronize(gpu, stream) == TALUS_OK && talus_stream_use(gpu, nullptr) == TALUS_OK);
  CHECK(talus_graph_free(gpu, graph) == TALUS_OK && talus_stream_free(gpu, stream) == TALUS_OK);
  CHECK(talus_event_free(gpu, begin) == TALUS_OK && talus_event_free(gpu, end) == TALUS_OK);
  CHECK(talus_event_record(gpu, nullptr) == TALUS_INVALID_ARGUMENT && error_has("the event is missing"));
  int64_t stats[TALUS_MEM_STATS] = {};
  CHECK(talus_memory_stats(gpu, stats) == TALUS_OK && stats[TALUS_MEM_LIVE_BLOCKS] == 2);
  CHECK(talus_free(gpu, x) == TALUS_OK && talus_free(gpu, y) == TALUS_OK);
  CHECK(talus_free(gpu, y) == TALUS_INVALID_ARGUMENT && error_has("released before"));
  CHECK(talus_record_stream(gpu, y) == TALUS_INVALID_ARGUMENT && error_has("not the begin of a live block"));
  CHECK(talus_conv2d_algorithm(gpu, TALUS_FLOAT32, 0, nullptr) == nullptr && error_has("only the CPU"));
}

// Kernels cannot throw: what they report comes from whoever waits next, once.
TEST(errors_of_kernels_reach_who_waits) {
  const int gpu = TALUS_DEVICE_CUDA;
  const float host[] = {1, 2, 3, 4};
  const int64_t indices[] = {2, 7};
  float got[4] = {};
  talus_ptr x = talus_alloc(gpu, sizeof host), index = talus_alloc(gpu, sizeof indices);
  talus_ptr out = talus_alloc(gpu, sizeof host);
  CHECK(talus_put_f32(gpu, x, host, 4) == TALUS_OK && talus_put_i64(gpu, index, indices, 2) == TALUS_OK);
  CHECK(talus_index_select(gpu, TALUS_FLOAT32, 1, 4, 1, 2, x, index, out) == TALUS_OK);
  CHECK(talus_get_f32(gpu, out, got, 2) == TALUS_INDEX_ERROR);
  CHECK(error_has("index_select: index 7 at position 1 is out of range for a dimension of size 4"));
  CHECK(talus_get_f32(gpu, out, got, 2) == TALUS_OK && got[0] == 3 && got[1] == 0);
  CHECK(talus_cross_entropy(gpu, TALUS_FLOAT32, 2, 2, x, index, nullptr, 2, TALUS_REDUCTION_SUM, out, x, nullptr,
                            nullptr) == TALUS_OK);
  CHECK(talus_synchronize(gpu) == TALUS_INDEX_ERROR);
  CHECK(error_has("Target 7 is out of bounds. Expected a class in [0, 2) or ignore_index 2"));
  CHECK(talus_synchronize(gpu) == TALUS_OK);
  const int32_t numerators[] = {7, 8}, divisors[] = {2, 0};
  int32_t quotients[2] = {};
  CHECK(talus_put_i32(gpu, x, numerators, 2) == TALUS_OK && talus_put_i32(gpu, index, divisors, 2) == TALUS_OK);
  CHECK(talus_binary(gpu, TALUS_FLOOR_DIVIDE, TALUS_INT32, 2, 0, nullptr, x, index, 0, out) == TALUS_OK);
  CHECK(talus_get_i32(gpu, out, quotients, 2) == TALUS_INVALID_ARGUMENT && error_has("ZeroDivisionError"));
  CHECK(talus_get_i32(gpu, out, quotients, 2) == TALUS_OK && quotients[0] == 3 && quotients[1] == 0);
  for (talus_ptr block : {x, index, out}) CHECK(talus_free(gpu, block) == TALUS_OK);
}
#endif

TEST(arguments_are_checked) {
  const Array x({1, 2, 3, 4});
  const int64_t geometry[] = {2, 2, 2, 1, 1, 2};
  CHECK(talus_unary(0, TALUS_NEG, TALUS_FLOAT32, -1, 0, nullptr, x.at, 0, 0, x.at) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("is -1, expected 0 or more"));
  CHECK(talus_unary(0, TALUS_NEG, TALUS_FLOAT32, 5, 2, geometry, x.at, 0, 0, x.at) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("geometry has 4 elements, n is 5"));
  CHECK(talus_unary(0, TALUS_EXP, TALUS_INT32, 4, 0, nullptr, x.at, 0, 0, x.at) == TALUS_UNSUPPORTED);
  CHECK(talus_put_f32(0, nullptr, nullptr, 1) == TALUS_INVALID_ARGUMENT);
  CHECK(talus_put_f32(0, nullptr, nullptr, 0) == TALUS_OK);
  CHECK(talus_conv2d(0, TALUS_FLOAT32, nullptr, x.at, x.at, nullptr, 0, x.at) == TALUS_INVALID_ARGUMENT);
  const int64_t conv[TALUS_CONV_PARAMS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1};
  for (const int epilogue : {-1, 3}) {
    CHECK(talus_conv2d(0, TALUS_FLOAT32, conv, x.at, x.at, nullptr, epilogue, x.at) == TALUS_INVALID_ARGUMENT);
    CHECK(error_has(("conv2d: epilogue " + std::to_string(epilogue) + " does not exist, expected 0 (none)").c_str()));
    CHECK(talus_gemm(0, TALUS_FLOAT32, 1, 0, 0, 1, 1, 1, 1, x.at, 1, 1, x.at, 1, 1, 0, x.at, 1, 1, nullptr, epilogue) ==
          TALUS_INVALID_ARGUMENT);
    CHECK(error_has(("gemm: epilogue " + std::to_string(epilogue) + " does not exist").c_str()));
  }
  int64_t pool[TALUS_POOL_PARAMS] = {1, 2, 2, 2, 2, 0, 2, 0, 0, 1, 1, 0, 0, 0};
  CHECK(talus_max_pool2d(0, TALUS_FLOAT32, pool, x.at, x.at, nullptr) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("parameter 5 is 0"));
  CHECK(talus_generator_seed(nullptr, 0) == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("generator is missing"));
}

TEST(who_multiplies_on_cuda_devices) {
  // The library knows cuBLAS where it was built for CUDA, with a device or without.
#if defined(TALUS_HAS_CUDA)
  const bool built_for_cuda = true;
#else
  const bool built_for_cuda = false;
#endif
  CHECK(std::string(talus_gemm_provider()) == "native");
  CHECK(talus_set_gemm_provider("openblas") == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("unknown provider 'openblas', expected native or cublas"));
  CHECK(talus_set_gemm_provider(nullptr) == TALUS_INVALID_ARGUMENT);
  CHECK(talus_set_gemm_provider("cublas") == TALUS_UNSUPPORTED);
  CHECK(error_has(built_for_cuda ? "nobody brought it" : "no CUDA support"));
  CHECK(talus_set_gemm_provider("native") == TALUS_OK);
  const int64_t entries[TALUS_CUBLAS_ENTRIES] = {};
  CHECK(talus_cublas_entries(entries) != TALUS_OK);
  CHECK(error_has(built_for_cuda ? "cublasCreate_v2 is missing" : "no CUDA support"));
  CHECK(std::string(talus_gemm_provider()) == "native");
}

TEST(the_message_belongs_to_the_thread) {
  CHECK(talus_alloc(0, -1) == nullptr);
  const std::string mine = error();
  std::thread([] {
    CHECK(error().empty() && talus_last_status() == TALUS_OK);
    CHECK(talus_alloc(0, -2) == nullptr);
    CHECK(error_has("-2 bytes"));
  }).join();
  CHECK(error() == mine && talus_last_status() == TALUS_INVALID_ARGUMENT);
}

TEST(a_few_kernels_compute) {
  const int64_t before = live_blocks();
  {
    const Array a({1, 2, 3, 4}), b({5, 6, 7, 8}), out({0, 0, 0, 0});
    CHECK(talus_gemm(0, TALUS_FLOAT32, 1, 0, 0, 2, 2, 2, 1, a.at, 2, 0, b.at, 2, 0, 0, out.at, 2, 0, nullptr, 0) ==
          TALUS_OK);
    CHECK(out.values() == (std::vector<float>{19, 22, 43, 50}));
    const Array signs({1, -5, 2, 3});
    const std::vector<float> ends[] = {{5, 1, 11, -3}, {5, 1, 11, 0}, {5, 1, 6, 0}};
    for (const int epilogue : {TALUS_EPILOGUE_NONE, TALUS_EPILOGUE_RELU, TALUS_EPILOGUE_RELU6}) {
      CHECK(talus_gemm(0, TALUS_FLOAT32, 1, 0, 0, 2, 2, 2, 1, a.at, 2, 0, signs.at, 2, 0, 0, out.at, 2, 0, nullptr,
                       epilogue) == TALUS_OK);
      CHECK(out.values() == ends[epilogue]);
    }
    const int64_t pointwise[TALUS_CONV_PARAMS] = {1, 2, 1, 2, 2, 1, 1, 1, 1, 0, 0, 1, 1, 1};
    for (const int epilogue : {TALUS_EPILOGUE_NONE, TALUS_EPILOGUE_RELU, TALUS_EPILOGUE_RELU6}) {
      CHECK(talus_conv2d(0, TALUS_FLOAT32, pointwise, signs.at, a.at, nullptr, epilogue, out.at) == TALUS_OK);
      CHECK(out.values() == ends[epilogue]);
    }
    const int64_t transposed[] = {2, 2, 2, 1, 2, 1, 1, 2};
    CHECK(talus_binary(0, TALUS_ADD, TALUS_FLOAT32, 4, 2, transposed, a.at, b.at, 1, out.at) == TALUS_OK);
    CHECK(out.values() == (std::vector<float>{6, 9, 9, 12}));
    const int64_t pool[TALUS_POOL_PARAMS] = {1, 2, 2, 2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 0};
    const Array top({0});
    CHECK(talus_max_pool2d(0, TALUS_FLOAT32, pool, a.at, top.at, nullptr) == TALUS_OK);
    CHECK(top.values()[0] == 4);
    const int64_t numel = 4, param = static_cast<int64_t>(reinterpret_cast<uintptr_t>(a.at));
    const int64_t grad = static_cast<int64_t>(reinterpret_cast<uintptr_t>(b.at));
    CHECK(talus_sgd_step(0, TALUS_FLOAT32, 1, &numel, &param, &grad, nullptr, 1, 0, 0, 0, 0, 0, 1) == TALUS_OK);
    CHECK(a.values() == (std::vector<float>{-4, -4, -4, -4}));
    talus_ptr generator = talus_generator_create(0);
    CHECK(talus_random_uniform(0, generator, TALUS_FLOAT32, 4, 0, 1, out.at) == TALUS_OK);
    for (const float value : out.values()) CHECK(value >= 0 && value < 1);
    CHECK(talus_generator_free(generator) == TALUS_OK);
  }
  CHECK(live_blocks() == before);
}

// Run by CTest with TALUS_ISA=sse9: nothing is computed until a set is chosen.
TEST(unknown_isa_from_environment) {
  const Array a({1, 2, 3, 4});
  const auto pool = [&] {
    const int64_t params[TALUS_POOL_PARAMS] = {1, 2, 2, 2, 2, 2, 2, 0, 0, 1, 1, 0, 0, 0};
    return talus_avg_pool2d(0, TALUS_FLOAT32, params, a.at, a.at);
  };
  CHECK(talus_isa() == nullptr);
  CHECK(error_has("TALUS_ISA: instruction set 'sse9' is not available"));
  CHECK(pool() == TALUS_INVALID_ARGUMENT);
  CHECK(error_has("TALUS_ISA"));
  CHECK(talus_set_isa("baseline") == TALUS_OK || talus_set_isa("neon") == TALUS_OK);
  CHECK(talus_isa() != nullptr);
  CHECK(pool() == TALUS_OK);
}

}  // namespace
