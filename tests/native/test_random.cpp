// The random numbers are libtorch's, bit for bit, on every instruction set. Values marked "libtorch" below, and those
// of random_golden.h, were printed by libtorch 2.10 on x86-64.
#include <algorithm>
#include <memory>

#include "check.h"
#include "kernels.h"
#include "random.h"
#include "random_golden.h"

namespace {

using golden::BOOL, golden::F32, golden::F64, golden::I32, golden::I64, golden::U8;
using talus::Generator;

struct Free {
  void operator()(Generator* generator) const { talus::generator_free(generator); }
};
using Owned = std::unique_ptr<Generator, Free>;

Owned make(int64_t seed) { return Owned(talus::generator_create(seed)); }

void run(Generator& g, const golden::Call& call, void* out) {
  switch (call.op) {
    case golden::Op::Uniform:
      return talus::random_uniform(g, call.dtype, call.n, call.a, call.b, out);
    case golden::Op::Normal:
      return talus::random_normal(g, call.dtype, call.n, call.a, call.b, out);
    case golden::Op::Integers:
      return talus::random_int(g, call.dtype, call.n, call.low, call.high, out);
    case golden::Op::Bernoulli:
      return talus::random_bernoulli(g, call.dtype, call.n, call.a, out);
    case golden::Op::Permutation:
      return talus::random_permutation(g, call.n, static_cast<int64_t*>(out));
  }
}

uint64_t fnv1a(const unsigned char* bytes, int64_t n) {
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < n; ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

// Numbers through the C library's log, sin and cos have libtorch's last bit only where the library is the same.
bool same_bits_expected(const golden::Call& call) {
  const bool uses_libm = call.op == golden::Op::Normal && (call.dtype == F64 || call.n < 16);
#if defined(__GLIBC__) && defined(__x86_64__)
  return !uses_libm || talus::isa_available(talus::Isa::Avx2);
#else
  return !uses_libm;
#endif
}

double value(const unsigned char* bytes, int dtype) {
  if (dtype == F64) {
    double x;
    std::memcpy(&x, bytes, sizeof x);
    return x;
  }
  float x;
  std::memcpy(&x, bytes, sizeof x);
  return x;
}

void compare(const golden::Call& call, const unsigned char* bytes, uint64_t first, uint64_t last, uint64_t hash) {
  const size_t size = static_cast<size_t>(talus::size_of(call.dtype));
  const int64_t end = call.n * static_cast<int64_t>(size);
  if (same_bits_expected(call)) {
    CHECK(fnv1a(bytes, end) == hash);
    if (call.n == 0) return;
    CHECK(std::memcmp(bytes, &first, size) == 0);
    CHECK(std::memcmp(bytes + end - size, &last, size) == 0);
  } else {
    unsigned char expected[sizeof(uint64_t)];
    const double tolerance = call.dtype == F64 ? 1e-13 : 1e-6;
    std::memcpy(expected, &first, sizeof expected);
    CHECK_NEAR(value(bytes, call.dtype), value(expected, call.dtype), tolerance);
    std::memcpy(expected, &last, sizeof expected);
    CHECK_NEAR(value(bytes + end - size, call.dtype), value(expected, call.dtype), tolerance);
  }
}

template <class T>
std::vector<T> draw(Generator& g, const golden::Call& call) {
  std::vector<T> values(static_cast<size_t>(call.n));
  run(g, call, values.data());
  return values;
}

std::vector<uint32_t> next_words(Generator& g) { return draw<uint32_t>(g, golden::uniform(F32, 8, 0, 1)); }

const std::vector<golden::Call>& one_of_each() {
  static const std::vector<golden::Call> calls = {
      golden::uniform(F32, 40, 0, 1),   golden::uniform(F64, 40, 0, 1),
      golden::normal(F32, 40, 0, 1),    golden::normal(F64, 40, 0, 1),
      golden::integers(I64, 40, 0, 10), golden::integers(I64, 40, 0, int64_t{1} << 40),
      golden::bernoulli(BOOL, 40, 0.5), golden::permutation(40)};
  return calls;
}

}  // namespace

TEST(every_distribution_gives_libtorchs_bits) {
  for_each_isa([](const char*) {
    for (const golden::Sequence& sequence : golden::sequences()) {
      const Owned g = make(sequence.seed);
      int index = 0;
      for (const golden::Row& row : sequence.rows) {
        check::Note note("seed " + std::to_string(sequence.seed) + ", row " + std::to_string(index++));
        Guarded<unsigned char> out(row.call.n * talus::size_of(row.call.dtype));
        run(*g, row.call, out.data());
        compare(row.call, out.data(), row.first, row.last, row.hash);
        CHECK(out.intact());
      }
    }
  });
}

// PyTorch's default initialisation of Conv2d and Linear: kaiming_uniform_(a = sqrt(5)) and a uniform bias.
TEST(network_parameters_are_libtorchs) {
  for_each_isa([](const char*) {
    const Owned g = make(0);
    for (const golden::Parameter& p : golden::network()) {
      const double root = std::sqrt(static_cast<double>(p.fan_in)), slope = std::sqrt(5.0);
      const double weight_bound = std::sqrt(3.0) * (std::sqrt(2.0 / (1.0 + slope * slope)) / root);
      const double bound = p.is_bias ? 1.0 / root : weight_bound;
      const golden::Call call = golden::uniform(F32, p.n, -bound, bound);
      Guarded<unsigned char> out(p.n * 4);
      run(*g, call, out.data());
      compare(call, out.data(), p.first, p.last, p.hash);
      CHECK(out.intact());
    }
  });
}

TEST(first_numbers_of_seed_0) {  // libtorch
  const std::vector<uint32_t> uniform = {0x3efe1558, 0x3f44aa2f, 0x3db533a8, 0x3e073300, 0x3e9d6686};
  CHECK(draw<uint32_t>(*make(0), golden::uniform(F32, 5, 0, 1)) == uniform);
  const std::vector<float> normal = {1.5409961f, -0.2934289f, -2.1787894f, 0.56843126f, -1.0845224f};
  CHECK_ALL_CLOSE(draw<float>(*make(0), golden::normal(F32, 5, 0, 1)).data(), normal.data(), 5, 1e-7, 0, "randn(5)");
  const std::vector<int64_t> order = {4, 1, 7, 5, 3, 9, 0, 8, 6, 2};
  CHECK(draw<int64_t>(*make(0), golden::permutation(10)) == order);
}

TEST(only_the_low_half_of_the_seed_counts) {
  CHECK(next_words(*make(5)) == next_words(*make(5 + (int64_t{1} << 32))));
  CHECK(next_words(*make(-1)) == next_words(*make(0xffffffff)));
  CHECK(next_words(*make(5)) != next_words(*make(6)));
}

TEST(seeding_again_starts_over) {
  for (const golden::Call& call : one_of_each()) {
    const Owned g = make(11);
    const std::vector<uint32_t> start = next_words(*g);
    Guarded<unsigned char> out(call.n * 8);
    run(*g, call, out.data());
    talus::generator_seed(*g, 11);
    CHECK(next_words(*g) == start);
  }
}

TEST(seeding_again_drops_the_spare_normal) {
  const Owned g = make(3);
  const std::vector<double> pair = draw<double>(*g, golden::normal(F64, 2, 0, 1));
  talus::generator_seed(*g, 3);
  CHECK(draw<double>(*g, golden::normal(F64, 1, 0, 1))[0] == pair[0]);
  talus::generator_seed(*g, 3);
  CHECK(draw<double>(*g, golden::normal(F64, 1, 0, 1))[0] == pair[0]);
  CHECK(draw<double>(*g, golden::normal(F64, 1, 0, 1))[0] == pair[1]);
}

// The spare number outlives other draws, serves both dtypes, and is not touched by the drawing in blocks.
TEST(spare_normal_waits_for_the_next_small_draw) {
  const Owned g = make(3);
  const std::vector<double> pair = draw<double>(*g, golden::normal(F64, 2, 0, 1));
  talus::generator_seed(*g, 3);
  CHECK(draw<double>(*g, golden::normal(F64, 1, 0, 1))[0] == pair[0]);
  draw<float>(*g, golden::normal(F32, 16, 0, 1));
  draw<float>(*g, golden::uniform(F32, 3, 0, 1));
  CHECK(draw<float>(*g, golden::normal(F32, 1, 10, 2))[0] == static_cast<float>(std::fma(pair[1], 2.0, 10.0)));
}

TEST(copy_takes_the_whole_state) {
  const Owned g = make(8), copy = make(1);
  draw<float>(*g, golden::uniform(F32, 700, 0, 1));
  draw<double>(*g, golden::normal(F64, 3, 0, 1));
  talus::generator_copy(*g, *copy);
  for (const golden::Call& call : {golden::normal(F64, 1, 0, 1), golden::uniform(F64, 999, -1, 1)}) {
    const std::vector<double> from_original = draw<double>(*g, call);
    CHECK(draw<double>(*copy, call) == from_original);
  }
  draw<float>(*g, golden::uniform(F32, 1, 0, 1));
  CHECK(next_words(*g) != next_words(*copy));
}

TEST(nothing_is_drawn_for_nothing) {
  for (golden::Call call : one_of_each()) {
    call.n = 0;
    const Owned g = make(21);
    unsigned char untouched = 7;
    run(*g, call, &untouched);
    CHECK(untouched == 7);
    CHECK(next_words(*g) == next_words(*make(21)));
  }
}

TEST(uniform_draws_can_be_split_anywhere) {
  const std::vector<float> whole = draw<float>(*make(2), golden::uniform(F32, 2000, 0, 1));
  for (const int64_t cut : {1, 511, 512, 623, 624, 625, 1999}) {
    const Owned g = make(2);
    std::vector<float> parts = draw<float>(*g, golden::uniform(F32, cut, 0, 1));
    const std::vector<float> rest = draw<float>(*g, golden::uniform(F32, 2000 - cut, 0, 1));
    parts.insert(parts.end(), rest.begin(), rest.end());
    CHECK(parts == whole);
  }
}

TEST(values_stay_in_range) {
  const Owned g = make(4);
  for (const auto& [low, high] : {std::pair<int64_t, int64_t>{-3, 4}, {INT64_MIN, INT64_MAX}, {7, 8}})
    for (const int64_t v : draw<int64_t>(*g, golden::integers(I64, 1000, low, high))) CHECK(v >= low && v < high);
  // 2^24 + 1 is no float: rounding to nearest would step out of [0, 2^24 + 1).
  for (const float v : draw<float>(*g, golden::integers(F32, 1000, 0, 16777217))) CHECK(v >= 0 && v <= 16777216);
  for (const float v : draw<float>(*g, golden::uniform(F32, 1000, -2, 3))) CHECK(v >= -2 && v <= 3);
  for (const int p : {0, 1})
    for (const uint8_t v : draw<uint8_t>(*g, golden::bernoulli(U8, 1000, p))) CHECK(v == p);
  std::vector<int64_t> order = draw<int64_t>(*g, golden::permutation(1000));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) CHECK(order[static_cast<size_t>(i)] == i);
}

// Whichever dtype holds them, the same numbers are kept.
TEST(bernoulli_does_not_depend_on_the_dtype) {
  for_each_isa([](const char*) {
    const Owned g = make(3), h = make(3);
    for (const int64_t n : {1, 7, 511, 513, 2000}) {
      const std::vector<uint8_t> kept = draw<uint8_t>(*g, golden::bernoulli(BOOL, n, 0.9));
      const std::vector<double> same = draw<double>(*h, golden::bernoulli(F64, n, 0.9));
      for (size_t i = 0; i < kept.size(); ++i) CHECK(kept[i] == same[i]);
    }
  });
}

TEST(bad_arguments_are_refused) {
  const Owned g = make(0);
  double out[16] = {};
  const auto refused = [&](const golden::Call& call, const char* part) {
    CHECK_FAILS(run(*g, call, out), part);
    golden::Call empty = call;
    empty.n = 0;
    CHECK_FAILS(run(*g, empty, out), part);
  };
  refused(golden::integers(I64, 4, 3, 3), "random_ expects 'from' to be less than 'to', but got from=3 >= to=3");
  refused(golden::integers(F32, 4, 33554433, 33554435), "casted to dtype, but got from=33554436 >= to=33554435");
  refused(golden::integers(F64, 4, INT64_MAX - 7, INT64_MAX), "casted to dtype");
  refused(golden::integers(U8, 4, 0, 257), "range [0, 255]");
  refused(golden::integers(U8, 4, -1, 2), "from=-1");
  refused(golden::integers(BOOL, 4, 0, 3), "range [0, 1]");
  refused(golden::integers(I32, 4, 0, int64_t{1} << 32), "range [-2147483648, 2147483647]");
  refused(golden::bernoulli(F32, 4, 1.5), "bernoulli_ expects p to be in [0, 1], but got p=1.5");
  refused(golden::bernoulli(F32, 4, -0.25), "p=-0.25");
  refused(golden::bernoulli(F32, 4, std::nan("")), "p=nan");
  refused(golden::normal(F32, 4, 0, -1), "normal_ expects std >= 0.0, but found std -1");
  refused(golden::normal(F64, 4, 0, std::nan("")), "found std nan");
  refused(golden::normal(I64, 4, 0, 1), "normal_: dtype 2 is not supported");
  refused(golden::uniform(F32, 4, 2, 1), "uniform_ expects to return a [from, to) range, but found from=2 > to=1");
  refused(golden::uniform(F32, 4, 0, 1e39), "the dtype can hold");
  refused(golden::uniform(F64, 4, std::nan(""), 1), "the dtype can hold");
  refused(golden::uniform(F32, 4, -3e38, 3e38), "to - from");
  refused(golden::uniform(BOOL, 4, 0, 1), "uniform_: dtype 5 is not supported");
  CHECK(next_words(*g) == next_words(*make(0)));
}
