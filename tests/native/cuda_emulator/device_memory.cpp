#include "device_memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "emulator.h"
#include "shadow.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace emulator {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;

struct sigaction previous_handler;

// Says what happened instead of a bare segmentation fault.
void explain_fault(int signal, siginfo_t* info, void* context) {
  if (device_of(info->si_addr) >= 0) {
    static const char text[] =
        "CUDA emulator: host code touched device memory outside any kernel or copy; use cudaMemcpyAsync\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(98);
    _exit(97);
  }
  if ((previous_handler.sa_flags & SA_SIGINFO) != 0)
    previous_handler.sa_sigaction(signal, info, context);
  else
    ::signal(SIGSEGV, SIG_DFL);
}

struct Arena {
  char* base = nullptr;  // kMaxDevices ranges of kDeviceBytes
  size_t touched[kMaxDevices] = {};
  size_t used[kMaxDevices] = {};
  size_t limit = kDeviceBytes;
  std::map<char*, size_t> blocks;  // live, with their sizes
  std::map<char*, size_t> holes;   // free, with their sizes, red zones included; neighbours are merged
  int open = 0;
  std::mutex mutex;

  Arena() {
    void* range =
        mmap(nullptr, kMaxDevices * kDeviceBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) {
      std::perror("CUDA emulator: cannot reserve addresses for device memory");
      std::abort();
    }
    base = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(range) + kHugePage - 1) / kHugePage * kHugePage);
    // The protection changes with every kernel: of few large pages that is fast. A system without them is only slower.
    madvise(base, kMaxDevices * kDeviceBytes, MADV_HUGEPAGE);
    for (int d = 0; d < kMaxDevices; ++d)
      holes[base + static_cast<size_t>(d) * kDeviceBytes + kRedZone] = kDeviceBytes - kRedZone;
    shadow_arena(base, kMaxDevices * kDeviceBytes);
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_sigaction = explain_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &previous_handler);
  }

  void protect(int how) {
    for (int d = 0; d < kMaxDevices; ++d)
      if (touched[d] > 0) mprotect(base + static_cast<size_t>(d) * kDeviceBytes, touched[d], how);
  }
};

// Never destroyed: the caches of other threads may still return blocks while the process ends.
Arena& arena() {
  static Arena& instance = *new Arena;
  return instance;
}

void poison([[maybe_unused]] void* at, [[maybe_unused]] size_t bytes, [[maybe_unused]] bool forbidden) {
#if defined(__SANITIZE_ADDRESS__)
  if (forbidden)
    __asan_poison_memory_region(at, bytes);
  else
    __asan_unpoison_memory_region(at, bytes);
#endif
}

size_t padded(size_t bytes) { return (bytes + kRedZone - 1) / kRedZone * kRedZone + kRedZone; }

}  // namespace

void permit(void* address, int64_t bytes) {
  poison(address, static_cast<size_t>(bytes), false);
  shadow_state(address, static_cast<size_t>(bytes), ByteState::Allocated);
}

void forbid(void* address, int64_t bytes) {
  poison(address, static_cast<size_t>(bytes), true);
  shadow_state(address, static_cast<size_t>(bytes), ByteState::Forbidden);
}

void set_device_memory(int64_t bytes) { arena().limit = bytes == 0 ? kDeviceBytes : static_cast<size_t>(bytes); }

void* device_allocate(int device, size_t bytes) {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  const size_t wanted = padded(bytes);
  if (a.used[device] + wanted > a.limit) return nullptr;
  char* const first = a.base + static_cast<size_t>(device) * kDeviceBytes;
  for (auto hole = a.holes.lower_bound(first); hole != a.holes.end() && hole->first < first + kDeviceBytes; ++hole) {
    if (hole->second < wanted) continue;
    char* const block = hole->first;
    const size_t rest = hole->second - wanted;
    a.holes.erase(hole);
    if (rest > 0) a.holes[block + wanted] = rest;
    a.blocks[block] = bytes;
    a.used[device] += wanted;
    const size_t end = (static_cast<size_t>(block - first) + wanted + kHugePage - 1) / kHugePage * kHugePage;
    if (end > a.touched[device]) {
      a.touched[device] = end;
      if (a.open > 0) a.protect(PROT_READ | PROT_WRITE);
    }
    forbid(block, static_cast<int64_t>(wanted));
    permit(block, static_cast<int64_t>(bytes));
    return block;
  }
  return nullptr;
}

bool device_release(void* address) {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  const auto block = a.blocks.find(static_cast<char*>(address));
  if (block == a.blocks.end()) return false;
  const int device = device_of(address);
  const char* const first = a.base + static_cast<size_t>(device) * kDeviceBytes;
  char* at = block->first;
  size_t bytes = padded(block->second);
  a.used[device] -= bytes;
  a.blocks.erase(block);
  forbid(at, static_cast<int64_t>(bytes));
  const auto next = a.holes.lower_bound(at);
  if (next != a.holes.begin()) {
    const auto before = std::prev(next);
    if (before->first >= first && before->first + before->second == at) {
      at = before->first;
      bytes += before->second;
    }
  }
  if (next != a.holes.end() && at + bytes == next->first && next->first < first + kDeviceBytes) {
    bytes += next->second;
    a.holes.erase(next);
  }
  a.holes[at] = bytes;
  return true;
}

int device_of(const void* address) {
  const auto offset = static_cast<size_t>(static_cast<const char*>(address) - arena().base);
  return offset < kMaxDevices * kDeviceBytes ? static_cast<int>(offset / kDeviceBytes) : -1;
}

size_t device_bytes_at(const void* address) {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  auto* const at = static_cast<char*>(const_cast<void*>(address));
  auto block = a.blocks.upper_bound(at);
  if (block == a.blocks.begin()) return 0;
  --block;
  const size_t offset = static_cast<size_t>(at - block->first);
  return offset < block->second ? block->second - offset : 0;
}

size_t device_bytes_used(int device) { return arena().used[device]; }
size_t device_bytes_total() { return arena().limit; }

DeviceAccess::DeviceAccess() {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  if (a.open++ == 0) a.protect(PROT_READ | PROT_WRITE);
}

DeviceAccess::~DeviceAccess() {
  Arena& a = arena();
  const std::lock_guard<std::mutex> lock(a.mutex);
  if (--a.open == 0) a.protect(PROT_NONE);
}

}  // namespace emulator
