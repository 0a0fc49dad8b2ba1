// Dropout against the reference, bit for bit; test_random draws the masks.
#include <limits>

#include "check.h"
#include "under_test.h"

namespace {

template <class T>
void compare_dropout(int64_t n, int64_t inner) {
  check::Note note(std::to_string(n) + " x " + std::to_string(inner));
  std::vector<T> x = random_values<T>(n * inner, 1);
  std::vector<uint8_t> kept;
  for (const double v : random_values<double>(n, 2)) kept.push_back(v < 0.5);
  if (!x.empty()) x[0] = std::numeric_limits<T>::infinity();  // times 0 is NaN
  Guarded<T> actual(n * inner), expected(n * inner);
  under_test::dropout(dtype_of<T>(), n, inner, x.data(), kept.data(), 0.9, actual.data());
  talus::ref::dropout(dtype_of<T>(), n, inner, x.data(), kept.data(), 0.9, expected.data());
  CHECK(actual.intact());
  CHECK_ALL_CLOSE(actual.data(), expected.data(), n * inner, 0, 0, "dropout");
}

TEST(dropout_is_the_references) {
  for_each_isa([](const char*) {
    for_each_thread_count([](int) {
      const int64_t shapes[][2] = {{0, 1}, {3, 0}, {1, 1}, {77, 1}, {13, 7}, {2, 1000}, {140000, 1}, {300, 501}};
      for (const auto& s : shapes) {
        compare_dropout<float>(s[0], s[1]);
        compare_dropout<double>(s[0], s[1]);
      }
    });
  });
}

}  // namespace
