// Products by cuBLAS, by the machine's on a GPU and by a stand-in in the emulator: once it is chosen, all that
// test_gemm asks of a product. Tests run in the order of this file.
#include "cuda/cublas.h"
#if defined(TALUS_TEST_EMULATED)
#include "cuda/cublas_stand_in.h"
#else
#include "cuda/cublas_of_machine.h"
#endif
#include "cuda/memory.h"
#include "check.h"
#include "kernels.h"
#include "precision.h"

TEST(cublas_is_refused_until_somebody_brings_it) {
  CHECK_FAILS(talus::cuda::use_cublas(true), "nobody brought it; call talus_cublas_entries");
  int64_t entries[TALUS_CUBLAS_ENTRIES];
  stand_in::entries(entries);
  const int64_t gemm = std::exchange(entries[TALUS_CUBLAS_GEMM], 0);
  CHECK_FAILS(talus::cuda::set_cublas(entries), "cuBLAS's cublasGemmStridedBatchedEx_64 is missing");
  CHECK(!talus::cuda::cublas_used());
  entries[TALUS_CUBLAS_GEMM] = gemm;
  talus::cuda::set_cublas(entries);
  // Not asked before it is needed.
  talus::cuda::cublas_prepare();
  CHECK(stand_in::asked().handles == 0);
  talus::cuda::use_cublas(true);
  CHECK(talus::cuda::cublas_used());
}

namespace {

// Numbers on the device, of CUDA device 0.
struct Numbers {
  explicit Numbers(const std::vector<double>& values)
      : size(static_cast<int64_t>(values.size()) * 8), at(talus::cuda::allocate(size)) {
    talus::cuda::put(at, values.data(), size);
  }
  ~Numbers() { talus::cuda::release(at); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  std::vector<double> values() const {
    std::vector<double> out(static_cast<size_t>(size) / 8);
    talus::cuda::get(out.data(), at, size);
    return out;
  }
  int64_t size;
  void* at;
};

// c = a b of matrices of 2 x 2.
void multiply(const Numbers& a, const Numbers& b, const Numbers& c) {
  talus::cuda::gemm(TALUS_FLOAT64, {1, false, false, 2, 2, 2, 1, a.at, 2, 0, b.at, 2, 0, 0, c.at, 2, 4, nullptr,
                                    talus::kNoActivation});
}

}  // namespace

TEST(a_captured_product_is_repeated_and_its_workspace_stays_the_graphs) {
  talus::cuda::use_device(0);
  const Numbers a({1, 2, 3, 4}), b({5, 6, 7, 8}), c({0, 0, 0, 0}), d({0, 0, 0, 0});
  talus::cuda::use_cublas(false);
  talus::cuda::graph_begin();
  talus::cuda::use_cublas(true);
  CHECK_FAILS(multiply(a, b, c), "the first product by cuBLAS: a graph is being captured");
  talus::cuda::graph_free(talus::cuda::graph_end());
  talus::cuda::graph_begin();
  multiply(a, b, c);
  const char* const captured = stand_in::asked().workspace;
  talus::cuda::Graph* const graph = talus::cuda::graph_end();
  CHECK(!stand_in::asked().made_while_capturing);
  CHECK(c.values() == (std::vector<double>{0, 0, 0, 0}));
  multiply(b, a, d);
  CHECK(stand_in::asked().workspace != captured);
  CHECK(d.values() == (std::vector<double>{23, 34, 31, 46}));
  for (const double first : {1.0, 2.0}) {
    const double changed[] = {first, 2, 3, 4};
    talus::cuda::put(a.at, changed, sizeof changed);
    talus::cuda::graph_launch(graph);
    CHECK(c.values() == (std::vector<double>{5 * first + 14, 6 * first + 16, 43, 50}));
  }
  talus::cuda::graph_free(graph);
}

TEST(streams_have_workspaces_of_their_own_until_they_wait_for_each_other) {
  talus::cuda::use_device(0);
  const Numbers a({1, 2, 3, 4}), b({5, 6, 7, 8}), c({0, 0, 0, 0}), d({0, 0, 0, 0});
  talus::cuda::synchronize();
  talus::cuda::Stream* const other = talus::cuda::stream_create();
  for (int i = 0; i < 4; ++i) {
    multiply(a, b, c);
    talus::cuda::stream_use(other);
    multiply(b, a, d);
    talus::cuda::stream_use(nullptr);
  }
  talus::cuda::synchronize();
  talus::cuda::stream_free(other);
  CHECK(c.values() == (std::vector<double>{19, 22, 43, 50}));
  CHECK(d.values() == (std::vector<double>{23, 34, 31, 46}));
}

// Everything that is asked of the kernels here.
[[maybe_unused]] static const size_t tests_before = check::tests().size();
#include "test_gemm.cpp"
#if defined(TALUS_TEST_WATCHED)
// But not where every access is watched: workspaces of 32 MiB for some thousand products would take minutes.
[[maybe_unused]] static const bool dropped =
    (check::tests().erase(check::tests().begin() + static_cast<std::ptrdiff_t>(tests_before), check::tests().end()),
     true);
#endif

TEST(a_few_products_of_every_kind) {
  all_transposes([](bool ta, bool tb) {
    compare_both({1, 19, 37, 23, ta, tb, -0.5, 2, true, true, 3});
    compare_both({3, 13, 20, 18, ta, tb, 1, 1, true, true, 1, false, false, true});
    compare_both({2, 13, 20, 18, ta, tb, 1, 0, false, false, 0, true, false});
    compare_both({1, 1, 31, 40, ta, tb, 1, 0, true, false});
    compare_both({1, 31, 1, 40, ta, tb, 2, 1, false, true, 2});
  });
}

TEST(cublas_may_round_to_tf32_where_that_is_allowed) {
  const auto asked_for = [](int precision) {
    talus::set_float32_matmul_precision(precision);
    const Problem<float> problem({1, 5, 6, 7, false, false});
    const std::vector<float> expected = problem.expected();
    const Guarded<float> out = problem.actual();
    // Rounded or cut off, a factor loses at most 2^-10 of itself, and none is more than 1.
    const double tolerance = precision == TALUS_PRECISION_HIGH ? 7.1 * 0x1p-9 : 1e-5;
    CHECK_ALL_CLOSE(out.data(), expected.data(), out.size(), 0, tolerance, "C");
    const int single = stand_in::asked().compute;
    compare<double>({1, 5, 6, 7, false, false});
    CHECK(stand_in::asked().compute == 70);
    return single;
  };
  CHECK(asked_for(TALUS_PRECISION_HIGH) == 77);
  CHECK(asked_for(TALUS_PRECISION_HIGHEST) == 68);
}

// 1x1 convolutions that cuda::gemm computes, and their input's gradient; of 8 channels they are too small.
TEST(convolutions_may_round_by_a_setting_of_their_own) {
  const auto asked_for = [](int64_t channels) {
    const int64_t params[TALUS_CONV_PARAMS] = {1, 16, 4, 5, channels, 1, 1, 1, 1, 0, 0, 1, 1, 1};
    const talus::Conv2dParams p(params);
    const std::vector<float> w = random_values<float>(16 * channels, 1);
    std::vector<float> x = random_values<float>(16 * 20, 2), y(static_cast<size_t>(channels) * 20);
    under_test::conv2d(TALUS_FLOAT32, p, x.data(), w.data(), nullptr, talus::kNoActivation, y.data());
    const int forward = stand_in::asked().compute;
    under_test::conv2d_backward_input(TALUS_FLOAT32, p, y.data(), w.data(), x.data());
    CHECK(stand_in::asked().compute == forward);
    return forward;
  };
  const int before = stand_in::asked().products;
  CHECK(asked_for(18) == 68);
  CHECK(stand_in::asked().products == before + 2);
  talus::set_float32_matmul_precision(TALUS_PRECISION_HIGH);
  CHECK(asked_for(18) == 68);
  talus::set_float32_matmul_precision(TALUS_PRECISION_HIGHEST);
  talus::set_conv_fp32_precision(TALUS_PRECISION_HIGH);
  CHECK(asked_for(18) == 77);
  CHECK(asked_for(8) == 68);
  talus::set_conv_fp32_precision(TALUS_PRECISION_HIGHEST);
}

TEST(cublas_was_asked_and_one_handle_serves_a_device) {
  const int before = stand_in::asked().products;
  compare<float>({1, 5, 6, 7, false, false});
  CHECK(stand_in::asked().products > before);
  CHECK(stand_in::asked().handles == 1);
  // One tall product instead of a batch of them.
  compare<float>({3, 5, 6, 7, false, false, 1, 1, true, true, 0, false, true});
}

TEST(a_sum_of_no_terms_stays_here) {
  const int before = stand_in::asked().products;
  compare_both({2, 5, 4, 0, false, false, 1, 0.5, true, true});
  CHECK(stand_in::asked().products == before);
}

TEST(what_cublas_says_is_passed_on) {
  stand_in::next_status() = stand_in::kInvalidValue;
  const Problem<double> problem({1, 5, 6, 7, false, false});
  const std::string words = stand_in::status_string(stand_in::kInvalidValue);
  CHECK_FAILS(problem.actual(), ("cublasGemmStridedBatchedEx_64: " + words + "; see that the driver").c_str());
  CHECK_FAILS((stand_in::next_status() = stand_in::kInvalidValue, problem.actual()), "-Dtalus.gemm=native");
}

TEST(lines_that_overlap_are_refused) {
  Problem<float> problem({1, 5, 6, 7, false, false});
  problem.lda = 0;
  CHECK_FAILS(problem.actual(), "lines of A are 7 elements long and 0 apart, cuBLAS takes none that overlap");
}

TEST(products_are_put_on_the_threads_stream) {
  talus::cuda::use_device(0);
  talus::cuda::Stream* const own = talus::cuda::stream_create();
  talus::cuda::stream_use(own);
  compare<float>({1, 5, 6, 7, false, true, 1, 0, true, true});
  CHECK(stand_in::asked().stream == talus::cuda::current_stream());
  talus::cuda::stream_use(nullptr);
  compare<float>({1, 5, 6, 7, false, true, 1, 0, true, true});
  CHECK(stand_in::asked().stream == talus::cuda::current_stream());
  talus::cuda::stream_free(own);
}

TEST(the_kernels_here_can_be_chosen_again) {
  talus::cuda::use_cublas(false);
  const int before = stand_in::asked().products;
  compare<float>({1, 5, 6, 7, false, false});
  CHECK(stand_in::asked().products == before);
}
