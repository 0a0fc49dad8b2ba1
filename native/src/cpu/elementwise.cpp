// Element-wise kernels: pick the inner loop, cut the operands into blocks, share them among threads.
#include "cpu/elementwise_blocks.h"
#include "cpu/isa/elementwise_table.h"
#include "dtype.h"
#include "elementwise_rules.h"
#include "kernels.h"

namespace talus::cpu {

namespace {

// Elements that take about 30 microseconds: simple arithmetic, a polynomial, a call of the C library.
constexpr int64_t kCheap = 65536, kPolynomial = 16384, kLibrary = 4096;

int64_t unary_grain(int op) {
  switch (op) {
    case TALUS_EXP:
    case TALUS_LOG:
    case TALUS_TANH:
    case TALUS_SIGMOID:
    case TALUS_SQRT:
    case TALUS_RSQRT:
    case TALUS_GELU:
    case TALUS_GELU_TANH:
    case TALUS_SILU:
    case TALUS_ELU:
    case TALUS_SOFTPLUS:
    case TALUS_SIN:
    case TALUS_COS:
    case TALUS_LOG1P:
    case TALUS_SOFTPLUS_SLOPE:
      return kPolynomial;
    case TALUS_POW_SCALAR:
      return kLibrary;
    default:
      return kCheap;
  }
}

int64_t binary_grain(int op) {
  if (op == TALUS_POW || op == TALUS_REMAINDER || op == TALUS_FLOOR_DIVIDE) return kLibrary;
  return op >= TALUS_GELU_BACKWARD && op <= TALUS_ELU_BACKWARD ? kPolynomial : kCheap;
}

}  // namespace

void unary(int op, int dtype, const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
  const UnaryCall call = with_rules(dtype, {op, p0, p1});
  const UnaryLoop loop = elementwise_table().unary(call.op, dtype);
  if (loop == nullptr) fail_op("unary", op, dtype);
  const Operand operands[] = {output(out, is_unary_test(op) ? 1 : size_of(dtype)), input(x, size_of(dtype))};
  for_each_block<false>(g, operands, unary_grain(op),
                        [&](int64_t n, char* const* p, const int*) { loop(n, p[1], call.p0, call.p1, p[0]); });
}

void binary(int op, int dtype, const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  const BinaryLoop loop = elementwise_table().binary(op, dtype);
  if (loop == nullptr) fail_op("binary", op, dtype);
  const int64_t bytes = size_of(dtype);
  const Operand operands[] = {output(out, is_binary_test(op) ? 1 : bytes), input(x, bytes), input(y, bytes)};
  for_each_block<true>(g, operands, binary_grain(op), [&](int64_t n, char* const* p, const int* step) {
    if (!loop(n, p[1], step[1], p[2], step[2], p0, p[0])) fail_division();
  });
}

void where(int dtype, const Geometry<4>& g, const void* c, const void* x, const void* y, void* out) {
  const WhereLoop loop = elementwise_table().where(dtype);
  if (loop == nullptr) fail_op("where", 0, dtype);
  const int64_t bytes = size_of(dtype);
  const Operand operands[] = {output(out, bytes), input(c, 1), input(x, bytes), input(y, bytes)};
  for_each_block<false>(g, operands, kCheap,
                        [&](int64_t n, char* const* p, const int*) { loop(n, p[1], p[2], p[3], p[0]); });
}

}  // namespace talus::cpu
