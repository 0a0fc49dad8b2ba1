// Pooling. Outputs of a row stand side by side in SIMD lanes, and taps are loads from rows split by stride; an
// average's gradient is gathered in the same way.
#include "cpu/isa/pool2d_table.h"

#include "pool2d_2x2.h"
#include "pool2d_rows.h"

namespace talus::TALUS_ISA_NS {
namespace {

// Hands out pieces of the workspace, or, from null, counts them.
class Workspace {
 public:
  explicit Workspace(char* memory) : memory_(memory) {}

  template <class E>
  E* take(int64_t n) {
    E* piece = memory_ == nullptr ? nullptr : reinterpret_cast<E*>(memory_ + used_);
    used_ += round_up(n * int64_t{sizeof(E)}, 64);
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  char* memory_;
  int64_t used_ = 0;
};

template <class T>
using Word = typename math::Ieee<T>::Bits;

// ---------------------------------------------------------------------------------------------------- forward

template <class T>
struct Forward {
  int64_t* offsets;  // of the taps of a row
  Word<T>* first;    // max: each output column's first tap inside
  T* widths;         // average: what each output column counts
  T* rows;
  T* line;  // average: a sum of rows

  Forward(const PoolShape& s, Workspace& workspace) {
    const int64_t columns = round_up(s.ow, kLanes<T>);
    offsets = workspace.take<int64_t>(s.kw);
    first = workspace.take<Word<T>>(columns);
    widths = workspace.take<T>(columns);
    const RowLayout<T> layout(s);
    rows = workspace.take<T>(layout.rows < 2 ? 2 * layout.row_size() : layout.elements());
    line = workspace.take<T>(s.w + kSlack<T>);
  }
};

// KernelW: the windows' width if it is known beforehand, else 0.
template <class T, int KernelW, class Code>
void max_windows(const PoolShape& s, int64_t planes, const T* x, T* out, Code* taps, char* memory) {
  const int64_t width = KernelW > 0 ? KernelW : s.kw;
  constexpr T kLowest = -static_cast<T>(__builtin_inf());
  Workspace workspace(memory);
  const Forward<T> at(s, workspace);
  SplitRows<T> rows(s, kLowest, at.rows);
  tap_offsets(s, rows.layout().length, at.offsets);
  for (int64_t j = 0; j < s.ow; ++j) {
    const Taps inside = taps_inside(j * s.stride_w - s.pad_w, s.w, s.kw, s.dilation_w);
    at.first[j] = static_cast<Word<T>>(least(inside.begin, s.kw - 1));
  }
  for (int64_t plane = 0; plane < planes; ++plane) {
    rows.start(x + plane * s.h * s.w);
    rows.reach(0);
    for (int64_t i = 0; i < s.oh; ++i) {
      rows.reach(i + 1);
      const int64_t top = i * s.stride_h - s.pad_h;
      const Taps inside = taps_inside(top, s.h, s.kh, s.dilation_h);
      const Codes<T> first_row = splat_code<T>(least(inside.begin, s.kh - 1) * s.kw);
      const int64_t to = (plane * s.oh + i) * s.ow;
      for_row<T>(s.ow, [&](int64_t j, int64_t n) {
        Vec<T> best = broadcast<T>(kLowest);
        Codes<T> tap;
        std::memcpy(&tap, at.first + j, sizeof tap);
        // Before any other: what a window of nothing but -inf chooses.
        tap += first_row;
        for (int64_t kh = inside.begin; kh < inside.end; ++kh) {
          const T* row = rows.row(top + kh * s.dilation_h) + j;
          Codes<T> code = splat_code<T>(kh * s.kw);
          for (int64_t kw = 0; kw < width; ++kw) {
            const Vec<T> value = load<T>(row + at.offsets[kw]);
            const auto better = replaces(value, best);
            best = better ? value : best;
            tap = better ? code : tap;
            code += splat_code<T>(1);
          }
        }
        store_part<T>(out + to + j, best, n);
        if (taps != nullptr) store_codes<T>(taps + to + j, tap, n);
      });
    }
  }
}

// How many elements a window along one dimension counts; at least 1, so that empty windows divide 0 by it.
int64_t counted(const PoolShape& s, int64_t start, int64_t size, int64_t kernel, int64_t pad) {
  const Taps inside = taps_inside(start, size, kernel, 1);
  const int64_t count = s.count_include_pad ? least(kernel, size + pad - start) : inside.end - inside.begin;
  return count > 1 ? count : 1;
}

// What the outputs of one row, and of one column, are divided by: the product.
template <class T>
T row_divisor(const PoolShape& s, int64_t i) {
  return s.divisor != 0 ? T(1) : static_cast<T>(counted(s, i * s.stride_h - s.pad_h, s.h, s.kh, s.pad_h));
}

template <class T>
void column_divisors(const PoolShape& s, T* widths) {
  for (int64_t j = 0; j < round_up(s.ow, kLanes<T>); ++j)
    widths[j] = static_cast<T>(s.divisor != 0 ? s.divisor : counted(s, j * s.stride_w - s.pad_w, s.w, s.kw, s.pad_w));
}

// Rows are added first, so that a window's columns are all that is left.
template <class T>
void avg_windows(const PoolShape& s, int64_t planes, const T* x, T* out, char* memory) {
  Workspace workspace(memory);
  const Forward<T> at(s, workspace);
  const RowLayout<T> layout(s);
  tap_offsets(s, layout.length, at.offsets);
  column_divisors(s, at.widths);
  for (int64_t i = 0; i < 2 * layout.row_size(); ++i) at.rows[i] = T(0);
  const auto split_sum = [&](int64_t row) {
    const int64_t top = row % s.oh * s.stride_h - s.pad_h;
    const Taps inside = taps_inside(top, s.h, s.kh, 1);
    const T* first = x + (row / s.oh * s.h + top + inside.begin) * s.w;
    for_row<T>(s.w, [&](int64_t c, int64_t n) {
      Vec<T> sum{};
      for (int64_t kh = 0; s.far && kh < inside.end - inside.begin; ++kh) ask_ahead(first + kh * s.w + c);
      for (int64_t kh = 0; kh < inside.end - inside.begin; ++kh) sum += load_part<T>(first + kh * s.w + c, n, T(0));
      store<T>(at.line + c, sum);
    });
    split_row<T>(s, layout, at.line, T(0), at.rows + row % 2 * layout.row_size());
  };
  const int64_t rows = planes * s.oh;
  if (rows > 0) split_sum(0);
  for (int64_t row = 0; row < rows; ++row) {
    // A row ahead: see SplitRows.
    if (row + 1 < rows) split_sum(row + 1);
    const T* from = at.rows + row % 2 * layout.row_size();
    const T height = row_divisor<T>(s, row % s.oh);
    for_row<T>(s.ow, [&](int64_t j, int64_t n) {
      Vec<T> sum{};
      for (int64_t kw = 0; kw < s.kw; ++kw) sum += load<T>(from + at.offsets[kw] + j);
      store_part<T>(out + row * s.ow + j, sum / (load<T>(at.widths + j) * height), n);
    });
  }
}

// --------------------------------------------------------------------------------------------------- backward

// Output by output. Gathering, as the average does, was slower: it compares every tap of every window.
template <class T, class Code>
bool max_backward_windows(const PoolShape& s, int64_t planes, const T* grad, const Code* taps, T* grad_x) {
  const int64_t count = s.kh * s.kw, area = s.h * s.w;
  int64_t distances[256];
  for (int64_t tap = 0; tap < count && tap < 256; ++tap)
    distances[tap] = tap / s.kw * s.dilation_h * s.w + tap % s.kw * s.dilation_w;
  for (int64_t plane = 0; plane < planes; ++plane, grad_x += area) {
    // Rows are cleared shortly before windows reach them, while they are in the cache.
    int64_t cleared = 0;
    const auto clear = [&](int64_t end) {
      if (end <= cleared) return;
      zero(grad_x + cleared * s.w, (end - cleared) * s.w);
      cleared = end;
    };
    for (int64_t i = 0; i < s.oh; ++i) {
      clear(least(s.h, i * s.stride_h - s.pad_h + (s.kh - 1) * s.dilation_h + 1));
      int64_t corner = (i * s.stride_h - s.pad_h) * s.w - s.pad_w;
      for (int64_t j = 0; j < s.ow; ++j, corner += s.stride_w) {
        const int64_t tap = *taps++;
        if (static_cast<uint64_t>(tap) >= static_cast<uint64_t>(count)) return false;
        const int64_t distance =
            sizeof(Code) == 1 ? distances[tap] : tap / s.kw * s.dilation_h * s.w + tap % s.kw * s.dilation_w;
        const int64_t index = corner + distance;
        if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(area)) return false;
        grad_x[index] += *grad++;
      }
    }
    clear(s.h);
  }
  return true;
}

// The output rows that touch an input row, each prepared once and kept while input rows need it.
template <class T>
struct Backward {
  SpreadLayout<T> layout;
  int64_t kept;         // a power of two
  int64_t* shifts;      // by phase: where its taps find their output
  int64_t* phase_ends;  // where a phase's taps end
  int64_t* sources;     // where the outputs that touch the input row at hand are kept
  T* grads;             // kept rows, behind layout.before zeros
  T* widths;
  T* line;   // average: a sum of kept rows
  T* split;  // two input rows

  Backward(const PoolShape& s, Workspace& workspace) : layout(s), kept(1) {
    while (kept < (s.kh - 1) * s.dilation_h / s.stride_h + 2 && kept < s.oh) kept *= 2;
    shifts = workspace.take<int64_t>(s.kw);
    phase_ends = workspace.take<int64_t>(s.stride_w);
    sources = workspace.take<int64_t>(kept);
    grads = workspace.take<T>(kept * layout.length);
    widths = workspace.take<T>(round_up(s.ow, kLanes<T>));
    line = workspace.take<T>(layout.length);
    split = workspace.take<T>(2 * s.stride_w * layout.length);
  }

  void prepare(const PoolShape& s) {
    for (int64_t i = 0; i < kept * layout.length; ++i) grads[i] = T(0);
    for (int64_t i = 0; i < layout.length; ++i) line[i] = T(0);
    int64_t n = 0;
    for (int64_t phase = 0; phase < s.stride_w; ++phase) {
      // Descending, so that outputs are added in ascending order.
      for (int64_t kw = s.kw - 1; kw >= 0; --kw) {
        if (kw * s.dilation_w % s.stride_w != phase) continue;
        shifts[n++] = layout.before - kw * s.dilation_w / s.stride_w;
      }
      phase_ends[phase] = n;
    }
  }

  // One phase of an input row from a row of outputs.
  template <int Count>
  void gather(const T* from, const int64_t* shift, int64_t count, T* to) const {
    if (Count > 0) count = Count;
    for (int64_t q = 0; q < layout.columns; q += kLanes<T>) {
      Vec<T> sum{};
      for (int64_t t = 0; t < count; ++t) sum += load<T>(from + q + shift[t]);
      store<T>(to + q, sum);
    }
  }

  void gather_row(const PoolShape& s, const T* from, int64_t h) const {
    for (int64_t phase = 0, first = 0; phase < s.stride_w; first = phase_ends[phase++]) {
      const int64_t count = phase_ends[phase] - first;
      T* part = split + (h % 2 * s.stride_w + phase) * layout.length;
      if (count == 1)
        gather<1>(from, shifts + first, count, part);
      else if (count == 2)
        gather<2>(from, shifts + first, count, part);
      else if (count == 3)
        gather<3>(from, shifts + first, count, part);
      else
        gather<0>(from, shifts + first, count, part);
    }
  }

  void join(const PoolShape& s, int64_t h, T* grad_x) const {
    join_row<T>(s, layout.length, split + h % 2 * s.stride_w * layout.length, grad_x + h * s.w);
  }

  // Calls fill(i, place) for every output row before it is needed and gather(input row, how many sources) for every
  // input row. Both run a row ahead of what loads their results shifted: see SplitRows.
  template <class Fill, class Gather>
  void plane(const PoolShape& s, T* grad_x, Fill fill, Gather gather_into_split) const {
    int64_t next = 0;
    const auto reach = [&](int64_t i) {
      for (; next <= i && next < s.oh; ++next) fill(next, (next & (kept - 1)) * layout.length + layout.before);
    };
    reach(0);
    for (int64_t h = 0; h < s.h; ++h) {
      int64_t rows = 0;
      for_each_output_row(s, h, [&](int64_t i) {
        sources[rows++] = (i & (kept - 1)) * layout.length;
        reach(i + 1);
      });
      gather_into_split(h, rows);
      if (h > 0) join(s, h - 1, grad_x);
    }
    if (s.h > 0) join(s, s.h - 1, grad_x);
  }
};

template <class T>
void avg_backward_windows(const PoolShape& s, int64_t planes, const T* grad, T* grad_x, char* memory) {
  Workspace workspace(memory);
  Backward<T> at(s, workspace);
  at.prepare(s);
  column_divisors(s, at.widths);
  for (int64_t plane = 0; plane < planes; ++plane)
    at.plane(
        s, grad_x + plane * s.h * s.w,
        [&](int64_t i, int64_t place) {
          const T* from = grad + (plane * s.oh + i) * s.ow;
          const T height = row_divisor<T>(s, i);
          for_row<T>(s.ow, [&](int64_t j, int64_t n) {
            store<T>(at.grads + place + j, load_part<T>(from + j, n, T(0)) / (load<T>(at.widths + j) * height));
          });
        },
        [&](int64_t h, int64_t rows) {
          if (rows == 1) return at.gather_row(s, at.grads + at.sources[0], h);
          // All columns of a window take from the same sum of rows.
          for (int64_t q = 0; q < at.layout.length; q += kLanes<T>) {
            Vec<T> sum{};
            for (int64_t r = 0; r < rows; ++r) sum += load<T>(at.grads + at.sources[r] + q);
            store<T>(at.line + q, sum);
          }
          at.gather_row(s, at.line, h);
        });
}

// Windows side by side: every input belongs to one window at most.
bool is_tiled(const PoolShape& s) {
  return s.kh == s.stride_h && s.kw == s.stride_w && s.pad_h == 0 && s.pad_w == 0 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.oh * s.kh <= s.h && s.ow * s.kw <= s.w;
}

// to[0, n) = from[0, n). The last register overlaps the one before it, because masked stores are slow.
template <class T>
void copy_line(int64_t n, const T* from, T* to) {
  constexpr int kL = kLanes<T>;
  if (n < kL) return store_tail<T>(to, load<T>(from), n);
  for (int64_t i = 0; i + kL <= n; i += kL) store<T>(to + i, load<T>(from + i));
  store<T>(to + n - kL, load<T>(from + n - kL));
}

// The line that all rows of a window have in common is written once and copied; it is made a row of windows ahead,
// because loads across the borders of what was just stored stall.
template <class T>
void avg_backward_tiled(const PoolShape& s, int64_t planes, const T* grad, T* grad_x, char* memory) {
  constexpr int kL = kLanes<T>;
  Workspace workspace(memory);
  const Backward<T> at(s, workspace);
  const int64_t length = s.stride_w * at.layout.length, rows = planes * s.oh;
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : s.kh * s.kw);
  const auto make = [&](int64_t row) {
    T* line = at.split + row % 2 * length;
    for_row<T>(s.ow,
               [&](int64_t j, int64_t n) { store<T>(at.line + j, load_part<T>(grad + row * s.ow + j, n, T(0)) / by); });
    // Whole registers: what reaches into the next window is overwritten by it.
    for (int64_t j = 0; j < s.ow; ++j)
      for (int64_t c = 0; c < s.kw; c += kL) store<T>(line + j * s.kw + c, broadcast<T>(at.line[j]));
    zero(line + s.ow * s.kw, s.w - s.ow * s.kw);
  };
  if (rows > 0) make(0);
  for (int64_t row = 0; row < rows; ++row) {
    if (row + 1 < rows) make(row + 1);
    T* to = grad_x + (row / s.oh * s.h + row % s.oh * s.kh) * s.w;
    for (int64_t r = 0; r < s.kh; ++r) copy_line<T>(s.w, at.split + row % 2 * length, to + r * s.w);
    if (row % s.oh == s.oh - 1) zero(to + s.kh * s.w, (s.h - s.oh * s.kh) * s.w);
  }
}

// ------------------------------------------------------------------------------- one window for the whole plane

bool is_global(const PoolShape& s) {
  return s.oh == 1 && s.ow == 1 && s.kh == s.h && s.kw == s.w && s.pad_h == 0 && s.pad_w == 0;
}

// Sums of this many elements stay in the dtype; longer ones move on to double.
constexpr int64_t kBlock = 1024;

template <class T>
void avg_global(const PoolShape& s, int64_t planes, const T* x, T* out) {
  const int64_t n = s.h * s.w;
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : n);
  int64_t plane = 0;
  if (n <= kBlock)
    for (; plane + kLanes<T> <= planes; plane += kLanes<T>)
      store<T>(out + plane, row_sums<T, kLanes<T>>(x + plane * n, n, n) / by);
  for (; plane < planes; ++plane) {
    double sum = 0;
    for (int64_t i = 0; i < n; i += kBlock) sum += sum_lanes<T>(lane_sums<T>(x + plane * n + i, least(kBlock, n - i)));
    out[plane] = static_cast<T>(sum) / by;
  }
}

template <class T>
void avg_backward_global(const PoolShape& s, int64_t planes, const T* grad, T* grad_x) {
  const int64_t n = s.h * s.w;
  const T by = static_cast<T>(s.divisor != 0 ? s.divisor : n);
  for (int64_t plane = 0; plane < planes; ++plane) {
    const Vec<T> share = broadcast<T>(grad[plane] / by);
    for_row<T>(n, [&](int64_t i, int64_t count) { store_part<T>(grad_x + plane * n + i, share, count); });
  }
}

// Lanes find their own maximum; the order of replacing makes the last NaN win, else the first of the greatest.
template <class T, class Code>
void max_global(const PoolShape& s, int64_t planes, const T* x, T* out, Code* taps) {
  const int64_t n = s.h * s.w;
  constexpr T kLowest = -static_cast<T>(__builtin_inf());
  Codes<T> start;
  for (int l = 0; l < kLanes<T>; ++l) start[l] = static_cast<Word<T>>(l);
  for (int64_t plane = 0; plane < planes; ++plane, x += n) {
    Vec<T> best = broadcast<T>(kLowest);
    Codes<T> tap = start, code = start;
    for_row<T>(n, [&](int64_t i, int64_t count) {
      const Vec<T> value = load_part<T>(x + i, count, kLowest);
      const auto better = replaces(value, best);
      best = better ? value : best;
      tap = better ? code : tap;
      code += splat_code<T>(kLanes<T>);
    });
    T greatest = best[0];
    Word<T> chosen = tap[0];
    for (int l = 1; l < kLanes<T> && l < n; ++l) {
      const bool nan = best[l] != best[l], had = greatest != greatest;
      const bool wins =
          nan ? !had || tap[l] > chosen : !had && (best[l] > greatest || (best[l] == greatest && tap[l] < chosen));
      greatest = wins ? best[l] : greatest;
      chosen = wins ? tap[l] : chosen;
    }
    out[plane] = greatest;
    if (taps != nullptr) taps[plane] = static_cast<Code>(chosen);
  }
}

// ------------------------------------------------------------------------------------------------------ table

template <class T>
int64_t workspace_bytes(const PoolShape& s) {
  Workspace forward(nullptr), backward(nullptr);
  const Forward<T> forward_pieces(s, forward);
  const Backward<T> backward_pieces(s, backward);
  return forward.used() > backward.used() ? forward.used() : backward.used();
}

bool narrow_taps(const PoolShape& s) { return s.kh * s.kw <= 256; }

template <class T, class Code>
void max_of(const PoolShape& s, int64_t planes, const T* x, T* out, Code* taps, char* workspace) {
  if (is_global(s) && s.dilation_h == 1 && s.dilation_w == 1) return max_global<T>(s, planes, x, out, taps);
  if (s.kw == 3) return max_windows<T, 3>(s, planes, x, out, taps, workspace);
  max_windows<T, 0>(s, planes, x, out, taps, workspace);
}

template <class T>
void max(const PoolShape& s, int64_t planes, const T* x, T* out, void* taps, char* workspace) {
  if (is_2x2(s)) return max_2x2<T>(s, planes, x, out, static_cast<uint8_t*>(taps));
  if (narrow_taps(s)) return max_of<T>(s, planes, x, out, static_cast<uint8_t*>(taps), workspace);
  max_of<T>(s, planes, x, out, static_cast<int32_t*>(taps), workspace);
}

template <class T>
bool max_backward(const PoolShape& s, int64_t planes, const T* grad, const void* taps, T* grad_x) {
  if (!narrow_taps(s)) return max_backward_windows<T>(s, planes, grad, static_cast<const int32_t*>(taps), grad_x);
  const auto* bytes = static_cast<const uint8_t*>(taps);
  if (is_2x2(s)) return max_backward_2x2<T>(s, planes, grad, bytes, grad_x);
  return max_backward_windows<T>(s, planes, grad, bytes, grad_x);
}

template <class T>
void avg(const PoolShape& s, int64_t planes, const T* x, T* out, char* workspace) {
  if (is_2x2(s)) return avg_2x2<T>(s, planes, x, out);
  if (is_global(s)) return avg_global<T>(s, planes, x, out);
  avg_windows<T>(s, planes, x, out, workspace);
}

template <class T>
void avg_backward(const PoolShape& s, int64_t planes, const T* grad, T* grad_x, char* workspace) {
  if (is_2x2(s)) return avg_backward_2x2<T>(s, planes, grad, grad_x);
  if (is_global(s)) return avg_backward_global<T>(s, planes, grad, grad_x);
  if (is_tiled(s)) return avg_backward_tiled<T>(s, planes, grad, grad_x, workspace);
  avg_backward_windows<T>(s, planes, grad, grad_x, workspace);
}

}  // namespace

extern const Pool2dTable pool2d_table;
const Pool2dTable pool2d_table = {
    {workspace_bytes<float>, max<float>, max_backward<float>, avg<float>, avg_backward<float>},
    {workspace_bytes<double>, max<double>, max_backward<double>, avg<double>, avg_backward<double>},
};

}  // namespace talus::TALUS_ISA_NS
