// gemm against its definition, on every instruction set.
#include "caches.h"
#include "gemm_cases.h"

namespace {

template <class T>
void compare(const Problem<T>& problem) {
  const Case& c = problem.c;
  check::Note note(describe(c) + (sizeof(T) == 4 ? " float32" : " float64") +
                   (problem.activation.clamps ? " at most " + std::to_string(problem.activation.most) : ""));
  const std::vector<T> expected = problem.expected();
  const double tolerance = std::numeric_limits<T>::epsilon() * (32 + 0.5 * static_cast<double>(c.k));
  for_each_isa([&](const char*) {
    std::vector<T> first;
    for_each_thread_count([&](int) {
      const Guarded<T> out = problem.actual();
      CHECK(out.intact());
      CHECK_ALL_CLOSE(out.data(), expected.data(), out.size(), tolerance, tolerance, "C");
      if (first.empty()) first.assign(out.data(), out.data() + out.size());
      CHECK(out.size() == 0 || std::memcmp(first.data(), out.data(), first.size() * sizeof(T)) == 0);
    });
  });
}

template <class T>
void compare(const Case& c) {
  for (const talus::Activation& last : activations(c)) compare(Problem<T>(c, last));
}

void compare_both(const Case& c) {
  compare<float>(c);
  compare<double>(c);
}

}  // namespace

TEST(small_shapes_of_every_size_around_a_tile) {
  for (const int64_t m : {1, 2, 5, 7, 14, 15, 29})
    for (const int64_t n : {1, 3, 8, 15, 16, 17, 33})
      for (const int64_t k : {0, 1, 5, 17})
        all_transposes([&](bool ta, bool tb) { compare_both({1, m, n, k, ta, tb}); });
}

TEST(around_the_size_that_is_done_without_blocks) {
  all_transposes([](bool ta, bool tb) {
    for (const bool epilogue : {false, true}) {
      compare_both({1, 64, 10, 84, ta, tb, 1, 0, epilogue, epilogue});
      compare_both({1, 64, 84, 10, ta, tb, 1, 0, epilogue, epilogue, 1});
      compare_both({1, 84, 120, 1, ta, tb, 1, 0, epilogue, epilogue});
      compare<float>({1, 64, 64, 64, ta, tb, 1, 0, epilogue, epilogue});
      compare<float>({1, 64, 64, 65, ta, tb, 1, 0, epilogue, epilogue});
      compare<float>({1, 5, 40, 300, ta, tb, 1, 0, epilogue, epilogue});
    }
  });
}

TEST(alpha_beta_bias_and_activations) {
  for (const double alpha : {1.0, -0.5, 0.0})
    for (const double beta : {0.0, 1.0, -2.0})
      for (const bool bias : {false, true})
        for (const bool relu : {false, true})
          for (const int64_t n : {1, 10, 37})
            for (const int64_t m : {1, 19}) compare_both({1, m, n, 23, false, true, alpha, beta, bias, relu, 3});
}

TEST(larger_than_every_block) {
  all_transposes([](bool ta, bool tb) {
    compare<float>({1, 150, 170, 700, ta, tb, 1.5, 0.5, true, true, 1});
    compare<float>({1, 270, 90, 700, ta, tb, 1.5, 0.5, true, true, 1, false, false, true});
    compare<double>({1, 61, 140, 1100, ta, tb, 1, 0, true, true, 5});
  });
  compare<float>({1, 300, 40, 600, false, false});
  compare<float>({1, 9, 4200, 30, false, true, 1, 1, true});
  compare<double>({1, 9, 4200, 30, false, false, 1, 1, true});
  compare_both({1, 1, 601, 503, false, false, 1, 0, true});  // a row times a matrix that L2 does not hold
}

TEST(a_bias_of_rows) {
  for (const bool relu : {false, true}) {
    for (const int64_t m : {1, 19})
      for (const int64_t n : {1, 37}) compare_both({1, m, n, 23, false, true, 2, 1, true, relu, 3, false, false, true});
    compare_both({3, 4, 5, 6, false, false, 1, 0, true, relu, 0, false, true, true});
    compare_both({1, 90, 130, 600, false, false, 1, 0, true, relu, 1, false, false, true});
    compare_both({1, 7, 9, 4500, true, false, 1, 1, true, relu, 1, false, false, true});
  }
}

TEST(dot_products_of_rows) {
  for (const int64_t m : {2, 3, 4, 5, 9})
    for (const int64_t n : {2, 3, 5, 6, 7, 10, 19})
      for (const int64_t k : {64, 300}) compare_both({1, m, n, k, false, true});
  for (const bool relu : {false, true}) {
    compare_both({1, 8, 10, 333, false, true, 1.5, -1, true, relu, 3});
    compare_both({2, 8, 10, 333, false, true, 1, 0, true, relu, 0, false, false, true});
  }
  compare_both({1, 64, 10, 2048, false, true, 1, 0, true, true});
}

TEST(short_sums_for_many_elements) {
  all_transposes([](bool ta, bool tb) {
    for (const int64_t k : {1, 5, 20}) compare<float>({1, 410, 700, k, ta, tb, 1, 0, true});
    compare<double>({1, 300, 1000, 3, ta, tb, 2, 1});
  });
}

TEST(long_sums_in_pieces) {
  all_transposes([](bool ta, bool tb) {
    compare<float>({1, 20, 33, 4096, ta, tb, 1.5, -1, true, true, 1});
    compare<double>({1, 1, 30, 5000, ta, tb, 1, 0, false, false});
    compare<float>({1, 30, 1, 9001, ta, tb, 1, 0, true, false});
  });
  compare<float>({2, 3, 5, 40000, true, false, 1, 0, false, true});
}

TEST(rows_that_collide_in_a_cache) {
  all_transposes([](bool ta, bool tb) {
    compare<float>({1, 60, 70, 512, ta, tb, 1, 0, true, false, 512 - (ta ? 60 : 0)});
    compare<double>({1, 60, 512, 80, ta, tb, 1, 1, true, true});
  });
}

TEST(tiles_packed_where_they_are_used) {
  all_transposes([](bool ta, bool tb) {
    for (const int64_t n : {300, 1090}) compare<float>({1, 105, n, 310, ta, tb, 1.5, 0.5, true, true, 1});
    compare<double>({1, 105, 530, 200, ta, tb, 1, 0, true, true});
    compare<float>({1, 9, 1100, 1030, ta, tb, 1, 0, false, true, 0, false, false, true});
  });
}

TEST(one_part_of_c_for_each_thread) {
  all_transposes([](bool ta, bool tb) {
    compare<float>({1, 96, 128, 200, ta, tb, 1.5, 0.5, true, true, 1});
    compare<double>({1, 96, 128, 100, ta, tb, 1, 0, true, true});
    compare<float>({1, 250, 20, 300, ta, tb, 1, 1, true, false, 0, false, false, true});
    compare<float>({1, 65, 121, 577, ta, tb, 1, 0, true, true, 3, false, false, true});
  });
}

TEST(blocks_of_small_caches) {
  // Sums of 64 terms, and of up to 256: where A's groups of panels are packed one at a time.
  for (const int64_t l1 : {4 << 10, 16 << 10}) {
    const talus::CachesForTest tiny({l1, 32 << 10, 64 << 10});
    all_transposes([](bool ta, bool tb) {
      compare_both({1, 150, 170, 190, ta, tb, 1.5, 0.5, true, true, 1});
      compare<float>({1, 300, 40, 300, ta, tb, 1, 0, true, true, 0, false, false, true});
      compare<double>({1, 40, 300, 300, ta, tb});
    });
  }
}

TEST(matrix_times_vector) {
  all_transposes([](bool ta, bool tb) {
    for (const int64_t extra : {0, 2}) {
      compare_both({1, 1, 531, 203, ta, tb, 1, 0, true, true, extra});
      compare_both({1, 531, 1, 203, ta, tb, 2, 1, true, false, extra});
      compare<float>({1, 1, 2100, 203, ta, tb, 1, 0, true, true, extra});
      compare_both({1, 1, 1, 203, ta, tb, 2, 1, true, false, extra});
    }
  });
}

TEST(batches) {
  all_transposes([](bool ta, bool tb) {
    for (const int64_t batch : {0, 1, 2, 7}) {
      compare_both({batch, 13, 20, 18, ta, tb, 1, 1, true, true, 1});
      compare_both({batch, 13, 20, 18, ta, tb, 1, 0, false, false, 0, false, true});
      compare_both({batch, 13, 20, 18, ta, tb, 1, 0, false, false, 0, true, false});
    }
  });
  compare<float>({3, 70, 90, 110, false, true});
}

TEST(empty_matrices) {
  compare_both({1, 0, 5, 3, false, false});
  compare_both({1, 5, 0, 3, false, false});
  compare_both({2, 5, 4, 0, false, false, 1, 0.5, true, true});
  compare_both({1, 1, 4, 0, false, true, 1, 0.5, true, true});
}

// Of whole numbers, so that every sum is exact: what is below 0, between and above 6, and infinite, is known.
TEST(relu6_is_clamping_to_six) {
  const auto check_exact = [](const Case& c) {
    check::Note note(describe(c));
    Problem<float> problem(c, talus::kRelu6), plain(c, talus::kNoActivation);
    for (std::vector<float>* values : {&problem.a, &problem.b, &problem.bias})
      for (float& v : *values) v = std::round(2 * v);
    // Infinite sums are those of one row or, where there is no other row, one column.
    problem.a[0] = problem.b[0] = 1;
    (c.m > 1 ? problem.a : problem.b)[0] = std::numeric_limits<float>::infinity();
    plain.a = problem.a;
    plain.b = problem.b;
    plain.bias = problem.bias;
    const std::vector<float> sums = plain.expected();
    for_each_isa([&](const char*) {
      const Guarded<float> out = problem.actual();
      int64_t below = 0, between = 0, above = 0;
      for (int64_t i = 0; i < out.size(); ++i) {
        const float sum = sums[static_cast<size_t>(i)];
        CHECK(std::isnan(sum) ? std::isnan(out.data()[i]) : out.data()[i] == std::min(std::max(sum, 0.0f), 6.0f));
        below += sum < 0;
        between += sum > 0 && sum < 6;
        above += sum > 6;
      }
      CHECK(below > 0 && between > 0 && above > 0);
    });
  };
  check_exact({1, 19, 37, 23, false, false, 1, 0, true});     // tiles
  check_exact({1, 9, 10, 333, false, true, 1, 0, true});      // dot products
  check_exact({1, 150, 170, 700, false, false, 1, 0, true});  // blocks
  check_exact({1, 1, 531, 203, false, false, 1, 0, true});    // vectors
  check_exact({1, 531, 1, 203, false, false, 1, 0, true});
  check_exact({1, 20, 33, 4096, false, false, 1, 0, true, false, 0, false, false, true});  // pieces of sums
  check_exact({3, 13, 20, 18, false, false, 1, 0, true});
}

TEST(not_a_number_passes_through_activations) {
  for_each_isa([](const char*) {
    for (const talus::Activation& last : {talus::kRelu, talus::kRelu6})
      for (const int64_t m : {1, 3}) {
        Problem<float> problem({1, m, 5, 2, false, false}, last);
        problem.a[0] = std::numeric_limits<float>::quiet_NaN();
        const Guarded<float> out = problem.actual();
        for (int64_t j = 0; j < 5; ++j) CHECK(std::isnan(out.data()[j]));
      }
  });
}
