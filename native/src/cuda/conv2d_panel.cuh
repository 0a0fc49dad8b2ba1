// Panels of a convolution's tiles, gathered element by element; what they gather from is their Source:
//
//   Row row(int index)           of A, or column of B; a thread's rows stay the same for the whole sum
//   Term term(int k, bool any)   of the sum; without any, its elements are 0
//   T load(Row, Term)
#pragma once

#include "cuda/conv2d_phase.cuh"
#include "cuda/gemm_tile.cuh"

namespace talus::cuda {

// Which of both is contiguous in memory, so that neighbouring threads take neighbours of it.
enum class ConvOrder { Rows, Terms };

template <class T, int Rows, int Depth, int Threads, ConvOrder Order, class Source>
class ConvPanel {
  static constexpr int kTermThreads = Order == ConvOrder::Terms ? Depth : Threads / kWarp;
  static constexpr int kRowThreads = Threads / kTermThreads;
  static constexpr int kRows = Rows / kRowThreads, kTerms = Depth / kTermThreads;
  static_assert(kRows * kRowThreads == Rows && kTerms * kTermThreads == Depth, "every thread loads as much");

 public:
  using Shared = GemmShared<T, Rows, Depth>;

  __device__ __forceinline__ ConvPanel(const Source& source, int row0, int k0) : source_(source) {
    const int thread = static_cast<int>(threadIdx.x);
    term_ = Order == ConvOrder::Terms ? thread % Depth : thread / kWarp;
    row_ = Order == ConvOrder::Terms ? thread / Depth : thread % kWarp;
    next_ = k0 + term_;
#pragma unroll
    for (int j = 0; j < kRows; ++j) rows_[j] = source_.row(row0 + row_ + j * kRowThreads);
  }

  __device__ __forceinline__ void fetch(int k_left) {
#pragma unroll
    for (int i = 0; i < kTerms; ++i) {
      const auto term = source_.term(next_ + i * kTermThreads, term_ + i * kTermThreads < k_left);
#pragma unroll
      for (int j = 0; j < kRows; ++j) staged_[i][j] = source_.load(rows_[j], term);
    }
    next_ += Depth;
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int i = 0; i < kTerms; ++i)
#pragma unroll
      for (int j = 0; j < kRows; ++j) panel[term_ + i * kTermThreads][row_ + j * kRowThreads] = staged_[i][j];
  }

 private:
  Source source_;
  int term_, row_, next_;
  decltype(source_.row(0)) rows_[kRows];
  T staged_[kTerms][kRows];
};

// B of the forward pass and of the input's gradient: a column is a position, a term is a tap.
template <class T>
struct PatchColumns {
  ConvImages<T> images;
  const ConvPhase& phase;

  __device__ __forceinline__ ConvPlace row(int index) const {
    return index < phase.pixels ? images.position(phase, index) : ConvPlace{0, kNowhere, kNowhere};
  }
  __device__ __forceinline__ ConvPlace term(int k, bool any) const {
    return any ? images.tap(phase, k) : ConvPlace{0, kNowhere, kNowhere};
  }
  __device__ __forceinline__ T load(const ConvPlace& row, const ConvPlace& term) const {
    return images.load(phase, row, term);
  }
};

// B of the weight's gradient: a column is a tap, a term is a position.
template <class T>
struct PatchTerms {
  ConvImages<T> images;
  const ConvPhase& phase;

  __device__ __forceinline__ ConvPlace row(int index) const {
    return index < phase.k ? images.tap(phase, index) : ConvPlace{0, kNowhere, kNowhere};
  }
  __device__ __forceinline__ ConvPlace term(int k, bool any) const {
    return any ? images.position(phase, k) : ConvPlace{0, kNowhere, kNowhere};
  }
  __device__ __forceinline__ T load(const ConvPlace& row, const ConvPlace& term) const {
    return images.load(phase, row, term);
  }
};

// A of the input's gradient: a row is an input channel, a term is an output channel's tap. weight: [o, c, KH, KW] of a
// group. Rows beyond the last repeat it; nobody looks at their sums.
template <class T>
struct WeightRows {
  const T* weight;
  int rows, kernel, kw;  // elements of a kernel and of its rows
  const ConvPhase& phase;

  __device__ __forceinline__ int row(int index) const { return min(index, rows - 1) * kernel; }
  __device__ __forceinline__ int term(int k, bool any) const {
    const int output = static_cast<int>(phase.by_taps.quotient(static_cast<uint32_t>(k)));
    const int within = k - output * phase.taps;
    const int i = static_cast<int>(phase.by_kw.quotient(static_cast<uint32_t>(within)));
    const int y = phase.h.first_tap + phase.h.tap_step * i;
    const int x = phase.w.first_tap + phase.w.tap_step * (within - i * phase.w.taps);
    return any ? output * rows * kernel + y * kw + x : kNowhere;
  }
  __device__ __forceinline__ T load(int row, int term) const { return term >= 0 ? weight[row + term] : T{0}; }
};

// A of the weight's gradient: a row is an output channel, a term is a position. grad: [images, channels, OH, OW], from
// the group's first channel on.
template <class T>
struct GradientRows {
  const T* grad;
  int rows, image;  // of a group; elements of an image
  const ConvPhase& phase;

  __device__ __forceinline__ int row(int index) const { return min(index, rows - 1) * phase.area; }
  __device__ __forceinline__ int term(int k, bool any) const {
    const int n = static_cast<int>(phase.by_area.quotient(static_cast<uint32_t>(k)));
    return any ? n * image + (k - n * phase.area) : kNowhere;
  }
  __device__ __forceinline__ T load(int row, int term) const { return term >= 0 ? grad[row + term] : T{0}; }
};

}  // namespace talus::cuda
