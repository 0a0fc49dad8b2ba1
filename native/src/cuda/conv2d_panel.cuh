// Panels of a convolution's tiles, gathered element by element.
#pragma once

#include "cuda/conv2d_phase.cuh"
#include "cuda/gemm_tile.cuh"

namespace talus::cuda {

// B of the forward pass and of the input's gradient: a column is a position and a term is a tap. Neighbouring threads
// take neighbouring positions, each one for the whole sum. Where taps lie is worked out once for all of them: those of
// the next terms while these are fetched, so that the barrier between two fetches makes them known.
template <class T, int Columns, int Depth, int Threads>
class PatchPanel {
  static constexpr int kTermThreads = Threads / Columns, kTerms = Depth / kTermThreads;
  static_assert(kTermThreads * Columns == Threads && kTerms * kTermThreads == Depth, "every thread loads as much");
  static_assert((Depth & (Depth - 1)) == 0 && Depth <= Threads, "a thread for each term");

 public:
  using Shared = GemmShared<T, Columns, Depth>;
  using Table = ConvPlace[2][Depth];

  // k_left terms from k0 on, a multiple of Depth, of the group whose images begin `group` elements further.
  __device__ __forceinline__ PatchPanel(const ConvImages<T>& images, int group, const ConvPhase& phase, int column0,
                                        int k0, int k_left, Table& table)
      : images_(images), phase_(phase), table_(table), next_(k0) {
    const int column = column0 + static_cast<int>(threadIdx.x) % Columns;
    position_ = column < phase.pixels ? images.position(phase, column) : nowhere();
    position_.offset += group;
    place_taps(k0, k_left);
    __syncthreads();
  }

  __device__ __forceinline__ void fetch(int k_left) {
    place_taps(next_ + Depth, k_left - Depth);
#pragma unroll
    for (int i = 0; i < kTerms; ++i) staged_[i] = images_.load(phase_, position_, table_[half(next_)][term(i)]);
    next_ += Depth;
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int i = 0; i < kTerms; ++i) panel[term(i)][static_cast<int>(threadIdx.x) % Columns] = staged_[i];
  }

 private:
  static __device__ __forceinline__ int term(int i) {
    return static_cast<int>(threadIdx.x) / Columns + i * kTermThreads;
  }
  static __device__ __forceinline__ int half(int k) { return k / Depth % 2; }
  __device__ __forceinline__ void place_taps(int k, int k_left) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < Depth) table_[half(k)][thread] = thread < k_left ? images_.tap(phase_, k + thread) : nowhere();
  }

  // A kernel's parameters, which need no registers.
  const ConvImages<T>& images_;
  const ConvPhase& phase_;
  Table& table_;
  int next_;
  ConvPlace position_;
  T staged_[kTerms];
};

// Panels whose terms are contiguous in memory, so that neighbouring threads take neighbouring terms. Source:
//
//   Row row(int index)           of the panel
//   Term term(int k, bool any)   of the sum; without any, its elements are 0
//   T load(Row, Term)
template <class T, int Rows, int Depth, int Threads, class Source>
class TermPanel {
  static constexpr int kRowThreads = Threads / Depth, kRows = Rows / kRowThreads;
  static_assert(kRowThreads * Depth == Threads && kRows * kRowThreads == Rows, "every thread loads as much");

 public:
  using Shared = GemmShared<T, Rows, Depth>;

  __device__ __forceinline__ TermPanel(const Source& source, int k0) : source_(source), next_(k0) {}

  __device__ __forceinline__ void fetch(int k_left) {
    const int k = static_cast<int>(threadIdx.x) % Depth;
    const auto term = source_.term(next_ + k, k < k_left);
#pragma unroll
    for (int j = 0; j < kRows; ++j) staged_[j] = source_.load(source_.row(row(j)), term);
    next_ += Depth;
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int j = 0; j < kRows; ++j) panel[static_cast<int>(threadIdx.x) % Depth][row(j)] = staged_[j];
  }

 private:
  static __device__ __forceinline__ int row(int j) { return static_cast<int>(threadIdx.x) / Depth + j * kRowThreads; }

  Source source_;
  int next_;
  T staged_[kRows];
};

// B of the weight's gradient: a row is a tap, whose place is in a table, and a term is a position.
template <class T>
struct PatchTerms {
  const ConvImages<T>& images;
  const ConvPhase& phase;
  const ConvPlace* taps;

  __device__ __forceinline__ const ConvPlace& row(int index) const { return taps[index]; }
  __device__ __forceinline__ ConvPlace term(int k, bool any) const {
    return any ? images.position(phase, k) : nowhere();
  }
  __device__ __forceinline__ T load(const ConvPlace& row, const ConvPlace& term) const {
    return images.load(phase, row, term);
  }
};

// A of the input's gradient: a row is an input channel, a term is an output channel's tap. weight: [groups, o, c, KH,
// KW]. Rows beyond the last repeat it; nobody looks at their sums. What lies in shared memory is read there each time:
// in registers, where each row begins would be kept while the sums need them all.
template <class T>
struct WeightRows {
  const T* weight;
  const int &group, &row0;  // where the group's weights begin, and the panel's first row; both in shared memory
  int rows, kernel, kw;     // elements of a kernel and of its rows
  const ConvPhase& phase;

  __device__ __forceinline__ int row(int index) const { return group + min(row0 + index, rows - 1) * kernel; }
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

// A of the weight's gradient: a row is an output channel, a term is a position. grad: [images, channels, OH, OW].
template <class T>
struct GradientRows {
  const T* grad;
  int group;              // where the group's channels of an image begin
  int row0, rows, image;  // the panel's first; of a group; elements of an image
  const ConvPhase& phase;

  __device__ __forceinline__ int row(int index) const { return group + min(row0 + index, rows - 1) * phase.area; }
  __device__ __forceinline__ int term(int k, bool any) const {
    const int n = static_cast<int>(phase.by_area.quotient(static_cast<uint32_t>(k)));
    return any ? n * image + (k - n * phase.area) : kNowhere;
  }
  __device__ __forceinline__ T load(int row, int term) const { return term >= 0 ? grad[row + term] : T{0}; }
};

}  // namespace talus::cuda
