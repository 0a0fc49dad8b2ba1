// Batch and layer normalisation.
//
// Batch norm needs the sums of a channel before it can write the first of its values. Channels are taken in blocks, and
// a block's second reading comes right after its first, from the cache, so that memory is read once. Where there are
// too few blocks for the threads, images are cut into chunks as well, and the two readings are separate steps.
#include <cmath>
#include <cstring>
#include <algorithm>

#include "caches.h"
#include "cpu/isa/norm_table.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {

namespace {

constexpr int64_t kGrain = 32768;   // elements that take about 30 microseconds
constexpr int64_t kChunk = 131072;  // elements, so that what is done once a chunk does not count
constexpr int64_t kEnoughTasks = 16;
constexpr double kFar = 64;  // in variances

int64_t quotient_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

// The tasks of a [images, channels, inner] tensor.
struct Grid {
  int64_t images, channels, inner;
  bool far;
  int64_t block, blocks;  // channels
  int64_t chunk, chunks;  // images

  // one_pass: a block's values are not read twice.
  Grid(int64_t n, int64_t c, int64_t size, int64_t element_bytes, bool one_pass)
      : images(n), channels(c), inner(size), far(passes_caches(n * c * size * element_bytes)) {
    block = std::min(std::max(kNormElements / inner, int64_t{1}), channels);
    if (one_pass && inner >= kNormColumns && images >= kEnoughTasks) block = channels;
    blocks = quotient_up(channels, block);
    const int64_t work = images * channels * inner;
    const int64_t wanted = blocks >= kEnoughTasks ? 1 : std::min(quotient_up(kEnoughTasks, blocks), work / kChunk + 1);
    chunk = quotient_up(images, std::min(wanted, images));
    chunks = quotient_up(images, chunk);
  }

  int64_t begin(int64_t b) const { return b * block; }
  int64_t end(int64_t b) const { return std::min(begin(b) + block, channels); }
  NormBlock at(int64_t b, int64_t k) const {
    return {std::min(chunk, images - k * chunk), end(b) - begin(b), inner, channels * inner, far};
  }
  // Of the first element.
  int64_t offset(int64_t b, int64_t k) const { return (k * chunk * channels + begin(b)) * inner; }

  // sum(b, k), then finish(b) once all of a block is summed up, then apply(b, k).
  template <class Sum, class Finish, class Apply>
  void run(Sum&& sum, Finish&& finish, Apply&& apply) const {
    const int64_t cost = quotient_up(images * channels * inner, blocks * chunks);
    const int64_t grain = kGrain / (cost + 1) + 1;
    if (chunks == 1) {
      parallel_for(blocks, grain, [&](int64_t first, int64_t last) {
        for (int64_t b = first; b < last; ++b) sum(b, 0), finish(b), apply(b, 0);
      });
      return;
    }
    parallel_for(blocks * chunks, grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) sum(i / chunks, i % chunks);
    });
    for (int64_t b = 0; b < blocks; ++b) finish(b);
    parallel_for(blocks * chunks, grain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) apply(i / chunks, i % chunks);
    });
  }
};

// The two sums of every channel, chunk by chunk.
class ChannelSums {
 public:
  explicit ChannelSums(const Grid& grid) : grid_(grid), sums_(grid.chunks * 2 * grid.channels) {}
  double* of(int64_t b, int64_t k) const { return sums_.get() + 2 * (k * grid_.channels + grid_.begin(b)); }
  double total(int64_t c, int which) const {
    double sum = 0;
    for (int64_t k = 0; k < grid_.chunks; ++k) sum += sums_[2 * (k * grid_.channels + c) + which];
    return sum;
  }

 private:
  const Grid& grid_;
  Scratch<double> sums_;
};

// The middle one of three of each channel's values: rarely one far from all others.
template <class T>
void sample_medians(const Grid& g, const T* x, T* medians) {
  const T* samples[3];
  for (int64_t s = 0; s < 3; ++s) {
    const int64_t at = s * g.images * g.inner / 3;
    samples[s] = x + at / g.inner * g.channels * g.inner + at % g.inner;
  }
  for (int64_t c = 0; c < g.channels; ++c) {
    const T p = samples[0][c * g.inner], q = samples[1][c * g.inner], r = samples[2][c * g.inner];
    medians[c] = std::max(std::min(p, q), std::min(std::max(p, q), r));
  }
}

template <class T>
T value_or(const T* values, int64_t c, double otherwise) {
  return values != nullptr ? values[c] : T(otherwise);
}

template <class T>
struct BatchNorm {
  Grid grid;
  const T* weight;
  T* mean;
  T* rstd;
  Scratch<T> factors;  // centre, scale, offset, slope

  BatchNorm(const Grid& g, const void* w, void* m, void* r)
      : grid(g),
        weight(static_cast<const T*>(w)),
        mean(static_cast<T*>(m)),
        rstd(static_cast<T*>(r)),
        factors(4 * g.channels) {}

  T* factor(int which) const { return factors.get() + which * grid.channels; }
  NormFactors factors_from(int64_t c) const { return {factor(0) + c, factor(1) + c, factor(2) + c, factor(3) + c}; }

  // (x - mean) * rstd * weight + bias
  void set_forward(int64_t c, const T* bias) const {
    factor(0)[c] = mean[c];
    factor(1)[c] = T(double(rstd[c]) * double(value_or(weight, c, 1)));
    factor(2)[c] = value_or(bias, c, 0);
  }

  void forward(int dtype, const T* x, const T* bias, T* running_mean, T* running_var, double momentum, double eps,
               T* out) const {
    const NormSums sum_loop = norm_table().sums(false, dtype);
    const NormApply apply = norm_table().apply(false, dtype);
    const ChannelSums sums(grid);
    const double count = double(grid.images * grid.inner), share = 1 / count, unbiased = count / (count - 1);
    T* centre = factor(3);
    const auto sum = [&](int64_t b, int64_t k) {
      sum_loop(grid.at(b, k), x + grid.offset(b, k), nullptr, centre + grid.begin(b), sums.of(b, k));
    };
    // Relative to the centre.
    const auto average = [&](int64_t c) { return sums.total(c, 0) * share; };
    const auto variance = [&](int64_t c, double average_c) {
      const double v = sums.total(c, 1) * share - average_c * average_c;
      return v < 0 ? 0 : v;
    };
    sample_medians(grid, x, centre);
    grid.run(
        sum,
        [&](int64_t b) {
          // A centre far from the mean would cost digits of the variance: rarely, once more from the mean itself.
          bool again = false;
          for (int64_t c = grid.begin(b); c < grid.end(b); ++c) {
            const double average_c = average(c);
            if (average_c * average_c <= kFar * variance(c, average_c)) continue;
            centre[c] = T(double(centre[c]) + average_c);
            again = true;
          }
          for (int64_t k = 0; again && k < grid.chunks; ++k) sum(b, k);
          for (int64_t c = grid.begin(b); c < grid.end(b); ++c) {
            const double average_c = average(c), mean_c = double(centre[c]) + average_c;
            const double variance_c = variance(c, average_c);
            mean[c] = T(mean_c);
            rstd[c] = T(1 / std::sqrt(variance_c + eps));
            set_forward(c, bias);
            if (running_mean == nullptr) continue;
            running_mean[c] = T((1 - momentum) * double(running_mean[c]) + momentum * mean_c);
            running_var[c] = T((1 - momentum) * double(running_var[c]) + momentum * variance_c * unbiased);
          }
        },
        [&](int64_t b, int64_t k) {
          const int64_t at = grid.offset(b, k);
          apply(grid.at(b, k), x + at, nullptr, factors_from(grid.begin(b)), out + at);
        });
  }

  // With the factors set: one reading.
  void scale(int dtype, const T* x, T* out) const {
    const NormApply apply = norm_table().apply(false, dtype);
    grid.run([](int64_t, int64_t) {}, [](int64_t) {},
             [&](int64_t b, int64_t k) {
               const int64_t at = grid.offset(b, k);
               apply(grid.at(b, k), x + at, nullptr, factors_from(grid.begin(b)), out + at);
             });
  }

  // grad_x = weight * rstd * (grad - mean(grad) - (x - mean) * rstd^2 * mean(grad * (x - mean)))
  void backward(int dtype, const T* grad, const T* x, bool training, T* grad_x, T* grad_weight, T* grad_bias) const {
    const NormSums sum = norm_table().sums(true, dtype);
    const NormApply apply = norm_table().apply(training, dtype);
    const ChannelSums sums(grid);
    const double share = 1 / double(grid.images * grid.inner);
    grid.run(
        [&](int64_t b, int64_t k) {
          const int64_t at = grid.offset(b, k);
          sum(grid.at(b, k), x + at, grad + at, mean + grid.begin(b), sums.of(b, k));
        },
        [&](int64_t b) {
          for (int64_t c = grid.begin(b); c < grid.end(b); ++c) {
            const double g = sums.total(c, 0), product = sums.total(c, 1), r = double(rstd[c]);
            if (grad_weight != nullptr) grad_weight[c] = T(product * r);
            if (grad_bias != nullptr) grad_bias[c] = T(g);
            const double scale = r * double(value_or(weight, c, 1));
            factor(0)[c] = training ? mean[c] : T(0);
            factor(1)[c] = T(scale);
            factor(2)[c] = training ? T(-scale * g * share) : T(0);
            factor(3)[c] = T(scale * r * r * product * share);
          }
        },
        [&](int64_t b, int64_t k) {
          if (grad_x == nullptr) return;
          const int64_t at = grid.offset(b, k);
          // The running statistics do not depend on x: the gradient is only scaled.
          apply(grid.at(b, k), training ? x + at : grad + at, grad + at, factors_from(grid.begin(b)), grad_x + at);
        });
  }
};

}  // namespace

void batch_norm(int dtype, int64_t n, int64_t channels, int64_t inner, const void* x, const void* weight,
                const void* bias, void* running_mean, void* running_var, bool training, double momentum, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "batch_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    if (n == 0 || channels == 0 || inner == 0) return;
    const BatchNorm<T> norm(Grid(n, channels, inner, sizeof(T), !training), weight, mean, rstd);
    const T* from = static_cast<const T*>(x);
    const T* shift = static_cast<const T*>(bias);
    T* to = static_cast<T*>(out);
    if (training)
      return norm.forward(dtype, from, shift, static_cast<T*>(running_mean), static_cast<T*>(running_var), momentum,
                          eps, to);
    for (int64_t c = 0; c < channels; ++c) {
      norm.mean[c] = static_cast<const T*>(running_mean)[c];
      norm.rstd[c] = T(1 / std::sqrt(double(static_cast<const T*>(running_var)[c]) + eps));
      norm.set_forward(c, shift);
    }
    norm.scale(dtype, from, to);
  });
}

void batch_norm_backward(int dtype, int64_t n, int64_t channels, int64_t inner, const void* grad, const void* x,
                         const void* weight, const void* mean, const void* rstd, bool training, void* grad_x,
                         void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "batch_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    if (n == 0 || channels == 0 || inner == 0) {
      for (void* sums : {grad_weight, grad_bias})
        if (sums != nullptr) std::memset(sums, 0, static_cast<size_t>(channels) * sizeof(T));
      return;
    }
    // Only read from here on.
    const BatchNorm<T> norm(Grid(n, channels, inner, sizeof(T), false), weight, const_cast<void*>(mean),
                            const_cast<void*>(rstd));
    norm.backward(dtype, static_cast<const T*>(grad), static_cast<const T*>(x), training, static_cast<T*>(grad_x),
                  static_cast<T*>(grad_weight), static_cast<T*>(grad_bias));
  });
}

void layer_norm(int dtype, int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "layer_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    if (rows == 0 || cols == 0) return;
    const LayerNormLoop loop = norm_table().layer_norm(dtype);
    parallel_for(rows, kGrain / (cols + 16) + 1, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * cols;
      loop(end - begin, cols, static_cast<const T*>(x) + at, weight, bias, eps, static_cast<T*>(out) + at,
           static_cast<T*>(mean) + begin, static_cast<T*>(rstd) + begin);
    });
  });
}

void layer_norm_backward(int dtype, int64_t rows, int64_t cols, const void* grad, const void* x, const void* weight,
                         const void* mean, const void* rstd, void* grad_x, void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "layer_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const LayerNormBackwardLoop loop = norm_table().layer_norm_backward(dtype);
    const bool parameters = grad_weight != nullptr || grad_bias != nullptr;
    // Chunks add up the parameters' gradients apart, in memory that is small beside the rows.
    const int64_t chunk = std::max(2 * kGrain / (cols + 16) + 1, quotient_up(rows, 32));
    const int64_t chunks = quotient_up(rows, chunk);
    const Scratch<double> sums(parameters ? 2 * cols * std::max(chunks, int64_t{1}) : 1);
    if (rows > 0 && cols > 0)
      parallel_for(chunks, 1, [&](int64_t first, int64_t last) {
        const Scratch<T> scratch(parameters ? 2 * cols : 1);
        for (int64_t k = first; k < last; ++k) {
          const int64_t begin = k * chunk, count = std::min(chunk, rows - begin), at = begin * cols;
          double* own = parameters ? sums.get() + 2 * cols * k : nullptr;
          if (parameters) std::memset(own, 0, static_cast<size_t>(2 * cols) * sizeof(double));
          loop(count, cols, static_cast<const T*>(grad) + at, static_cast<const T*>(x) + at, weight,
               static_cast<const T*>(mean) + begin, static_cast<const T*>(rstd) + begin,
               grad_x == nullptr ? nullptr : static_cast<T*>(grad_x) + at, own, scratch.get());
        }
      });
    if (!parameters) return;
    double* total = sums.get();
    if (chunks == 0) std::memset(total, 0, static_cast<size_t>(2 * cols) * sizeof(double));
    for (int64_t k = 1; k < chunks; ++k)
      for (int64_t c = 0; c < 2 * cols; ++c) total[c] += sums[2 * cols * k + c];
    for (int which = 0; which < 2; ++which) {
      T* out = static_cast<T*>(which == 0 ? grad_weight : grad_bias);
      for (int64_t c = 0; out != nullptr && c < cols; ++c) out[c] = T(total[which * cols + c]);
    }
  });
}

}  // namespace talus::cpu
