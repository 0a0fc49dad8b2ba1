// Reductions of every dtype, layout and size against the reference, and their special values.
#include "elementwise_cases.h"
#include "kernels.h"
#include "under_test.h"

namespace {

const double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

template <class T, class Out>
void compare(int op, const Sizes& sizes, int kept, Layout layout, bool special, bool with_indices) {
  check::Note note("op " + std::to_string(op) + " dtype " + std::to_string(dtype_of<T>()) + " kept " +
                   std::to_string(kept) + " " + describe(sizes, {layout}));
  const Sizes strides = strides_of(sizes, layout), raw = raw_geometry(sizes, {strides});
  const int64_t span = span_of(sizes, strides);
  std::vector<T> x;
  if constexpr (std::is_floating_point<T>::value) {
    x = random_values<T>(span, 6);
    // Products of many random values vanish.
    if (op == TALUS_PROD)
      for (T& v : x) v = static_cast<T>(1 + v * 0.01);
  }
  if (special || !std::is_floating_point<T>::value) x = edge_values<T>(span, 6);
  int64_t outputs = 1;
  for (int d = 0; d < kept; ++d) outputs *= sizes[static_cast<size_t>(d)];
  Guarded<Out> expected(outputs);
  Guarded<int64_t> expected_indices(outputs);
  const int ndim = static_cast<int>(sizes.size());
  const int64_t none = 0;
  const int64_t* geometry = raw.empty() ? &none : raw.data();
  talus::ref::reduce(op, dtype_of<T>(), ndim, kept, geometry, x.data(), 1, expected.data(),
                     with_indices ? expected_indices.data() : nullptr);
  const double eps = std::is_same<T, float>::value ? 1.2e-7 : 2.3e-16;
  for_each_isa([&](const char*) {
    Guarded<Out> actual(outputs);
    Guarded<int64_t> indices(outputs);
    under_test::reduce(op, dtype_of<T>(), ndim, kept, geometry, x.data(), 1, actual.data(),
                       with_indices ? indices.data() : nullptr);
    // Factors that are all the same are all rounded the same way.
    const double near = op == TALUS_PROD ? 30 * eps + 2e-16 * double(numel_of(sizes)) : 30 * eps;
    check_same(actual, expected, near, 60 * eps, "reduce");
    if (with_indices) check_same(indices, expected_indices, 0, 0, "indices");
  });
}

template <class T>
void reduce_on(int op, const Sizes& sizes, int kept, Layout layout, bool special = false) {
  const bool empty_extreme = (op == TALUS_MAX || op == TALUS_MIN) && numel_of(sizes) == 0;
  if (empty_extreme) return;
  if (op == TALUS_ALL || op == TALUS_ANY) return compare<T, uint8_t>(op, sizes, kept, layout, special, false);
  const bool extreme = op == TALUS_MAX || op == TALUS_MIN;
  if constexpr (!std::is_floating_point<T>::value) {
    if (!extreme) return compare<T, int64_t>(op, sizes, kept, layout, special, false);
  }
  compare<T, T>(op, sizes, kept, layout, special, extreme);
  if (extreme) compare<T, T>(op, sizes, kept, layout, special, false);
}

const Layout kLayouts[] = {Layout::Contiguous,    Layout::Transposed,     Layout::Padded, Layout::EverySecond,
                           Layout::BroadcastLast, Layout::BroadcastFirst, Layout::Scalar};
const int kAny[] = {TALUS_SUM, TALUS_PROD, TALUS_MAX, TALUS_MIN, TALUS_ALL, TALUS_ANY};

}  // namespace

TEST(floating_reductions_of_all_layouts) {
  std::vector<Sizes> shapes = odd_sizes();
  shapes.insert(shapes.end(),
                {{5000}, {3, 4999}, {4999, 3}, {300, 90}, {2, 90, 70}, {40, 2, 60, 2}, {70, 49}, {2, 20000}});
  for (const Sizes& sizes : shapes)
    for (int kept = 0; kept <= static_cast<int>(sizes.size()); ++kept)
      for (const Layout layout : kLayouts)
        for (int op = TALUS_SUM; op <= TALUS_LOGSUMEXP; ++op) {
          // The variance of equal values is nothing but rounding.
          if (op == TALUS_VAR && (layout == Layout::Scalar || layout == Layout::BroadcastLast)) continue;
          if (numel_of(sizes) > 5000 && layout != Layout::Contiguous && layout != Layout::Transposed) continue;
          reduce_on<float>(op, sizes, kept, layout);
          if (numel_of(sizes) <= 5000) reduce_on<double>(op, sizes, kept, layout);
        }
}

TEST(integer_reductions) {
  for (const Sizes& sizes : {Sizes{600}, Sizes{3, 0}, Sizes{33, 40}, Sizes{3, 2100}, Sizes{2100, 3}})
    for (int kept = 0; kept <= static_cast<int>(sizes.size()); ++kept)
      for (const Layout layout : {Layout::Contiguous, Layout::Transposed, Layout::EverySecond})
        for (const int op : kAny)
          for (int dtype = TALUS_INT64; dtype <= TALUS_BOOL; ++dtype)
            talus::dispatch_any(dtype, "test", [&](auto type) {
              using T = typename decltype(type)::type;
              if constexpr (std::is_same<T, talus::Bool>::value) {
                if (op == TALUS_ALL || op == TALUS_ANY) reduce_on<uint8_t>(op, sizes, kept, layout);
              } else if constexpr (!std::is_floating_point<T>::value) {
                reduce_on<T>(op, sizes, kept, layout);
              }
            });
}

TEST(bool_sums_count) {
  const std::vector<uint8_t> x = {1, 0, 1, 1};
  const int64_t geometry[] = {4, 1};
  int64_t sum = 0;
  under_test::reduce(TALUS_SUM, TALUS_BOOL, 1, 0, geometry, x.data(), 0, &sum, nullptr);
  CHECK(sum == 3);
  uint8_t out[2];
  under_test::reduce(TALUS_MAX, TALUS_BOOL, 1, 0, geometry, x.data(), 0, out, nullptr);
  CHECK(out[0] == 1);
}

TEST(nan_wins_and_the_first_index_counts) {
  for (const int op : {TALUS_MAX, TALUS_MIN, TALUS_ALL, TALUS_ANY})
    for (const Sizes& sizes : {Sizes{600}, Sizes{33, 40}, Sizes{3, 2100}, Sizes{2100, 3}})
      for (int kept = 0; kept <= static_cast<int>(sizes.size()); ++kept) {
        reduce_on<float>(op, sizes, kept, Layout::Contiguous, true);
        reduce_on<double>(op, sizes, kept, Layout::Transposed, true);
      }
  for_each_isa([](const char*) {
    const std::vector<float> equal(5000, 2.0f);
    const int64_t geometry[] = {5000, 1};
    float value;
    int64_t index = -1;
    under_test::reduce(TALUS_MAX, TALUS_FLOAT32, 1, 0, geometry, equal.data(), 0, &value, &index);
    CHECK(value == 2.0f && index == 0);
  });
}

TEST(nothing_to_reduce) {
  const int64_t geometry[] = {2, 0, 1, 1};
  double out[2];
  const auto result = [&](int op) {
    under_test::reduce(op, TALUS_FLOAT64, 2, 1, geometry, nullptr, 1, out, nullptr);
    return out[1];
  };
  CHECK(result(TALUS_SUM) == 0 && result(TALUS_PROD) == 1 && result(TALUS_NORM2) == 0);
  CHECK(std::isnan(result(TALUS_MEAN)) && std::isnan(result(TALUS_VAR)));
  CHECK(result(TALUS_LOGSUMEXP) == -kInf);
  uint8_t flags[2];
  under_test::reduce(TALUS_ALL, TALUS_FLOAT64, 2, 1, geometry, nullptr, 0, flags, nullptr);
  CHECK(flags[0] == 1 && flags[1] == 1);
  under_test::reduce(TALUS_ANY, TALUS_FLOAT64, 2, 1, geometry, nullptr, 0, flags, nullptr);
  CHECK(flags[0] == 0 && flags[1] == 0);
  CHECK_FAILS(result(TALUS_MAX), "max: the reduced dimensions hold no elements");
  CHECK_FAILS(result(TALUS_MIN), "min: the reduced dimensions hold no elements");
}

TEST(logsumexp_of_infinities) {
  for_each_isa([](const char*) {
    const double x[] = {1000, 1000, -kInf, -kInf, kInf, 0, kInf, -kInf, -kInf, 3, kNan, 3};
    const int64_t geometry[] = {6, 2, 2, 1};
    double out[6];
    under_test::reduce(TALUS_LOGSUMEXP, TALUS_FLOAT64, 2, 1, geometry, x, 0, out, nullptr);
    CHECK_NEAR(out[0], 1000 + std::log(2.0), 1e-12);
    CHECK(out[1] == -kInf && out[2] == kInf && out[3] == kInf && out[4] == 3 && std::isnan(out[5]));
  });
}

TEST(variance_of_few_and_of_offset_values) {
  for_each_isa([](const char*) {
    const int64_t one[] = {1, 1};
    const float x = 3;
    float out;
    under_test::reduce(TALUS_VAR, TALUS_FLOAT32, 1, 0, one, &x, 1, &out, nullptr);
    CHECK(std::isnan(out));
    under_test::reduce(TALUS_VAR, TALUS_FLOAT32, 1, 0, one, &x, 0, &out, nullptr);
    CHECK(out == 0);
    std::vector<float> offset = random_values<float>(9000, 1);
    for (float& v : offset) v += 10000;
    double mean = 0, squares = 0;
    for (const float v : offset) mean += v / 9000.0;
    for (const float v : offset) squares += (v - mean) * (v - mean);
    const int64_t geometry[] = {9000, 1};
    under_test::reduce(TALUS_VAR, TALUS_FLOAT32, 1, 0, geometry, offset.data(), 1, &out, nullptr);
    CHECK_NEAR(out, squares / 8999, 1e-5);
  });
}

TEST(long_sums_are_accurate) {
  for_each_isa([](const char*) {
    const std::vector<float> x(3000000, 0.1f);
    const int64_t row[] = {3000000, 1}, column[] = {3, 1000000, 1, 3};
    float sum, sums[3];
    under_test::reduce(TALUS_SUM, TALUS_FLOAT32, 1, 0, row, x.data(), 0, &sum, nullptr);
    CHECK_NEAR(sum, 3000000 * double(0.1f), 0.1);  // 3 units in the last place
    under_test::reduce(TALUS_SUM, TALUS_FLOAT32, 2, 1, column, x.data(), 0, sums, nullptr);
    CHECK_NEAR(sums[2], 1000000 * double(0.1f), 0.03);
  });
}

TEST(results_do_not_depend_on_threads) {
  for_each_isa([](const char*) {
    const auto x = random_values<float>(600 * 701, 3);
    const int64_t layouts[][4] = {{1, 600 * 701, 1, 1}, {600, 701, 701, 1}, {701, 600, 1, 701}, {3, 140200, 1, 3}};
    for (const auto& geometry : layouts)
      for (int op = TALUS_SUM; op <= TALUS_LOGSUMEXP; ++op) {
        std::vector<float> first(701), out(701);
        for_each_thread_count([&](int threads) {
          under_test::reduce(op, TALUS_FLOAT32, 2, 1, geometry, x.data(), 1, out.data(), nullptr);
          if (threads == 1) first = out;
          CHECK(std::memcmp(first.data(), out.data(), 701 * sizeof(float)) == 0);
        });
      }
  });
}
