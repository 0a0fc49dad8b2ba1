// Products of matrices as tests describe them, with operands, and what the definition says of them.
#pragma once

#include <limits>

#include "check.h"
#include "under_test.h"

struct Case {
  int64_t batch, m, n, k;
  bool trans_a, trans_b;
  double alpha = 1, beta = 0;
  bool bias = false, activated = false;
  int64_t extra = 0;  // added to every leading dimension
  bool shared_a = false, shared_b = false;
  bool row_bias = false;
};

inline std::string describe(const Case& c) {
  std::ostringstream out;
  out << "batch " << c.batch << " m " << c.m << " n " << c.n << " k " << c.k << " trans " << c.trans_a << c.trans_b
      << " alpha " << c.alpha << " beta " << c.beta << " bias " << c.bias << " activated " << c.activated << " extra "
      << c.extra << " shared " << c.shared_a << c.shared_b << " row bias " << c.row_bias;
  return out.str();
}

// What a case's sums end with, one after the other.
inline std::vector<talus::Activation> activations(const Case& c) {
  if (c.activated) return {talus::kRelu, kLowBound};
  return {talus::kNoActivation};
}

template <class T>
struct Problem {
  Case c;
  int64_t lda, ldb, ldc, size_a, size_b, size_c;
  std::vector<T> a, b, bias, before;
  talus::Activation activation;

  explicit Problem(const Case& in) : Problem(in, in.activated ? talus::kRelu : talus::kNoActivation) {}

  Problem(const Case& in, const talus::Activation& last)
      : c(in),
        lda((c.trans_a ? c.m : c.k) + c.extra),
        ldb((c.trans_b ? c.k : c.n) + c.extra),
        ldc(c.n + c.extra),
        size_a(lda * (c.trans_a ? c.k : c.m)),
        size_b(ldb * (c.trans_b ? c.n : c.k)),
        size_c(ldc * c.m),
        a(random_values<T>(size_a * (c.shared_a ? 1 : c.batch), 1)),
        b(random_values<T>(size_b * (c.shared_b ? 1 : c.batch), 2)),
        bias(random_values<T>(c.row_bias ? c.m : c.n, 3)),
        before(random_values<T>(size_c * c.batch, 4)),
        activation(last) {
    // beta == 0 promises that C is not read.
    if (c.beta == 0)
      for (T& v : before) v = std::numeric_limits<T>::quiet_NaN();
  }

  talus::GemmParams params(T* out) const {
    return {c.batch,
            c.trans_a,
            c.trans_b,
            c.m,
            c.n,
            c.k,
            c.alpha,
            a.data(),
            lda,
            c.shared_a ? 0 : size_a,
            b.data(),
            ldb,
            c.shared_b ? 0 : size_b,
            c.beta,
            out,
            ldc,
            size_c,
            c.bias ? bias.data() : nullptr,
            activation,
            c.row_bias};
  }

  std::vector<T> expected() const {
    std::vector<T> out = before;
    talus::ref::gemm(dtype_of<T>(), params(out.data()));
    return out;
  }

  Guarded<T> actual() const {
    Guarded<T> out(size_c * c.batch);
    std::copy(before.begin(), before.end(), out.data());
    under_test::gemm(dtype_of<T>(), params(out.data()));
    return out;
  }
};

template <class F>
void all_transposes(F&& f) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) f(trans_a, trans_b);
}
