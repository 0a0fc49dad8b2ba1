// Reductions. The elements behind one output are numbered in row-major order and cut into chunks of a fixed size; chunk
// results are merged in order, so the number of threads changes nothing.
#include <cmath>
#include <limits>

#include "cpu/elementwise_blocks.h"
#include "cpu/isa/reduce_table.h"
#include "cpu/transpose.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "reduce_rules.h"

namespace talus::cpu {

namespace {

// A group is the outputs that are computed side by side: one when the reduced elements lie next to each other; a tile
// of columns when the outputs do.
constexpr int64_t kTileColumns = 64;  // transposed to a buffer first; in place, there are kColumns
constexpr int64_t kTileRows = 128;

bool is_float(int dtype) { return dtype == TALUS_FLOAT32 || dtype == TALUS_FLOAT64; }

// The sum in a Partial, compensated by what additions before it lost (Neumaier's variant of Kahan summation).
void add_compensated(Partial& to, const Partial& from) {
  const double sum = to.value + from.value;
  if (std::isfinite(sum))
    to.extra +=
        std::fabs(to.value) >= std::fabs(from.value) ? (to.value - sum) + from.value : (from.value - sum) + to.value;
  to.extra += from.extra;
  to.value = sum;
}

bool better(int op, bool floating, const Partial& a, const Partial& than) {
  if (!floating) return op == TALUS_MAX ? a.integer > than.integer : a.integer < than.integer;
  if (std::isnan(than.value)) return false;
  return std::isnan(a.value) || (op == TALUS_MAX ? a.value > than.value : a.value < than.value);
}

// `from` follows `to` in order.
void merge(int op, bool floating, Partial& to, const Partial& from) {
  switch (op) {
    case TALUS_SUM:
    case TALUS_MEAN:
      if (floating)
        add_compensated(to, from);
      else
        to.integer = int64_t(uint64_t(to.integer) + uint64_t(from.integer));
      break;
    case TALUS_PROD:
      if (floating)
        to.value *= from.value;
      else
        to.integer = int64_t(uint64_t(to.integer) * uint64_t(from.integer));
      break;
    case TALUS_MAX:
    case TALUS_MIN:
      if (better(op, floating, from, to)) to = from;
      break;
    case TALUS_VAR: {
      // Chan, Golub and LeVeque: updating formulae for computing sample variances.
      const double a = double(to.integer), b = double(from.integer), difference = from.value - to.value;
      to.value += difference * (b / (a + b));
      to.extra += from.extra + difference * difference * (a * b / (a + b));
      to.integer += from.integer;
      break;
    }
    case TALUS_NORM2:
      to.value += from.value;
      break;
    case TALUS_ALL:
      to.integer &= from.integer;
      break;
    case TALUS_ANY:
      to.integer |= from.integer;
      break;
    default:  // LOGSUMEXP
      if (from.extra == 0) break;
      if (to.extra == 0) {
        to = from;
      } else if (from.value > to.value) {
        to.extra = to.extra * std::exp(to.value - from.value) + from.extra;
        to.value = from.value;
      } else {
        to.extra += from.extra * std::exp(from.value - to.value);
      }
  }
}

// The result of reducing nothing.
Partial empty(int op) {
  Partial p = {0, 0, 0, 0};
  if (op == TALUS_PROD) p.value = 1;
  if (op == TALUS_PROD || op == TALUS_ALL) p.integer = 1;
  return p;
}

double finish_float(int op, const Partial& p, double count, double correction) {
  const double sum = p.value + (std::isfinite(p.value) ? p.extra : 0);
  switch (op) {
    case TALUS_SUM:
      return sum;
    case TALUS_MEAN:
      return sum / count;
    case TALUS_VAR:
      return (count == 0 ? std::nan("") : p.extra) / std::fmax(0, count - correction);
    case TALUS_NORM2:
      return std::sqrt(p.value);
    case TALUS_LOGSUMEXP:
      return p.value + std::log(p.extra);
    default:
      return p.value;
  }
}

struct Reduction {
  int op, dtype;
  Geometry<1> kept, reduced;
  int64_t bytes;
  const char* x;
  double p0;
  void* out;
  int64_t* indices;
  ReduceLoop loop;
  ColumnLoop column_loop = nullptr;  // set: reduces neighbouring columns in place
  RowLoop row_loop = nullptr;        // set: reduces rows that lie at one distance, each at once

  // Groups run along the last kept dimension, `width` outputs each.
  int64_t row_outputs = 1, width = 1, groups_in_row = 1, groups = 0, chunk = kReduceChunk, chunks = 0;

  void plan();
  int64_t outputs_of(int64_t group) const {
    const int64_t left = row_outputs - group % groups_in_row * width;
    return left < width ? left : width;
  }
  int64_t first_output(int64_t group) const {
    return group / groups_in_row * row_outputs + group % groups_in_row * width;
  }
  void reduce_chunk(int64_t group, int64_t c, Partial* partials) const;
  void reduce_columns(const char* base, int64_t begin, int64_t end, int64_t cols, Partial* partials) const;
  void write(int64_t output, const Partial& p) const;
};

void Reduction::plan() {
  const int64_t kept_stride = kept.ndim > 0 ? kept.stride[0][kept.ndim - 1] : 0;
  const int64_t reduced_stride = reduced.ndim > 0 ? reduced.stride[0][reduced.ndim - 1] : 1;
  row_outputs = kept.ndim > 0 ? kept.size[kept.ndim - 1] : 1;
  if (kept_stride == 1 && reduced_stride != 1) {
    if (indices == nullptr) column_loop = reduce_table().column(op, dtype);
    if (column_loop != nullptr) {
      width = kColumns;
    } else {
      width = kTileColumns;
      chunk = kTileRows;
    }
  }
  const bool in_place = width == 1 && reduced.ndim <= 1 && reduced.contiguous(0);
  const bool long_chunks = op == TALUS_SUM || op == TALUS_MEAN || op == TALUS_MAX || op == TALUS_MIN;
  if (in_place && long_chunks && is_float(dtype)) chunk = kLongChunk;
  if (in_place && reduced.n <= kLongChunk && kept.ndim == 1 && indices == nullptr)
    row_loop = reduce_table().row(op, dtype);
  groups_in_row = (row_outputs + width - 1) / width;
  groups = groups_in_row * (kept.n / row_outputs);
  chunks = (reduced.n + chunk - 1) / chunk;
}

void Reduction::reduce_columns(const char* base, int64_t begin, int64_t end, int64_t cols, Partial* partials) const {
  const int64_t* const strides[] = {reduced.stride[0]};
  const int64_t row_stride = reduced.stride[0][reduced.ndim - 1];
  for_each_run(reduced.ndim, reduced.size, strides, begin, end,
               [&](int64_t rows, const int64_t* offset, int64_t position) {
                 double values[kColumns];
                 column_loop(base + *offset * bytes, row_stride, rows, cols, values);
                 if (position == 0) {
                   for (int64_t i = 0; i < cols; ++i) partials[i] = {values[i], 0, 0, 0};
                 } else {
                   for (int64_t i = 0; i < cols; ++i) merge(op, true, partials[i], {values[i], 0, 0, 0});
                 }
               });
}

void Reduction::reduce_chunk(int64_t group, int64_t c, Partial* partials) const {
  const int64_t begin = c * chunk, end = begin + chunk < reduced.n ? begin + chunk : reduced.n;
  const int64_t outputs = outputs_of(group), count = end - begin;
  const int64_t* const kept_strides[] = {kept.stride[0]};
  const int64_t* const strides[] = {reduced.stride[0]};
  const char* base = x;
  for_each_run(kept.ndim, kept.size, kept_strides, first_output(group), first_output(group) + 1,
               [&](int64_t, const int64_t* offset, int64_t) { base += *offset * bytes; });
  if (column_loop != nullptr) return reduce_columns(base, begin, end, outputs, partials);

  alignas(64) char
      buffer[kReduceChunk * 8 > kTileRows * kTileColumns * 8 ? kReduceChunk * 8 : kTileRows * kTileColumns * 8];
  const char* elements = buffer;
  if (width == 1 && reduced.ndim <= 1 && reduced.contiguous(0)) {
    elements = base + begin * bytes;
  } else {
    with_word(bytes, [&](auto* null) {
      using Word = std::remove_reference_t<decltype(*null)>;
      const Word* from = reinterpret_cast<const Word*>(base);
      Word* to = reinterpret_cast<Word*>(buffer);
      const int64_t inner = reduced.ndim > 0 ? reduced.stride[0][reduced.ndim - 1] : 1;
      for_each_run(reduced.ndim, reduced.size, strides, begin, end,
                   [&](int64_t n, const int64_t* offset, int64_t position) {
                     if (width == 1) return copy_run<Word>(n, from + *offset, inner, to + position, 1);
                     transpose<Word>(from + *offset, inner, n, outputs, to + position, count);
                   });
    });
  }
  for (int64_t i = 0; i < outputs; ++i) {
    loop(elements + i * count * bytes, count, indices != nullptr, &partials[i]);
    partials[i].index += begin;
  }
}

void Reduction::write(int64_t i, const Partial& p) const {
  if (indices != nullptr) indices[i] = p.index;
  if (op == TALUS_ALL || op == TALUS_ANY) {
    static_cast<uint8_t*>(out)[i] = static_cast<uint8_t>(p.integer);
  } else if (dtype == TALUS_FLOAT32) {
    static_cast<float*>(out)[i] = static_cast<float>(finish_float(op, p, double(reduced.n), p0));
  } else if (dtype == TALUS_FLOAT64) {
    static_cast<double*>(out)[i] = finish_float(op, p, double(reduced.n), p0);
  } else if (op == TALUS_SUM || op == TALUS_PROD || dtype == TALUS_INT64) {
    static_cast<int64_t*>(out)[i] = p.integer;
  } else if (dtype == TALUS_INT32) {
    static_cast<int32_t*>(out)[i] = static_cast<int32_t>(p.integer);
  } else {
    static_cast<uint8_t*>(out)[i] = static_cast<uint8_t>(p.integer);
  }
}

void run_rows(const Reduction& r) {
  constexpr int64_t kRows = 64;
  parallel_for(r.kept.n, (65536 + r.reduced.n - 1) / r.reduced.n, [&](int64_t begin, int64_t end) {
    double values[kRows];
    for (int64_t row = begin; row < end; row += kRows) {
      const int64_t rows = end - row < kRows ? end - row : kRows, stride = r.kept.stride[0][0];
      r.row_loop(r.x + row * stride * r.bytes, stride, rows, r.reduced.n, values);
      for (int64_t i = 0; i < rows; ++i) r.write(row + i, {values[i], 0, 0, 0});
    }
  });
}

void run(const Reduction& r) {
  if (r.row_loop != nullptr) return run_rows(r);
  const bool floating = is_float(r.dtype);
  const int64_t chunk_elements = (r.reduced.n < r.chunk ? r.reduced.n : r.chunk) * r.width;
  const int64_t budget = r.op == TALUS_LOGSUMEXP ? 16384 : 65536;
  // With few outputs, chunks are the items that threads share; with many, outputs are enough.
  if (r.chunks == 1 || r.groups >= 32) {
    const int64_t cost = chunk_elements * r.chunks;
    parallel_for(r.groups, (budget + cost - 1) / cost, [&](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        Partial total[kColumns], next[kColumns];
        const int64_t outputs = r.outputs_of(group), first = r.first_output(group);
        for (int64_t i = 0; i < outputs; ++i) total[i].index = next[i].index = 0;
        r.reduce_chunk(group, 0, total);
        for (int64_t c = 1; c < r.chunks; ++c) {
          r.reduce_chunk(group, c, next);
          for (int64_t i = 0; i < outputs; ++i) merge(r.op, floating, total[i], next[i]);
        }
        for (int64_t i = 0; i < outputs; ++i) r.write(first + i, total[i]);
      }
    });
    return;
  }
  Scratch<Partial> partials(r.groups * r.chunks * r.width);
  parallel_for(r.groups * r.chunks, (budget + chunk_elements - 1) / chunk_elements, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      for (int64_t i = 0; i < r.width; ++i) partials[item * r.width + i].index = 0;
      r.reduce_chunk(item / r.chunks, item % r.chunks, &partials[item * r.width]);
    }
  });
  for (int64_t group = 0; group < r.groups; ++group) {
    for (int64_t i = 0; i < r.outputs_of(group); ++i) {
      Partial total = partials[group * r.chunks * r.width + i];
      for (int64_t c = 1; c < r.chunks; ++c)
        merge(r.op, floating, total, partials[(group * r.chunks + c) * r.width + i]);
      r.write(r.first_output(group) + i, total);
    }
  }
}

}  // namespace

void reduce(int op, int dtype, int ndim, int kept, const int64_t* geometry, const void* x, double p0, void* out,
            int64_t* indices) {
  const bool extreme = op == TALUS_MAX || op == TALUS_MIN;
  Reduction r = {op,
                 dtype,
                 reduce_part(ndim, geometry, 0, kept),
                 reduce_part(ndim, geometry, kept, ndim),
                 size_of(dtype),
                 static_cast<const char*>(x),
                 p0,
                 out,
                 extreme ? indices : nullptr,
                 reduce_table().reduce(op, dtype)};
  check_reduce(op, dtype, r.loop != nullptr);
  if (r.kept.n == 0) return;
  if (r.reduced.n == 0) {
    if (extreme) fail_no_extreme(op);
    for (int64_t i = 0; i < r.kept.n; ++i) r.write(i, empty(op));
    return;
  }
  r.plan();
  run(r);
}

}  // namespace talus::cpu
