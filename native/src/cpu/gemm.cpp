// C = epilogue(alpha * op(A) op(B) + beta * C + bias): splitting, cache blocking and packing. The arithmetic is in
// cpu/isa/gemm.cpp. Every element of C is summed over k in one order, whatever the number of threads.
#include <algorithm>
#include <optional>

#include "cpu/isa/gemm_table.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Multiply-adds that are worth waking a thread for.
constexpr int64_t kParallelWork = 1 << 20;
// A packed row panel of B (depth x tile width) takes this much of the L1 cache, a packed block of A this much of L2.
constexpr int64_t kPanelBytes = 32 << 10;
constexpr int64_t kBlockBytes = 512 << 10;
// Columns of B packed at a time, bounded by the last-level cache.
constexpr int64_t kBlockColumns = 4096;
// Below this many column tiles A is read in place, below this many row tiles B is: packing would not be reused enough.
constexpr int64_t kColumnTilesToPackA = 4;
constexpr int64_t kRowTilesToPackB = 6;

// Products of at most this many multiply-adds are done at once, by this thread, without blocks: deciding how to cut and
// allocating would cost as much as the arithmetic.
constexpr int64_t kSmallWork = 1 << 18;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Size of the blocks when n is cut evenly into the fewest blocks of at most `most`, each a multiple of `unit`.
int64_t even_block(int64_t n, int64_t most, int64_t unit) {
  const int64_t blocks = std::max<int64_t>(1, ceil_div(n, most));
  return ceil_div(ceil_div(n, blocks), unit) * unit;
}

template <class T>
struct Matrix {
  const T* data;
  int64_t stride;
  bool trans;

  const T* at(int64_t row, int64_t column) const {
    return trans ? data + column * stride + row : data + row * stride + column;
  }
};

template <class T>
struct Product {
  int64_t m, n, k;
  Matrix<T> a, b;
  T* c;
  int64_t ldc;
  T alpha, beta;
  const T* bias;
  bool relu;

  // The rows [row, row + rows) and columns [column, column + columns) of C.
  Product part(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    Product p = *this;
    p.m = rows;
    p.n = columns;
    p.a.data = a.at(row, 0);
    p.b.data = b.at(0, column);
    p.c = c + row * ldc + column;
    if (bias != nullptr) p.bias = bias + column;
    return p;
  }
};

// One thread's part of C, block by block.
template <class T>
class Blocks {
 public:
  Blocks(const GemmKernels<T>& kernels, const Product<T>& product)
      : kernels_(kernels),
        p_(product),
        width_(kTileVectors * kernels.lanes),
        depth_(even_block(p_.k, kPanelBytes / (width_ * int64_t{sizeof(T)}), 1)),
        rows_(even_block(p_.m, rows_in_cache(), 1)),
        columns_(even_block(p_.n, kBlockColumns, width_)),
        pack_a_(ceil_div(p_.n, width_) > kColumnTilesToPackA),
        pack_b_(p_.b.trans || ceil_div(p_.m, kernels.rows) > kRowTilesToPackB),
        packed_a_(pack_a_ ? rows_ * depth_ : 0),
        packed_b_((pack_b_ ? columns_ : width_) * depth_) {}

  void run() {
    for (int64_t column = 0; column < p_.n; column += columns_) {
      const int64_t columns = std::min(columns_, p_.n - column);
      int64_t k = 0;
      do {
        const int64_t depth = std::min(depth_, p_.k - k);
        pack_b(k, depth, column, columns);
        for (int64_t row = 0; row < p_.m; row += rows_)
          multiply(k, depth, row, std::min(rows_, p_.m - row), column, columns);
        k += depth;
      } while (k < p_.k);
    }
  }

 private:
  int64_t rows_in_cache() const {
    const int64_t rows = kBlockBytes / (std::max<int64_t>(1, depth_) * int64_t{sizeof(T)});
    return std::max<int64_t>(1, rows / kernels_.rows) * kernels_.rows;
  }

  // A tile of fewer columns than whole vectors is packed even where B is read in place: whole vectors are loaded.
  bool packed(int columns) const { return pack_b_ || (columns % kernels_.lanes != 0 && !kernels_.partial_b); }
  T* packed_tile(int64_t depth, int64_t tile) const { return packed_b_.get() + (pack_b_ ? tile * width_ * depth : 0); }

  void pack_b(int64_t k, int64_t depth, int64_t column, int64_t columns) {
    for (int64_t tile = 0; tile * width_ < columns; ++tile) {
      const int count = static_cast<int>(std::min(width_, columns - tile * width_));
      if (!packed(count)) continue;
      const auto pack = p_.b.trans ? kernels_.pack_rows : kernels_.pack_columns;
      pack(depth, count, p_.b.at(k, column + tile * width_), p_.b.stride, static_cast<int>(width_),
           packed_tile(depth, tile));
    }
  }

  void multiply(int64_t k, int64_t depth, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    // Panels of nearly equal height: no thin one at the end.
    const int64_t panels = ceil_div(rows, kernels_.rows);
    const auto start = [&](int64_t panel) { return panel * rows / panels; };
    if (pack_a_) {
      const auto pack = p_.a.trans ? kernels_.pack_columns : kernels_.pack_rows;
      for (int64_t i = 0; i < panels; ++i) {
        const int height = static_cast<int>(start(i + 1) - start(i));
        pack(depth, height, p_.a.at(row + start(i), k), p_.a.stride, height, packed_a_.get() + start(i) * depth);
      }
    }
    const bool first = k == 0, last = k + depth == p_.k;
    const bool by_rows = !pack_a_ && !p_.a.trans;
    GemmTile<T> t;
    t.k = depth;
    t.ldc = p_.ldc;
    t.alpha = p_.alpha;
    t.beta = first ? p_.beta : T{1};
    t.relu = last && p_.relu;
    for (int64_t j = 0; j < columns; j += width_) {
      t.n = static_cast<int>(std::min(width_, columns - j));
      t.b = packed(t.n) ? packed_tile(depth, j / width_) : p_.b.at(k, column + j);
      t.b_stride = packed(t.n) ? width_ : p_.b.stride;
      t.bias = last && p_.bias != nullptr ? p_.bias + column + j : nullptr;
      const auto& tiles = kernels_.tile[by_rows][t.n > kernels_.lanes ? 1 : 0];
      for (int64_t i = 0; i < panels; ++i) {
        const int64_t height = start(i + 1) - start(i);
        t.a = pack_a_ ? packed_a_.get() + start(i) * depth : p_.a.at(row + start(i), k);
        t.a_stride = pack_a_ ? height : p_.a.stride;
        t.c = p_.c + (row + start(i)) * p_.ldc + column + j;
        tiles[height - 1](t);
      }
    }
  }

  const GemmKernels<T>& kernels_;
  const Product<T> p_;
  const int64_t width_, depth_, rows_, columns_;
  const bool pack_a_, pack_b_;
  const Scratch<T> packed_a_, packed_b_;
};

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
  static constexpr int64_t kCount = kPanelBytes / 4 / sizeof(T);
  alignas(64) T stack_[kCount];
  std::optional<Scratch<T>> heap_;
  T* data_;
};

// Everything read in place; only a transposed B and columns that fill no vector are copied, one tile wide.
template <class T>
void multiply_small(const GemmKernels<T>& kernels, const Product<T>& p) {
  const int width = kTileVectors * kernels.lanes, m = static_cast<int>(p.m), n = static_cast<int>(p.n);
  const int panels = (m + kernels.rows - 1) / kernels.rows, height = m / panels, higher = m % panels;
  alignas(64) T packed[kPanelBytes / sizeof(T)];
  GemmTile<T> t;
  t.k = p.k;
  t.a_stride = p.a.stride;
  t.ldc = p.ldc;
  t.alpha = p.alpha;
  t.beta = p.beta;
  t.relu = p.relu;
  for (int j = 0; j < n; j += width) {
    t.n = std::min(width, n - j);
    t.b = p.b.at(0, j);
    t.b_stride = p.b.stride;
    if (p.b.trans || (t.n % kernels.lanes != 0 && !kernels.partial_b)) {
      const auto pack = p.b.trans ? kernels.pack_rows : kernels.pack_columns;
      const int vectors = t.n > kernels.lanes ? width : kernels.lanes;
      pack(p.k, t.n, t.b, p.b.stride, vectors, packed);
      t.b = packed;
      t.b_stride = vectors;
    }
    t.bias = p.bias == nullptr ? nullptr : p.bias + j;
    const auto& tiles = kernels.tile[!p.a.trans][t.n > kernels.lanes ? 1 : 0];
    for (int i = 0, panel = 0; panel < panels; ++panel) {
      const int rows = height + (panel < higher ? 1 : 0);
      t.a = p.a.at(i, 0);
      t.c = p.c + i * p.ldc + j;
      tiles[rows - 1](t);
      i += rows;
    }
  }
}

// m == 1 or n == 1: y = M x, where M is op(B) transposed or op(A).
template <class T>
void matrix_vector(const GemmKernels<T>& kernels, const Product<T>& p) {
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
    parallel_for(count, kParallelWork / 8 / p.k + 1, range);
  }
  const int64_t step = row ? 1 : p.ldc;
  if (p.alpha != T{1})
    for (int64_t i = 0; i < count; ++i) y[i] *= p.alpha;
  if (p.beta != T{0})
    for (int64_t i = 0; i < count; ++i) y[i] += p.beta * p.c[i * step];
  if (p.bias != nullptr)
    for (int64_t i = 0; i < count; ++i) y[i] += p.bias[row ? i : 0];
  if (p.relu)
    for (int64_t i = 0; i < count; ++i) y[i] = y[i] < T{0} ? T{0} : y[i];
  if (!in_place)
    for (int64_t i = 0; i < count; ++i) p.c[i * step] = y[i];
}

// k == 1: the rows of C are multiples of a row.
template <class T>
void multiply_outer(const GemmKernels<T>& kernels, const Product<T>& p) {
  const bool plain = p.alpha == T{1} && p.beta == T{0} && p.bias == nullptr && !p.relu;
  if (!plain || p.b.trans) return multiply_small(kernels, p);
  for (int64_t i = 0; i < p.m; ++i) kernels.add_rows(p.n, 1, p.b.data, 0, p.a.at(i, 0), p.c + i * p.ldc);
}

// How many row and column parts C is cut into for `parts` threads: nearly square parts need the least packing.
struct Grid {
  int64_t rows = 1, columns = 1;

  Grid(int64_t parts, int64_t m, int64_t n, int64_t tile_rows, int64_t tile_columns) {
    int64_t best = -1;
    for (int64_t r = 1; r <= parts; ++r) {
      const int64_t c = parts / r;
      if (r > ceil_div(m, tile_rows) || c > ceil_div(n, tile_columns)) continue;
      const int64_t cost = ceil_div(m, r) * ceil_div(n, c) * 64 + ceil_div(m, r) + ceil_div(n, c);
      if (best >= 0 && cost >= best) continue;
      best = cost;
      rows = r;
      columns = c;
    }
  }
};

template <class T>
void multiply(const GemmKernels<T>& kernels, const Product<T>& p) {
  if ((p.m == 1 || p.n == 1) && p.k > 0) return matrix_vector(kernels, p);
  const int64_t width = kTileVectors * kernels.lanes;
  if (p.m * p.n * p.k <= kSmallWork && p.m * p.n <= kSmallWork && p.k * width * int64_t{sizeof(T)} <= kPanelBytes)
    return p.k == 1 ? multiply_outer(kernels, p) : multiply_small(kernels, p);
  const int64_t worth = p.m * p.n * std::max<int64_t>(1, p.k) / kParallelWork + 1;
  const Grid grid(std::min<int64_t>(num_threads(), worth), p.m, p.n, kernels.rows, width);
  const int64_t rows = ceil_div(p.m, grid.rows);
  const int64_t columns = ceil_div(ceil_div(p.n, grid.columns), width) * width;
  parallel_for(grid.rows * grid.columns, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / grid.columns * rows, column = i % grid.columns * columns;
      if (row >= p.m || column >= p.n) continue;
      Blocks<T>(kernels, p.part(row, std::min(rows, p.m - row), column, std::min(columns, p.n - column))).run();
    }
  });
}

template <class T>
void gemm_of(GemmParams p) {
  const auto& kernels = gemm_table().of<T>();
  // One B for all, and the A's and C's follow each other: one tall product.
  if (p.batch > 1 && p.stride_b == 0 && !p.trans_a && p.stride_a == p.m * p.lda && p.stride_c == p.m * p.ldc) {
    p.m *= p.batch;
    p.batch = 1;
  }
  const auto entry = [&](int64_t i) {
    return Product<T>{p.m,
                      p.n,
                      p.k,
                      {static_cast<const T*>(p.a) + i * p.stride_a, p.lda, p.trans_a},
                      {static_cast<const T*>(p.b) + i * p.stride_b, p.ldb, p.trans_b},
                      static_cast<T*>(p.c) + i * p.stride_c,
                      p.ldc,
                      static_cast<T>(p.alpha),
                      static_cast<T>(p.beta),
                      static_cast<const T*>(p.bias),
                      p.epilogue == TALUS_EPILOGUE_RELU};
  };
  if (p.batch == 1) return multiply(kernels, entry(0));
  const int64_t grain = p.batch < num_threads() ? p.batch : kParallelWork / (p.m * p.n * (p.k + 1)) + 1;
  const auto range = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) multiply(kernels, entry(i));
  };
  // With few entries each is split in itself.
  if (grain >= p.batch) return range(0, p.batch);
  parallel_for(p.batch, grain, range);
}

}  // namespace

void gemm(int dtype, const GemmParams& p) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return;
  dispatch_float(dtype, "gemm", [&](auto type) { gemm_of<typename decltype(type)::type>(p); });
}

}  // namespace talus::cpu
