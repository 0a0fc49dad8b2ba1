// Tensors filled with random numbers. The reference knows none of CUDA's, so the check computes them anew:
// Philox4x32-10 as its paper has it, one block of four words after the other, and the distributions by their
// definitions.
#include <array>
#include <cmath>
#include <memory>

#include "cases.h"
#include "random.h"

namespace bench {

namespace {

using talus::Generator;
using Owned = std::shared_ptr<Generator>;
using Words = std::array<uint32_t, 4>;

constexpr int64_t kSeed = 7;

Owned generator() { return Owned(talus::generator_create(kSeed), talus::generator_free); }

Words philox(uint64_t seed, uint64_t block) {
  uint32_t keys[] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  Words x = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * x[0], p1 = uint64_t{0xCD9E8D57u} * x[2];
    x = {static_cast<uint32_t>(p1 >> 32) ^ x[1] ^ keys[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ x[3] ^ keys[1], static_cast<uint32_t>(p0)};
    keys[0] += 0x9E3779B9u, keys[1] += 0xBB67AE85u;
  }
  return x;
}

double unit(uint32_t word) { return (word >> 8) * 0x1p-24; }

// `value(words, i)`: number i of the four that a block gives.
template <class T, class Value>
void expect(int64_t n, void* out, Value value) {
  const talus::PhiloxBlocks from = talus::take_philox(*generator(), (n + 3) / 4);
  for (int64_t i = 0; i < n; ++i)
    static_cast<T*>(out)[i] =
        static_cast<T>(value(philox(from.seed, from.first + static_cast<uint64_t>(i / 4)), i % 4));
}

double uniform_of(const Words& words, int64_t i) { return unit(words[static_cast<size_t>(i)]) * 2 - 1; }

// Pairs on a circle: cosine and sine of the second word's angle, at the radius of the first one.
double normal_of(const Words& words, int64_t i) {
  const size_t first = static_cast<size_t>(i / 2 * 2);
  // As the device rounds it: near 1 the logarithm is only what is left of the rounding.
  const float positive = (static_cast<float>(words[first]) + 1) * 0x1p-32f;
  const double radius = std::sqrt(-2 * std::log(static_cast<double>(positive)));
  const double angle = unit(words[first + 1]) * 6.283185307179586;
  return radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

Case row(const char* what, const char* key, int64_t n, std::function<Problem()> make) {
  Case c;
  c.family = "random";
  c.label = std::string(what) + " " + std::to_string(n);
  c.torch = torch_work(key, n);
  c.make = [make = std::move(make)] {
    Problem p = make();
    p.count_operands();
    return p;
  };
  return c;
}

}  // namespace

std::vector<Case> random_cases(bool small) {
  const int64_t n = small ? 3001 : int64_t{1} << 26;
  // Each run goes on where the one before ended; the check is the first one.
  return {row("uniform", "uniform", n,
              [=] {
                Problem p;
                p.output(n);
                p.on_device = [=, g = generator()](const Addresses& at) {
                  talus::cuda::random_uniform(*g, TALUS_FLOAT32, n, -1, 1, at[0]);
                };
                p.oracle = [=](const Addresses& at) { expect<float>(n, at[0], uniform_of); };
                return p;
              }),
          row("normal", "normal", n,
              [=] {
                Problem p;
                p.output(n);
                p.on_device = [=, g = generator()](const Addresses& at) {
                  talus::cuda::random_normal(*g, TALUS_FLOAT32, n, 0, 1, at[0]);
                };
                p.oracle = [=](const Addresses& at) { expect<float>(n, at[0], normal_of); };
                return p;
              }),
          row("integers", "integers", n,
              [=] {
                Problem p;
                p.index_output(n);
                p.on_device = [=, g = generator()](const Addresses& at) {
                  talus::cuda::random_int(*g, TALUS_INT64, n, 0, 1000, at[0]);
                };
                p.oracle = [=](const Addresses& at) {
                  expect<int64_t>(n, at[0], [](const Words& w, int64_t i) { return w[static_cast<size_t>(i)] % 1000; });
                };
                return p;
              }),
          row("bernoulli", "bernoulli", n, [=] {
            Problem p;
            p.byte_output(n);
            p.on_device = [=, g = generator()](const Addresses& at) {
              talus::cuda::random_bernoulli(*g, TALUS_BOOL, n, 0.5, at[0]);
            };
            p.oracle = [=](const Addresses& at) {
              expect<uint8_t>(n, at[0], [](const Words& w, int64_t i) { return w[static_cast<size_t>(i)] < 1u << 31; });
            };
            return p;
          })};
}

}  // namespace bench
