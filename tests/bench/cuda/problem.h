// One kernel call of the benchmark: its operands, the call, and how much work it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "talus/talus.h"

namespace bench {

// Where the operands lie, by their number: on the device for CUDA's kernels, in host memory for the reference.
using Addresses = std::vector<void*>;
using Run = std::function<void(const Addresses&)>;

struct Operand {
  int dtype;
  int64_t n;
  double low, high;  // its values; integers stay below `high`
  bool read, written;
};

enum class Unit { Bytes, Flops };

class Problem {
 public:
  // These add an operand and return its number.
  int input(int64_t n, double low = -1, double high = 1) { return add({TALUS_FLOAT32, n, low, high, true, false}); }
  int output(int64_t n) { return add({TALUS_FLOAT32, n, 0, 0, false, true}); }
  int updated(int64_t n, double low = -1, double high = 1) { return add({TALUS_FLOAT32, n, low, high, true, true}); }
  int indices(int64_t n, int64_t below) { return add({TALUS_INT64, n, 0, static_cast<double>(below), true, false}); }
  int index_output(int64_t n) { return add({TALUS_INT64, n, 0, 0, false, true}); }
  int bytes(int64_t n, int below) { return add({TALUS_UINT8, n, 0, static_cast<double>(below), true, false}); }
  int byte_output(int64_t n) { return add({TALUS_UINT8, n, 0, 0, false, true}); }

  // `call(kernel, addresses)` calls the kernel, or the kernels of a struct: CUDA's and the reference's twin.
  template <class Kernel, class Call>
  void kernel(Kernel device, Kernel reference, Call call) {
    on_device = [device, call](const Addresses& at) { call(device, at); };
    oracle = [reference, call](const Addresses& at) { call(reference, at); };
  }

  // Each operand counts once for each way it must travel, whatever a kernel reads twice.
  void count_operands() {
    unit = Unit::Bytes;
    work = 0;
    for (const Operand& o : operands) work += static_cast<double>(o.n * item(o) * (int{o.read} + int{o.written}));
  }
  void count_flops(double flops) {
    unit = Unit::Flops;
    work = flops;
  }

  static int64_t item(const Operand& o) { return o.dtype == TALUS_UINT8 ? 1 : o.dtype == TALUS_INT64 ? 8 : 4; }

  std::vector<Operand> operands;
  Run on_device, oracle;
  // The calls of on_device, if any, that a graph must be told anew before each launch: steps of optimizers.
  Run renewed;
  Unit unit = Unit::Bytes;
  double work = 0;
  // What the check allows, of a value and of the root of the array's mean square.
  double tolerance = 2e-5;

 private:
  int add(const Operand& o) {
    operands.push_back(o);
    return static_cast<int>(operands.size()) - 1;
  }
};

// A problem's operands in device memory, with values that are the same in every run.
class OnDevice {
 public:
  explicit OnDevice(const Problem& problem);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  const Addresses& at() const { return at_; }
  // Operand number i, as doubles.
  std::vector<double> values(const Problem& problem, int i) const;

 private:
  Addresses at_;
};

// Runs the problem once on the device and once by the reference; what differs, or an empty string.
std::string difference(const Problem& problem);

}  // namespace bench
