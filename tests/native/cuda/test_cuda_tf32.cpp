// float32 products that may be rounded to TF32: what they compute, and that they do only where it was asked for.
#include "cuda/gemm.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/tf32_under_test.h"
#include "gemm_cases.h"

namespace {

Problem<float> rounded(const Case& c, const talus::Activation& last) {
  Problem<float> problem(c, last);
  for (float& v : problem.a) v = tf32(v);
  for (float& v : problem.b) v = tf32(v);
  return problem;
}

// What sums of float32 may lose, with what a tensor core cuts off where it aligns terms.
double sum_tolerance(const Case& c) {
  return std::numeric_limits<float>::epsilon() * (32 + 2 * static_cast<double>(c.k)) * (1 + std::fabs(c.alpha));
}

// The product is that of rounded operands, up to the order of the sum, and the same however often it is taken.
void compare(const Case& c, const talus::Activation& last) {
  const Problem<float> raw(c, last), exact = rounded(c, last);
  const std::vector<float> expected = exact.expected(), unrounded = raw.expected();
  const double tolerance = sum_tolerance(c);
  // Each factor is off by at most 2^-11 of itself, and no operand is more than 1.
  const double bound = tolerance + std::fabs(c.alpha) * std::ldexp(1.001, -10) * static_cast<double>(c.k);
  std::vector<float> first;
  for_each_isa([&](const char*) {
    const MatmulPrecision high(TALUS_PRECISION_HIGH);
    const Guarded<float> of_rounded = exact.actual(), of_raw = raw.actual();
    CHECK(of_rounded.intact() && of_raw.intact());
    CHECK_ALL_CLOSE(of_rounded.data(), expected.data(), of_rounded.size(), tolerance, tolerance, "C of rounded");
    CHECK_ALL_CLOSE(of_raw.data(), unrounded.data(), of_raw.size(), 0, bound, "C of raw");
    CHECK(equal(of_raw, of_rounded));
    if (first.empty()) first.assign(of_raw.data(), of_raw.data() + of_raw.size());
    CHECK(first.empty() || std::memcmp(first.data(), of_raw.data(), first.size() * sizeof(float)) == 0);
  });
}

void compare(const Case& c) {
  if (!has_tf32()) return;
  check::Note note(describe(c));
  for (const talus::Activation& last : activations(c)) compare(c, last);
}

// The product, of as many matrices as make the device take this tile for it: those here are enough for the emulator's
// few multiprocessors.
Case filling(int tile, Case c) {
  const MatmulPrecision high(TALUS_PRECISION_HIGH);
  for (; c.batch <= 1000; c.batch *= 2)
    if (talus::cuda::tile_of(TALUS_FLOAT32, Problem<float>(c).params(nullptr)) == tile) return c;
  check::failed(__FILE__, __LINE__, "no number of products takes tile " + std::to_string(tile));
  return c;
}

}  // namespace

#if defined(TALUS_TEST_EMULATED)
// Or most of what follows would test nothing.
TEST(emulated_devices_have_tf32) { CHECK(has_tf32()); }
#endif

TEST(the_setting_has_two_values) {
  CHECK(talus::float32_matmul_precision() == TALUS_PRECISION_HIGHEST);
  CHECK_FAILS(talus::set_float32_matmul_precision(2), "2, expected 0 (highest) or 1 (high)");
  CHECK_FAILS(talus::set_float32_matmul_precision(-1), "-1, expected 0");
  CHECK(talus::float32_matmul_precision() == TALUS_PRECISION_HIGHEST);
  talus::set_float32_matmul_precision(TALUS_PRECISION_HIGH);
  CHECK(talus::float32_matmul_precision() == TALUS_PRECISION_HIGH);
  talus::set_float32_matmul_precision(TALUS_PRECISION_HIGHEST);
}

TEST(sizes_around_fragments_and_stages) {
  for (const int64_t m : {2, 9, 16, 33})
    for (const int64_t n : {2, 7, 8, 33})
      for (const int64_t k : {1, 8, 11, 16, 37})
        all_transposes([&](bool ta, bool tb) { compare({1, m, n, k, ta, tb}); });
}

TEST(every_tile) {
  if (!has_tf32()) return;
  enum { kLarge, kMiddle, kSmall };
  all_transposes([](bool ta, bool tb) {
    compare(filling(kSmall, {1, 70, 30, 90, ta, tb, 1.5, 0.5, true, true}));
    compare(filling(kMiddle, {1, 140, 132, 68, ta, tb, 1.5, 0.5, true, true}));
    compare(filling(kLarge, {3, 121, 125, 37, ta, tb, 1, 0, false, true, 1}));
    compare(filling(kLarge, {3, 128, 124, 84, ta, tb, 1, 0, true, false, 0, false, false, true}));
  });
  compare(filling(kLarge, {1, 380, 126, 52, false, true, 1.5, 0.5, true, true}));
}

TEST(lines_that_begin_anywhere) {
  all_transposes([](bool ta, bool tb) {
    for (const int64_t extra : {1, 2, 3, 4}) compare({2, 36, 44, 52, ta, tb, 1, 0, true, false, extra});
  });
}

TEST(epilogues) {
  for (const double alpha : {1.0, -0.5, 0.0})
    for (const double beta : {0.0, 1.0, -2.0})
      for (const bool bias : {false, true})
        for (const bool relu : {false, true}) compare({1, 19, 37, 23, false, true, alpha, beta, bias, relu, 3});
  for (const bool relu : {false, true}) compare({3, 4, 5, 6, false, false, 1, 0, true, relu, 0, false, true, true});
}

TEST(sums_in_pieces) {
  all_transposes([](bool ta, bool tb) { compare({1, 20, 33, 4096, ta, tb, 1.5, -1, true, true, 1}); });
  compare({2, 3, 5, 4001, true, false, 1, 0, false, true});
}

TEST(batches_and_empty_matrices) {
  all_transposes([](bool ta, bool tb) {
    compare({7, 13, 20, 18, ta, tb, 1, 1, true, true, 1});
    compare({3, 13, 20, 18, ta, tb, 1, 0, false, false, 0, false, true});
    compare({3, 13, 20, 18, ta, tb, 1, 0, false, false, 0, true, false});
  });
  compare({0, 13, 20, 18, false, false});
  compare({1, 0, 5, 3, false, false});
  compare({1, 5, 0, 3, false, false});
  compare({2, 5, 4, 0, false, false, 1, 0.5, true, true});
}

TEST(values_that_are_no_numbers) {
  if (!has_tf32()) return;
  const MatmulPrecision high(TALUS_PRECISION_HIGH);
  Problem<float> problem({1, 3, 5, 2, false, false});
  problem.b[0] = std::fabs(problem.b[0]) + 0.5f;
  problem.a[0] = std::numeric_limits<float>::quiet_NaN();
  problem.a[2] = -std::numeric_limits<float>::infinity();
  const Guarded<float> out = problem.actual();
  for (int64_t j = 0; j < 5; ++j) CHECK(std::isnan(out.data()[j]) && std::isfinite(out.data()[10 + j]));
  CHECK(out.data()[5] == -std::numeric_limits<float>::infinity());
}

// Without the setting, and for what it does not speak of, every bit stays.
TEST(nothing_changes_unless_asked_for) {
  for (const Case& c : {Case{1, 70, 100, 90, false, true}, Case{3, 33, 17, 40, true, false, 1, 0, true, true}}) {
    const Problem<float> raw(c), exact = rounded(c, raw.activation);
    const Guarded<float> before = raw.actual();
    {
      const MatmulPrecision high(TALUS_PRECISION_HIGH);
      CHECK(equal(raw.actual(), before) == !has_tf32());
      const Problem<double> wide(c);
      const std::vector<double> expected = wide.expected();
      const Guarded<double> out = wide.actual();
      CHECK_ALL_CLOSE(out.data(), expected.data(), out.size(), 1e-13, 1e-13, "float64");
    }
    CHECK(equal(raw.actual(), before));
    CHECK(!equal(exact.actual(), before));
  }
  // A matrix times a vector is bound by memory.
  for (const int64_t m : {1, 40}) {
    const Problem<float> vector({1, m, 41 - m, 50, false, false});
    const Guarded<float> before = vector.actual();
    const MatmulPrecision high(TALUS_PRECISION_HIGH);
    CHECK(equal(vector.actual(), before));
  }
}

TEST(streams_compute_the_same) {
  if (!has_tf32()) return;
  const MatmulPrecision high(TALUS_PRECISION_HIGH);
  const Problem<float> problem({2, 70, 100, 300, false, true, 1, 0, true, true});
  const Guarded<float> first = problem.actual();
  talus::cuda::Stream* const stream = talus::cuda::stream_create();
  talus::cuda::stream_use(stream);
  CHECK(equal(problem.actual(), first));
  talus::cuda::stream_use(nullptr);
  talus::cuda::stream_free(stream);
}

#if defined(TALUS_TEST_EMULATED)
// The emulator stops a kernel that uses tensor cores which its device has not.
TEST(devices_without_tf32_are_not_asked) {
  emulator::set_device_count(2);
  emulator::set_compute_capability(75);
  talus::cuda::use_device(1);
  CHECK(talus::cuda::properties(1).major == 7 && talus::cuda::properties(1).minor == 5);
  const std::vector<float> a = random_values<float>(20 * 30, 1), b = random_values<float>(30 * 20, 2);
  const auto bytes = [](const std::vector<float>& x) { return static_cast<int64_t>(x.size() * sizeof(float)); };
  std::vector<float> results[2];
  for (std::vector<float>& out : results) {
    const MatmulPrecision chosen(&out == results ? TALUS_PRECISION_HIGHEST : TALUS_PRECISION_HIGH);
    out.resize(20 * 20);
    void* const on_device[3] = {talus::cuda::allocate(bytes(a)), talus::cuda::allocate(bytes(b)),
                                talus::cuda::allocate(bytes(out))};
    talus::cuda::put(on_device[0], a.data(), bytes(a));
    talus::cuda::put(on_device[1], b.data(), bytes(b));
    talus::cuda::gemm(TALUS_FLOAT32,
                      {1,  false, false, 20,           20, 30, 1,       on_device[0],         30,   0, on_device[1],
                       20, 0,     0,     on_device[2], 20, 0,  nullptr, talus::kNoActivation, false});
    talus::cuda::get(out.data(), on_device[2], bytes(out));
    for (void* const block : on_device) talus::cuda::release(block);
  }
  CHECK(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) == 0);
  talus::cuda::use_device(0);
  emulator::set_compute_capability(90);
  emulator::set_device_count(1);
}
#endif
