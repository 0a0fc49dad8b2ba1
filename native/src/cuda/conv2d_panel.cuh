// Panels of a convolution's tiles, gathered element by element: which ones a thread gathers, and how they come through
// its registers. conv2d_tensor.cuh has the panels that are copied.
#pragma once

#include "cuda/conv2d_phase.cuh"
#include "cuda/gemm_tile.cuh"

namespace talus::cuda {

// B of the forward pass and of the input's gradient: a column is a position and a term is a tap. Neighbouring threads
// take neighbouring positions, each one for the whole sum. Where taps lie is worked out once for all of them, Ahead
// fetches early: between one fetch and the Ahead-th after it lies a barrier, which makes them known.
template <class T, int Columns, int Depth, int Threads, int Ahead>
class PatchColumns {
 protected:
  static constexpr int kTermThreads = Threads / Columns, kTerms = Depth / kTermThreads;
  static constexpr int kTables = 2 * Ahead;  // those that are read while others are written
  static_assert(kTermThreads * Columns == Threads && kTerms * kTermThreads == Depth, "every thread loads as much");
  static_assert((Depth & (Depth - 1)) == 0 && Depth <= Threads, "a thread for each term");

 public:
  using Table = ConvPlace[kTables][Depth];

  // k_left terms from k0 on, a multiple of Depth, of the group whose images begin `group` elements further.
  __device__ __forceinline__ PatchColumns(const ConvImages<T>& images, int group, const ConvPhase& phase, int column0,
                                          int k0, int k_left, Table& table)
      : images_(images), phase_(phase), table_(table), next_(k0) {
    position_ = column0 + column() < phase.pixels ? images.position(phase, column0 + column()) : nowhere();
    position_.offset += group;
#pragma unroll
    for (int i = 0; i < Ahead; ++i) place_taps(k0 + i * Depth, k_left - i * Depth);
    __syncthreads();
  }

 protected:
  static __device__ __forceinline__ int column() { return static_cast<int>(threadIdx.x) % Columns; }
  // The thread's i-th of Depth terms.
  static __device__ __forceinline__ int term(int i) {
    return static_cast<int>(threadIdx.x) / Columns + i * kTermThreads;
  }

  // f(i, element) with the thread's elements of the next terms, of which k are left.
  template <class F>
  __device__ __forceinline__ void gather(int k_left, F&& f) {
    place_taps(next_ + Ahead * Depth, k_left - Ahead * Depth);
#pragma unroll
    for (int i = 0; i < kTerms; ++i) f(i, images_.element(phase_, position_, table_[table_of(next_)][term(i)]));
    next_ += Depth;
  }

 private:
  static __device__ __forceinline__ int table_of(int k) { return k / Depth % kTables; }
  __device__ __forceinline__ void place_taps(int k, int k_left) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < Depth) table_[table_of(k)][thread] = thread < k_left ? images_.tap(phase_, k + thread) : nowhere();
  }

  // A kernel's parameters, which need no registers.
  const ConvImages<T>& images_;
  const ConvPhase& phase_;
  Table& table_;
  int next_;
  ConvPlace position_;
};

template <class T, int Columns, int Depth, int Threads>
class PatchPanel : public PatchColumns<T, Columns, Depth, Threads, 1> {
  using Gathered = PatchColumns<T, Columns, Depth, Threads, 1>;

 public:
  using Shared = GemmShared<T, Columns, Depth>;
  using Gathered::Gathered;

  __device__ __forceinline__ void fetch(int k_left) {
    this->gather(k_left, [&](int i, const ConvElement<T>& element) { staged_[i] = element.load(); });
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int i = 0; i < Gathered::kTerms; ++i) panel[Gathered::term(i)][Gathered::column()] = staged_[i];
  }

 private:
  T staged_[Gathered::kTerms];
};

// Rows whose terms are contiguous in memory, so that neighbouring threads take neighbouring terms. Source:
//
//   Row row(int index)           of the panel
//   Term term(int k, bool any)   of the sum; without any, its elements are 0
//   ConvElement<T> element(Row, Term)
template <int Rows, int Depth, int Threads, class Source>
class TermRows {
 protected:
  static constexpr int kRowThreads = Threads / Depth, kRows = Rows / kRowThreads;
  static_assert(kRowThreads * Depth == Threads && kRows * kRowThreads == Rows, "every thread loads as much");

 public:
  __device__ __forceinline__ TermRows(const Source& source, int k0) : source_(source), next_(k0) {}

 protected:
  static __device__ __forceinline__ int term() { return static_cast<int>(threadIdx.x) % Depth; }
  // The thread's j-th of Rows lines.
  static __device__ __forceinline__ int line(int j) { return static_cast<int>(threadIdx.x) / Depth + j * kRowThreads; }

  // f(j, element) with the thread's elements of the next terms, of which k are left; row_at(line) is a line's row.
  template <class RowAt, class F>
  __device__ __forceinline__ void gather(int k_left, RowAt&& row_at, F&& f) {
    const auto term_of_all = source_.term(next_ + term(), term() < k_left);
#pragma unroll
    for (int j = 0; j < kRows; ++j) f(j, source_.element(source_.row(row_at(line(j))), term_of_all));
    next_ += Depth;
  }

 private:
  Source source_;
  int next_;
};

template <class T, int Rows, int Depth, int Threads, class Source>
class TermPanel : public TermRows<Rows, Depth, Threads, Source> {
  using Gathered = TermRows<Rows, Depth, Threads, Source>;

 public:
  using Shared = GemmShared<T, Rows, Depth>;
  using Gathered::Gathered;

  __device__ __forceinline__ void fetch(int k_left) {
    this->gather(
        k_left, [](int line) { return line; },
        [&](int j, const ConvElement<T>& element) { staged_[j] = element.load(); });
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int j = 0; j < Gathered::kRows; ++j) panel[Gathered::term()][Gathered::line(j)] = staged_[j];
  }

 private:
  T staged_[Gathered::kRows];
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
  __device__ __forceinline__ ConvElement<T> element(const ConvPlace& row, const ConvPlace& term) const {
    return images.element(phase, row, term);
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
  __device__ __forceinline__ ConvElement<T> element(int row, int term) const { return {weight, row + term, term >= 0}; }
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
  __device__ __forceinline__ ConvElement<T> element(int row, int term) const { return {grad, row + term, term >= 0}; }
};

// The panels by which a kind of tile gathers.
template <class Tile>
struct ConvPanels;
template <class T, int M, int N, int Depth, int PerM, int PerN>
struct ConvPanels<GemmTile<T, M, N, Depth, PerM, PerN>> {
  static constexpr int kThreads = GemmTile<T, M, N, Depth, PerM, PerN>::kThreads;
  using Patches = PatchPanel<T, N, Depth, kThreads>;
  template <int Rows, class Source>
  using Terms = TermPanel<T, Rows, Depth, kThreads, Source>;
};

}  // namespace talus::cuda
