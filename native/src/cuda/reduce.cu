// Reductions. Teams of threads share the elements behind an output, and neighbouring outputs a block; where outputs are
// few, elements are cut into parts, too, whose states a second kernel merges in order. All cuts follow the shape alone.
#include <vector>

#include "cuda/map.cuh"
#include "cuda/memory.h"
#include "cuda/reduce_ops.cuh"
#include "dtype.h"
#include "kernels.h"
#include "reduce_rules.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kMaxParts = 128;
// Elements of a part, below which a second kernel does not pay.
constexpr int64_t kMinPart = 8192;
// As many blocks keep any device busy.
constexpr int64_t kManyBlocks = 1024;

struct Shape {
  Walk<1> kept, reduced;
  int team;        // threads that share an output, a power of two
  int parts;       // pieces of the reduced elements, each a block's
  bool columns;    // neighbouring threads take neighbouring outputs instead of neighbouring elements
  uint32_t piece;  // elements of a part
};

__device__ __forceinline__ static int64_t offset_in(const Walk<1>& walk, uint32_t index) {
  if (walk.ndim == 1) return index * walk.stride[0][0];
  int64_t offset[1];
  walk.locate(index, offset);
  return offset[0];
}

// Merges the states of a team into that of its first member. `stride` lies between members.
template <class Op>
__device__ __forceinline__ static void merge_team(typename Op::State* states, int thread, int member, int team,
                                                  int stride) {
  for (int half = team / 2; half > 0; half /= 2) {
    __syncthreads();
    if (member < half) Op::merge(states[thread], states[thread + half * stride]);
  }
}

template <class Op>
__device__ __forceinline__ static void write_result(const typename Op::State& state, int64_t output, double count,
                                                    double p0, typename Op::Out* out, int64_t* indices) {
  out[output] = Op::finish(state, count, p0);
  if constexpr (Op::kHasIndex) {
    if (indices != nullptr) indices[output] = state.index;
  }
}

template <class Op, class T>
__global__ void __launch_bounds__(kThreads) reduce_parts(Shape s, const T* x, double p0, typename Op::Out* out,
                                                         int64_t* indices, typename Op::State* partials) {
  CUDA_SHARED(typename Op::State[kThreads], states);
  const int thread = static_cast<int>(threadIdx.x), teams = kThreads / s.team;
  const int team = s.columns ? thread % teams : thread / s.team;
  const int member = s.columns ? thread / teams : thread % s.team;
  const uint32_t part = blockIdx.x % static_cast<uint32_t>(s.parts);
  const uint32_t output =
      blockIdx.x / static_cast<uint32_t>(s.parts) * static_cast<uint32_t>(teams) + static_cast<uint32_t>(team);
  typename Op::State state = Op::start();
  if (output < s.kept.n) {
    const T* from = x + offset_in(s.kept, output);
    const uint32_t begin = part * s.piece, left = s.reduced.n - begin, end = begin + (left < s.piece ? left : s.piece);
    for (uint32_t i = begin + static_cast<uint32_t>(member); i < end; i += static_cast<uint32_t>(s.team))
      Op::add(state, from[offset_in(s.reduced, i)], i);
  }
  states[thread] = state;
  merge_team<Op>(states, thread, member, s.team, s.columns ? teams : 1);
  if (member != 0 || output >= s.kept.n) return;
  if (s.parts > 1)
    partials[int64_t{output} * s.parts + part] = states[thread];
  else
    write_result<Op>(states[thread], output, s.reduced.n, p0, out, indices);
}

// A block merges the parts of one output.
template <class Op>
__global__ void __launch_bounds__(kMaxParts)
    merge_parts(int parts, double count, double p0, const typename Op::State* partials, typename Op::Out* out,
                int64_t* indices) {
  CUDA_SHARED(typename Op::State[kMaxParts], states);
  const int thread = static_cast<int>(threadIdx.x);
  states[thread] = thread < parts ? partials[int64_t{blockIdx.x} * parts + thread] : Op::start();
  merge_team<Op>(states, thread, thread, kMaxParts, 1);
  if (thread == 0) write_result<Op>(states[0], blockIdx.x, count, p0, out, indices);
}

Shape plan(const Geometry<1>& kept, const Geometry<1>& reduced) {
  Shape s = {Walk<1>(kept), Walk<1>(reduced), 1, 1, false, static_cast<uint32_t>(reduced.n)};
  const int64_t kept_stride = kept.ndim > 0 ? kept.stride[0][kept.ndim - 1] : 0;
  const int64_t reduced_stride = reduced.ndim > 0 ? reduced.stride[0][reduced.ndim - 1] : 1;
  s.columns = kept_stride == 1 && reduced_stride != 1;
  // Columns: a warp's width of outputs, as far as there are so many, so that loads are whole lines.
  int widest = kThreads;
  while (s.columns && kThreads / widest < kWarp && kThreads / widest < kept.n) widest /= 2;
  // A thread takes at least four elements.
  while (s.team < widest && s.team * 4 < reduced.n) s.team *= 2;
  const int64_t blocks = (kept.n + kThreads / s.team - 1) / (kThreads / s.team);
  const int64_t pieces = reduced.n / kMinPart;
  if (s.team == widest && pieces > 1 && blocks < kManyBlocks) {
    const int64_t wanted = kManyBlocks / blocks < pieces ? kManyBlocks / blocks : pieces;
    s.parts = static_cast<int>(wanted < kMaxParts ? wanted : kMaxParts);
    s.piece = static_cast<uint32_t>((reduced.n + s.parts - 1) / s.parts);
    s.parts = static_cast<int>((reduced.n + s.piece - 1) / s.piece);
  }
  return s;
}

struct Call {
  const Geometry<1>& kept;
  const Geometry<1>& reduced;
  const void* x;
  double p0;
  void* out;
  int64_t* indices;
};

template <class Op, class T>
void run(const Call& call) {
  using State = typename Op::State;
  using Out = typename Op::Out;
  const Shape s = plan(call.kept, call.reduced);
  Out* const out = static_cast<Out*>(call.out);
  const int64_t blocks = (call.kept.n + kThreads / s.team - 1) / (kThreads / s.team) * s.parts;
  const Scratch<State> partials(s.parts > 1 ? call.kept.n * s.parts : 0);
  launch(reduce_parts<Op, T>, blocks_for(blocks, 1), dim3(kThreads), 0, s, static_cast<const T*>(call.x), call.p0, out,
         call.indices, partials.get());
  if (s.parts > 1)
    launch(merge_parts<Op>, blocks_for(call.kept.n, 1), dim3(kMaxParts), 0, s.parts, double(call.reduced.n), call.p0,
           partials.get(), out, call.indices);
}

using Run = void (*)(const Call& call);

template <class T>
Run find_any(int op) {
  switch (op) {
    case TALUS_SUM:
      return run<SumOp<T>, T>;
    case TALUS_PROD:
      if constexpr (kReal<T>)
        return run<FloatProductOp<T>, T>;
      else
        return run<ProductOp<T>, T>;
    case TALUS_MAX:
      return run<ExtremeOp<T, true>, T>;
    case TALUS_MIN:
      return run<ExtremeOp<T, false>, T>;
    case TALUS_ALL:
      return run<TruthOp<T, true>, T>;
    case TALUS_ANY:
      return run<TruthOp<T, false>, T>;
    default:
      return nullptr;
  }
}

template <class T>
Run find_float(int op) {
  switch (op) {
    case TALUS_MEAN:
      return run<MeanOp<T>, T>;
    case TALUS_VAR:
      return run<VarianceOp<T>, T>;
    case TALUS_NORM2:
      return run<Norm2Op<T>, T>;
    case TALUS_LOGSUMEXP:
      return run<LogSumExpOp<T>, T>;
    default:
      return find_any<T>(op);
  }
}

Run find(int op, int dtype) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return find_float<float>(op);
    case TALUS_FLOAT64:
      return find_float<double>(op);
    case TALUS_INT64:
      return find_any<int64_t>(op);
    case TALUS_INT32:
      return find_any<int32_t>(op);
    case TALUS_UINT8:
    case TALUS_BOOL:
      return find_any<uint8_t>(op);
    default:
      return nullptr;
  }
}

}  // namespace

void reduce(int op, int dtype, int ndim, int kept_dims, const int64_t* geometry, const void* x, double p0, void* out,
            int64_t* indices) {
  const Run run_op = find(op, dtype);
  check_reduce(op, dtype, run_op != nullptr);
  const Geometry<1> kept = reduce_part(ndim, geometry, 0, kept_dims),
                    reduced = reduce_part(ndim, geometry, kept_dims, ndim);
  if (kept.n == 0) return;
  const bool extreme = op == TALUS_MAX || op == TALUS_MIN;
  if (reduced.n == 0 && extreme) fail_no_extreme(op);
  if (kept.n > kMaxStrided || reduced.n > kMaxStrided)
    fail(TALUS_UNSUPPORTED, "reduce: more than 2^30 elements on either side are not supported on CUDA; reduce parts");
  run_op({kept, reduced, x, p0, out, extreme ? indices : nullptr});
}

}  // namespace talus::cuda
