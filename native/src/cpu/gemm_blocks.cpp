// Products of matrices larger than a cache: blocks, packing and sharing. Every element of C is summed over k in one
// order, whatever the number of threads.
#include <algorithm>

#include "caches.h"
#include "cpu/gemm.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Up to this many column tiles A is read in place: packing would not be reused enough.
constexpr int64_t kColumnTilesInPlace = 4;
// Rows this far apart, or a multiple of it, share the few lines of one cache set and take a page each: they are packed
// sooner.
constexpr int64_t kCollidingBytes = 2048;
constexpr int64_t kTilesInPlaceColliding = 2;
// Sums shorter than this are over before packing has paid.
constexpr int64_t kDepthToPack = 16;
// With sums up to this long, the elements of C take longer to read and write than to compute: C is walked along its
// rows.
constexpr int64_t kDepthAlongRows = 128;

// B is packed some tiles at a time, so that more than a line or two of each row is read in one go.
constexpr int64_t kPackTiles = 4;
constexpr int64_t kPackRows = 16;
// Panels of a transposed A likewise.
constexpr int64_t kPackPanels = 16;

// Tiles of B for each thread that let every tile be one thread's own, and still finish together.
constexpr int64_t kTilesPerThread = 8;

// Pieces of work for each thread: the last to finish is alone for little.
constexpr int64_t kTasksPerThread = 16;

// Products of at most this many multiply-adds are cut into one part of C a thread, which packs what it needs itself, if
// that leaves a thread idle for at most one part in so many: they are over before sharing packed blocks has paid.
// Larger ones need the balance of small pieces, because cores are not equally fast.
constexpr int64_t kWorkInParts = 1 << 23;
constexpr int64_t kMostIdle = 8;

// A group of A's panels up to this size may take half of L2; a larger L2 holds as much in a quarter.
constexpr int64_t kGroupBytes = 256 << 10;

constexpr int64_t kLine = 64;

template <class T>
bool collide(const Matrix<T>& matrix) {
  return !matrix.trans && matrix.stride * int64_t{sizeof(T)} % kCollidingBytes == 0;
}

// Where the largest blocks stay. All of B passes by once for each group of A's panels, which takes a quarter of L2;
// what all threads read of B takes a quarter of L3, and so does what they pack of A at once. One thread alone with long
// sums packs a group right before it is used, and takes up to half of a small L2 for it.
template <class T>
struct BlockSizes {
  int64_t depth, columns, rows, group_panels;

  BlockSizes(const GemmKernels<T>& kernels, const TileShape& shape, int64_t m, int64_t n, int64_t k, int64_t threads) {
    constexpr int64_t kBytes = sizeof(T);
    const Caches& c = caches();
    depth = std::max<int64_t>(1, even_part(k, block_depth(kernels, shape)));
    columns = even_part(n, std::max(shape.width, c.l3 / 4 / (depth * kBytes)), shape.width);
    const bool alone = threads == 1 && depth > kDepthAlongRows;
    const int64_t group = alone ? std::max(c.l2 / 4, std::min(c.l2 / 2, kGroupBytes)) : c.l2 / 4;
    group_panels = std::max<int64_t>(1, group / (shape.rows * depth * kBytes));
    if (alone && m > c.l2 / 2 / (depth * kBytes)) {
      rows = even_part(m, group_panels * shape.rows, shape.rows);
    } else {
      rows = even_part(m, std::max(shape.rows, c.l3 / 4 / (depth * kBytes)));
    }
  }
};

template <class T>
class Blocks {
 public:
  // `shape`: the whole product's, whose part this may be, so that sums are cut alike for any number of threads.
  Blocks(const GemmKernels<T>& kernels, const TileShape& shape, const Product<T>& product, int64_t threads)
      : kernels_(kernels),
        p_(product),
        shape_(shape),
        sizes_(kernels, shape_, p_.m, p_.n, p_.k, threads),
        width_(shape_.width),
        threads_(threads),
        pack_a_(p_.k >= kDepthToPack &&
                ceil_div(p_.n, width_) > (collide(p_.a) ? kTilesInPlaceColliding : kColumnTilesInPlace)),
        pack_b_(p_.b.trans ||
                (p_.k >= kDepthToPack &&
                 (p_.m > kRowsInPlace || (collide(p_.b) && ceil_div(p_.m, shape_.rows) > kTilesInPlaceColliding)))),
        tile_by_tile_(pack_b_ && p_.m <= sizes_.rows && sizes_.depth > kDepthAlongRows &&
                      ceil_div(p_.n, width_) >= kTilesPerThread * threads_ &&
                      p_.m * sizes_.depth * int64_t{sizeof(T)} <= caches().l2 / 2),
        packed_a_(pack_a_ ? sizes_.rows * sizes_.depth : 0),
        packed_b_(tile_by_tile_ ? 0 : (pack_b_ ? sizes_.columns : width_) * sizes_.depth) {}

  void run() {
    for (column_ = 0; column_ < p_.n; column_ += sizes_.columns) {
      columns_ = std::min(sizes_.columns, p_.n - column_);
      k_ = 0;
      do {
        depth_ = std::min(sizes_.depth, p_.k - k_);
        for (row_ = 0; row_ < p_.m; row_ += sizes_.rows) {
          rows_ = std::min(sizes_.rows, p_.m - row_);
          // Panels of nearly equal height: no thin one at the end.
          panels_ = ceil_div(rows_, shape_.rows);
          pack(row_ == 0);
          if (tile_by_tile_) {
            multiply_tile_by_tile();
          } else {
            multiply();
          }
        }
        k_ += depth_;
      } while (k_ < p_.k);
    }
  }

 private:
  int64_t start(int64_t panel) const { return panel * rows_ / panels_; }

  // Columns that fill no vector are packed even where B is read in place, if whole vectors are loaded.
  bool packed(int columns) const { return pack_b_ || (columns % kernels_.lanes != 0 && !kernels_.partial_b); }
  T* packed_tile(int64_t tile) const { return packed_b_.get() + (pack_b_ ? tile * width_ * depth_ : 0); }
  int columns_of(int64_t tile) const { return static_cast<int>(std::min(width_, columns_ - tile * width_)); }

  // Runs f(begin, end) over n pieces of work, in parallel if the product is large.
  template <class F>
  void share(int64_t n, F&& f) const {
    if (threads_ == 1) return f(0, n);
    parallel_for(n, std::max<int64_t>(1, n / (threads_ * kTasksPerThread)), f);
  }

  int64_t some_of(int64_t pieces, int64_t most) const {
    if (threads_ == 1) return std::min(most, pieces);
    return std::max<int64_t>(1, std::min(most, pieces / (kTilesPerThread * threads_)));
  }
  int64_t tiles_at_once(int64_t tiles) const { return p_.b.trans ? 1 : some_of(tiles, kPackTiles); }

  // First the tiles of B, then the panels of A.
  void pack(bool new_b) const {
    const int64_t tiles = ceil_div(columns_, width_);
    if (!pack_b_) pack_tiles(tiles - 1, tiles, packed_tile(tiles - 1));
    const int64_t some = tiles_at_once(tiles);
    const int64_t of_b = pack_b_ && new_b && !tile_by_tile_ ? ceil_div(tiles, some) : 0;
    const int64_t high = p_.a.trans ? some_of(panels_, kPackPanels) : 1, of_a = pack_a_ ? ceil_div(panels_, high) : 0;
    if (of_a + of_b == 0) return;
    share(of_a + of_b, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (i < of_b) {
          pack_tiles(i * some, std::min(tiles, (i + 1) * some), packed_tile(i * some));
        } else {
          pack_panels((i - of_b) * high, std::min(panels_, (i - of_b + 1) * high));
        }
      }
    });
  }

  void pack_tiles(int64_t begin, int64_t end, T* to) const {
    const auto pack = p_.b.trans ? kernels_.pack_rows : kernels_.pack_columns;
    const int64_t rows = p_.b.trans ? depth_ : kPackRows;
    for (int64_t p = 0; p < depth_; p += rows) {
      for (int64_t tile = begin; tile < end; ++tile) {
        const int count = columns_of(tile);
        if (!packed(count)) continue;
        pack(std::min(rows, depth_ - p), count, p_.b.at(k_ + p, column_ + tile * width_), p_.b.stride,
             static_cast<int>(width_), to + ((tile - begin) * depth_ + p) * width_);
      }
    }
  }

  void pack_panels(int64_t begin, int64_t end) const {
    const auto pack = p_.a.trans ? kernels_.pack_columns : kernels_.pack_rows;
    const int64_t columns = p_.a.trans ? kPackRows : depth_;
    for (int64_t p = 0; p < depth_; p += columns) {
      for (int64_t panel = begin; panel < end; ++panel) {
        const int height = static_cast<int>(start(panel + 1) - start(panel));
        pack(std::min(columns, depth_ - p), height, p_.a.at(row_ + start(panel), k_ + p), p_.a.stride, height,
             packed_a_.get() + start(panel) * depth_ + p * height);
      }
    }
  }

  void multiply() const {
    const int64_t tiles = ceil_div(columns_, width_);
    int64_t groups = ceil_div(panels_, sizes_.group_panels), column_groups = 1;
    if (threads_ > 1) {
      const int64_t work = rows_ * columns_ * std::max<int64_t>(1, depth_);
      const int64_t wanted = std::min(threads_ * kTasksPerThread, work / (kParallelWork / 8) + 1);
      // C that is walked along its rows is cut between rows first: pieces of them would lie on as many pages.
      if (depth_ <= kDepthAlongRows) groups = std::min(panels_, std::max(groups, wanted));
      column_groups = std::min(tiles, ceil_div(wanted, groups));
      groups = std::min(panels_, std::max(groups, ceil_div(wanted, column_groups)));
    }
    share(groups * column_groups, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t group = i / column_groups, column = i % column_groups;
        multiply(group * panels_ / groups, (group + 1) * panels_ / groups, column * tiles / column_groups,
                 (column + 1) * tiles / column_groups);
      }
    });
  }

  // Each tile of B is packed by the thread that multiplies it, right before: it stays in that core's cache.
  void multiply_tile_by_tile() const {
    const int64_t tiles = ceil_div(columns_, width_), some = tiles_at_once(tiles);
    share(ceil_div(tiles, some), [&](int64_t begin, int64_t end) {
      const Scratch<T> packed(some * width_ * depth_);
      GemmTile<T> t = blank_tile();
      t.b_stride = width_;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t last = std::min(tiles, (i + 1) * some);
        pack_tiles(i * some, last, packed.get());
        for (int64_t tile = i * some; tile < last; ++tile) {
          t.b = packed.get() + (tile - i * some) * width_ * depth_;
          for (int64_t panel = 0; panel < panels_; ++panel) multiply_tile(t, tile, panel, false);
        }
      }
    });
  }

  // What all tiles of the blocks at hand have in common.
  GemmTile<T> blank_tile() const {
    GemmTile<T> t;
    t.k = depth_;
    t.ldc = p_.ldc;
    t.alpha = p_.alpha;
    t.beta = k_ == 0 ? p_.beta : T{1};
    t.activation = last_sum() ? p_.activation : kNoActivation;
    return t;
  }
  bool last_sum() const { return k_ + depth_ == p_.k; }

  // t.b is set already. If the tile of C below is next, it is asked for here: its own request comes too late for rows
  // that are a page each.
  void multiply_tile(GemmTile<T>& t, int64_t tile, int64_t panel, bool below_is_next) const {
    const int64_t j = tile * width_, i = start(panel), height = start(panel + 1) - i;
    t.n = columns_of(tile);
    t.bias = last_sum() && p_.bias != nullptr ? p_.bias + column_ + j : nullptr;
    t.a = pack_a_ ? packed_a_.get() + i * depth_ : p_.a.at(row_ + i, k_);
    t.a_stride = pack_a_ ? height : p_.a.stride;
    t.c = p_.c + (row_ + i) * p_.ldc + column_ + j;
    t.row_bias = last_sum() && p_.row_bias != nullptr ? p_.row_bias + row_ + i : nullptr;
    if (below_is_next) {
      const T* c = t.c + height * p_.ldc;
      for (int64_t row = 0; row < height; ++row, c += p_.ldc)
        for (int64_t v = 0; v < width_; v += kLine / int64_t{sizeof(T)}) __builtin_prefetch(c + v, 1, 2);
    }
    kernels_.tile_of(!pack_a_ && !p_.a.trans, t.n, height)(t);
  }

  void multiply(int64_t first_panel, int64_t last_panel, int64_t begin, int64_t end) const {
    GemmTile<T> t = blank_tile();
    const auto at = [&](int64_t tile, int64_t panel, bool below_is_next) {
      const bool packed_here = packed(columns_of(tile));
      t.b = packed_here ? packed_tile(tile) : p_.b.at(k_, column_ + tile * width_);
      t.b_stride = packed_here ? width_ : p_.b.stride;
      multiply_tile(t, tile, panel, below_is_next);
    };
    if (depth_ > kDepthAlongRows) {
      const int64_t panels = last_panel - first_panel, bytes = depth_ * width_ * int64_t{sizeof(T)};
      for (int64_t tile = begin; tile < end; ++tile) {
        // The next tile of B is in L3 alone, and is fetched a piece with every panel.
        const bool fetch = pack_b_ && tile + 1 < end;
        const char* next = fetch ? reinterpret_cast<const char*>(packed_tile(tile + 1)) : nullptr;
        for (int64_t panel = 0; panel < panels; ++panel) {
          if (fetch)
            for (int64_t i = panel * bytes / panels; i < (panel + 1) * bytes / panels; i += kLine)
              __builtin_prefetch(next + i, 0, 2);
          at(tile, first_panel + panel, panel + 1 < panels);
        }
      }
      return;
    }
    // As many tiles of B as stay in L2.
    const int64_t bytes = std::max<int64_t>(1, depth_) * width_ * int64_t{sizeof(T)};
    const int64_t some = std::max<int64_t>(1, caches().l2 / 2 / bytes);
    for (int64_t tile = begin; tile < end; tile += some)
      for (int64_t panel = first_panel; panel < last_panel; ++panel)
        for (int64_t i = tile; i < std::min(end, tile + some); ++i) at(i, panel, false);
  }

  const GemmKernels<T>& kernels_;
  const Product<T>& p_;
  const TileShape shape_;
  const BlockSizes<T> sizes_;
  const int64_t width_, threads_;
  const bool pack_a_, pack_b_, tile_by_tile_;
  const Scratch<T> packed_a_, packed_b_;
  // The blocks at hand: columns of C and B, rows of C and A, and the part of the sums over k.
  int64_t column_ = 0, columns_ = 0, k_ = 0, depth_ = 0, row_ = 0, rows_ = 0, panels_ = 0;
};

// C cut into one part a thread: so many bands of rows, each into so many of columns; no parts if it cannot be cut
// evenly. Of the ways to cut, the one that packs least twice.
struct Parts {
  int64_t rows = 1, columns = 1;

  Parts(int64_t threads, int64_t m, int64_t n, int64_t row_unit, int64_t column_unit) {
    int64_t least = 0;
    for (int64_t r = 1; r <= threads; ++r) {
      if (threads % r != 0) continue;
      const int64_t c = threads / r, packed_twice = r * n + c * m;
      const int64_t largest = even_part(m, ceil_div(m, r), row_unit) * even_part(n, ceil_div(n, c), column_unit);
      if ((largest * threads - m * n) * kMostIdle > m * n || (least > 0 && packed_twice >= least)) continue;
      least = packed_twice;
      rows = r;
      columns = c;
    }
  }
};

template <class T>
Product<T> part_of(const Product<T>& p, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  Product<T> part = p;
  part.m = rows;
  part.n = columns;
  part.a.data = p.a.at(row, 0);
  part.b.data = p.b.at(0, column);
  part.c = p.c + row * p.ldc + column;
  if (p.bias != nullptr) part.bias = p.bias + column;
  if (p.row_bias != nullptr) part.row_bias = p.row_bias + row;
  return part;
}

}  // namespace

template <class T>
void multiply_blocks(const GemmKernels<T>& kernels, const Product<T>& p) {
  const int64_t work = p.m * p.n * std::max<int64_t>(1, p.k);
  const int64_t threads = std::min<int64_t>(num_threads(), work / kParallelWork + 1);
  const TileShape shape = tile_shape(kernels, p.n);
  const Parts parts(work <= kWorkInParts ? threads : 1, p.m, p.n, shape.rows, shape.width);
  const int64_t count = parts.rows * parts.columns;
  if (count == 1) return Blocks<T>(kernels, shape, p, threads).run();
  const int64_t rows = even_part(p.m, ceil_div(p.m, parts.rows), shape.rows);
  const int64_t columns = even_part(p.n, ceil_div(p.n, parts.columns), shape.width);
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / parts.columns * rows, column = i % parts.columns * columns;
      if (row >= p.m || column >= p.n) continue;
      const auto part = part_of(p, row, std::min(rows, p.m - row), column, std::min(columns, p.n - column));
      Blocks<T>(kernels, shape, part, 1).run();
    }
  });
}

template void multiply_blocks(const GemmKernels<float>&, const Product<float>&);
template void multiply_blocks(const GemmKernels<double>&, const Product<double>&);

}  // namespace talus::cpu
