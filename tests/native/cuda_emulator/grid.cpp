#include "grid.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <vector>

#include "cuda_runtime.h"
#include "emulator.h"
#include "fiber.h"
#include "shadow.h"
#include "tensor_core.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace emulator {

Running running;

namespace {

enum class State : uint8_t { Ready, AtBarrier, AtWarp, Done };

struct Thread {
  Fiber fiber;
  uint3 index = {0, 0, 0};
  State state = State::Done;
  uint64_t result = 0;
};

// Lanes that wait for each other.
struct Meeting {
  unsigned mask, arrived;
  WarpOp op;
  uint64_t values[kWarp];
  int arguments[kWarp], widths[kWarp];
};

struct Warp {
  uint16_t epoch = 0;
  std::vector<Meeting> meetings;
};

struct Variable {
  const void* key;
  size_t offset, bytes;
};

struct Block {
  std::vector<Thread*> threads;  // grow only
  unsigned count = 0, waiting = 0, done = 0;
  Barrier kind = Barrier::Plain;
  int counted = 0, result = 0;
  uint16_t barriers = 0;
  Warp warps[kMaxThreads / kWarp];
  std::vector<Variable> variables;
  size_t shared_end = 0, shared_bytes = 0, dynamic_bytes = 0;
};

// Shared memory with red zones between variables, hence twice the size.
alignas(128) char shared_storage[kSharedBytes * 2];
constexpr size_t kSharedGap = 64;

// Never destroyed, as other threads' kernels may outlive main.
Block& block = *new Block;
Thread* current = nullptr;
const Launch* launched = nullptr;
std::string finding;
bool stopped = false;
uint64_t seed = 0, random_state = 0;
uint32_t launches = 0;

uint64_t random_bits() {
  uint64_t bits = random_state += 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

template <class T>
void shuffle(std::vector<T>& items) {
  if (seed == 0) return;
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[choose(i)]);
}

void thread_body(void*) {
  launched->call->run();
  current->state = State::Done;
  ++block.done;
  current->fiber.finish();
}

void wait(State state) {
  current->state = state;
  Thread* const self = current;
  self->fiber.suspend();
}

unsigned number(const uint3& i) { return i.x + blockDim.x * (i.y + blockDim.y * i.z); }

void run_thread(unsigned t) {
  current = block.threads[t];
  threadIdx = current->index;
  running.thread = static_cast<uint16_t>(t);
  running.barrier = block.barriers;
  running.warp = block.warps[t / kWarp].epoch;
  running.in_kernel = true;
  current->fiber.resume();
  running.in_kernel = false;
}

std::string name(unsigned t) {
  const uint3& i = block.threads[t]->index;
  return "thread (" + std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z) + ")";
}

// All threads wait, or ended, and nobody can go on.
std::string explain_deadlock() {
  unsigned at_barrier = kMaxThreads, at_warp = kMaxThreads, ended = kMaxThreads;
  for (unsigned t = block.count; t-- > 0;) {
    const State state = block.threads[t]->state;
    (state == State::AtBarrier ? at_barrier : state == State::AtWarp ? at_warp : ended) = t;
  }
  if (at_warp < kMaxThreads) {
    const Meeting& meeting = block.warps[at_warp / kWarp].meetings.front();
    char masks[64];
    std::snprintf(masks, sizeof masks, "0x%08x, of which only 0x%08x came", meeting.mask, meeting.arrived);
    return "deadlock: " + name(at_warp) + " waits in a warp operation for the lanes " + masks;
  }
  return "deadlock: " + name(at_barrier) + " waits at __syncthreads, which " + name(ended) + " never reached";
}

void begin_block(unsigned number_in_grid) {
  const Launch& l = *launched;
  blockIdx = {number_in_grid % l.grid.x, number_in_grid / l.grid.x % l.grid.y, number_in_grid / l.grid.x / l.grid.y};
  running.block = number_in_grid;
  block.waiting = block.done = 0;
  block.counted = block.result = 0;
  block.barriers = 0;
  block.variables.clear();
  forget_copies();
  block.dynamic_bytes = l.dynamic_shared;
  block.shared_bytes = l.dynamic_shared;
  shadow_state(shared_storage, std::max(block.shared_end, l.dynamic_shared), ByteState::Forbidden);
  shadow_state(shared_storage, l.dynamic_shared, ByteState::Allocated);
  // What a block before left there is not what a kernel may rely on.
  std::memset(shared_storage, 0xA5, l.dynamic_shared);
  block.shared_end = (l.dynamic_shared + 127) / 128 * 128 + (l.dynamic_shared > 0 ? 128 : 0);
  for (unsigned w = 0; w * kWarp < block.count; ++w) {
    block.warps[w].epoch = 0;
    block.warps[w].meetings.clear();
  }
  for (unsigned t = 0; t < block.count; ++t) {
    Thread& thread = *block.threads[t];
    thread.index = {t % l.block.x, t / l.block.x % l.block.y, t / l.block.x / l.block.y};
    thread.state = State::Ready;
    thread.fiber.prepare(thread_body, nullptr);
  }
}

bool run_block(unsigned number_in_grid, std::vector<unsigned>& order) {
  begin_block(number_in_grid);
  while (block.done < block.count) {
    bool progress = false;
    shuffle(order);
    for (const unsigned t : order) {
      if (block.threads[t]->state != State::Ready) continue;
      progress = true;
      run_thread(t);
      if (stopped) return false;
    }
    if (progress) continue;
    finding = explain_deadlock();
    return false;
  }
  return true;
}

int chosen_lane(const Meeting& m, int lane) {
  const int width = m.widths[lane], argument = m.arguments[lane];
  const int first = lane / width * width, last = first + width - 1;
  switch (m.op) {
    case WarpOp::Index:
      return first + (argument & (width - 1));
    case WarpOp::Up:
      return lane - argument < first ? lane : lane - argument;
    case WarpOp::Down:
      return lane + argument > last ? lane : lane + argument;
    default:
      return (lane ^ argument) > last ? lane : lane ^ argument;
  }
}

void finish(const Meeting& m, unsigned warp) {
  if (m.op == WarpOp::Product) {
    if (m.mask != ~0u) stop_kernel("mma needs all 32 lanes of a warp");
    finish_product(m.values);
  }
  uint64_t ballot = 0;
  for (int lane = 0; lane < kWarp; ++lane)
    if ((m.mask >> lane & 1) != 0 && m.values[lane] != 0) ballot |= uint64_t{1} << lane;
  for (int lane = 0; lane < kWarp; ++lane) {
    if ((m.mask >> lane & 1) == 0) continue;
    Thread& thread = *block.threads[warp * kWarp + static_cast<unsigned>(lane)];
    thread.state = State::Ready;
    thread.result = ballot;
    if (m.op == WarpOp::Sync || m.op == WarpOp::Ballot || m.op == WarpOp::Product) continue;
    if (m.op == WarpOp::Match) {
      thread.result = 0;
      for (int other = 0; other < kWarp; ++other)
        if ((m.mask >> other & 1) != 0 && m.values[other] == m.values[lane]) thread.result |= uint64_t{1} << other;
      continue;
    }
    const int from = chosen_lane(m, lane);
    if ((m.mask >> from & 1) == 0) {
      std::string what = "a shuffle of lane " + std::to_string(lane) + " reads lane " + std::to_string(from) +
                         ", which its mask leaves out";
      stop_kernel(std::move(what));
    }
    thread.result = m.values[from];
  }
}

}  // namespace

void set_seed(uint64_t value) {
  seed = value;
  random_state = value;
}

const std::string& report() { return finding; }
const std::string& why() { return finding; }

uint64_t choose(uint64_t n) { return seed == 0 ? 0 : random_bits() % n; }

bool run_grid(const Launch& launch) {
  launched = &launch;
  finding.clear();
  stopped = false;
  gridDim = {launch.grid.x, launch.grid.y, launch.grid.z};
  blockDim = {launch.block.x, launch.block.y, launch.block.z};
  block.count = launch.block.x * launch.block.y * launch.block.z;
  while (block.threads.size() < block.count) block.threads.push_back(new Thread);
  running.launch = ++launches;
  running.device = launch.device;
  std::vector<unsigned> blocks(size_t{launch.grid.x} * launch.grid.y * launch.grid.z), threads(block.count);
  std::iota(blocks.begin(), blocks.end(), 0u);
  std::iota(threads.begin(), threads.end(), 0u);
  shuffle(blocks);
  for (const unsigned b : blocks)
    if (!run_block(b, threads)) return false;
  return true;
}

void stop_kernel(std::string&& what) {
  std::string().swap(finding);
  finding = std::move(what);
  stopped = true;
  running.in_kernel = false;
  current->fiber.suspend();
  std::abort();
}

int block_barrier(Barrier kind, int predicate) {
  if (block.waiting > 0 && block.kind != kind)
    stop_kernel("threads of one block wait at different kinds of __syncthreads at the same time");
  block.kind = kind;
  block.counted += predicate != 0;
  Thread* const self = current;
  if (++block.waiting < block.count) {
    wait(State::AtBarrier);
    return static_cast<int>(self->result);
  }
  const int all = static_cast<int>(block.count);
  const int result = kind == Barrier::Count ? block.counted
                     : kind == Barrier::And ? block.counted == all
                                            : kind == Barrier::Or && block.counted > 0;
  for (unsigned t = 0; t < block.count; ++t) {
    block.threads[t]->result = static_cast<uint64_t>(result);
    block.threads[t]->state = State::Ready;
  }
  block.waiting = 0;
  block.counted = 0;
  running.barrier = ++block.barriers;
  return result;
}

uint64_t warp_exchange(WarpOp op, unsigned mask, uint64_t value, int argument, int width) {
  const unsigned t = number(current->index), lane = t % kWarp;
  Warp& warp = block.warps[t / kWarp];
  const unsigned present = block.count - (t - lane) >= kWarp ? ~0u : (1u << (block.count - (t - lane))) - 1;
  if ((mask >> lane & 1) == 0) {
    std::string what = "lane " + std::to_string(lane) + " is not in the mask of its own warp operation";
    stop_kernel(std::move(what));
  }
  // A full mask means all lanes there are: blocks need not fill their last warp.
  if (mask == ~0u) mask = present;
  auto meeting = std::find_if(warp.meetings.begin(), warp.meetings.end(),
                              [&](const Meeting& m) { return (m.arrived >> lane & 1) == 0 && (m.mask & mask) != 0; });
  if (meeting != warp.meetings.end() && (meeting->mask != mask || meeting->op != op)) {
    // Disjoint groups may meet apart; lanes that expect each other must do the same.
    if ((meeting->mask >> lane & 1) != 0 || (meeting->arrived & mask) != 0) {
      std::string what = "divergent warp operation: lane " + std::to_string(lane) +
                         " does not do what the other lanes of its mask wait for";
      stop_kernel(std::move(what));
    }
    meeting = warp.meetings.end();
  }
  if (meeting == warp.meetings.end()) {
    warp.meetings.push_back({mask, 0, op, {}, {}, {}});
    meeting = warp.meetings.end() - 1;
  }
  meeting->values[lane] = value;
  meeting->arguments[lane] = argument;
  meeting->widths[lane] = width;
  meeting->arrived |= 1u << lane;
  Thread* const self = current;
  if (meeting->arrived != mask) {
    wait(State::AtWarp);
    return self->result;
  }
  const Meeting complete = *meeting;
  warp.meetings.erase(meeting);
  // A product exchanges registers: it orders no accesses of memory.
  if (op != WarpOp::Product) running.warp = ++warp.epoch;
  finish(complete, t / kWarp);
  return self->result;
}

void* shared_variable(const void* key, size_t bytes, size_t alignment) {
  for (const Variable& variable : block.variables)
    if (variable.key == key) return shared_storage + variable.offset;
  const size_t step = std::max<size_t>(alignment, 16);
  const size_t offset = (block.shared_end + step - 1) / step * step;
  block.shared_bytes += bytes;
  if (block.shared_bytes > kSharedBytes || offset + bytes > sizeof shared_storage) {
    std::string what = "the block's shared variables need " + std::to_string(block.shared_bytes) + " bytes, at most " +
                       std::to_string(kSharedBytes) + " are there";
    stop_kernel(std::move(what));
  }
  if (block.shared_bytes - block.dynamic_bytes > kDefaultSharedBytes)
    stop_kernel("a kernel's static shared variables need more than 48 KB; use dynamic shared memory");
  block.variables.push_back({key, offset, bytes});
  block.shared_end = offset + bytes + kSharedGap;
  std::memset(shared_storage + offset, 0xA5, bytes);
  shadow_state(shared_storage + offset, bytes, ByteState::Allocated);
  return shared_storage + offset;
}

void* dynamic_shared() { return shared_storage; }
char* shared_memory() { return shared_storage; }
bool own_stack(const void* address) { return current->fiber.owns(address); }

bool is_parameter(const void* address) {
  const char* const begin = reinterpret_cast<const char*>(launched->call);
  return address >= begin && address < begin + launched->call->bytes();
}

}  // namespace emulator
