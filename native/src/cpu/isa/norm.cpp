// Inner loops of batch normalisation: SIMD lanes run along a channel's rows, or, where these are short, along the
// elements of neighbouring channels.
#include <type_traits>

#include "norm_table.h"
#include "talus/talus.h"
#include "norm_rows.h"
#include "stream.h"

namespace talus::TALUS_ISA_NS {

// Sums in the dtype itself are this many additions deep at most; then they move on to double.
constexpr int64_t kNormDepth = 32;

template <class T>
struct TwoSums {
  Vec<T> first{}, second{};
};

// Adds one register's terms. Lanes past the end hold x == centre and grad == 0, so that they add nothing.
template <class T, bool Backward>
static inline void add_terms(Vec<T> x, Vec<T> grad, Vec<T> centre, TwoSums<T>& sums) {
  const Vec<T> shifted = x - centre;
  sums.first += Backward ? grad : shifted;
  sums.second += (Backward ? grad : shifted) * shifted;
}

template <class T, bool Backward>
static inline void add_row(const T* x, const T* grad, int64_t n, T centre, TwoSums<T>& sums) {
  constexpr int kL = kLanes<T>;
  const Vec<T> z = broadcast<T>(centre);
  int64_t i = 0;
  if (n >= 4 * kL) {
    TwoSums<T> others[3];
    for (; i + 4 * kL <= n; i += 4 * kL) {
      add_terms<T, Backward>(load<T>(x + i), load<T>((Backward ? grad : x) + i), z, sums);
      for (int k = 1; k < 4; ++k)
        add_terms<T, Backward>(load<T>(x + i + k * kL), load<T>((Backward ? grad : x) + i + k * kL), z, others[k - 1]);
    }
    sums.first += others[0].first + (others[1].first + others[2].first);
    sums.second += others[0].second + (others[1].second + others[2].second);
  }
  for (; i + kL <= n; i += kL) add_terms<T, Backward>(load<T>(x + i), load<T>((Backward ? grad : x) + i), z, sums);
  if (i < n) {
    const Vec<T> v = load_tail<T>(x + i, n - i, centre);
    add_terms<T, Backward>(v, Backward ? load_tail<T>(grad + i, n - i, T(0)) : v, z, sums);
  }
}

template <class T>
static inline void move_on(TwoSums<T>& from, double* sums) {
  sums[0] += fold_lanes<T>(from.first);
  sums[1] += fold_lanes<T>(from.second);
  from = {};
}

// Runs of neighbouring channels are too short for the hardware to foresee where the next image's begins: while one is
// read or written, the lines of the next are asked for.
static inline bool foresees(const NormBlock& b, int64_t image, int64_t bytes) {
  return image + 1 < b.images && b.channels * b.inner * bytes <= 16384;
}

template <class T>
static inline void prefetch_next(const T* at, int64_t stride, int64_t n) {
  for (int64_t i = 0; i < n; i += 64 / int64_t{sizeof(T)}) __builtin_prefetch(at + stride + i, 0, 2);
}

// Image by image rather than channel by channel, so that memory is read in long runs.
template <class T, bool Backward>
static void sum_rows(const NormBlock& b, const T* x, const T* grad, const T* centre, double* sums) {
  constexpr int64_t kSegment = 4 * kNormDepth * kLanes<T>;
  const int64_t registers = (b.inner + kLanes<T> - 1) / kLanes<T>;
  const int64_t group = registers >= kNormDepth ? 1 : kNormDepth / registers;
  TwoSums<T> parts[kNormElements / kNormColumns];
  for (int64_t first = 0; first < b.images; first += group) {
    const int64_t last = first + group < b.images ? first + group : b.images;
    for (int64_t i = first; i < last; ++i) {
      const bool ahead = foresees(b, i, sizeof(T));
      for (int64_t c = 0; c < b.channels; ++c) {
        const int64_t row = i * b.stride + c * b.inner;
        for (int64_t at = 0; at < b.inner; at += kSegment) {
          const int64_t n = b.inner - at < kSegment ? b.inner - at : kSegment;
          if (ahead) prefetch_next<T>(x + row + at, b.stride, n);
          if (ahead && Backward) prefetch_next<T>(grad + row + at, b.stride, n);
          add_row<T, Backward>(x + row + at, Backward ? grad + row + at : nullptr, n, centre[c], parts[c]);
          if (n == kSegment) move_on<T>(parts[c], sums + 2 * c);
        }
      }
    }
    for (int64_t c = 0; c < b.channels; ++c) move_on<T>(parts[c], sums + 2 * c);
  }
}

// The number of each channel once for every element of an image. Registers are written over each other's ends.
template <class T>
struct Expanded {
  T values[kNormElements + kLanes<T>];

  Expanded() {}
  Expanded(const NormBlock& b, const void* of_channels) {
    const T* from = static_cast<const T*>(of_channels);
    if (b.inner == 1) {
      std::memcpy(values, from, size_t(b.channels) * sizeof(T));
    } else if (b.inner >= kLanes<T>) {
      fill<Vec<T>>(b, from);
    } else {
      typedef T Part __attribute__((vector_size(16)));
      fill<Part>(b, from);
    }
  }

 private:
  template <class V>
  void fill(const NormBlock& b, const T* from) {
    for (int64_t c = 0; c < b.channels; ++c) {
      const V v = from[c] - V{};
      for (int64_t i = 0; i < b.inner; i += int64_t{sizeof(V) / sizeof(T)})
        std::memcpy(values + c * b.inner + i, &v, sizeof v);
    }
  }
};

// Adds some images' terms to the two sums of every element.
template <class T, bool Backward, int Images>
static inline void add_images(int64_t width, int64_t stride, const T* x, const T* grad, const T* centre, T* first,
                              T* second) {
  for_row<T>(width, [&](int64_t at, int64_t n) {
    const Vec<T> z = load_part<T>(centre + at, n, T(0));
    TwoSums<T> sums{load_part<T>(first + at, n, T(0)), load_part<T>(second + at, n, T(0))};
    for (int i = 0; i < Images; ++i) {
      __builtin_prefetch(x + (i + Images) * stride + at, 0, 2);
      if (Backward) __builtin_prefetch(grad + (i + Images) * stride + at, 0, 2);
      const Vec<T> v = load_part<T>(x + i * stride + at, n, T(0));
      add_terms<T, Backward>(v, Backward ? load_part<T>(grad + i * stride + at, n, T(0)) : v, z, sums);
    }
    store_part<T>(first + at, sums.first, n);
    store_part<T>(second + at, sums.second, n);
  });
}

// Small images: lanes run along the elements of all channels, each with sums of its own.
template <class T, bool Backward>
static void sum_columns(const NormBlock& b, const T* x, const T* grad, const T* centre, double* sums) {
  const int64_t width = b.channels * b.inner;
  const Expanded<T> centres(b, centre);
  T first[kNormElements], second[kNormElements];
  double firsts[kNormElements], seconds[kNormElements];
  for (int64_t i = 0; i < width; ++i) firsts[i] = seconds[i] = 0;
  for (int64_t begin = 0; begin < b.images; begin += kNormDepth) {
    const int64_t end = begin + kNormDepth < b.images ? begin + kNormDepth : b.images;
    for (int64_t i = 0; i < width; ++i) first[i] = second[i] = T(0);
    int64_t i = begin;
    const auto add = [&](auto images) {
      add_images<T, Backward, decltype(images)::value>(
          width, b.stride, x + i * b.stride, Backward ? grad + i * b.stride : nullptr, centres.values, first, second);
      i += decltype(images)::value;
    };
    while (i + 4 <= end) add(std::integral_constant<int, 4>());
    while (i < end) add(std::integral_constant<int, 1>());
    for (int64_t k = 0; k < width; ++k) {
      firsts[k] += double(first[k]);
      seconds[k] += double(second[k]);
    }
  }
  for (int64_t c = 0; c < b.channels; ++c)
    for (int64_t k = c * b.inner; k < (c + 1) * b.inner; ++k) {
      sums[2 * c] += firsts[k];
      sums[2 * c + 1] += seconds[k];
    }
}

template <class T, bool Backward>
static void norm_sums(const NormBlock& b, const void* x, const void* grad, const void* centre, double* sums) {
  for (int64_t c = 0; c < 2 * b.channels; ++c) sums[c] = 0;
  const auto sum = b.inner <= kNormColumns ? sum_columns<T, Backward> : sum_rows<T, Backward>;
  sum(b, static_cast<const T*>(x), static_cast<const T*>(grad), static_cast<const T*>(centre), sums);
}

template <class T>
struct Factors {
  Vec<T> centre, scale, offset, slope;
};

template <class T, bool Backward>
static inline Vec<T> applied(Vec<T> x, Vec<T> grad, const Factors<T>& f) {
  return Backward ? grad * f.scale + ((f.centre - x) * f.slope + f.offset) : (x - f.centre) * f.scale + f.offset;
}

// Rows whose results pass the caches. The lines at both ends of a row are shared with its neighbours.
template <class T, bool Backward>
static void apply_far_rows(const NormBlock& b, const T* x, const T* grad, const NormFactors& f, T* out) {
  constexpr int64_t kL = kLanes<T>;
  const auto factor = [](const void* of, int64_t c) { return broadcast<T>(static_cast<const T*>(of)[c]); };
  for (int64_t i = 0; i < b.images; ++i)
    for (int64_t c = 0; c < b.channels; ++c) {
      const int64_t row = i * b.stride + c * b.inner;
      const Factors<T> own = {factor(f.centre, c), factor(f.scale, c), factor(f.offset, c),
                              factor(Backward ? f.slope : f.offset, c)};
      const auto at = [&](int64_t j, int64_t n) {
        const Vec<T> v = load_part<T>(x + row + j, n, T(0));
        return applied<T, Backward>(v, Backward ? load_part<T>(grad + row + j, n, T(0)) : v, own);
      };
      const int64_t into_line = int64_t(reinterpret_cast<uintptr_t>(out + row) / sizeof(T)) % kL;
      int64_t j = into_line == 0 ? 0 : kL - into_line < b.inner ? kL - into_line : b.inner;
      if (j > 0) store_part<T>(out + row, at(0, j), j);
      for (; j + kL <= b.inner; j += kL) {
        ask_ahead(x + row + j);
        if (Backward) ask_ahead(grad + row + j);
        stream(out + row + j, at(j, kL));
      }
      if (j < b.inner) store_part<T>(out + row + j, at(j, b.inner - j), b.inner - j);
    }
  end_streams();
}

template <class T, bool Backward>
static void apply_rows(const NormBlock& b, const T* x, const T* grad, const NormFactors& f, T* out) {
  const auto factor = [](const void* of, int64_t c) { return broadcast<T>(static_cast<const T*>(of)[c]); };
  for (int64_t i = 0; i < b.images; ++i) {
    const bool ahead = foresees(b, i, sizeof(T));
    for (int64_t c = 0; c < b.channels; ++c) {
      const int64_t row = i * b.stride + c * b.inner;
      const Factors<T> own = {factor(f.centre, c), factor(f.scale, c), factor(f.offset, c),
                              factor(Backward ? f.slope : f.offset, c)};
      const auto some = [&](int64_t at, int64_t n) {
        const Vec<T> v = load_part<T>(x + row + at, n, T(0));
        const Vec<T> g = Backward ? load_part<T>(grad + row + at, n, T(0)) : v;
        store_part<T>(out + row + at, applied<T, Backward>(v, g, own), n);
      };
      constexpr int64_t kSegment = 16 * kLanes<T>;
      for (int64_t begin = 0; begin < b.inner; begin += kSegment) {
        const int64_t n = b.inner - begin < kSegment ? b.inner - begin : kSegment;
        if (ahead) prefetch_next<T>(x + row + begin, b.stride, n);
        if (ahead && Backward) prefetch_next<T>(grad + row + begin, b.stride, n);
        if (ahead) prefetch_next<T>(out + row + begin, b.stride, n);
        for_row<T>(n, [&](int64_t at, int64_t lanes) { some(begin + at, lanes); });
      }
    }
  }
}

template <class T, bool Backward, int Images>
static inline void apply_images(int64_t width, int64_t stride, const T* x, const T* grad, const Expanded<T>* f,
                                T* out) {
  for_row<T>(width, [&](int64_t at, int64_t n) {
    const Factors<T> own = {load_part<T>(f[0].values + at, n, T(0)), load_part<T>(f[1].values + at, n, T(0)),
                            load_part<T>(f[2].values + at, n, T(0)),
                            load_part<T>(f[Backward ? 3 : 2].values + at, n, T(0))};
    for (int i = 0; i < Images; ++i) {
      __builtin_prefetch(x + (i + Images) * stride + at, 0, 2);
      __builtin_prefetch(out + (i + Images) * stride + at, 0, 2);
      if (Backward) __builtin_prefetch(grad + (i + Images) * stride + at, 0, 2);
      const Vec<T> v = load_part<T>(x + i * stride + at, n, T(0));
      const Vec<T> g = Backward ? load_part<T>(grad + i * stride + at, n, T(0)) : v;
      store_part<T>(out + i * stride + at, applied<T, Backward>(v, g, own), n);
    }
  });
}

template <class T, bool Backward>
static void apply_columns(const NormBlock& b, const T* x, const T* grad, const NormFactors& f, T* out) {
  const Expanded<T> factors[4] = {Expanded<T>(b, f.centre), Expanded<T>(b, f.scale), Expanded<T>(b, f.offset),
                                  Backward ? Expanded<T>(b, f.slope) : Expanded<T>()};
  int64_t i = 0;
  const auto apply = [&](auto images) {
    const int64_t at = i * b.stride;
    apply_images<T, Backward, decltype(images)::value>(b.channels * b.inner, b.stride, x + at,
                                                       Backward ? grad + at : nullptr, factors, out + at);
    i += decltype(images)::value;
  };
  while (i + 4 <= b.images) apply(std::integral_constant<int, 4>());
  while (i < b.images) apply(std::integral_constant<int, 1>());
}

template <class T, bool Backward>
static void norm_apply(const NormBlock& b, const void* x_bytes, const void* grad_bytes, const NormFactors& f,
                       void* out_bytes) {
  // Where there are few images, numbers for every element would not pay.
  const bool columns = b.inner <= kNormColumns && b.channels * b.inner <= kNormElements && b.images >= 4;
  const bool far = kStreams && b.far && b.inner > kNormColumns && out_bytes != x_bytes && out_bytes != grad_bytes;
  const auto apply = columns ? apply_columns<T, Backward> : far ? apply_far_rows<T, Backward> : apply_rows<T, Backward>;
  apply(b, static_cast<const T*>(x_bytes), static_cast<const T*>(grad_bytes), f, static_cast<T*>(out_bytes));
}

static NormSums find_sums(bool backward, int dtype) {
  if (dtype == TALUS_FLOAT32) return backward ? norm_sums<float, true> : norm_sums<float, false>;
  if (dtype == TALUS_FLOAT64) return backward ? norm_sums<double, true> : norm_sums<double, false>;
  return nullptr;
}

static NormApply find_apply(bool backward, int dtype) {
  if (dtype == TALUS_FLOAT32) return backward ? norm_apply<float, true> : norm_apply<float, false>;
  if (dtype == TALUS_FLOAT64) return backward ? norm_apply<double, true> : norm_apply<double, false>;
  return nullptr;
}

static LayerNormLoop find_layer_norm(int dtype) {
  return dtype == TALUS_FLOAT32 ? layer_norm_rows<float> : dtype == TALUS_FLOAT64 ? layer_norm_rows<double> : nullptr;
}

static LayerNormBackwardLoop find_layer_norm_backward(int dtype) {
  return dtype == TALUS_FLOAT32   ? layer_norm_backward_rows<float>
         : dtype == TALUS_FLOAT64 ? layer_norm_backward_rows<double>
                                  : nullptr;
}

extern const NormTable norm_table;
const NormTable norm_table = {find_sums, find_apply, find_layer_norm, find_layer_norm_backward};

}  // namespace talus::TALUS_ISA_NS
