// Which tile multiplies, and into how many pieces sums are cut where a product has too few tiles for the device.
#pragma once

#include <algorithm>
#include <limits>

#include "cuda/gemm_tensor.cuh"
#include "talus/talus.h"

namespace talus::cuda {

// The fewest terms that are worth a piece of a sum: it is written and read once more.
constexpr int kLeastPiece = 128;

// How a product is launched.
struct GemmPlan {
  int tile = 0, pieces = 1;
  double cost = std::numeric_limits<double>::infinity();
};

// Tiles from large to small, and the share of the large one's rate that a full device reaches with each: small ones
// load more for each multiplication.
template <class T>
struct GemmTiles;
template <>
struct GemmTiles<float> {
  using Large = GemmTile<float, 128, 128, 8, 8, 8>;
  using Medium = GemmTile<float, 64, 64, 16, 8, 4>;
  using Small = GemmTile<float, 32, 32, 16, 4, 4>;
};
template <>
struct GemmTiles<double> {
  using Large = GemmTile<double, 128, 64, 8, 8, 8>;
  using Medium = GemmTile<double, 64, 32, 8, 8, 4>;
  using Small = GemmTile<double, 32, 32, 8, 4, 4>;
};
// On tensor cores.
struct TensorTiles {
  using Large = TensorTile<128, 128, 64>;
  using Medium = TensorTile<64, 64, 32>;
  using Small = TensorTile<32, 32, 32>;
};
constexpr double kTileRates[] = {1, 0.8, 0.5};

// Whether float32 products of this precision may be rounded to TF32 and this device's tensor cores know it.
inline bool tensor_cores_allowed(int precision) {
  return precision == TALUS_PRECISION_HIGH && properties(current_device()).major >= 8;
}

template <class Tiles, class F>
void with_tile_of(int tile, F&& f) {
  if (tile == 0) return f(typename Tiles::Large{});
  if (tile == 1) return f(typename Tiles::Medium{});
  f(typename Tiles::Small{});
}

inline int tiles_of(int size, int tile) { return (size + tile - 1) / tile; }

// Terms of a piece: whole depths of the tile.
inline int piece_terms(int k, int pieces, int depth) {
  return std::max(tiles_of(tiles_of(k, pieces), depth) * depth, depth);
}

// For `entries` products of m x n elements and k terms: rounds of blocks that the device takes one after the other,
// times what a block computes in one.
template <class Tiles>
GemmPlan plan_tiles(int m, int n, int k, int64_t entries, int most_pieces) {
  const int processors = properties(current_device()).multiprocessors;
  GemmPlan best;
  for (int tile = 0; tile < 3; ++tile) {
    with_tile_of<Tiles>(tile, [&](auto t) {
      using Tile = decltype(t);
      const int64_t tiles = int64_t{tiles_of(m, Tile::kM)} * tiles_of(n, Tile::kN) * entries;
      for (int pieces = 1; pieces <= most_pieces && (pieces == 1 || k / pieces >= kLeastPiece); pieces *= 2) {
        const int64_t rounds = (tiles * pieces + processors * Tile::kBlocks - 1) / (processors * Tile::kBlocks);
        double cost = static_cast<double>(rounds) * Tile::kBlocks * Tile::kM * Tile::kN *
                      (static_cast<double>(k) / pieces + 2 * Tile::kDepth) / kTileRates[tile];
        // A piece's sums are written and read at a rate at which the device does about 50 multiplications an element.
        if (pieces > 1) cost += 50.0 * pieces * m * n * static_cast<double>(entries) / processors;
        if (cost < best.cost) best = {tile, pieces, cost};
      }
    });
  }
  return best;
}

}  // namespace talus::cuda
