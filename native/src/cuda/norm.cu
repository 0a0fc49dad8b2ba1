// Batch normalisation. A block takes a channel, or where inner is small as many whole channels as neighbours in memory
// fill a warp's width. It adds up their two sums, makes factors of them and reads its elements again, from a cache if
// they fit. Where channels are too few for the device, blocks share them, and the two readings are two launches.
#include <algorithm>

#include "cuda/math.cuh"
#include "cuda/memory.h"
#include "cuda/norm_sums.cuh"
#include "cuda/packs.cuh"
#include "dtype.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

// As many blocks keep any device busy; a part has this many elements, at least.
constexpr int64_t kManyBlocks = 1024, kLeastPart = 8192, kMostParts = 128;

// A [images, channels, inner] tensor and how it is cut, which follows its shape alone.
struct Channels {
  int64_t images, channels, inner;
  bool aligned;           // packs are
  int block_channels;     // 1 where a block's elements are cut along images and inner
  int parts;              // blocks that share them
  int64_t piece, blocks;  // a part's elements, or images

  Channels(int64_t n, int64_t c, int64_t size, int pack) : images(n), channels(c), inner(size), aligned(false) {
    block_channels = in_columns() ? static_cast<int>(kWarp / inner) : 1;
    blocks = quotient_up(channels, block_channels);
    const int64_t whole = in_columns() ? images : images * inner, work = images * inner * block_channels;
    const int64_t wanted = std::min({kManyBlocks / blocks, work / kLeastPart, kMostParts});
    piece = quotient_up(whole, std::max<int64_t>(wanted, 1));
    if (!in_columns()) piece = quotient_up(piece, pack) * pack;
    parts = static_cast<int>(quotient_up(whole, piece));
    blocks *= parts;
  }
  bool in_columns() const { return inner < kWarp; }
};

// The elements of a channel that a thread takes, in packs of N. Walks have the thread's `channel`, if it `has` one, and
// its number among the `members` that share the channel in this block; `leads` is true for one of those.
template <int Items>
struct PlaneWalk {
  static constexpr int N = Items;
  static constexpr int members = kTeamBlock;
  static constexpr bool has = true;
  int64_t channel, part, left, position, offset, inner, jump, step_position, step_offset;
  int member;
  bool leads;

  __device__ __forceinline__ explicit PlaneWalk(const Channels& g) : inner(g.inner) {
    member = static_cast<int>(threadIdx.x);
    channel = blockIdx.x / g.parts;
    part = blockIdx.x % g.parts;
    leads = member == 0;
    const int64_t whole = g.images * g.inner, begin = part * g.piece + member * N;
    left = (whole < (part + 1) * g.piece ? whole : (part + 1) * g.piece) - begin;
    const int64_t image = begin / g.inner;
    position = begin - image * g.inner;
    offset = (image * g.channels + channel) * g.inner + position;
    constexpr int kStep = kTeamBlock * N;
    const int64_t images = kStep / g.inner;
    step_position = kStep - images * g.inner;
    step_offset = images * g.channels * g.inner + step_position;
    jump = (g.channels - 1) * g.inner;
  }
  __device__ __forceinline__ bool more() const { return left > 0; }
  __device__ __forceinline__ void next() {
    left -= kTeamBlock * N;
    position += step_position;
    offset += step_offset;
    if (position < inner) return;
    position -= inner;
    offset += jump;
  }
  __device__ __forceinline__ NormSums total(NormSums s, const Channels&) const {
    return {team_reduce<kTeamBlock>(s.first, Sum{}), team_reduce<kTeamBlock>(s.second, Sum{})};
  }
};

// Lanes are neighbours in memory, warps take turns at images.
struct ColumnWalk {
  static constexpr int N = 1;
  int64_t channel, part, image, end, offset, step_offset;
  int member, members;
  bool has, leads;

  __device__ __forceinline__ explicit ColumnWalk(const Channels& g) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    const int inner = static_cast<int>(g.inner);
    const int64_t tile = blockIdx.x / g.parts;
    part = blockIdx.x % g.parts;
    channel = tile * g.block_channels + lane / inner;
    has = lane < g.block_channels * inner && channel < g.channels;
    member = warp * inner + lane % inner;
    members = kNormWarps * inner;
    leads = has && member == 0;
    image = part * g.piece + warp;
    end = has ? (g.images < (part + 1) * g.piece ? g.images : (part + 1) * g.piece) : 0;
    step_offset = g.channels * g.inner;
    offset = image * step_offset + tile * g.block_channels * g.inner + lane;
    step_offset *= kNormWarps;
  }
  __device__ __forceinline__ bool more() const { return image < end; }
  __device__ __forceinline__ void next() {
    image += kNormWarps;
    offset += step_offset;
  }
  // Of the lanes that share a channel.
  __device__ __forceinline__ NormSums total(NormSums s, const Channels& g) const {
    CUDA_SHARED(NormSums[kWarp], lanes);
    const int lane = static_cast<int>(threadIdx.x) % kWarp, inner = static_cast<int>(g.inner);
    s = add_warps(s);
    if (threadIdx.x < kWarp) lanes[lane] = s;
    __syncthreads();
    NormSums sum = {0, 0};
    const int first = lane / inner * inner;
    for (int i = first; i < first + inner && i < kWarp; ++i) sum.add(lanes[i].first, lanes[i].second);
    return sum;
  }
};

template <class T>
__device__ __forceinline__ T value_or(const T* values, int64_t c, double otherwise) {
  return values != nullptr ? values[c] : T(otherwise);
}

template <class T>
struct Factors {
  T centre, scale, offset, slope;
};

// An operation: the terms of its sums, the factors they lead to, and out = load(x) with factors.
template <class T>
struct Forward {
  using Value = T;
  bool training;
  const T *x, *weight, *bias;
  T *running_mean, *running_var, *out, *mean, *rstd;
  double momentum, eps, share, unbiased;  // of one value in the mean; of the variance
  int64_t sample[3], inner;               // places in the first channel

  // The middle one of three values: rarely one far from all others. Squares of distances from a value of the channel
  // itself are at most as many variances as it has values, so double sums keep float's digits whatever it is.
  __device__ __forceinline__ double centre(int64_t c) const {
    if (!training) return 0;
    const T p = x[sample[0] + c * inner], q = x[sample[1] + c * inner], r = x[sample[2] + c * inner];
    const T low = p < q ? p : q, high = p < q ? q : p, lower = high < r ? high : r;
    return double(low > lower ? low : lower);
  }
  template <class Walk>
  __device__ __forceinline__ void add(NormSums& s, double centre_c, int64_t at, bool aligned) const {
    const auto pack = load_pack<Walk::N>(x + at, aligned);
#pragma unroll
    for (int k = 0; k < Walk::N; ++k) {
      const double d = double(pack.values[k]) - centre_c;
      s.add(d, d * d);
    }
  }
  __device__ __forceinline__ Factors<T> finish(int64_t c, double centre_c, const NormSums& s, bool writes) const {
    const double average = s.first * share, of_squares = s.second * share - average * average;
    const double variance = training ? (of_squares < 0 ? 0 : of_squares) : double(running_var[c]);
    const double mean_c = training ? centre_c + average : double(running_mean[c]);
    const T rstd_c = T(1 / math::sqrt(variance + eps));
    if (writes) {
      mean[c] = T(mean_c);
      rstd[c] = rstd_c;
      if (training && running_mean != nullptr) {
        running_mean[c] = T((1 - momentum) * double(running_mean[c]) + momentum * mean_c);
        running_var[c] = T((1 - momentum) * double(running_var[c]) + momentum * variance * unbiased);
      }
    }
    return {T(mean_c), T(double(rstd_c) * double(value_or(weight, c, 1))), value_or(bias, c, 0), T(0)};
  }
  template <int N>
  using Loaded = Pack<T, N>;
  __device__ __forceinline__ bool applies() const { return true; }
  template <int N>
  __device__ __forceinline__ Loaded<N> load(int64_t at, bool aligned) const {
    return load_pack<N>(x + at, aligned);
  }
  template <int N>
  __device__ __forceinline__ void store(int64_t at, Loaded<N> v, const Factors<T>& f, bool aligned) const {
#pragma unroll
    for (int k = 0; k < N; ++k) v.values[k] = (v.values[k] - f.centre) * f.scale + f.offset;
    store_pack<N>(out + at, v, aligned);
  }
};

// grad_x = weight * rstd * (grad - mean(grad) - (x - mean) * rstd^2 * mean(grad * (x - mean)))
template <class T>
struct Backward {
  using Value = T;
  bool training;
  const T *grad, *x, *weight, *mean, *rstd;
  T *grad_x, *grad_weight, *grad_bias;
  double share;

  __device__ __forceinline__ double centre(int64_t c) const { return double(mean[c]); }
  template <class Walk>
  __device__ __forceinline__ void add(NormSums& s, double centre_c, int64_t at, bool aligned) const {
    const auto g = load_pack<Walk::N>(grad + at, aligned), from = load_pack<Walk::N>(x + at, aligned);
#pragma unroll
    for (int k = 0; k < Walk::N; ++k) {
      const double g_k = double(g.values[k]);
      s.add(g_k, g_k * (double(from.values[k]) - centre_c));
    }
  }
  __device__ __forceinline__ Factors<T> finish(int64_t c, double centre_c, const NormSums& s, bool writes) const {
    const double r = double(rstd[c]), scale = r * double(value_or(weight, c, 1));
    if (writes && grad_weight != nullptr) grad_weight[c] = T(s.second * r);
    if (writes && grad_bias != nullptr) grad_bias[c] = T(s.first);
    // The running statistics do not depend on x: the gradient is only scaled.
    if (!training) return {T(0), T(scale), T(0), T(0)};
    return {T(centre_c), T(scale), T(-scale * s.first * share), T(scale * r * r * s.second * share)};
  }
  template <int N>
  struct Loaded {
    Pack<T, N> g, x;
  };
  __device__ __forceinline__ bool applies() const { return grad_x != nullptr; }
  template <int N>
  __device__ __forceinline__ Loaded<N> load(int64_t at, bool aligned) const {
    return {load_pack<N>(grad + at, aligned), load_pack<N>(x + at, aligned)};
  }
  template <int N>
  __device__ __forceinline__ void store(int64_t at, const Loaded<N>& v, const Factors<T>& f, bool aligned) const {
    Pack<T, N> out;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      const T scaled = f.scale * v.g.values[k];
      out.values[k] = training ? scaled + f.offset - (v.x.values[k] - f.centre) * f.slope : scaled;
    }
    store_pack<N>(grad_x + at, out, aligned);
  }
};

// What a launch does: both readings, or one of them.
enum class Step { Both, Sum, Apply };

// The next elements are asked for before the last ones are stored.
template <class Walk, class Op>
__device__ __forceinline__ void apply(Walk walk, const Op& op, const Factors<typename Op::Value>& f, bool aligned) {
  if (!op.applies() || !walk.more()) return;
  auto now = op.template load<Walk::N>(walk.offset, aligned);
  for (;;) {
    const int64_t at = walk.offset;
    walk.next();
    const bool more = walk.more();
    auto then = now;
    if (more) then = op.template load<Walk::N>(walk.offset, aligned);
    op.template store<Walk::N>(at, now, f, aligned);
    if (!more) return;
    now = then;
  }
}

// sums: [parts, channels], for steps apart; without, there is nothing to sum.
template <Step step, class Walk, class Op>
__global__ void __launch_bounds__(kTeamBlock) norm_channels(Channels g, Op op, NormSums* sums) {
  Walk walk(g);
  const double centre = walk.has ? op.centre(walk.channel) : 0;
  NormSums s = {0, 0};
  if constexpr (step == Step::Apply) {
    if (sums != nullptr) {
      for (int part = walk.member; walk.has && part < g.parts; part += walk.members) {
        const NormSums& other = sums[part * g.channels + walk.channel];
        s.add(other.first, other.second);
      }
      s = walk.total(s, g);
    }
  } else {
#pragma unroll 4
    for (; walk.more(); walk.next()) op.template add<Walk>(s, centre, walk.offset, g.aligned);
    s = walk.total(s, g);
  }
  if constexpr (step == Step::Sum) {
    if (walk.leads) sums[walk.part * g.channels + walk.channel] = s;
  } else if (walk.has) {
    apply(Walk(g), op, op.finish(walk.channel, centre, s, walk.leads && walk.part == 0), g.aligned);
  }
}

template <class Walk, class Op>
void run_walk(const Channels& g, const Op& op, bool has_sums) {
  const dim3 grid = blocks_for(g.blocks, 1), block(kTeamBlock);
  if (!has_sums) return launch(norm_channels<Step::Apply, Walk, Op>, grid, block, 0, g, op, nullptr);
  if (g.parts == 1) return launch(norm_channels<Step::Both, Walk, Op>, grid, block, 0, g, op, nullptr);
  const Scratch<NormSums> sums(g.parts * g.channels);
  launch(norm_channels<Step::Sum, Walk, Op>, grid, block, 0, g, op, sums.get());
  launch(norm_channels<Step::Apply, Walk, Op>, grid, block, 0, g, op, sums.get());
}

template <class T, class Op>
void run(int64_t n, int64_t channels, int64_t inner, bool aligned, const Op& op, bool has_sums) {
  constexpr int kItems = kPackItems<T>;
  const bool packs = inner % kItems == 0;
  Channels g(n, channels, inner, packs ? kItems : 1);
  g.aligned = aligned;
  if (g.in_columns())
    run_walk<ColumnWalk>(g, op, has_sums);
  else if (packs)
    run_walk<PlaneWalk<kItems>>(g, op, has_sums);
  else
    run_walk<PlaneWalk<1>>(g, op, has_sums);
}

}  // namespace

void batch_norm(int dtype, int64_t n, int64_t channels, int64_t inner, const void* x, const void* weight,
                const void* bias, void* running_mean, void* running_var, bool training, double momentum, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "batch_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    if (n == 0 || channels == 0 || inner == 0) return;
    const int64_t count = n * inner;
    Forward<T> op = {training,
                     static_cast<const T*>(x),
                     static_cast<const T*>(weight),
                     static_cast<const T*>(bias),
                     static_cast<T*>(running_mean),
                     static_cast<T*>(running_var),
                     static_cast<T*>(out),
                     static_cast<T*>(mean),
                     static_cast<T*>(rstd),
                     momentum,
                     eps,
                     1 / double(count),
                     double(count) / double(count - 1),
                     {},
                     inner};
    for (int64_t s = 0; s < 3; ++s) {
      const int64_t at = s * count / 3;
      op.sample[s] = at / inner * channels * inner + at % inner;
    }
    run<T>(n, channels, inner, pack_aligned(x) && pack_aligned(out), op, training);
  });
}

void batch_norm_backward(int dtype, int64_t n, int64_t channels, int64_t inner, const void* grad, const void* x,
                         const void* weight, const void* mean, const void* rstd, bool training, void* grad_x,
                         void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "batch_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    if (n == 0 || channels == 0 || inner == 0) {
      for (void* sums : {grad_weight, grad_bias})
        if (sums != nullptr && channels > 0)
          TALUS_CHECK_CUDA(cudaMemsetAsync(sums, 0, static_cast<size_t>(channels) * sizeof(T), current_stream()));
      return;
    }
    const Backward<T> op = {training,
                            static_cast<const T*>(grad),
                            static_cast<const T*>(x),
                            static_cast<const T*>(weight),
                            static_cast<const T*>(mean),
                            static_cast<const T*>(rstd),
                            static_cast<T*>(grad_x),
                            static_cast<T*>(grad_weight),
                            static_cast<T*>(grad_bias),
                            1 / double(n * inner)};
    run<T>(n, channels, inner, pack_aligned(grad) && pack_aligned(x) && pack_aligned(grad_x), op, true);
  });
}

}  // namespace talus::cuda
