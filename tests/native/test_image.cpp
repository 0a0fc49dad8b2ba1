// Batches of normalised images against the reference, bit for bit.
#include "check.h"
#include "under_test.h"

TEST(image_batches_match_the_reference) {
  const int64_t shapes[][4] = {{3, 5, 7, 0}, {3, 5, 7, 2}, {1, 1, 1, 0}, {9, 28, 28, 0}, {9, 28, 28, 2}, {2, 4, 33, 1}};
  for_each_thread_count([&](int) {
    for (const auto& s : shapes)
      for (const int64_t n : {0, 1, 70}) {
        const int64_t count = s[0], height = s[1], width = s[2], pad = s[3];
        check::Note note(std::to_string(height) + " x " + std::to_string(width) + " pad " + std::to_string(pad));
        std::vector<uint8_t> src;
        for (const double v : random_values<double>(count * height * width, 5))
          src.push_back(static_cast<uint8_t>((v + 1) * 127));
        std::vector<int64_t> index;
        for (int64_t i = 0; i < n; ++i) index.push_back(i * 7 % count);
        Guarded<float> actual(n * (height + 2 * pad) * (width + 2 * pad)), expected(actual.size());
        under_test::image_batch(count, height, width, pad, 0.1307, 0.3081, n, src.data(), index.data(), actual.data());
        talus::ref::image_batch(count, height, width, pad, 0.1307, 0.3081, n, src.data(), index.data(),
                                expected.data());
        CHECK(actual.intact());
        CHECK(std::memcmp(actual.data(), expected.data(), static_cast<size_t>(actual.size()) * sizeof(float)) == 0);
      }
  });
}

TEST(image_indices_out_of_range_are_refused) {
  const uint8_t src[2] = {1, 2};
  float out[2];
  for (const int64_t bad : {2, -1}) {
    const int64_t index[] = {0, bad};
    const std::string part =
        "index " + std::to_string(bad) + " at position 1 is out of range for a dimension of size 2";
    CHECK_FAILS(under_test::image_batch(2, 1, 1, 0, 0, 1, 2, src, index, out), part.c_str());
  }
}
