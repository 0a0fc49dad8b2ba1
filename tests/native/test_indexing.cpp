// Selecting, gathering, adding by index and one-hot rows against the reference, for every dtype.
#include "check.h"
#include "kernels.h"
#include "under_test.h"

namespace {

struct Shape {
  int64_t outer, size, inner, count;
};

const Shape kShapes[] = {{1, 5, 1, 9},    {1, 5, 7, 9},        {3, 4, 1, 6},     {3, 4, 5, 6},
                         {2, 3, 4, 0},    {0, 3, 4, 2},        {2, 3, 0, 2},     {1, 1, 200, 300},
                         {40, 9, 70, 50}, {1, 1000, 64, 2000}, {300, 11, 1, 90}, {3, 50, 1, 3000}};

std::vector<int64_t> random_indices(int64_t n, int64_t size) {
  std::vector<int64_t> indices;
  for (const double v : random_values<double>(n, 4))
    indices.push_back(static_cast<int64_t>((v + 1) / 2.0001 * static_cast<double>(size)));
  return indices;
}

template <class T>
std::vector<T> values(int64_t n, uint32_t seed) {
  std::vector<T> result;
  for (const double v : random_values<double>(n, seed)) {
    if constexpr (std::is_same<T, talus::Bool>::value)
      result.push_back(v > 0 ? talus::Bool::True : talus::Bool::False);
    else if constexpr (std::is_same<T, uint8_t>::value)
      result.push_back(static_cast<T>(static_cast<int>(v * 100 + 100)));
    else if constexpr (std::is_integral<T>::value)
      result.push_back(v > 0.9 ? std::numeric_limits<T>::max() : T(v * 50));
    else
      result.push_back(static_cast<T>(v));
  }
  return result;
}

// Every operation adds in index order, so that even floating results must be equal.
template <class T>
void compare(const Shape& s) {
  check::Note note("outer " + std::to_string(s.outer) + " size " + std::to_string(s.size) + " inner " +
                   std::to_string(s.inner) + " count " + std::to_string(s.count) + " dtype " +
                   std::to_string(dtype_of<T>()));
  const int64_t whole = s.outer * s.size * s.inner, picked = s.outer * s.count * s.inner;
  const std::vector<T> x = values<T>(whole, 1), y = values<T>(picked, 2);
  const std::vector<int64_t> rows = random_indices(s.count, s.size), elements = random_indices(picked, s.size);
  const auto same = [](const Guarded<T>& a, const Guarded<T>& b) {
    return a.intact() && std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(T)) == 0;
  };
  const auto with_kernel = [&](auto kernel, auto reference, const std::vector<T>& from,
                               const std::vector<int64_t>& index, int64_t out_size) {
    Guarded<T> actual(out_size), expected(out_size);
    if (out_size == whole)
      for (Guarded<T>* out : {&actual, &expected})
        if (whole > 0) std::memcpy(out->data(), x.data(), static_cast<size_t>(whole) * sizeof(T));
    kernel(dtype_of<T>(), s.outer, s.size, s.inner, s.count, from.data(), index.data(), actual.data());
    reference(dtype_of<T>(), s.outer, s.size, s.inner, s.count, from.data(), index.data(), expected.data());
    CHECK(same(actual, expected));
  };
  with_kernel(under_test::index_select, talus::ref::index_select, x, rows, picked);
  with_kernel(under_test::gather, talus::ref::gather, x, elements, picked);
  with_kernel(under_test::index_add, talus::ref::index_add, y, rows, whole);
  with_kernel(under_test::scatter_add, talus::ref::scatter_add, y, elements, whole);
}

}  // namespace

TEST(indexing_matches_the_reference_on_any_number_of_threads) {
  for_each_isa([](const char*) {
    for_each_thread_count([](int) {
      for (const Shape& s : kShapes)
        for (int dtype = TALUS_FLOAT32; dtype <= TALUS_BOOL; ++dtype)
          talus::dispatch_any(dtype, "test", [&](auto type) { compare<typename decltype(type)::type>(s); });
    });
  });
}

TEST(indices_out_of_range_are_refused_before_writing) {
  const float x[6] = {1, 2, 3, 4, 5, 6};
  for (const int64_t bad : {3, -1}) {
    const int64_t index[] = {0, bad};
    float out[6] = {};
    const std::string part =
        "index " + std::to_string(bad) + " at position 1 is out of range for a dimension of size 3";
    CHECK_FAILS(under_test::index_select(TALUS_FLOAT32, 1, 3, 2, 2, x, index, out), part.c_str());
    CHECK_FAILS(under_test::index_add(TALUS_FLOAT32, 1, 3, 2, 2, x, index, out), part.c_str());
    CHECK_FAILS(under_test::gather(TALUS_FLOAT32, 1, 3, 2, 1, x, index, out), part.c_str());
    CHECK_FAILS(under_test::scatter_add(TALUS_FLOAT32, 1, 3, 2, 1, x, index, out), part.c_str());
    int64_t hot[6] = {};
    CHECK_FAILS(under_test::one_hot(2, 3, index, hot), part.c_str());
    for (int i = 0; i < 6; ++i) CHECK(out[i] == 0 && hot[i] == 0);
  }
}

// They are checked in pieces; the first one out of range is named, wherever it lies.
TEST(indices_of_elements_out_of_range_are_found_in_every_piece) {
  constexpr int64_t kCount = 5000;
  const std::vector<float> x(kCount, 1.0f);
  for_each_thread_count([&](int) {
    for (const int64_t place : {int64_t{0}, int64_t{1023}, int64_t{1024}, kCount - 1})
      for (const int64_t inner : {1, 8}) {
        std::vector<int64_t> index(kCount, 1);
        index[static_cast<size_t>(place)] = 3;
        std::vector<float> out(kCount);
        const std::string part = "index 3 at position " + std::to_string(place);
        CHECK_FAILS(under_test::gather(TALUS_FLOAT32, 1, 3, inner, kCount / inner, x.data(), index.data(), out.data()),
                    part.c_str());
        CHECK_FAILS(
            under_test::scatter_add(TALUS_FLOAT32, 1, 3, inner, kCount / inner, x.data(), index.data(), out.data()),
            part.c_str());
      }
  });
}

TEST(one_hot_rows) {
  for (const int64_t n : {0, 1, 5, 9000}) {
    const std::vector<int64_t> index = random_indices(n, 13);
    Guarded<int64_t> actual(n * 13), expected(n * 13);
    under_test::one_hot(n, 13, index.data(), actual.data());
    talus::ref::one_hot(n, 13, index.data(), expected.data());
    CHECK(actual.intact());
    CHECK(std::memcmp(actual.data(), expected.data(), static_cast<size_t>(n) * 13 * sizeof(int64_t)) == 0);
  }
}
