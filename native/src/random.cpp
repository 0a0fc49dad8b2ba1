// Draws words from the twister, hands them to the inner loops, and checks what PyTorch checks. Formulas: PyTorch 2.10,
// ATen/core/DistributionsHelper.h, ATen/native/DistributionTemplates.h and ATen/native/cpu/DistributionTemplates.h.
#include "random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cpu/isa/random_table.h"
#include "dtype.h"
#include "random_rules.h"

namespace talus {

struct Generator {
  uint32_t state[kTwisterWords];
  int next;  // the first word not handed out; kTwisterWords: twist first
  bool has_spare_normal;
  double spare_normal;
  // What CUDA devices draw from.
  uint64_t seed, philox_counter;
};

namespace {

constexpr int64_t kChunk = 512;  // values made at a time, so that their words stay in the first-level cache
constexpr int64_t kBlock = 16;   // of the normal distribution
constexpr double kTwoPi = 6.283185307179586;

void draw(Generator& g, int64_t n, uint32_t* words) {
  const RandomTable& table = cpu::random_table();
  while (n > 0) {
    if (g.next == kTwisterWords) {
      table.twist(g.state);
      g.next = 0;
    }
    const int64_t count = std::min<int64_t>(n, kTwisterWords - g.next);
    table.temper(g.state + g.next, count, words);
    g.next += static_cast<int>(count);
    words += count;
    n -= count;
  }
}

// Calls f(words, begin, count) until all n values have had their words.
template <int kWordsPerValue, class F>
void draw_chunks(Generator& g, int64_t n, F&& f) {
  uint32_t words[kChunk * kWordsPerValue];
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = std::min(kChunk, n - begin);
    draw(g, count * kWordsPerValue, words);
    f(static_cast<const uint32_t*>(words), begin, count);
  }
}

uint64_t word64(const uint32_t* pair) { return uint64_t{pair[0]} << 32 | pair[1]; }

// The 53 bits of a double in [0, 1), as an integer below 2^53.
int64_t word53(const uint32_t* pair) { return static_cast<int64_t>(word64(pair) & ((uint64_t{1} << 53) - 1)); }

double unit_interval(const uint32_t* pair) { return static_cast<double>(word53(pair)) * 0x1p-53; }

void fill_uniform(Generator& g, int64_t n, float from, float to, float* out) {
  const RandomTable& table = cpu::random_table();
  draw_chunks<1>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
    table.uniform_f32(words, count, from, to - from, out + begin);
  });
}

void fill_uniform(Generator& g, int64_t n, double from, double to, double* out) {
  const RandomTable& table = cpu::random_table();
  draw_chunks<2>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
    table.uniform_f64(words, count, from, to - from, out + begin);
  });
}

void box_muller(float* data, int64_t n, float mean, float std) { cpu::random_table().box_muller(data, n, mean, std); }

void box_muller(double* data, int64_t n, double mean, double std) {
  for (int64_t i = 0; i < n; i += kBlock) {
    for (int64_t j = i; j < i + kBlock / 2; ++j) {
      const double radius = std::sqrt(-2.0 * std::log(1.0 - data[j]));
      const double angle = kTwoPi * data[j + kBlock / 2];
      data[j] = std::fma(radius * std::cos(angle), std, mean);
      data[j + kBlock / 2] = std::fma(radius * std::sin(angle), std, mean);
    }
  }
}

// At least one block. Values that fill no block are drawn all the same, then the last block is drawn anew.
template <class T>
void normal_blocks(Generator& g, int64_t n, T mean, T std, T* out) {
  for (int64_t begin = 0; begin < n; begin += kChunk) {
    const int64_t count = std::min(kChunk, n - begin);
    fill_uniform(g, count, T{0}, T{1}, out + begin);
    box_muller(out + begin, count - count % kBlock, mean, std);
  }
  if (n % kBlock == 0) return;
  fill_uniform(g, kBlock, T{0}, T{1}, out + n - kBlock);
  box_muller(out + n - kBlock, kBlock, mean, std);
}

// Box-Muller in pairs: the cosine first, the sine kept for the next call.
double next_normal(Generator& g) {
  if (std::exchange(g.has_spare_normal, false)) return g.spare_normal;
  uint32_t words[4];
  draw(g, 4, words);
  const double angle = kTwoPi * unit_interval(words);
  const double radius = std::sqrt(-2.0 * std::log1p(-unit_interval(words + 2)));
  g.spare_normal = radius * std::sin(angle);
  g.has_spare_normal = true;
  return radius * std::cos(angle);
}

}  // namespace

Generator* generator_create(int64_t seed) {
  auto* generator = new Generator;
  generator_seed(*generator, seed);
  return generator;
}

void generator_free(Generator* generator) { delete generator; }

void generator_seed(Generator& g, int64_t seed) {
  g.state[0] = static_cast<uint32_t>(seed);
  for (uint32_t i = 1; i < kTwisterWords; ++i) g.state[i] = 1812433253u * (g.state[i - 1] ^ (g.state[i - 1] >> 30)) + i;
  g.next = kTwisterWords;
  g.has_spare_normal = false;
  g.spare_normal = 0;
  g.seed = static_cast<uint64_t>(seed);
  g.philox_counter = 0;
}

PhiloxBlocks take_philox(Generator& g, int64_t blocks) {
  const PhiloxBlocks taken = {g.seed, g.philox_counter};
  g.philox_counter += static_cast<uint64_t>(blocks);
  return taken;
}

void generator_copy(const Generator& from, Generator& to) { to = from; }

void random_uniform(Generator& g, int dtype, int64_t n, double from, double to, void* out) {
  dispatch_float(dtype, "uniform_", [&](auto type) {
    using T = typename decltype(type)::type;
    check_uniform<T>(from, to);
    fill_uniform(g, n, static_cast<T>(from), static_cast<T>(to), static_cast<T*>(out));
  });
}

void random_normal(Generator& g, int dtype, int64_t n, double mean, double std, void* out) {
  dispatch_float(dtype, "normal_", [&](auto type) {
    using T = typename decltype(type)::type;
    check_normal(std);
    T* values = static_cast<T*>(out);
    if (n >= kBlock) return normal_blocks(g, n, static_cast<T>(mean), static_cast<T>(std), values);
    for (int64_t i = 0; i < n; ++i) values[i] = static_cast<T>(std::fma(next_normal(g), std, mean));
  });
}

void random_int(Generator& g, int dtype, int64_t n, int64_t low, int64_t high, void* out) {
  dispatch_any(dtype, "random_", [&](auto type) {
    using T = typename decltype(type)::type;
    const IntegerRange integers = integer_range<T>(low, high);
    const uint64_t range = integers.count;
    T* values = static_cast<T*>(out);
    const auto value = [&](uint64_t offset) { return static_cast<T>(static_cast<int64_t>(offset + integers.first)); };
    if (range < kWideRange) {
      const uint32_t divisor = static_cast<uint32_t>(range);  // 32-bit division is the faster one
      draw_chunks<1>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) values[begin + i] = value(words[i] % divisor);
      });
    } else {
      draw_chunks<2>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
        for (int64_t i = 0; i < count; ++i) values[begin + i] = value(word64(words + 2 * i) % range);
      });
    }
  });
}

void random_bernoulli(Generator& g, int dtype, int64_t n, double p, void* out) {
  check_bernoulli(p);
  dispatch_any(dtype, "bernoulli_", [&](auto type) {
    using T = typename decltype(type)::type;
    T* values = static_cast<T*>(out);
    // u < p, both scaled by 2^53; a conditional value instead would be a branch nobody can predict.
    const int64_t limit = static_cast<int64_t>(std::ceil(p * 0x1p53));
    const RandomTable& table = cpu::random_table();
    draw_chunks<2>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
      if constexpr (sizeof(T) == 1) {
        table.below(words, count, limit, reinterpret_cast<uint8_t*>(values + begin));
      } else {
        uint8_t kept[kChunk];
        table.below(words, count, limit, kept);
        for (int64_t i = 0; i < count; ++i) values[begin + i] = static_cast<T>(static_cast<int>(kept[i]));
      }
    });
  });
}

void random_permutation(Generator& g, int64_t n, int64_t* out) {
  // Both are Fisher-Yates; above the limit 32 bits would be too few for even chances.
  if (n < std::numeric_limits<uint32_t>::max() / 20) {
    for (int64_t i = 0; i < n; ++i) out[i] = i;
    draw_chunks<1>(g, n - 1, [&](const uint32_t* words, int64_t begin, int64_t count) {
      for (int64_t k = 0, i = begin; k < count; ++k, ++i)
        std::swap(out[i], out[i + words[k] % static_cast<uint32_t>(n - i)]);
    });
  } else {
    draw_chunks<2>(g, n, [&](const uint32_t* words, int64_t begin, int64_t count) {
      for (int64_t k = 0, i = begin; k < count; ++k, ++i) {
        const int64_t j = static_cast<int64_t>(word64(words + 2 * k) % static_cast<uint64_t>(i + 1));
        out[i] = i;
        std::swap(out[i], out[j]);
      }
    });
  }
}

}  // namespace talus
