// The emulator finds what is planted: in every program deadlocks and host code that touches device memory, in checked
// ones (test_emulator_faults_checked) also what single accesses do wrong.
#include <sys/wait.h>
#include <unistd.h>

#include "emulator_launches.h"

namespace {

__global__ void touch(int* x, int at) { x[at] = 1; }
__global__ void look(const int* x, int at, int* out) { *out = x[at]; }
__global__ void touch_shared(int at) {
  CUDA_SHARED(int[8], first);
  CUDA_SHARED(int[8], second);
  second[0] = 0;
  first[at] = 1;
}
__global__ void read_unwritten_shared(int* out) {
  CUDA_SHARED(int[32], row);
  if (threadIdx.x < 31) row[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = row[threadIdx.x];
}
__global__ void neighbours(int* x, bool barrier) {
  x[threadIdx.x] = 1;
  if (barrier) __syncthreads();
  x[threadIdx.x + blockDim.x] = x[(threadIdx.x + 32) % blockDim.x];
}
__global__ void all_write_one(int* x) { *x = static_cast<int>(blockIdx.x); }
__global__ void write_after_reads(int* x) {
  x[1 + threadIdx.x] = x[0];
  if (threadIdx.x == 40) x[0] = 1;
}
__global__ void leave_before_barrier() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}
__global__ void divergent_warp() {
  if (threadIdx.x < 16)
    __syncwarp();
  else
    __syncwarp(0xffff0000u);
}
__global__ void missing_lane() {
  if (threadIdx.x != 5) __syncwarp();
}
__global__ void outside_own_mask() { __syncwarp(1u); }
__global__ void reads_other_group(int* out) {
  if (threadIdx.x < 4) out[threadIdx.x] = __shfl_sync(0xfu, 1, 9);
}
__global__ void misaligned(char* x) { *reinterpret_cast<int*>(x + 2) = 1; }

}  // namespace

TEST(host_code_may_not_touch_device_memory) {
  Array<int> x(counted(4));
  int ends[2];
  CHECK(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const volatile int* at = x.at;
    _exit(at[1]);
  }
  close(ends[1]);
  char text[256] = {};
  CHECK(read(ends[0], text, sizeof text - 1) > 0);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 97);
  CHECK(std::strstr(text, "host code touched device memory") != nullptr);
}

TEST(deadlocks_are_explained) {
  for_each_seed([] {
    finds("waits at __syncthreads, which thread (3,0,0) never reached", leave_before_barrier, 2, 64);
    finds("warp operation", divergent_warp, 1, 32);
    finds("for the lanes 0xffffffff, of which only 0xffffffdf came", missing_lane, 1, 32);
    finds("not in the mask of its own", outside_own_mask, 1, 32);
    // The device goes on afterwards.
    Array<int> x(counted(4));
    OK(run(touch, 1, 1, x.at, 3));
    finds("reads lane 9, which its mask leaves out", reads_other_group, 1, 32, x.at);
  });
}

// Another order of threads computes something else, even where single accesses are not watched.
TEST(a_missing_barrier_shows_in_some_order) {
  if (checking()) return;
  bool wrong = false;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    emulator::set_seed(seed);
    Array<int> x(counted(64));
    OK(run(reverse<64, false>, 1, 64, x.at));
    const std::vector<int> values = x.values();
    for (int i = 0; i < 64; ++i) wrong |= values[size_t(i)] != 63 - i;
  }
  emulator::set_seed(0);
  CHECK(wrong);
}

TEST(accesses_out_of_bounds) {
  if (!checking()) return;
  Array<int> x(counted(4)), y(counted(4));
  finds("out of bounds: write of 4 bytes of device memory", touch, 1, 1, x.at, 4);
  finds("out of bounds: write", touch, 1, 1, x.at, -1);
  finds("out of bounds: read", look, 1, 1, x.at, 60, y.at);
  finds("out of bounds: write of 4 bytes of shared memory", touch_shared, 1, 1, 8);
  finds("misaligned", misaligned, 1, 1, reinterpret_cast<char*>(x.at));
  int* freed = nullptr;
  OK(cudaMalloc(reinterpret_cast<void**>(&freed), 64));
  OK(cudaFree(freed));
  finds("out of bounds: write", touch, 1, 1, freed, 0);
  std::vector<int> host(4);
  finds("host memory is not for kernels", touch, 1, 1, host.data(), 0);
  // Parts of a block, as an allocator hands them out.
  emulator::forbid(x.at, 16);
  emulator::permit(x.at, 8);
  OK(run(touch, 1, 1, x.at, 1));
  finds("out of bounds", touch, 1, 1, x.at, 2);
}

TEST(memory_that_was_never_written) {
  if (!checking()) return;
  Array<int> x(size_t{32}), y(counted(4));
  finds("uninitialised: read of 4 bytes of device memory", look, 1, 1, x.at, 1, y.at);
  finds("uninitialised: read of 4 bytes of shared memory", read_unwritten_shared, 1, 32, x.at);
  OK(run(read_unwritten_shared, 1, 31, x.at));
}

TEST(races_within_a_block) {
  if (!checking()) return;
  for_each_seed([] {
    Array<int> x(counted(128));
    finds("race", reverse<64, false>, 1, 64, x.at);
    OK(run(reverse<64, true>, 1, 64, x.at));
    finds("race", neighbours, 1, 64, x.at, false);
    OK(run(neighbours, 1, 64, x.at, true));
    finds("race", exchange_in_warp<false>, 1, 64, x.at);
    finds("race", write_after_reads, 1, 64, x.at);
  });
}

TEST(races_between_blocks) {
  if (!checking()) return;
  for_each_seed([] {
    Array<int> x(counted(1));
    finds("of block", all_write_one, 2, 1, x.at);
    OK(run(all_write_one, 1, 1, x.at));
  });
}
