// Matrix products: squares, transposed operands, batches and skinny ones, in float32 and with operands rounded to TF32.
#include <algorithm>

#include "cases.h"
#include "kernels.h"
#include "precision.h"

namespace bench {

namespace {

struct Shape {
  const char* what;
  int64_t batch, m, n, k;
  bool trans_a, trans_b;
};

const Shape kShapes[] = {
    {"square", 1, 256, 256, 256, false, false},    {"square", 1, 512, 512, 512, false, false},
    {"square", 1, 1024, 1024, 1024, false, false}, {"square", 1, 2048, 2048, 2048, false, false},
    {"square", 1, 4096, 4096, 4096, false, false}, {"square", 1, 8192, 8192, 8192, false, false},
    {"A B^T", 1, 2048, 2048, 2048, false, true},   {"A^T B", 1, 2048, 2048, 2048, true, false},
    {"batch", 96, 512, 512, 64, false, true},      {"batch", 96, 512, 64, 512, false, false},
    {"linear", 1, 64, 1000, 2048, false, true},    {"linear", 1, 8192, 3072, 768, false, true},
    {"narrow", 1, 16384, 64, 1024, false, false},  {"long sum", 1, 128, 128, 65536, true, false},
};

// The check's shape of the same kind: edges that no tile divides.
Shape shrunk(Shape s) {
  const auto cut = [](int64_t size) { return size > 2048 ? 67 : size > 512 ? 50 : size > 64 ? 36 : 20; };
  s.batch = std::min<int64_t>(s.batch, 3);
  s.m = cut(s.m);
  s.n = cut(s.n);
  s.k = cut(s.k);
  return s;
}

Product product_of(const Shape& s, bool tf32) { return {s.batch, s.m, s.n, s.k, s.trans_a, s.trans_b, 0, 1, 2, tf32}; }

Problem problem_of(const Shape& s, bool tf32) {
  Problem p;
  const int a = p.input(s.batch * s.m * s.k), b = p.input(s.batch * s.k * s.n), c = p.output(s.batch * s.m * s.n);
  p.kernel(talus::cuda::gemm, talus::ref::gemm, [=](auto gemm, const Addresses& at) {
    const auto at_of = [&](int operand) { return at[static_cast<size_t>(operand)]; };
    const talus::GemmParams g = {s.batch,
                                 s.trans_a,
                                 s.trans_b,
                                 s.m,
                                 s.n,
                                 s.k,
                                 1,
                                 at_of(a),
                                 s.trans_a ? s.m : s.k,
                                 s.m * s.k,
                                 at_of(b),
                                 s.trans_b ? s.k : s.n,
                                 s.k * s.n,
                                 0,
                                 at_of(c),
                                 s.n,
                                 s.m * s.n,
                                 nullptr,
                                 talus::kNoActivation};
    talus::set_float32_matmul_precision(tf32 ? TALUS_PRECISION_HIGH : TALUS_PRECISION_HIGHEST);
    gemm(TALUS_FLOAT32, g);
    talus::set_float32_matmul_precision(TALUS_PRECISION_HIGHEST);
  });
  // Each factor is off by up to 2^-11 of itself.
  if (tf32) p.tolerance = 2e-3;
  p.count_flops(2.0 * static_cast<double>(s.batch * s.m) * static_cast<double>(s.n) * static_cast<double>(s.k));
  return p;
}

// One row times a matrix, which the memory limits; no setting rounds it.
Case vector_case(int64_t n, int64_t k) {
  const Shape s = {"vector", 1, 1, n, k, false, true};
  Case c;
  c.family = "gemm";
  c.label = "fp32 vector " + std::to_string(n) + "x" + std::to_string(k);
  c.torch = torch_work("gemm", 1, 1, n, k, 0, 1);
  c.make = [s] {
    Problem p = problem_of(s, false);
    p.count_operands();
    return p;
  };
  c.of_cublas = 0.9;
  c.product = product_of(s, false);
  return c;
}

Case matrix_case(const Shape& s, bool tf32) {
  Case c;
  c.family = tf32 ? "gemm tf32" : "gemm";
  c.label = std::string(tf32 ? "tf32 " : "fp32 ") + s.what + " " +
            (s.batch > 1 ? std::to_string(s.batch) + " of " : "") + std::to_string(s.m) + "x" + std::to_string(s.n) +
            "x" + std::to_string(s.k);
  c.torch = torch_work(tf32 ? "gemm_tf32" : "gemm", s.batch, s.m, s.n, s.k, s.trans_a, s.trans_b);
  c.make = [=] { return problem_of(s, tf32); };
  c.of_cublas = tf32 ? 0.8 : 0.9;
  c.product = product_of(s, tf32);
  c.tensor_cores = tf32;
  return c;
}

}  // namespace

std::vector<Case> gemm_cases(bool small) {
  std::vector<Case> cases;
  for (const bool tf32 : {false, true}) {
    for (const Shape& full : kShapes) cases.push_back(matrix_case(small ? shrunk(full) : full, tf32));
    if (!tf32) cases.push_back(small ? vector_case(70, 90) : vector_case(8192, 8192));
  }
  return cases;
}

}  // namespace bench
