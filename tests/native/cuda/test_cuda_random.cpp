// CUDA's random numbers: known answers of Philox, what distributions look like, and that numbers follow the generator's
// state alone.
#include <algorithm>
#include <memory>
#include <numeric>

#include "check.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "random.h"

namespace {

using namespace talus;

struct Free {
  void operator()(Generator* generator) const { generator_free(generator); }
};
using Owned = std::unique_ptr<Generator, Free>;

// What `fill` writes to n elements of device memory, `skip` elements after an aligned address.
template <class T, class F>
std::vector<T> drawn(int64_t n, F&& fill, int64_t skip = 0) {
  cuda::use_device(0);
  T* const block = static_cast<T*>(cuda::allocate((n + skip) * int64_t{sizeof(T)}));
  std::vector<T> host(static_cast<size_t>(n));
  fill(block + skip);
  cuda::get(host.data(), block + skip, n * int64_t{sizeof(T)});
  cuda::release(block);
  return host;
}

template <class T>
double mean_of(const std::vector<T>& values) {
  double sum = 0;
  for (const T v : values) sum += static_cast<double>(v);
  return sum / static_cast<double>(values.size());
}

template <class T>
double variance_of(const std::vector<T>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const T v : values) sum += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  return sum / static_cast<double>(values.size());
}

constexpr int64_t kMany = 40000;

// Words of the first block with this seed, as the low halves of 64-bit draws and the high ones.
std::vector<uint32_t> first_words(int64_t seed) {
  const Owned g(generator_create(seed));
  const std::vector<int64_t> low =
      drawn<int64_t>(2, [&](int64_t* out) { cuda::random_int(*g, TALUS_INT64, 2, 0, int64_t{1} << 32, out); });
  generator_seed(*g, seed);
  const std::vector<int64_t> all =
      drawn<int64_t>(2, [&](int64_t* out) { cuda::random_int(*g, TALUS_INT64, 2, INT64_MIN, INT64_MAX, out); });
  std::vector<uint32_t> words;
  for (size_t i = 0; i < 2; ++i) {
    words.push_back(static_cast<uint32_t>((static_cast<uint64_t>(all[i]) ^ (uint64_t{1} << 63)) >> 32));
    words.push_back(static_cast<uint32_t>(low[i]));
  }
  return words;
}

}  // namespace

// The first vector is that of the paper's own test program, for a key and a counter of zeros.
TEST(words_are_philox) {
  CHECK(first_words(0) == (std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  CHECK(first_words(1) != first_words(0));
  CHECK(first_words(int64_t{1} << 32) != first_words(0));
}

TEST(uniform_numbers_fill_their_range) {
  const Owned g(generator_create(7));
  const auto check = [&](auto zero, int dtype) {
    using T = decltype(zero);
    const std::vector<T> values = drawn<T>(kMany, [&](T* out) { cuda::random_uniform(*g, dtype, kMany, -2, 6, out); });
    CHECK(*std::min_element(values.begin(), values.end()) >= T(-2));
    CHECK(*std::max_element(values.begin(), values.end()) < T(6));
    CHECK_NEAR(mean_of(values), 2, 0.05);
    CHECK_NEAR(variance_of(values), 64.0 / 12, 0.1);
  };
  check(0.0f, TALUS_FLOAT32);
  check(0.0, TALUS_FLOAT64);
}

TEST(normal_numbers_are_normal) {
  const Owned g(generator_create(7));
  const auto check = [&](auto zero, int dtype) {
    using T = decltype(zero);
    const std::vector<T> values = drawn<T>(kMany, [&](T* out) { cuda::random_normal(*g, dtype, kMany, 3, 2, out); });
    CHECK_NEAR(mean_of(values), 3, 0.05);
    CHECK_NEAR(variance_of(values), 4, 0.15);
    const auto within = [&](double sigmas) {
      const auto inside = [&](T v) { return std::fabs(static_cast<double>(v) - 3) < 2 * sigmas; };
      return static_cast<double>(std::count_if(values.begin(), values.end(), inside)) / kMany;
    };
    CHECK_NEAR(within(1), 0.6827, 0.01);
    CHECK_NEAR(within(2), 0.9545, 0.005);
    // The two of a pair do not follow each other.
    double product = 0;
    for (size_t i = 0; i + 1 < values.size(); i += 2)
      product += (static_cast<double>(values[i]) - 3) * (static_cast<double>(values[i + 1]) - 3);
    CHECK_NEAR(product / (kMany / 2), 0, 0.1);
  };
  check(0.0f, TALUS_FLOAT32);
  check(0.0, TALUS_FLOAT64);
}

TEST(integers_fill_their_range) {
  const Owned g(generator_create(7));
  const std::vector<int32_t> narrow =
      drawn<int32_t>(kMany, [&](int32_t* out) { cuda::random_int(*g, TALUS_INT32, kMany, -3, 4, out); });
  for (int32_t v = -3; v < 4; ++v)
    CHECK_NEAR(std::count(narrow.begin(), narrow.end(), v) / static_cast<double>(kMany), 1.0 / 7, 0.01);
  const std::vector<int64_t> wide =
      drawn<int64_t>(kMany, [&](int64_t* out) { cuda::random_int(*g, TALUS_INT64, kMany, -5, int64_t{1} << 40, out); });
  CHECK(*std::min_element(wide.begin(), wide.end()) >= -5);
  CHECK(*std::max_element(wide.begin(), wide.end()) < int64_t{1} << 40);
  CHECK_NEAR(mean_of(wide) / static_cast<double>(int64_t{1} << 40), 0.5, 0.01);
  const std::vector<float> floating =
      drawn<float>(kMany, [&](float* out) { cuda::random_int(*g, TALUS_FLOAT32, kMany, 0, 2, out); });
  CHECK_NEAR(mean_of(floating), 0.5, 0.01);
}

TEST(bernoulli_numbers_are_as_likely_as_asked) {
  const Owned g(generator_create(7));
  for (const double p : {0.0, 0.25, 0.9, 1.0}) {
    const std::vector<uint8_t> bools =
        drawn<uint8_t>(kMany, [&](uint8_t* out) { cuda::random_bernoulli(*g, TALUS_BOOL, kMany, p, out); });
    const std::vector<double> doubles =
        drawn<double>(kMany, [&](double* out) { cuda::random_bernoulli(*g, TALUS_FLOAT64, kMany, p, out); });
    CHECK_NEAR(mean_of(bools), p, p == 0 || p == 1 ? 0 : 0.01);
    CHECK_NEAR(mean_of(doubles), p, p == 0 || p == 1 ? 0 : 0.01);
  }
}

TEST(numbers_follow_the_generators_state) {
  const Owned g(generator_create(3)), h(generator_create(9));
  const auto next = [](Generator& from, int64_t n, int64_t skip = 0) {
    return drawn<float>(
        n, [&](float* out) { cuda::random_uniform(from, TALUS_FLOAT32, n, 0, 1, out); }, skip);
  };
  for_each_isa([&](const char*) {
    generator_seed(*g, 3);
    const std::vector<float> first = next(*g, 1003), second = next(*g, 1003);
    CHECK(first != second);
    generator_seed(*g, 3);
    CHECK(next(*g, 0).empty());
    // Elements are the same whatever their number, and where they go.
    const std::vector<float> less = next(*g, 501, 1);
    CHECK(std::equal(less.begin(), less.end(), first.begin()));
    generator_seed(*g, 3);
    CHECK(next(*g, 1003) == first);
    generator_copy(*g, *h);
    CHECK(next(*h, 1003) == second);
    CHECK(next(*g, 1003, 3) == second);
  });
}

TEST(a_permutation_is_the_cpus) {
  const Owned g(generator_create(5)), h(generator_create(5));
  std::vector<int64_t> expected(100);
  talus::random_permutation(*h, 100, expected.data());
  CHECK(drawn<int64_t>(100, [&](int64_t* out) { cuda::random_permutation(*g, 100, out); }) == expected);
  CHECK(drawn<int64_t>(0, [&](int64_t* out) { cuda::random_permutation(*g, 0, out); }).empty());
}

TEST(bad_arguments_are_refused) {
  const Owned g(generator_create(0));
  CHECK_FAILS(cuda::random_uniform(*g, TALUS_FLOAT32, 0, 2, 1, nullptr), "found from=2 > to=1");
  CHECK_FAILS(cuda::random_uniform(*g, TALUS_INT64, 0, 0, 1, nullptr), "uniform_: dtype 2 is not supported");
  CHECK_FAILS(cuda::random_normal(*g, TALUS_FLOAT32, 0, 0, -1, nullptr), "found std -1");
  CHECK_FAILS(cuda::random_int(*g, TALUS_BOOL, 0, 0, 3, nullptr), "range [0, 1]");
  CHECK_FAILS(cuda::random_bernoulli(*g, TALUS_FLOAT32, 0, 1.5, nullptr), "but got p=1.5");
}
