// Products too small or too thin for blocks.
#include <algorithm>
#include <optional>

#include "caches.h"
#include "cpu/gemm.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Dot products of longer rows would not find them in a cache.
constexpr int64_t kMostDotDepth = 4096;

constexpr int64_t kPage = 4096;

// Scratch memory that is on the stack if it is small.
template <class T>
class Workspace {
 public:
  explicit Workspace(int64_t count) : data_(stack_) {
    if (count > kCount) data_ = heap_.emplace(count).get();
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  T* get() const { return data_; }

 private:
  static constexpr int64_t kCount = kSmallPanelBytes / 4 / sizeof(T);
  alignas(64) T stack_[kCount];
  std::optional<Scratch<T>> heap_;
  T* data_;
};

}  // namespace

template <class T>
void multiply_small(const GemmKernels<T>& kernels, const Product<T>& p) {
  const TileShape shape = tile_shape(kernels, p.n);
  const int m = static_cast<int>(p.m), n = static_cast<int>(p.n);
  const int width = static_cast<int>(shape.width), panels = static_cast<int>(ceil_div(m, shape.rows));
  const int height = m / panels, higher = m % panels;
  alignas(64) T packed[kSmallPanelBytes / sizeof(T)];
  GemmTile<T> t;
  t.k = p.k;
  t.a_stride = p.a.stride;
  t.ldc = p.ldc;
  t.alpha = p.alpha;
  t.beta = p.beta;
  t.activation = p.activation;
  for (int j = 0; j < n; j += width) {
    t.n = std::min(width, n - j);
    t.b = p.b.at(0, j);
    t.b_stride = p.b.stride;
    if (p.b.trans || (t.n % kernels.lanes != 0 && !kernels.partial_b)) {
      const auto pack = p.b.trans ? kernels.pack_rows : kernels.pack_columns;
      const int columns = kernels.vectors_of(t.n) * kernels.lanes;
      pack(p.k, t.n, t.b, p.b.stride, columns, packed);
      t.b = packed;
      t.b_stride = columns;
    }
    t.bias = p.bias == nullptr ? nullptr : p.bias + j;
    const auto& tiles = kernels.tile[!p.a.trans][kernels.vectors_of(t.n) - 1];
    for (int i = 0, panel = 0; panel < panels; ++panel) {
      const int rows = height + (panel < higher ? 1 : 0);
      t.a = p.a.at(i, 0);
      t.c = p.c + i * p.ldc + j;
      t.row_bias = p.row_bias == nullptr ? nullptr : p.row_bias + i;
      tiles[rows - 1](t);
      i += rows;
    }
  }
}

template <class T>
bool prefers_dots(const GemmKernels<T>& kernels, const Product<T>& p) {
  if (p.a.trans || !p.b.trans || p.k == 0 || p.k > kMostDotDepth) return false;
  if (p.m * p.k * int64_t{sizeof(T)} > caches().l2 / 2) return false;
  // In vector operations: the sums and adding up lanes, against the tiles, whose last columns may be empty, and
  // packing.
  const auto m = static_cast<double>(p.m), n = static_cast<double>(p.n), k = static_cast<double>(p.k);
  const double lanes = kernels.lanes, vectors = static_cast<double>(ceil_div(p.n, kernels.lanes));
  const double dots = m * n * (static_cast<double>(ceil_div(p.k, kernels.lanes)) + 4.5);
  const double tiles = vectors * k * (m + 0.35 * lanes);
  return dots < tiles * 0.9;
}

template <class T>
void multiply_dots(const GemmKernels<T>& kernels, const Product<T>& p) {
  const int64_t high = kernels.most_dot_rows, wide = kernels.most_dot_columns;
  const int64_t groups = ceil_div(p.m, high), column_groups = ceil_div(p.n, wide);
  const auto range = [&](int64_t begin, int64_t end) {
    GemmTile<T> t;
    t.k = p.k;
    t.a_stride = p.a.stride;
    t.b_stride = p.b.stride;
    t.ldc = p.ldc;
    t.alpha = p.alpha;
    t.beta = p.beta;
    t.activation = p.activation;
    for (int64_t block = begin; block < end; ++block) {
      // Blocks of nearly equal size.
      const int64_t group = block % groups, column_group = block / groups;
      const int64_t i = group * p.m / groups, rows = (group + 1) * p.m / groups - i;
      const int64_t j = column_group * p.n / column_groups, columns = (column_group + 1) * p.n / column_groups - j;
      t.a = p.a.at(i, 0);
      t.b = p.b.at(0, j);
      t.c = p.c + i * p.ldc + j;
      t.n = static_cast<int>(columns);
      t.bias = p.bias == nullptr ? nullptr : p.bias + j;
      t.row_bias = p.row_bias == nullptr ? nullptr : p.row_bias + i;
      kernels.dots[rows - 1][columns - 1](t);
    }
  };
  if (p.m * p.n * p.k <= kParallelWork) return range(0, groups * column_groups);
  parallel_for(groups * column_groups, kParallelWork / 2 / (high * wide * p.k) + 1, range);
}

// y = M x, where M is op(B) transposed or op(A).
template <class T>
void multiply_vector(const GemmKernels<T>& kernels, const Product<T>& p) {
  const bool row = p.m == 1;
  const Matrix<T>& matrix = row ? p.b : p.a;
  const Matrix<T>& vector = row ? p.a : p.b;
  const int64_t count = row ? p.n : p.m;
  const bool rows_are_dots = row ? p.b.trans : !p.a.trans;
  const bool strided = row == vector.trans && vector.stride != 1;

  // A row that C need not be read for is computed in its place.
  const bool in_place = row && p.beta == T{0};
  const Workspace<T> sums(in_place ? 0 : count), gathered(strided ? p.k : 0);
  T* y = in_place ? p.c : sums.get();
  if (strided)
    for (int64_t i = 0; i < p.k; ++i) gathered.get()[i] = vector.data[i * vector.stride];
  const T* x = strided ? gathered.get() : vector.data;
  const auto range = [&](int64_t begin, int64_t end) {
    if (rows_are_dots) {
      kernels.dot_rows(end - begin, p.k, matrix.data + begin * matrix.stride, matrix.stride, x, y + begin);
    } else {
      kernels.add_rows(end - begin, p.k, matrix.data + begin, matrix.stride, x, y + begin);
    }
  };
  if (count * p.k <= kSmallWork / 4) {
    range(0, count);
  } else {
    // Long ranges: down the rows of a matrix, short ones would be on another page at every step. Where kernels read
    // rows side by side, it is two pages at a time.
    const int64_t threads = num_threads(), two_pages = 2 * kPage / int64_t{sizeof(T)};
    const bool side_by_side = !rows_are_dots && kernels.adds_side_by_side(p.k, matrix.stride);
    const int64_t share = side_by_side ? std::min(count / threads, two_pages) : count / (8 * threads);
    parallel_for(count, std::max(share, kParallelWork / 8 / p.k + 1), range);
  }
  const int64_t step = row ? 1 : p.ldc;
  if (p.alpha != T{1})
    for (int64_t i = 0; i < count; ++i) y[i] *= p.alpha;
  if (p.beta != T{0})
    for (int64_t i = 0; i < count; ++i) y[i] += p.beta * p.c[i * step];
  if (p.bias != nullptr)
    for (int64_t i = 0; i < count; ++i) y[i] += p.bias[row ? i : 0];
  if (p.row_bias != nullptr)
    for (int64_t i = 0; i < count; ++i) y[i] += p.row_bias[row ? 0 : i];
  if (p.activation.clamps)
    for (int64_t i = 0; i < count; ++i) y[i] = activated(p.activation, y[i]);
  if (!in_place)
    for (int64_t i = 0; i < count; ++i) p.c[i * step] = y[i];
}

template void multiply_small(const GemmKernels<float>&, const Product<float>&);
template void multiply_small(const GemmKernels<double>&, const Product<double>&);
template bool prefers_dots(const GemmKernels<float>&, const Product<float>&);
template bool prefers_dots(const GemmKernels<double>&, const Product<double>&);
template void multiply_dots(const GemmKernels<float>&, const Product<float>&);
template void multiply_dots(const GemmKernels<double>&, const Product<double>&);
template void multiply_vector(const GemmKernels<float>&, const Product<float>&);
template void multiply_vector(const GemmKernels<double>&, const Product<double>&);

}  // namespace talus::cpu
