// A whole training step of the tutorial's network on images of 32 x 32: forward, loss, gradients and SGD, queued from
// C++ launch by launch as Java's layers queue it, and once more as one graph. As in the tutorial ReLU is a call of its
// own, which nothing fuses with the layer before it; of its gradient pooling takes part, see backward.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

constexpr int kFloat = TALUS_FLOAT32;
constexpr int64_t kLayers = 5;

struct Kernels {
  decltype(&talus::cuda::conv2d) conv2d;
  decltype(&talus::cuda::conv2d_backward_input) conv2d_backward_input;
  decltype(&talus::cuda::conv2d_backward_weight) conv2d_backward_weight;
  decltype(&talus::cuda::conv2d_backward_bias) conv2d_backward_bias;
  decltype(&talus::cuda::max_pool2d) max_pool2d;
  decltype(&talus::cuda::max_pool2d_backward) max_pool2d_backward;
  decltype(&talus::cuda::gemm) gemm;
  decltype(&talus::cuda::unary) unary;
  decltype(&talus::cuda::binary) binary;
  decltype(&talus::cuda::fill) fill;
  decltype(&talus::cuda::reduce) reduce;
  decltype(&talus::cuda::cross_entropy) cross_entropy;
  decltype(&talus::cuda::cross_entropy_backward) cross_entropy_backward;
  decltype(&talus::cuda::sgd_step) sgd_step;
};

#define STEP_KERNELS(space)                                                                                   \
  {                                                                                                           \
    space::conv2d, space::conv2d_backward_input, space::conv2d_backward_weight, space::conv2d_backward_bias,  \
        space::max_pool2d, space::max_pool2d_backward, space::gemm, space::unary, space::binary, space::fill, \
        space::reduce, space::cross_entropy, space::cross_entropy_backward, space::sgd_step                   \
  }

talus::Conv2dParams conv(int64_t n, int64_t c, int64_t size, int64_t o) {
  const int64_t p[TALUS_CONV_PARAMS] = {n, c, size, size, o, 3, 3, 1, 1, 0, 0, 1, 1, 1};
  return talus::Conv2dParams(p);
}
talus::Pool2dParams pool(int64_t planes, int64_t size) {
  const int64_t p[TALUS_POOL_PARAMS] = {planes, size, size, 2, 2, 2, 2, 0, 0, 1, 1, 0, 1, 0};
  return talus::Pool2dParams(p);
}

// C = op(A) op(B), dense.
void multiply(const Kernels& k, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t depth, const void* a,
              const void* b, void* c, const void* bias = nullptr) {
  k.gemm(kFloat, {1, trans_a, trans_b, m, n, depth, 1, a, trans_a ? m : depth, 0, b, trans_b ? depth : n, 0, 0, c, n, 0,
                  bias, talus::kNoActivation});
}

struct Operands {
  int x, target, loss, total, exps, sums, one;
  int sum[kLayers], grad[kLayers];  // of each layer, before its ReLU
  int out[kLayers];                 // after it; the last has none
  int pooled[2], taps[2], grad_pooled[2];
  int w[kLayers], b[kLayers], grad_w[kLayers], grad_b[kLayers];
};

struct Step {
  int64_t n;
  // Of the weights, and of the layers' outputs for one image.
  int64_t in[kLayers] = {9, 6 * 9, 576, 120, 84}, out[kLayers] = {6, 16, 120, 84, 10};
  talus::Conv2dParams c1 = conv(n, 1, 32, 6), c2 = conv(n, 6, 15, 16);
  talus::Pool2dParams p1 = pool(n * 6, 30), p2 = pool(n * 16, 13);
  Operands o = {};

  explicit Step(int64_t images) : n(images) {}

  void declare(Problem& p) {
    const int64_t pooled[] = {n * 6 * 225, n * 576};
    o.x = p.input(n * 32 * 32);
    o.target = p.indices(n, 10);
    o.one = p.output(1), o.loss = p.output(1), o.total = p.output(1);
    o.exps = p.output(n * 10), o.sums = p.output(n);
    for (int l = 0; l < kLayers; ++l) {
      o.sum[l] = p.output(size(l)), o.grad[l] = p.output(size(l));
      o.out[l] = l < kLayers - 1 ? p.output(size(l)) : o.sum[l];
      o.w[l] = p.updated(out[l] * in[l], -0.1, 0.1), o.b[l] = p.updated(out[l], -0.1, 0.1);
      o.grad_w[l] = p.output(out[l] * in[l]), o.grad_b[l] = p.output(out[l]);
    }
    for (int i = 0; i < 2; ++i) {
      o.pooled[i] = p.output(pooled[i]), o.grad_pooled[i] = p.output(pooled[i]);
      o.taps[i] = p.byte_output(pooled[i]);
    }
  }

  void forward(const Kernels& k, const Addresses& all) const {
    const auto at = [&](int i) { return all[static_cast<size_t>(i)]; };
    const auto relu = [&](int l) {
      k.unary(TALUS_RELU, kFloat, talus::Geometry<2>(size(l), 0, nullptr), at(o.sum[l]), 0, 0, at(o.out[l]));
    };
    k.conv2d(kFloat, c1, at(o.x), at(o.w[0]), at(o.b[0]), talus::kNoActivation, at(o.sum[0]));
    relu(0);
    k.max_pool2d(kFloat, p1, at(o.out[0]), at(o.pooled[0]), at(o.taps[0]));
    k.conv2d(kFloat, c2, at(o.pooled[0]), at(o.w[1]), at(o.b[1]), talus::kNoActivation, at(o.sum[1]));
    relu(1);
    k.max_pool2d(kFloat, p2, at(o.out[1]), at(o.pooled[1]), at(o.taps[1]));
    for (int l = 2; l < kLayers; ++l) {
      multiply(k, false, true, n, out[l], in[l], at(l == 2 ? o.pooled[1] : o.out[l - 1]), at(o.w[l]), at(o.sum[l]),
               at(o.b[l]));
      if (l < kLayers - 1) relu(l);
    }
    k.cross_entropy(kFloat, n, 10, at(o.out[4]), target(all), nullptr, -100, TALUS_REDUCTION_MEAN, at(o.loss),
                    at(o.total), at(o.exps), at(o.sums));
  }

  void backward(const Kernels& k, const Addresses& all) const {
    const auto at = [&](int i) { return all[static_cast<size_t>(i)]; };
    // The gradient of what ReLU computed becomes that of what it was given.
    const auto relu_backward = [&](int64_t count, int grad, int computed) {
      k.binary(TALUS_RELU_BACKWARD, kFloat, talus::Geometry<3>(count, 0, nullptr), at(grad), at(computed), 0, at(grad));
    };
    // Pooling chose what ReLU passed, or zeros: ReLU's gradient is taken on the few values that were chosen.
    const auto pool_backward = [&](int i, const talus::Pool2dParams& params, int64_t count) {
      relu_backward(count, o.grad_pooled[i], o.pooled[i]);
      k.max_pool2d_backward(kFloat, params, at(o.grad_pooled[i]), at(o.taps[i]), at(o.grad[i]));
    };
    k.fill(kFloat, talus::Geometry<1>(1, 0, nullptr), 1, 0, at(o.one));
    k.cross_entropy_backward(kFloat, n, 10, at(o.one), at(o.exps), at(o.sums), target(all), nullptr, -100,
                             TALUS_REDUCTION_MEAN, at(o.total), at(o.grad[4]));
    for (int l = kLayers - 1; l >= 2; --l) {
      if (l < kLayers - 1) relu_backward(size(l), o.grad[l], o.out[l]);
      multiply(k, true, false, out[l], in[l], n, at(o.grad[l]), at(l == 2 ? o.pooled[1] : o.out[l - 1]),
               at(o.grad_w[l]));
      const int64_t columns[] = {out[l], n, 1, out[l]};
      k.reduce(TALUS_SUM, kFloat, 2, 1, columns, at(o.grad[l]), 0, at(o.grad_b[l]), nullptr);
      multiply(k, false, false, n, in[l], out[l], at(o.grad[l]), at(o.w[l]),
               at(l == 2 ? o.grad_pooled[1] : o.grad[l - 1]));
    }
    pool_backward(1, p2, n * 576);
    k.conv2d_backward_weight(kFloat, c2, at(o.grad[1]), at(o.pooled[0]), at(o.grad_w[1]));
    k.conv2d_backward_bias(kFloat, c2, at(o.grad[1]), at(o.grad_b[1]));
    k.conv2d_backward_input(kFloat, c2, at(o.grad[1]), at(o.w[1]), at(o.grad_pooled[0]));
    pool_backward(0, p1, n * 6 * 225);
    k.conv2d_backward_weight(kFloat, c1, at(o.grad[0]), at(o.x), at(o.grad_w[0]));
    k.conv2d_backward_bias(kFloat, c1, at(o.grad[0]), at(o.grad_b[0]));
  }

  void optimize(const Kernels& k, const Addresses& all) const {
    int64_t numels[2 * kLayers], params[2 * kLayers], grads[2 * kLayers];
    const auto address = [&](int i) {
      return static_cast<int64_t>(reinterpret_cast<uintptr_t>(all[static_cast<size_t>(i)]));
    };
    for (int l = 0; l < kLayers; ++l) {
      numels[2 * l] = out[l] * in[l], params[2 * l] = address(o.w[l]), grads[2 * l] = address(o.grad_w[l]);
      numels[2 * l + 1] = out[l], params[2 * l + 1] = address(o.b[l]), grads[2 * l + 1] = address(o.grad_b[l]);
    }
    k.sgd_step(kFloat, 2 * kLayers, numels, params, grads, nullptr, 0.01, 0, 0, 0, false, false, false);
  }

 private:
  // Elements of a layer's output.
  int64_t size(int l) const { return n * out[l] * (l == 0 ? 30 * 30 : l == 1 ? 13 * 13 : 1); }
  const int64_t* target(const Addresses& all) const {
    return static_cast<const int64_t*>(all[static_cast<size_t>(o.target)]);
  }
};

Case step_case(bool as_graph, int64_t images) {
  Case c;
  c.family = "training step";
  c.label = "tutorial network, " + std::to_string(images) + (images == 1 ? " image" : " images") +
            (as_graph ? ", as a graph" : "");
  c.torch = torch_work("tutorial_step", images);
  c.of_torch = 2;
  c.caches = Caches::Warm;
  c.as_graph = as_graph;
  c.make = [=] {
    Problem p;
    Step step(images);
    step.declare(p);
    const Kernels device = STEP_KERNELS(talus::cuda), reference = STEP_KERNELS(talus::ref);
    p.kernel(device, reference, [step](const Kernels& k, const Addresses& at) {
      step.forward(k, at);
      step.backward(k, at);
      step.optimize(k, at);
    });
    p.renewed = [step, device](const Addresses& at) { step.optimize(device, at); };
    // Three products for each layer, but the first's gradient of images.
    const double macs = 6.0 * 900 * 9 * 2 + 16.0 * 169 * 54 * 3 + 3.0 * (576 * 120 + 120 * 84 + 84 * 10);
    p.count_flops(2 * macs * static_cast<double>(images));
    p.tolerance = 1e-4;
    return p;
  };
  return c;
}

}  // namespace

std::vector<Case> step_cases(bool small) {
  std::vector<Case> cases;
  // One image's kernels are short: how fast they are queued is all that counts, and a graph queues them at once.
  for (const int64_t images : {1, small ? 2 : 64})
    for (const bool as_graph : {false, true}) cases.push_back(step_case(as_graph, images));
  return cases;
}

}  // namespace bench
