// Runs the blocks of a grid one after another, the threads of a block in turns that end at barriers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

constexpr int kWarp = 32;
constexpr unsigned kMaxThreads = 1024;
constexpr size_t kSharedBytes = size_t{227} << 10;
// What a block gets without cudaFuncSetAttribute.
constexpr size_t kDefaultSharedBytes = size_t{48} << 10;

struct Index3 {
  unsigned x, y, z;
};

// A kernel with its arguments.
class KernelCall {
 public:
  virtual ~KernelCall() = default;
  virtual void run() const = 0;
  // The object's bytes, which a kernel may read as it reads its parameters.
  virtual size_t bytes() const = 0;
};

struct Launch {
  Index3 grid, block;
  size_t dynamic_shared;
  int device;
  const KernelCall* call;
};

// False if the kernel did something wrong; why() tells what. Blocks that had not run yet then never do.
bool run_grid(const Launch& launch);
const std::string& why();
// A number that changes with the seed, below n.
uint64_t choose(uint64_t n);

// ------------------------------------------------------------------------------ from within a thread of a kernel

// Ends the running kernel with a finding. The thread's stack is left as it is: only the finding itself may own memory.
[[noreturn]] void stop_kernel(std::string&& what);

enum class Barrier { Plain, Count, And, Or };
int block_barrier(Barrier kind, int predicate);

enum class WarpOp { Sync, Ballot, Index, Up, Down, Xor, Match, Product };
// What the lanes of `mask` do together: `value` of the lane that op and argument choose, or a ballot of values.
uint64_t warp_exchange(WarpOp op, unsigned mask, uint64_t value, int argument, int width);

// The block's variable of this key, its bytes undefined at first.
void* shared_variable(const void* key, size_t bytes, size_t alignment);
void* dynamic_shared();

// Who runs; for the checks of accesses.
struct Running {
  bool in_kernel = false;
  uint32_t launch = 0, block = 0;
  uint16_t thread = 0, barrier = 0, warp = 0;
  int device = 0;
};
extern Running running;
bool own_stack(const void* address);
bool is_parameter(const void* address);
char* shared_memory();

}  // namespace emulator
