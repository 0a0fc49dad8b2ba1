// The definition of gemm, summed in long double.
#include "dtype.h"
#include "kernels.h"

namespace talus::ref {

void gemm(int dtype, const GemmParams& p) {
  dispatch_float(dtype, "gemm", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t entry = 0; entry < p.batch; ++entry) {
      const T* a = static_cast<const T*>(p.a) + entry * p.stride_a;
      const T* b = static_cast<const T*>(p.b) + entry * p.stride_b;
      T* c = static_cast<T*>(p.c) + entry * p.stride_c;
      for (int64_t i = 0; i < p.m; ++i) {
        for (int64_t j = 0; j < p.n; ++j) {
          long double sum = 0;
          for (int64_t q = 0; q < p.k; ++q) {
            const T left = p.trans_a ? a[q * p.lda + i] : a[i * p.lda + q];
            const T right = p.trans_b ? b[j * p.ldb + q] : b[q * p.ldb + j];
            sum += static_cast<long double>(left) * right;
          }
          sum *= p.alpha;
          if (p.beta != 0) sum += p.beta * static_cast<long double>(c[i * p.ldc + j]);
          if (p.bias != nullptr) sum += static_cast<const T*>(p.bias)[p.row_bias ? i : j];
          c[i * p.ldc + j] = static_cast<T>(activated(p.activation, sum));
        }
      }
    }
  });
}

}  // namespace talus::ref
