// Cuts strided operands into pieces that inner loops over contiguous memory can work on.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "caches.h"
#include "cpu/isa/elementwise_table.h"
#include "geometry.h"
#include "parallel.h"

namespace talus::cpu {

// Operands that are not contiguous pass through buffers of this many elements; all of them stay in the L1 cache.
constexpr int64_t kBlock = 512;
// Rows shorter than this are not worth a call of the inner loop each; several are gathered into one block. More are
// worth it when nothing but repeated rows has to be gathered, which happens once.
constexpr int64_t kShortRow = 32, kShortRepeatedRow = 128;

// Calls f(count, offsets, position) for the runs along the last dimension that make up elements [begin, end) in
// row-major order: offsets[k] is where a run starts by strides[k], `position` counts elements from begin.
template <int K, class F>
void for_each_run(int ndim, const int64_t* size, const int64_t* const (&strides)[K], int64_t begin, int64_t end,
                  F&& f) {
  if (begin >= end) return;
  int64_t index[kMaxDims] = {}, offsets[K] = {};
  if (ndim == 0) return f(int64_t{1}, offsets, int64_t{0});
  const int last = ndim - 1;
  int64_t rest = begin;
  for (int d = last; d >= 0; --d) {
    index[d] = rest % size[d];
    rest /= size[d];
    for (int k = 0; k < K; ++k) offsets[k] += index[d] * strides[k][d];
  }
  for (int64_t position = 0; begin + position < end;) {
    const int64_t row = size[last] - index[last], left = end - begin - position;
    const int64_t count = row < left ? row : left;
    f(count, offsets, position);
    position += count;
    for (int k = 0; k < K; ++k) offsets[k] -= index[last] * strides[k][last];
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      for (int k = 0; k < K; ++k) offsets[k] += strides[k][d];
      if (++index[d] < size[d]) break;
      for (int k = 0; k < K; ++k) offsets[k] -= size[d] * strides[k][d];
      index[d] = 0;
    }
  }
}

// Between strided and contiguous memory, elements of Bytes bytes.
template <class Word>
void copy_run(int64_t n, const Word* from, int64_t from_stride, Word* to, int64_t to_stride) {
  if (from_stride == 1 && to_stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(Word));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
  }
}

// Calls f with a null pointer of an unsigned type that is `bytes` wide: 1, 4 or 8.
template <class F>
void with_word(int64_t bytes, F&& f) {
  if (bytes == 8)
    f(static_cast<uint64_t*>(nullptr));
  else if (bytes == 4)
    f(static_cast<uint32_t*>(nullptr));
  else
    f(static_cast<uint8_t*>(nullptr));
}

// One operand of an element-wise kernel. Operand 0 is the output.
struct Operand {
  char* data;
  int64_t bytes;  // of an element
};

inline Operand input(const void* data, int64_t bytes) {
  return {const_cast<char*>(static_cast<const char*>(data)), bytes};
}
inline Operand output(void* data, int64_t bytes) { return {static_cast<char*>(data), bytes}; }

namespace detail {

// Gathers elements [begin, end) of operand `o` into buffer, or scatters buffer to them.
template <bool Gather, int N>
void move_elements(const Geometry<N>& g, int o, const Operand& operand, int64_t begin, int64_t end, void* buffer) {
  with_word(operand.bytes, [&](auto* null) {
    using Word = std::remove_reference_t<decltype(*null)>;
    Word* data = reinterpret_cast<Word*>(operand.data);
    Word* words = static_cast<Word*>(buffer);
    const int64_t inner = g.ndim == 0 ? 1 : g.stride[o][g.ndim - 1];
    const int64_t* const strides[] = {g.stride[o]};
    for_each_run(g.ndim, g.size, strides, begin, end, [&](int64_t count, const int64_t* offset, int64_t position) {
      if constexpr (Gather)
        copy_run<Word>(count, data + *offset, inner, words + position, 1);
      else
        copy_run<Word>(count, words + position, 1, data + *offset, inner);
    });
  });
}

// Whether every operand is one contiguous run.
template <int N>
bool all_plain(const Geometry<N>& g) {
  if (g.ndim == 0) return true;
  if (g.ndim > 1) return false;
  for (int o = 0; o < N; ++o)
    if (g.stride[o][0] != 1) return false;
  return true;
}

// Whether an output passes the caches. Not if it is an input, whose lines are read anyway.
template <int N>
bool worth_streaming(int64_t n, const Operand (&operands)[N]) {
  if (!passes_caches(n * operands[0].bytes)) return false;
  for (int o = 1; o < N; ++o)
    if (operands[o].data == operands[0].data) return false;
  return true;
}

// Elements [begin, end), computed in the L1 cache and stored past the caches, whole lines at a time. Pieces are small:
// the loads of the next one should begin before the stores of this one are through. Inputs are asked for ahead where
// hardware fetches too little by itself.
template <int N, class Loop>
void stream_range(int64_t begin, int64_t end, const Operand (&operands)[N], const int (&step)[N], Loop&& loop) {
  constexpr int64_t kLine = 64, kPiece = 16 * kLine;
  alignas(kLine) char buffer[kPiece];
  const StreamLoop stream = elementwise_table().stream;
  const int64_t bytes = operands[0].bytes, piece = kPiece / bytes, ahead = elementwise_table().ahead;
  for (int64_t i = begin; i < end;) {
    char* pointers[N];
    for (int o = 0; o < N; ++o) pointers[o] = operands[o].data + i * operands[o].bytes;
    char* const out = pointers[0];
    const int64_t into_line = static_cast<int64_t>(reinterpret_cast<uintptr_t>(out) % kLine);
    int64_t count = into_line == 0 ? piece : (kLine - into_line) / bytes;
    if (count > end - i) count = end - i;
    const bool whole = into_line == 0 && count == piece;
    if (whole) pointers[0] = buffer;
    for (int o = 1; o < N && ahead > 0; ++o)
      for (int64_t at = 0; at < step[o] * count * operands[o].bytes; at += kLine)
        __builtin_prefetch(pointers[o] + ahead + at);
    loop(count, pointers, step);
    if (whole) stream(kPiece, buffer, out);
    i += count;
  }
  elementwise_table().stream_end();
}

// What most calls are: nothing to gather, nothing to look up.
template <int N, class Loop>
void for_each_plain(int64_t n, const Operand (&operands)[N], int64_t grain, Loop&& loop) {
  int step[N];
  for (int& s : step) s = 1;
  if (worth_streaming(n, operands)) {
    parallel_for(n, grain, [&](int64_t begin, int64_t end) { stream_range(begin, end, operands, step, loop); });
    return;
  }
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    char* pointers[N];
    for (int o = 0; o < N; ++o) pointers[o] = operands[o].data + begin * operands[o].bytes;
    loop(end - begin, pointers, step);
  });
}

}  // namespace detail

// Whether the operand is one row that stands for all of them.
template <int N>
bool repeats(const Geometry<N>& g, int o) {
  for (int d = 0; d + 1 < g.ndim; ++d)
    if (g.stride[o][d] != 0) return false;
  return true;
}

// Calls loop(n, pointers, steps) until every element was covered. Pointers are contiguous; a step is 1, or, if
// `Broadcast`, 0 for one value that stands for all n, though never for every input. An input may be the output.
template <bool Broadcast, int N, class Loop>
void for_each_block(const Geometry<N>& g, const Operand (&operands)[N], int64_t grain, Loop&& loop) {
  if (g.n == 0) return;
  if (detail::all_plain(g)) return detail::for_each_plain(g.n, operands, grain, loop);
  const int64_t row = g.ndim == 0 ? 1 : g.size[g.ndim - 1];
  bool only_repeats = true;
  for (int o = 0; o < N; ++o)
    only_repeats = only_repeats && (g.contiguous(o) || (repeats(g, o) && g.stride[o][g.ndim - 1] == 1));
  // Whole rows go to the loop directly where operands allow it; short rows only if they are all there is.
  const bool by_row = g.ndim <= 1 || row >= (only_repeats ? kShortRepeatedRow : kShortRow);
  // Blocks of short rows begin with a row, so that a repeated row is gathered once.
  const int64_t block = by_row ? kBlock : kBlock / row * row;
  bool direct[N], repeated[N];
  int step[N];
  bool all_direct = true, any_step = false;
  for (int o = 0; o < N; ++o) {
    const int64_t stride = g.ndim == 0 ? 1 : g.stride[o][g.ndim - 1];
    const bool zero_allowed = Broadcast && o > 0 && stride == 0 && (o < N - 1 || any_step);
    direct[o] = by_row ? stride == 1 || zero_allowed : g.contiguous(o);
    repeated[o] = !by_row && repeats(g, o);
    step[o] = direct[o] && stride == 0 ? 0 : 1;
    any_step = any_step || (o > 0 && step[o] == 1);
    all_direct = all_direct && direct[o];
  }
  parallel_for(g.n, grain, [&](int64_t begin, int64_t end) {
    alignas(64) char buffers[N][kBlock * 8];
    int64_t kept[N] = {};  // how many elements of repeated rows a buffer holds
    for (int64_t i = begin; i < end;) {
      const int64_t into_row = i % row;
      int64_t stop = by_row ? i + row - into_row : end;
      if (stop > end) stop = end;
      if (!all_direct && stop > i + block) stop = i + block - (by_row ? 0 : into_row);
      char* pointers[N];
      for (int o = 0; o < N; ++o) {
        if (!direct[o]) {
          pointers[o] = buffers[o];
          if (o == 0 || (into_row == 0 && stop - i <= kept[o])) continue;
          detail::move_elements<true>(g, o, operands[o], i, stop, buffers[o]);
          kept[o] = repeated[o] && into_row == 0 ? stop - i : 0;
          continue;
        }
        int64_t offset = 0, rest = i;
        for (int d = g.ndim - 1; d >= 0; --d) {
          offset += rest % g.size[d] * g.stride[o][d];
          rest /= g.size[d];
        }
        pointers[o] = operands[o].data + offset * operands[o].bytes;
      }
      loop(stop - i, pointers, step);
      if (!direct[0]) detail::move_elements<false>(g, 0, operands[0], i, stop, buffers[0]);
      i = stop;
    }
  });
}

}  // namespace talus::cpu
