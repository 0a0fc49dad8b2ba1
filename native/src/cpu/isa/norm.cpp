// Inner loops of batch normalisation: SIMD lanes run along a channel's rows, or, where a channel has one element an
// image, along the channels.
#include "norm_table.h"
#include "talus/talus.h"
#include "norm_rows.h"

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

// Image by image rather than channel by channel, so that memory is read in long runs.
template <class T, bool Backward>
static void sum_rows(const NormBlock& b, const T* x, const T* grad, const T* centre, double* sums) {
  constexpr int64_t kSegment = 4 * kNormDepth * kLanes<T>;
  const int64_t registers = (b.inner + kLanes<T> - 1) / kLanes<T>;
  const int64_t group = registers >= kNormDepth ? 1 : kNormDepth / registers;
  TwoSums<T> parts[kNormChannels];
  for (int64_t first = 0; first < b.images; first += group) {
    const int64_t last = first + group < b.images ? first + group : b.images;
    for (int64_t i = first; i < last; ++i)
      for (int64_t c = 0; c < b.channels; ++c) {
        const int64_t row = i * b.stride + c * b.inner;
        for (int64_t at = 0; at < b.inner; at += kSegment) {
          const int64_t n = b.inner - at < kSegment ? b.inner - at : kSegment;
          add_row<T, Backward>(x + row + at, Backward ? grad + row + at : nullptr, n, centre[c], parts[c]);
          if (n == kSegment) move_on<T>(parts[c], sums + 2 * c);
        }
      }
    for (int64_t c = 0; c < b.channels; ++c) move_on<T>(parts[c], sums + 2 * c);
  }
}

// inner == 1.
template <class T, bool Backward>
static void sum_columns(const NormBlock& b, const T* x, const T* grad, const T* centre, double* sums) {
  constexpr int64_t kGroups = kNormChannels / kLanes<T>;
  for (int64_t first = 0; first < b.images; first += kNormDepth) {
    const int64_t last = first + kNormDepth < b.images ? first + kNormDepth : b.images;
    TwoSums<T> parts[kGroups];
    for (int64_t i = first; i < last; ++i) {
      const T* from = x + i * b.stride;
      for_row<T>(b.channels, [&](int64_t c, int64_t n) {
        const Vec<T> v = load_part<T>(from + c, n, T(0));
        const Vec<T> g = Backward ? load_part<T>(grad + i * b.stride + c, n, T(0)) : v;
        add_terms<T, Backward>(v, g, load_part<T>(centre + c, n, T(0)), parts[c / kLanes<T>]);
      });
    }
    for (int64_t c = 0; c < b.channels; ++c) {
      sums[2 * c] += double(parts[c / kLanes<T>].first[c % kLanes<T>]);
      sums[2 * c + 1] += double(parts[c / kLanes<T>].second[c % kLanes<T>]);
    }
  }
}

template <class T, bool Backward>
static void norm_sums(const NormBlock& b, const void* x, const void* grad, const void* centre, double* sums) {
  for (int64_t c = 0; c < 2 * b.channels; ++c) sums[c] = 0;
  const auto sum = b.inner == 1 ? sum_columns<T, Backward> : sum_rows<T, Backward>;
  sum(b, static_cast<const T*>(x), static_cast<const T*>(grad), static_cast<const T*>(centre), sums);
}

template <class T, bool Backward>
static inline Vec<T> applied(Vec<T> x, Vec<T> grad, Vec<T> centre, Vec<T> scale, Vec<T> offset, Vec<T> slope) {
  return Backward ? grad * scale + ((centre - x) * slope + offset) : (x - centre) * scale + offset;
}

template <class T, bool Backward>
static void norm_apply(const NormBlock& b, const void* x_bytes, const void* grad_bytes, const NormFactors& f,
                       void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  const T* grad = static_cast<const T*>(Backward ? grad_bytes : x_bytes);
  T* out = static_cast<T*>(out_bytes);
  const T* centre = static_cast<const T*>(f.centre);
  const T* scale = static_cast<const T*>(f.scale);
  const T* offset = static_cast<const T*>(f.offset);
  const T* slope = static_cast<const T*>(Backward ? f.slope : f.offset);
  for (int64_t i = 0; i < b.images; ++i) {
    const int64_t image = i * b.stride;
    if (b.inner == 1) {
      for_row<T>(b.channels, [&](int64_t c, int64_t n) {
        const Vec<T> v = load_part<T>(x + image + c, n, T(0)), g = load_part<T>(grad + image + c, n, T(0));
        const Vec<T> y = applied<T, Backward>(v, g, load_part<T>(centre + c, n, T(0)), load_part<T>(scale + c, n, T(0)),
                                              load_part<T>(offset + c, n, T(0)), load_part<T>(slope + c, n, T(0)));
        store_part<T>(out + image + c, y, n);
      });
      continue;
    }
    for (int64_t c = 0; c < b.channels; ++c) {
      const int64_t row = image + c * b.inner;
      const Vec<T> z = broadcast<T>(centre[c]), s = broadcast<T>(scale[c]), o = broadcast<T>(offset[c]),
                   k = broadcast<T>(slope[c]);
      for_row<T>(b.inner, [&](int64_t at, int64_t n) {
        const Vec<T> v = load_part<T>(x + row + at, n, T(0)), g = load_part<T>(grad + row + at, n, T(0));
        store_part<T>(out + row + at, applied<T, Backward>(v, g, z, s, o, k), n);
      });
    }
  }
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
