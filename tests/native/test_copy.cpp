// Copies and casts between every pair of dtypes and layouts, fills, ranges.
#include "caches.h"
#include "elementwise_cases.h"
#include "kernels.h"
#include "under_test.h"

namespace {

template <class F>
void for_each_dtype(F&& f) {
  for (int dtype = TALUS_FLOAT32; dtype <= TALUS_BOOL; ++dtype) talus::dispatch_any(dtype, "test", f);
}

template <class From, class To>
void compare_copy(const Sizes& sizes, Layout dst_layout, Layout src_layout) {
  check::Note note(describe(sizes, {dst_layout, src_layout}) + " dtypes " + std::to_string(dtype_of<From>()) + " to " +
                   std::to_string(dtype_of<To>()));
  const std::vector<Sizes> strides = {strides_of(sizes, dst_layout), strides_of(sizes, src_layout)};
  const auto geometry = geometry_of<2>(sizes, strides);
  const std::vector<From> src = edge_values<From>(span_of(sizes, strides[1]), 3);
  Guarded<To> actual(span_of(sizes, strides[0])), expected(span_of(sizes, strides[0]));
  under_test::copy(dtype_of<From>(), dtype_of<To>(), geometry, src.data(), actual.data());
  talus::ref::copy(dtype_of<From>(), dtype_of<To>(), geometry, src.data(), expected.data());
  check_same(actual, expected, 0, 0, "copy");
}

const Layout kOutputs[] = {Layout::Contiguous, Layout::Transposed, Layout::Padded, Layout::EverySecond};
const Layout kInputs[] = {Layout::Contiguous,    Layout::Transposed,     Layout::Padded, Layout::EverySecond,
                          Layout::BroadcastLast, Layout::BroadcastFirst, Layout::Scalar};

}  // namespace

TEST(casts_between_all_dtypes) {
  for_each_isa([](const char*) {
    for_each_dtype([](auto from) {
      for_each_dtype([](auto to) {
        using From = typename decltype(from)::type;
        using To = typename decltype(to)::type;
        compare_copy<From, To>({600}, Layout::Contiguous, Layout::Contiguous);
        compare_copy<From, To>({33, 40}, Layout::Padded, Layout::Transposed);
      });
    });
  });
}

TEST(copies_between_all_layouts) {
  for_each_isa([](const char*) {
    for (const Sizes& sizes : odd_sizes())
      for (const Layout dst : kOutputs)
        for (const Layout src : kInputs) {
          compare_copy<float, float>(sizes, dst, src);
          compare_copy<int64_t, int64_t>(sizes, dst, src);
          compare_copy<talus::Bool, talus::Bool>(sizes, dst, src);
          compare_copy<int32_t, double>(sizes, dst, src);
        }
  });
}

TEST(large_copies_on_any_number_of_threads) {
  for_each_thread_count([](int) {
    compare_copy<float, float>({501, 403}, Layout::Contiguous, Layout::Transposed);
    compare_copy<float, float>({7, 101, 300}, Layout::Contiguous, Layout::Padded);
    compare_copy<double, float>({501, 403}, Layout::Contiguous, Layout::Transposed);
    compare_copy<uint8_t, float>({200000}, Layout::Contiguous, Layout::Contiguous);
  });
}

TEST(casts_of_values_out_of_range_follow_x86) {
  for_each_isa([](const char*) {
    const talus::Geometry<2> geometry(6, 0, nullptr);
    const double x[] = {3e9, -3e9, 1e300, -1.9, 300.7, -2147483648.5};
    int32_t i32[6];
    under_test::copy(TALUS_FLOAT64, TALUS_INT32, geometry, x, i32);
    const int32_t want_i32[] = {INT32_MIN, INT32_MIN, INT32_MIN, -1, 300, INT32_MIN};
    CHECK_ALL_CLOSE(i32, want_i32, 6, 0, 0, "int32");
    uint8_t u8[6];
    under_test::copy(TALUS_FLOAT64, TALUS_UINT8, geometry, x, u8);
    // The low byte of the int64; 3e9 happens to be a multiple of 256.
    const uint8_t want_u8[] = {0, 0, 0, 255, 44, 0};
    CHECK_ALL_CLOSE(u8, want_u8, 6, 0, 0, "uint8");
  });
}

// As on a machine whose caches they exceed.
TEST(large_zeros_from_any_address) {
  const talus::CachesForTest small({32 << 10, 64 << 10, 1024});
  for_each_thread_count([](int) {
    for (const int64_t n : {128, 129, 1000, 200003})
      for (const int64_t offset : {0, 1, 15, 16}) {
        Guarded<float> out(n + offset);
        for (int64_t i = 0; i < out.size(); ++i) out[i] = 1;
        const talus::Geometry<1> run(n, 1, nullptr);
        for (const double value : {0.0, -0.0}) {
          under_test::fill(TALUS_FLOAT32, run, value, 0, out.data() + offset);
          bool all = true;
          for (int64_t i = offset; i < out.size(); ++i)
            all &= out[i] == 0 && std::signbit(out[i]) == std::signbit(value);
          CHECK(all && out.intact());
        }
        for (int64_t i = 0; i < offset; ++i) CHECK(out[i] == 1);
      }
  });
}

TEST(fill_and_arange) {
  for_each_dtype([](auto type) {
    using T = typename decltype(type)::type;
    for (const Sizes& sizes : odd_sizes())
      for (const Layout layout : kOutputs) {
        check::Note note(describe(sizes, {layout}));
        const std::vector<Sizes> strides = {strides_of(sizes, layout)};
        Guarded<T> actual(span_of(sizes, strides[0])), expected(span_of(sizes, strides[0]));
        under_test::fill(dtype_of<T>(), geometry_of<1>(sizes, strides), -2.5, 300, actual.data());
        talus::ref::fill(dtype_of<T>(), geometry_of<1>(sizes, strides), -2.5, 300, expected.data());
        check_same(actual, expected, 0, 0, "fill");
      }
    if constexpr (!std::is_same<T, talus::Bool>::value) {
      for (const int64_t n : {0, 1, 100, 100000}) {
        Guarded<T> actual(n), expected(n);
        under_test::arange(dtype_of<T>(), n, -3, 2, actual.data());
        talus::ref::arange(dtype_of<T>(), n, -3, 2, expected.data());
        check_same(actual, expected, 0, 0, "arange");
      }
    }
  });
  float tenths[11];
  under_test::arange(TALUS_FLOAT32, 11, 0, 0.1, tenths);
  CHECK(tenths[3] == 0.3f && tenths[7] == 0.7f && tenths[10] == 1.0f);
}
