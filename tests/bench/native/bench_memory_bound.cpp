// Kernels that move more than they compute, in GB/s and as a share of what a copy reaches:
// bench_memory_bound [threads] [part of a name] [rounds]
//
// The copy is the faster one of memcpy and a loop of streaming stores, over arrays of the same size as the kernel's.
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#include <sys/resource.h>

#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "random.h"
#include "rounds.h"

namespace {

constexpr int kFloat = TALUS_FLOAT32;
constexpr int64_t kLarge = 64 << 20, kResident = 256 << 10;

int rounds = 15;
std::string wanted;

// An array from Talus's allocator, as tensors are.
class Array {
 public:
  explicit Array(int64_t n, float scale = 1) : n_(n), data_(n) {
    uint32_t state = 12345;
    for (int64_t i = 0; i < n; ++i) {
      state = state * 1664525u + 1013904223u;
      data_[i] = scale * (static_cast<float>(state >> 8) / 8388608.0f - 1);
    }
  }
  float* get() const { return data_.get(); }
  int64_t bytes() const { return 4 * n_; }

 private:
  int64_t n_;
  talus::Scratch<float> data_;
};

double median_seconds(const bench::Run& run) {
  return bench::race({run}, rounds, std::chrono::milliseconds(0))[0].median;
}

void stream_copy(char* to, const char* from, int64_t bytes) {
#if defined(__SSE2__)
  talus::parallel_for(bytes / 64, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = 4 * begin; i < 4 * end; ++i)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, _mm_load_si128(reinterpret_cast<const __m128i*>(from) + i));
    _mm_sfence();
  });
#else
  std::memcpy(to, from, static_cast<size_t>(bytes));
#endif
}

// Bytes a second, read and written together, of the best copy between arrays of `bytes`.
double copy_rate(int64_t bytes) {
  static std::map<int64_t, double> known;
  double& rate = known[bytes];
  if (rate > 0) return rate;
  const talus::Scratch<char> from(bytes), to(bytes);
  std::memset(from.get(), 1, static_cast<size_t>(bytes));
  const auto plain = [&] {
    talus::parallel_for(bytes, 1 << 18, [&](int64_t begin, int64_t end) {
      std::memcpy(to.get() + begin, from.get() + begin, static_cast<size_t>(end - begin));
    });
  };
  const double memcpy_seconds = median_seconds(plain);
  const double stream_seconds = median_seconds([&] { stream_copy(to.get(), from.get(), bytes); });
  rate = 2 * static_cast<double>(bytes) / std::min(memcpy_seconds, stream_seconds);
  std::printf("copy of %lld KB: memcpy %.1f GB/s, streaming stores %.1f GB/s\n", static_cast<long long>(bytes >> 10),
              2e-9 * static_cast<double>(bytes) / memcpy_seconds, 2e-9 * static_cast<double>(bytes) / stream_seconds);
  return rate;
}

// `bytes` is what a kernel must read and write once; arrays are as large as `array`.
void report(const std::string& name, int64_t bytes, int64_t array, const bench::Run& run) {
  if (name.find(wanted) == std::string::npos) return;
  const double copy = copy_rate(array > (4 << 20) ? kLarge : kResident);
  const double seconds = median_seconds(run), rate = static_cast<double>(bytes) / seconds;
  std::printf("%-44s %10.1f us %7.1f GB/s %5.0f %%\n", name.c_str(), seconds * 1e6, rate * 1e-9, 100 * rate / copy);
  std::fflush(stdout);
}

void element_wise(int64_t bytes, const char* size) {
  const int64_t n = bytes / 4;
  const Array x(n), y(n), out(n), bias(64);
  const auto name = [&](const char* what) { return std::string(what) + ' ' + size; };
  const talus::Geometry<2> g2(n, 1, nullptr);
  const talus::Geometry<3> g3(n, 1, nullptr);
  report(name("copy"), 2 * bytes, bytes, [&] { talus::cpu::copy(kFloat, kFloat, g2, x.get(), out.get()); });
  const talus::Geometry<1> g1(n, 1, nullptr);
  report(name("fill"), bytes, bytes, [&] { talus::cpu::fill(kFloat, g1, 1, 1, out.get()); });
  report(name("relu"), 2 * bytes, bytes, [&] { talus::cpu::unary(TALUS_RELU, kFloat, g2, x.get(), 0, 0, out.get()); });
  report(name("relu in place"), 2 * bytes, bytes,
         [&] { talus::cpu::unary(TALUS_RELU, kFloat, g2, out.get(), 0, 0, out.get()); });
  report(name("relu backward"), 3 * bytes, bytes,
         [&] { talus::cpu::binary(TALUS_RELU_BACKWARD, kFloat, g3, x.get(), y.get(), 0, out.get()); });
  report(name("add"), 3 * bytes, bytes,
         [&] { talus::cpu::binary(TALUS_ADD, kFloat, g3, x.get(), y.get(), 1, out.get()); });
  report(name("add in place with alpha"), 3 * bytes, bytes,
         [&] { talus::cpu::binary(TALUS_ADD, kFloat, g3, out.get(), y.get(), 1e-6, out.get()); });
  report(name("mul scalar"), 2 * bytes, bytes,
         [&] { talus::cpu::unary(TALUS_MUL_SCALAR, kFloat, g2, x.get(), 1.5, 0, out.get()); });
  report(name("gelu"), 2 * bytes, bytes, [&] { talus::cpu::unary(TALUS_GELU, kFloat, g2, x.get(), 0, 0, out.get()); });
  report(name("gelu backward"), 3 * bytes, bytes,
         [&] { talus::cpu::binary(TALUS_GELU_BACKWARD, kFloat, g3, x.get(), y.get(), 0, out.get()); });
  report(name("gelu tanh"), 2 * bytes, bytes,
         [&] { talus::cpu::unary(TALUS_GELU_TANH, kFloat, g2, x.get(), 0, 0, out.get()); });
  const std::pair<const char*, int> functions[] = {
      {"sin", TALUS_SIN}, {"cos", TALUS_COS}, {"log1p", TALUS_LOG1P}, {"sigmoid", TALUS_SIGMOID}};
  for (const auto& f : functions)
    report(name(f.first), 2 * bytes, bytes, [&] { talus::cpu::unary(f.second, kFloat, g2, x.get(), 0, 0, out.get()); });
  const std::pair<const char*, int> quotients[] = {
      {"pow", TALUS_POW}, {"remainder", TALUS_REMAINDER}, {"floor divide", TALUS_FLOOR_DIVIDE}};
  for (const auto& f : quotients)
    report(name(f.first), 3 * bytes, bytes,
           [&] { talus::cpu::binary(f.second, kFloat, g3, x.get(), y.get(), 0, out.get()); });
  report(name("exp"), 2 * bytes, bytes, [&] { talus::cpu::unary(TALUS_EXP, kFloat, g2, x.get(), 0, 0, out.get()); });
  const int64_t area = n >= 64 * 784 ? 784 : n / 64, images = n / (64 * area);
  const int64_t raw[] = {images, 64, area, 64 * area, area, 1, 64 * area, area, 1, 0, 1, 0};
  report(name("add bias [C,1,1]"), 2 * 4 * images * 64 * area, bytes, [&] {
    talus::cpu::binary(TALUS_ADD, kFloat, talus::Geometry<3>(0, 3, raw), x.get(), bias.get(), 1, out.get());
  });
  const int64_t row[] = {n / 64, 64, 64, 1, 64, 1, 0, 1};
  report(name("add bias [64]"), 2 * bytes, bytes, [&] {
    talus::cpu::binary(TALUS_ADD, kFloat, talus::Geometry<3>(0, 2, row), x.get(), bias.get(), 1, out.get());
  });
}

void pooling(const char* name, int64_t planes, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
  const int64_t raw[] = {planes, size, size, kernel, kernel, stride, stride, pad, pad, 1, 1, 0, 1, 0};
  const talus::Pool2dParams p(raw);
  const int64_t in = planes * size * size, out = planes * p.out_h() * p.out_w();
  const Array x(in), grad(out), y(out), grad_x(in);
  const talus::Scratch<uint8_t> taps(out);
  talus::cpu::max_pool2d(kFloat, p, x.get(), y.get(), taps.get());
  const int64_t bytes = 4 * (in + out);
  const auto title = [&](const char* what) { return std::string(what) + ' ' + name; };
  report(title("max"), bytes, 4 * in, [&] { talus::cpu::max_pool2d(kFloat, p, x.get(), y.get(), nullptr); });
  report(title("max with taps"), bytes, 4 * in,
         [&] { talus::cpu::max_pool2d(kFloat, p, x.get(), y.get(), taps.get()); });
  report(title("max backward"), bytes, 4 * in,
         [&] { talus::cpu::max_pool2d_backward(kFloat, p, grad.get(), taps.get(), grad_x.get()); });
  report(title("average"), bytes, 4 * in, [&] { talus::cpu::avg_pool2d(kFloat, p, x.get(), y.get()); });
  report(title("average backward"), bytes, 4 * in,
         [&] { talus::cpu::avg_pool2d_backward(kFloat, p, grad.get(), grad_x.get()); });
}

void rows(int64_t n, int64_t cols) {
  const Array x(n * cols, 4), y(n * cols), grad(n * cols), grad_x(n * cols), total(1), loss(1), one(1);
  const talus::Scratch<int64_t> target(n);
  for (int64_t i = 0; i < n; ++i) target[i] = i * 7 % cols;
  const int64_t bytes = 4 * n * cols;
  const std::string size = " [" + std::to_string(n) + ", " + std::to_string(cols) + "]";
  for (const bool log : {false, true}) {
    const std::string name = log ? "log-softmax" : "softmax";
    report(name + size, 2 * bytes, bytes, [&] { talus::cpu::softmax(log, kFloat, n, cols, x.get(), y.get()); });
    report(name + " backward" + size, 3 * bytes, bytes,
           [&] { talus::cpu::softmax_backward(log, kFloat, n, cols, grad.get(), y.get(), grad_x.get()); });
  }
  const Array exps(n * cols), sums(n);
  report("cross entropy" + size, bytes, bytes, [&] {
    talus::cpu::cross_entropy(kFloat, n, cols, x.get(), target.get(), nullptr, -100, TALUS_REDUCTION_MEAN, loss.get(),
                              total.get(), exps.get(), sums.get());
  });
  report("cross entropy backward" + size, 2 * bytes, bytes, [&] {
    talus::cpu::cross_entropy_backward(kFloat, n, cols, one.get(), exps.get(), sums.get(), target.get(), nullptr, -100,
                                       TALUS_REDUCTION_MEAN, total.get(), grad_x.get());
  });
  report("nll" + size, 2 * bytes, bytes, [&] {
    talus::cpu::nll_loss(kFloat, n, cols, 1, y.get(), target.get(), nullptr, -100, TALUS_REDUCTION_MEAN, loss.get(),
                         total.get());
  });
  report("nll backward" + size, bytes, bytes, [&] {
    talus::cpu::nll_loss_backward(kFloat, n, cols, 1, one.get(), target.get(), nullptr, -100, TALUS_REDUCTION_MEAN,
                                  total.get(), grad_x.get());
  });
}

void reductions(int64_t n, int64_t cols) {
  const Array x(n * cols), out(n > cols ? n : cols);
  const talus::Scratch<int64_t> index(n > cols ? n : cols);
  const int64_t bytes = 4 * n * cols;
  const std::string size = " [" + std::to_string(n) + ", " + std::to_string(cols) + "]";
  const int64_t plain[] = {n, cols, cols, 1}, swapped[] = {cols, n, 1, cols};
  const std::pair<const char*, int> ops[] = {
      {"sum", TALUS_SUM}, {"var", TALUS_VAR}, {"max", TALUS_MAX}, {"norm", TALUS_NORM2}};
  for (const auto& op : ops) {
    const std::string name = op.first;
    const auto reduce = [&](int kept, const int64_t* geometry, int64_t* to) {
      talus::cpu::reduce(op.second, kFloat, 2, kept, geometry, x.get(), 0, out.get(), to);
    };
    report(name + " of all" + size, bytes, bytes, [&] { reduce(0, plain, nullptr); });
    report(name + " of rows" + size, bytes, bytes, [&] { reduce(1, plain, nullptr); });
    report(name + " of columns" + size, bytes, bytes, [&] { reduce(1, swapped, nullptr); });
  }
  report("argmax of rows" + size, bytes, bytes,
         [&] { talus::cpu::reduce(TALUS_MAX, kFloat, 2, 1, plain, x.get(), 0, out.get(), index.get()); });
}

void dropout(int64_t n) {
  const Array x(n), out(n);
  const talus::Scratch<uint8_t> kept(n);
  talus::Generator* generator = talus::generator_create(0);
  const std::string size = " [" + std::to_string(n) + "]";
  report("bernoulli of dropout" + size, n, n,
         [&] { talus::random_bernoulli(*generator, TALUS_BOOL, n, 0.9, kept.get()); });
  report("dropout" + size, 9 * n, 4 * n,
         [&] { talus::cpu::dropout(kFloat, n, 1, x.get(), kept.get(), 0.9, out.get()); });
  talus::generator_free(generator);
}

void embedding(int64_t rows, int64_t width, int64_t count) {
  const Array table(rows * width), out(count * width);
  const talus::Scratch<int64_t> index(count);
  uint32_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    index[i] = static_cast<int64_t>(state >> 8) % rows;
  }
  const int64_t bytes = 4 * count * width;
  const std::string size =
      " of " + std::to_string(count) + " [" + std::to_string(rows) + ", " + std::to_string(width) + "]";
  report("embedding" + size, 2 * bytes, bytes,
         [&] { talus::cpu::index_select(kFloat, 1, rows, width, count, table.get(), index.get(), out.get()); });
  report("adding rows" + size, 3 * bytes, bytes,
         [&] { talus::cpu::index_add(kFloat, 1, rows, width, count, out.get(), index.get(), table.get()); });
  const talus::Geometry<1> all(rows * width, 1, nullptr);
  report("zeros" + size, 4 * rows * width, 4 * rows * width, [&] { talus::cpu::fill(kFloat, all, 0, 0, table.get()); });
}

void permutes(const char* name, int64_t images, int64_t a, int64_t b) {
  const int64_t n = images * a * b;
  const Array x(n), out(n);
  const int64_t raw[] = {images, b, a, a * b, a, 1, a * b, 1, b};
  const talus::Geometry<2> g(0, 3, raw);
  report(name, 8 * n, 4 * n, [&] { talus::cpu::copy(kFloat, kFloat, g, x.get(), out.get()); });
}

// The sizes of a residual network's parameters, scaled to about `total`.
std::vector<int64_t> parameter_sizes(double total) {
  std::vector<int64_t> sizes = {64 * 3 * 49, 64, 64};
  int64_t in = 64;
  for (const int64_t out : {64, 128, 256, 512})
    for (int block = 0; block < 2; ++block) {
      for (const int64_t c : {in, out}) sizes.insert(sizes.end(), {out * c * 9, out, out});
      if (in != out) sizes.insert(sizes.end(), {out * in, out, out});
      in = out;
    }
  sizes.insert(sizes.end(), {512 * 1000, 1000});
  for (int64_t& size : sizes)
    if (size > 2000) size = static_cast<int64_t>(static_cast<double>(size) * total / 11.69e6);
  return sizes;
}

void optimizers(const char* name, double total) {
  const std::vector<int64_t> sizes = parameter_sizes(total);
  std::deque<Array> arrays;
  std::vector<int64_t> at[4];
  int64_t n = 0;
  for (int role = 0; role < 4; ++role)
    for (const int64_t size : sizes) {
      arrays.emplace_back(size, role == 3 ? 0.0f : 0.01f);
      at[role].push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(arrays.back().get())));
      if (role == 0) n += size;
    }
  const int count = static_cast<int>(sizes.size());
  report(std::string("sgd ") + name, 12 * n, 4 * n, [&] {
    talus::cpu::sgd_step(kFloat, count, sizes.data(), at[0].data(), at[1].data(), nullptr, 1e-9, 0, 0, 0, false, false,
                         false);
  });
  report(std::string("sgd momentum, decay ") + name, 20 * n, 4 * n, [&] {
    talus::cpu::sgd_step(kFloat, count, sizes.data(), at[0].data(), at[1].data(), at[2].data(), 1e-9, 0.9, 0, 1e-4,
                         false, false, false);
  });
  report(std::string("adamw ") + name, 28 * n, 4 * n, [&] {
    talus::cpu::adam_step(kFloat, count, sizes.data(), at[0].data(), at[1].data(), at[2].data(), at[3].data(), nullptr,
                          1e-9, 0.9, 0.999, 1e-8, 1e-2, true, false, 100);
  });
}

int64_t page_faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

void allocator() {
  if (std::string("alloc").find(wanted) == std::string::npos) return;
  for (const int64_t bytes : {64LL, 4096LL, 30000LL, 100000LL, 4LL << 20, 64LL << 20}) {
    const double pair = median_seconds([&] {
      for (int i = 0; i < 1000; ++i) talus_free(0, talus_alloc(0, bytes));
    });
    std::printf("alloc and free of %9lld bytes: %6.1f ns\n", static_cast<long long>(bytes), pair * 1e6);
  }
  talus::memory_trim();
  const double fresh = median_seconds([&] {
    talus::Scratch<char> block(kLarge);
    for (int64_t i = 0; i < kLarge; i += 4096) block[i] = 1;
    talus::memory_trim();
  });
  // A trim inside the scratch's life frees nothing of it; the next round's does.
  std::printf("first touch of 64 MB: %.1f us\n", fresh * 1e6);
  // A training step's pattern: activations of mixed sizes made in order, freed in reverse.
  int64_t before = 0;
  for (int step = 0; step < 12; ++step) {
    if (step == 2) before = page_faults();
    std::vector<std::pair<void*, int64_t>> blocks;
    for (int i = 0; i < 200; ++i) {
      const int64_t bytes = 1000 + (i * 7919LL % 97) * (i % 9 == 0 ? 40000 : 700);
      blocks.push_back({talus::allocate(bytes), bytes});
      std::memset(blocks.back().first, step, static_cast<size_t>(bytes));
    }
    while (!blocks.empty()) {
      talus::release(blocks.back().first);
      blocks.pop_back();
    }
  }
  std::printf("page faults in 10 steps of 200 blocks: %lld\n", static_cast<long long>(page_faults() - before));
}

}  // namespace

int main(int argc, char** argv) {
  talus::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  if (argc > 2) wanted = argv[2];
  if (argc > 3) rounds = std::atoi(argv[3]);
  allocator();
  element_wise(kResident, "256 KB");
  element_wise(32 * 64 * 56 * 56 * 4, "25 MB");
  element_wise(kLarge, "64 MB");
  pooling("2x2 s2 [64, 6, 30, 30]", 64 * 6, 30, 2, 2, 0);
  pooling("2x2 s2 [16, 64, 112, 112]", 16 * 64, 112, 2, 2, 0);
  pooling("3x3 s2 p1 [16, 64, 112, 112]", 16 * 64, 112, 3, 2, 1);
  pooling("3x3 s1 p1 [16, 64, 56, 56]", 16 * 64, 56, 3, 1, 1);
  pooling("5x5 s3 p2 [16, 64, 56, 56]", 16 * 64, 56, 5, 3, 2);
  pooling("global 7x7 [32, 512, 7, 7]", 32 * 512, 7, 7, 1, 0);
  rows(64, 10);
  rows(64, 1000);
  rows(16384, 10);
  rows(4096, 1000);
  rows(12288, 128);
  rows(16, 50000);
  dropout(8 * 128 * 768);
  embedding(30522, 768, 1024);
  reductions(64, 1000);
  reductions(16384, 1024);
  reductions(2048, 3136);
  reductions(16384, 49);
  permutes("transpose [4096, 4096]", 1, 4096, 4096);
  permutes("NCHW to NHWC [32, 64, 56, 56]", 32, 64, 56 * 56);
  permutes("NHWC to NCHW [32, 64, 56, 56]", 32, 56 * 56, 64);
  permutes("NCHW to NHWC [64, 3, 224, 224]", 64, 3, 224 * 224);
  optimizers("1M", 1e6);
  optimizers("11M", 11.69e6);
  optimizers("60M", 60e6);
  return 0;
}
