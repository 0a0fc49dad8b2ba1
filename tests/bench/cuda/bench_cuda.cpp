// The kernels for CUDA, timed on the first device: bench_cuda [options] [name...]
// A name is part of a row's family or label, such as conv or "square 1024"; a row that has one of them runs.
//   --check          run every case once in a small shape and compare with the reference; no times
//   --small          time small shapes, to see the table without waiting
//   --list           print what a rival should time: a name and sizes on each line
//   --torch FILE     times of PyTorch: a line of --list, a comma and seconds, on each line
//   --cublas FILE    cuBLAS's library; --no-cublas leaves it out
// Exit status 77: there is no device.
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <set>

#include "cublas.h"
#include "cuda/runtime.h"
#include "peaks.h"
#include "table.h"

namespace {

using namespace bench;

struct Options {
  bool check = false, small = false, list = false, cublas = true;
  std::string torch_file, cublas_file;
  std::vector<std::string> names;
};

bool parse(int argc, char** argv, Options* o) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--check")
      o->check = true;
    else if (word == "--small")
      o->small = true;
    else if (word == "--list")
      o->list = true;
    else if (word == "--no-cublas")
      o->cublas = false;
    else if (word == "--torch" && i + 1 < argc)
      o->torch_file = argv[++i];
    else if (word == "--cublas" && i + 1 < argc)
      o->cublas_file = argv[++i];
    else if (word[0] == '-') {
      std::fprintf(stderr, "%s is no option, or lacks its file; the first lines of bench_cuda.cpp list them\n",
                   argv[i]);
      return false;
    } else
      o->names.push_back(word);
  }
  return true;
}

std::vector<Case> selected(const Options& o) {
  std::vector<Case> cases;
  for (Case& c : all_cases(o.small || o.check)) {
    bool wanted = o.names.empty();
    for (const std::string& name : o.names)
      wanted = wanted || c.family.find(name) != std::string::npos || c.label.find(name) != std::string::npos;
    if (wanted) cases.push_back(std::move(c));
  }
  return cases;
}

// A run of the case: its kernels, or the graph that holds them.
class Runner {
 public:
  Runner(const Case& c, const Problem& problem, const Addresses& at) : problem_(problem), at_(at) {
    if (!c.as_graph) return;
    // Nothing is loaded or allocated for the first time while the graph is made.
    problem_.on_device(at_);
    talus::cuda::graph_begin();
    problem_.on_device(at_);
    graph_ = talus::cuda::graph_end();
  }
  ~Runner() {
    if (graph_ != nullptr) talus::cuda::graph_free(graph_);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void operator()() const {
    if (graph_ == nullptr) return problem_.on_device(at_);
    if (problem_.renewed) {
      talus::cuda::graph_renew(graph_);
      problem_.renewed(at_);
      talus::cuda::graph_renew(nullptr);
    }
    talus::cuda::graph_launch(graph_);
  }

 private:
  const Problem& problem_;
  const Addresses& at_;
  talus::cuda::Graph* graph_ = nullptr;
};

int check_all(const std::vector<Case>& cases) {
  int wrong = 0;
  for (const Case& c : cases) {
    const std::string found = difference(c.make());
    if (found.empty()) continue;
    ++wrong;
    std::printf("WRONG %s, %s: %s\n", c.family.c_str(), c.label.c_str(), found.c_str());
  }
  std::printf("%d cases, %d wrong\n", static_cast<int>(cases.size()), wrong);
  return wrong > 0 || cases.empty() ? 1 : 0;
}

void print_device(const CacheFlush& flush, const Peaks& peaks) {
  const talus::cuda::DeviceProperties& p = talus::cuda::properties(0);
#if defined(TALUS_TEST_EMULATED)
  std::printf("EMULATED: these are times of the emulator, which say nothing about any GPU.\n");
#endif
  std::printf("%s, sm_%d%d, %d multiprocessors, %.1f GiB, L2 %.1f MiB\n", p.name.c_str(), p.major, p.minor,
              p.multiprocessors, static_cast<double>(p.memory_bytes) / (1 << 30),
              static_cast<double>(p.l2_bytes) / (1 << 20));
  std::printf(
      "ceilings: %.1f GB/s copied by a kernel, %.1f by cudaMemcpyAsync (the better one counts); %.1f GFLOP/s of "
      "fused multiply-adds in float32; ",
      peaks.kernel_copy * 1e-9, peaks.driver_copy * 1e-9, peaks.fma * 1e-9);
  if (peaks.tf32 > 0)
    std::printf("%.1f GFLOP/s of products in TF32 on tensor cores\n", peaks.tf32 * 1e-9);
  else
    std::printf("no tensor cores that know TF32\n");
  std::printf(
      "times: median of single runs between events, %.0f MiB written before each to clear the cache; training "
      "steps follow each other\nGB/s: every operand once for each way it must travel; cuBLAS, PyTorch: their "
      "time by Talus's, more is better\n",
      static_cast<double>(flush.bytes()) / (1 << 20));
}

void time_all(const std::vector<Case>& cases, const Options& o) {
  std::string notes, why;
  const auto torch = o.torch_file.empty() ? std::map<std::string, double>() : read_torch(o.torch_file, &notes);
  if (o.torch_file.empty()) notes += "PyTorch: no times were given (--torch)\n";
#if defined(TALUS_TEST_EMULATED)
  const std::unique_ptr<Cublas> cublas;
  notes += "cuBLAS: does not run on emulated devices\n";
#else
  const std::unique_ptr<Cublas> cublas = o.cublas ? Cublas::load(o.cublas_file, &why) : nullptr;
  notes += "cuBLAS: " + (cublas != nullptr ? "version " + cublas->version() : o.cublas ? why : "left out") + "\n";
#endif
  const CacheFlush flush(o.small);
  const Peaks peaks = measure_peaks(flush, o.small);
  print_device(flush, peaks);
  std::printf("%s\n", notes.c_str());
  print_head();
  for (const Case& c : cases) {
    const Problem problem = c.make();
    const OnDevice device(problem);
    const Runner run(c, problem, device.at());
    Measured m = {&c, problem.unit, problem.work, 0, 0, 0};
    m.seconds = median_seconds(std::cref(run), flush, c.caches, o.small);
    if (cublas != nullptr && c.product.batch > 0)
      m.cublas_seconds = median_seconds([&] { cublas->multiply(c.product, device.at()); }, flush, c.caches, o.small);
    const auto found = torch.find(c.torch);
    if (found != torch.end()) m.torch_seconds = found->second;
    print_row(m, peaks, !o.small && has_targets(talus::cuda::properties(0).name));
  }
}

int run(const Options& o) {
  const std::vector<Case> cases = selected(o);
  if (cases.empty()) {
    std::fprintf(stderr, "no row has any of these names\n");
    return 2;
  }
  if (o.list) {
    std::set<std::string> works;
    for (const Case& c : cases)
      if (!c.torch.empty() && works.insert(c.torch).second) std::printf("%s\n", c.torch.c_str());
    return 0;
  }
  if (talus::cuda::device_count() == 0) {
    try {
      talus::cuda::properties(0);
    } catch (const std::exception& why) {
      std::printf("no CUDA device: %s\n", why.what());
    }
    return 77;
  }
  talus::cuda::use_device(0);
  if (o.check) return check_all(cases);
  time_all(cases, o);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) return 2;
  try {
    return run(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_cuda: %s\n", e.what());
    return 1;
  }
}
