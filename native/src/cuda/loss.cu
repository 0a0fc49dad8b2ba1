// Losses. Blocks add up pieces in double, and one more block adds the pieces in order; a single piece needs no more
// than its own block. All cuts follow the shape alone. Targets that are no class count as ignored and are reported.
#include "cuda/kernel_errors.cuh"
#include "cuda/math.cuh"
#include "cuda/memory.h"
#include "cuda/packs.cuh"
#include "dtype.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

// Elements of a piece, at least, and pieces of a sum, at most.
constexpr int64_t kLeastPiece = 4096, kMostPieces = 1024;

struct Sums {
  double loss, weight;
};

// Where a sum goes.
template <class T>
struct Total {
  bool mean;
  T *out, *weight;  // weight may be null
  Sums* pieces;     // null: there is one

  __device__ void write(double loss, double weight_sum) const {
    *out = T(mean ? loss / weight_sum : loss);
    if (weight != nullptr) *weight = T(weight_sum);
  }
};

// From all threads of a block.
template <class T>
__device__ __forceinline__ static void add_up(const Total<T>& total, double loss, double weight) {
  loss = team_reduce<kTeamBlock>(loss, Sum{});
  weight = team_reduce<kTeamBlock>(weight, Sum{});
  if (threadIdx.x != 0) return;
  if (total.pieces != nullptr)
    total.pieces[blockIdx.x] = {loss, weight};
  else
    total.write(loss, weight);
}

template <class T>
__global__ void __launch_bounds__(kTeamBlock) add_pieces(int pieces, Total<T> total, const Sums* sums) {
  double loss = 0, weight = 0;
  for (int i = static_cast<int>(threadIdx.x); i < pieces; i += kTeamBlock) {
    loss += sums[i].loss;
    weight += sums[i].weight;
  }
  add_up(total, loss, weight);
}

// [0, n) in pieces of a multiple of `unit`.
struct Pieces {
  int64_t size, count;
  Pieces(int64_t n, int64_t least, int64_t unit) {
    const int64_t wanted = std::max<int64_t>(1, std::min(n / least, kMostPieces));
    size = std::max<int64_t>(1, quotient_up(quotient_up(n, wanted), unit)) * unit;
    count = std::max<int64_t>(1, quotient_up(n, size));
  }
};

// Calls launch(total) and lets pieces be added up.
template <class T, class F>
void with_total(const Pieces& pieces, bool mean, void* out, void* weight, F&& launch_pieces) {
  Total<T> total = {mean, static_cast<T*>(out), static_cast<T*>(weight), nullptr};
  if (pieces.count == 1) return launch_pieces(total);
  const Scratch<Sums> sums(pieces.count);
  total.pieces = sums.get();
  launch_pieces(total);
  total.pieces = nullptr;
  launch(add_pieces<T>, dim3(1), dim3(kTeamBlock), 0, static_cast<int>(pieces.count), total, sums.get());
}

// Rows of log-probabilities [n, classes, inner] with the class each one should have.
template <class T>
struct Targets {
  int64_t classes, inner;
  const int64_t* target;
  const T* weight;  // may be null
  int64_t ignore_index;
  KernelError* error;

  // Row i's class, or -1.
  __device__ __forceinline__ int64_t of(int64_t i) const {
    const int64_t c = target[i];
    if (c == ignore_index) return -1;
    if (static_cast<uint64_t>(c) < static_cast<uint64_t>(classes)) return c;
    report(error, KernelError::kTarget, nullptr, c, i, classes, ignore_index);
    return -1;
  }
  __device__ __forceinline__ int64_t position(int64_t i, int64_t c) const {
    return inner == 1 ? i * classes + c : (i / inner * classes + c) * inner + i % inner;
  }
  __device__ __forceinline__ T weight_of(int64_t c) const { return weight != nullptr ? weight[c] : T(1); }
};

template <class T>
Targets<T> targets_of(int64_t classes, int64_t inner, const int64_t* target, const void* weight, int64_t ignore_index) {
  return {classes, inner, target, static_cast<const T*>(weight), ignore_index, kernel_error()};
}

// ------------------------------------------------------------------------------ negative log likelihood

template <class T>
__global__ void __launch_bounds__(kTeamBlock) nll_rows(int64_t rows, Targets<T> targets, const T* x, T* losses) {
  const int64_t i = int64_t{blockIdx.x} * kTeamBlock + threadIdx.x;
  if (i >= rows) return;
  const int64_t c = targets.of(i);
  losses[i] = c < 0 ? T(0) : -targets.weight_of(c) * x[targets.position(i, c)];
}

template <class T>
__global__ void __launch_bounds__(kTeamBlock)
    nll_pieces(int64_t rows, int64_t piece, Targets<T> targets, const T* x, Total<T> total) {
  const int64_t begin = blockIdx.x * piece, end = begin + piece < rows ? begin + piece : rows;
  double loss = 0, weight = 0;
#pragma unroll 4
  for (int64_t i = begin + threadIdx.x; i < end; i += kTeamBlock) {
    const int64_t c = targets.of(i);
    if (c < 0) continue;
    const double w = double(targets.weight_of(c));
    loss -= w * double(x[targets.position(i, c)]);
    weight += w;
  }
  add_up(total, loss, weight);
}

// Into a gradient that is 0 elsewhere.
template <class T>
__global__ void __launch_bounds__(kTeamBlock)
    nll_backward_rows(int64_t rows, Targets<T> targets, bool none, const T* grad, const T* total_weight, T* grad_x) {
  const int64_t i = int64_t{blockIdx.x} * kTeamBlock + threadIdx.x;
  if (i >= rows) return;
  const int64_t c = targets.of(i);
  const T divisor = total_weight != nullptr ? *total_weight : T(1);
  if (c >= 0) grad_x[targets.position(i, c)] = -targets.weight_of(c) * grad[none ? i : 0] / divisor;
}

// ---------------------------------------------------------------------------------------- cross entropy

struct Scores {
  int64_t rows, classes;
  bool aligned;  // packs are
};

// A team takes a row: once for the greatest score and once for the exponentials, from a cache. N: elements of a pack.
template <int Threads, int N, class T>
__global__ void __launch_bounds__(kTeamBlock) entropy_pieces(Scores s, int64_t piece, Targets<T> targets, const T* x,
                                                             T* losses, T* exps, T* sums, Total<T> total) {
  constexpr int kTeams = kTeamBlock / Threads;
  const int team = static_cast<int>(threadIdx.x) / Threads, member = static_cast<int>(threadIdx.x) % Threads;
  const int64_t begin = blockIdx.x * piece, end = begin + piece < s.rows ? begin + piece : s.rows;
  double loss_sum = 0, weight_sum = 0;
  for (int64_t first = begin; first < end; first += kTeams) {
    const int64_t row = first + team;
    // Teams without a row still meet the others.
    const int64_t classes = row < end ? s.classes : 0;
    const T* scores = x + row * s.classes;
    T greatest = T(-INFINITY), sum = 0;
    for (int64_t c = member * N; c < classes; c += Threads * N) {
      const Pack<T, N> pack = load_pack<N>(scores + c, s.aligned);
#pragma unroll
      for (int k = 0; k < N; ++k) greatest = Greater{}(greatest, pack.values[k]);
    }
    greatest = team_reduce<Threads>(greatest, Greater{});
    for (int64_t c = member * N; c < classes; c += Threads * N) {
      Pack<T, N> pack = load_pack<N>(scores + c, s.aligned);
#pragma unroll
      for (int k = 0; k < N; ++k) sum += pack.values[k] = math::exp<T>(pack.values[k] - greatest);
      if (exps != nullptr) store_pack<N>(exps + row * s.classes + c, pack, s.aligned);
    }
    sum = team_reduce<Threads>(sum, Sum{});
    if (member != 0 || row >= end) continue;
    if (sums != nullptr) sums[row] = sum;
    const int64_t wanted = targets.of(row);
    T loss = 0;
    if (wanted >= 0) {
      const T w = targets.weight_of(wanted);
      loss = w * (math::log<T>(sum) - (scores[wanted] - greatest));
      loss_sum += double(loss);
      weight_sum += double(w);
    }
    if (losses != nullptr) losses[row] = loss;
  }
  if (losses == nullptr) add_up(total, loss_sum, weight_sum);
}

// A row's softmax minus its one-hot target, times the gradient of its loss.
template <int Threads, int N, class T>
__global__ void __launch_bounds__(kTeamBlock)
    entropy_backward_rows(Scores s, Targets<T> targets, bool none, const T* grad, const T* exps, const T* sums,
                          const T* total_weight, T* grad_x) {
  const int64_t row = team_row<Threads>();
  const int member = static_cast<int>(threadIdx.x) % Threads;
  if (row >= s.rows) return;
  const int64_t wanted = targets.of(row);
  const T divisor = total_weight != nullptr ? *total_weight : T(1);
  const T g = wanted < 0 ? T(0) : targets.weight_of(wanted) * grad[none ? row : 0] / divisor;
  const T factor = g / sums[row];
  exps += row * s.classes;
  grad_x += row * s.classes;
  for (int64_t c = member * N; c < s.classes; c += Threads * N) {
    Pack<T, N> pack = load_pack<N>(exps + c, s.aligned);
#pragma unroll
    for (int k = 0; k < N; ++k) pack.values[k] = pack.values[k] * factor - (c + k == wanted ? g : T(0));
    store_pack<N>(grad_x + c, pack, s.aligned);
  }
}

// --------------------------------------------------------------------------------------- squared error

template <class T>
__global__ void __launch_bounds__(kTeamBlock)
    squares_pieces(int64_t n, int64_t piece, bool aligned, const T* x, const T* y, Total<T> total) {
  constexpr int N = kPackItems<T>;
  const int64_t begin = blockIdx.x * piece, end = begin + piece < n ? begin + piece : n;
  double sum = 0;
  const auto add = [&](T x_i, T y_i) {
    const double difference = double(x_i) - double(y_i);
    sum += difference * difference;
  };
  int64_t i = begin + threadIdx.x * N;
#pragma unroll 4
  for (; i + N <= end; i += kTeamBlock * N) {
    const Pack<T, N> p = load_pack<N>(x + i, aligned), q = load_pack<N>(y + i, aligned);
#pragma unroll
    for (int k = 0; k < N; ++k) add(p.values[k], q.values[k]);
  }
  for (; i < end; ++i) add(x[i], y[i]);
  // Every block counts its own elements.
  add_up(total, sum, threadIdx.x == 0 ? double(end - begin) : 0);
}

}  // namespace

void nll_loss(int dtype, int64_t n, int64_t classes, int64_t inner, const void* x, const int64_t* target,
              const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight) {
  dispatch_float(dtype, "nll_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t rows = n * inner;
    const Targets<T> targets = targets_of<T>(classes, inner, target, weight, ignore_index);
    const T* from = static_cast<const T*>(x);
    if (reduction == TALUS_REDUCTION_NONE) {
      if (rows > 0)
        launch(nll_rows<T>, blocks_for(rows, kTeamBlock), dim3(kTeamBlock), 0, rows, targets, from,
               static_cast<T*>(out));
      return;
    }
    const Pieces pieces(rows, kLeastPiece, 1);
    with_total<T>(pieces, reduction == TALUS_REDUCTION_MEAN, out, total_weight, [&](const Total<T>& total) {
      launch(nll_pieces<T>, blocks_for(pieces.count, 1), dim3(kTeamBlock), 0, rows, pieces.size, targets, from, total);
    });
  });
}

void nll_loss_backward(int dtype, int64_t n, int64_t classes, int64_t inner, const void* grad, const int64_t* target,
                       const void* weight, int64_t ignore_index, int reduction, const void* total_weight,
                       void* grad_x) {
  dispatch_float(dtype, "nll_loss_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t rows = n * inner;
    if (rows == 0) return;
    if (classes > 0)
      TALUS_CHECK_CUDA(cudaMemsetAsync(grad_x, 0, static_cast<size_t>(rows * classes) * sizeof(T), current_stream()));
    launch(nll_backward_rows<T>, blocks_for(rows, kTeamBlock), dim3(kTeamBlock), 0, rows,
           targets_of<T>(classes, inner, target, weight, ignore_index), reduction == TALUS_REDUCTION_NONE,
           static_cast<const T*>(grad),
           reduction == TALUS_REDUCTION_MEAN ? static_cast<const T*>(total_weight) : nullptr, static_cast<T*>(grad_x));
  });
}

void cross_entropy(int dtype, int64_t n, int64_t classes, const void* x, const int64_t* target, const void* weight,
                   int64_t ignore_index, int reduction, void* out, void* total_weight, void* exps, void* sums) {
  dispatch_float(dtype, "cross_entropy", [&](auto type) {
    using T = typename decltype(type)::type;
    const bool none = reduction == TALUS_REDUCTION_NONE;
    if (none && n == 0) return;
    const Targets<T> targets = targets_of<T>(classes, 1, target, weight, ignore_index);
    const Scores scores = {n, classes, pack_aligned(x) && pack_aligned(exps)};
    with_row_kernel<T>(classes, kWarpRow, [&](auto threads, auto items) {
      constexpr int kThreads = decltype(threads)::value;
      constexpr int kTeams = kTeamBlock / kThreads;
      const Pieces pieces(n, std::max<int64_t>(kTeams, kLeastPiece / std::max<int64_t>(classes, 1)), kTeams);
      const auto launch_pieces = [&](const Total<T>& total) {
        launch(entropy_pieces<kThreads, decltype(items)::value, T>, blocks_for(pieces.count, 1), dim3(kTeamBlock), 0,
               scores, pieces.size, targets, static_cast<const T*>(x), none ? static_cast<T*>(out) : nullptr,
               static_cast<T*>(exps), static_cast<T*>(sums), total);
      };
      if (none)
        launch_pieces(Total<T>{});
      else
        with_total<T>(pieces, reduction == TALUS_REDUCTION_MEAN, out, total_weight, launch_pieces);
    });
  });
}

void cross_entropy_backward(int dtype, int64_t n, int64_t classes, const void* grad, const void* exps, const void* sums,
                            const int64_t* target, const void* weight, int64_t ignore_index, int reduction,
                            const void* total_weight, void* grad_x) {
  dispatch_float(dtype, "cross_entropy_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    if (n == 0) return;
    const Targets<T> targets = targets_of<T>(classes, 1, target, weight, ignore_index);
    const Scores scores = {n, classes, pack_aligned(exps) && pack_aligned(grad_x)};
    with_row_kernel<T>(classes, kWarpRow, [&](auto threads, auto items) {
      constexpr int kThreads = decltype(threads)::value;
      launch(entropy_backward_rows<kThreads, decltype(items)::value, T>, blocks_for(n, kTeamBlock / kThreads),
             dim3(kTeamBlock), 0, scores, targets, reduction == TALUS_REDUCTION_NONE, static_cast<const T*>(grad),
             static_cast<const T*>(exps), static_cast<const T*>(sums),
             reduction == TALUS_REDUCTION_MEAN ? static_cast<const T*>(total_weight) : nullptr,
             static_cast<T*>(grad_x));
    });
  });
}

void mse_loss(int dtype, int64_t n, const void* x, const void* y, int reduction, void* out) {
  dispatch_float(dtype, "mse_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    const Pieces pieces(n, kLeastPiece, kPackItems<T>);
    with_total<T>(pieces, reduction == TALUS_REDUCTION_MEAN, out, nullptr, [&](const Total<T>& total) {
      launch(squares_pieces<T>, blocks_for(pieces.count, 1), dim3(kTeamBlock), 0, n, pieces.size,
             pack_aligned(x) && pack_aligned(y), static_cast<const T*>(x), static_cast<const T*>(y), total);
    });
  });
}

}  // namespace talus::cuda
